package master

import (
	"os"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// What nobody goes on with is swept when it is old by the share's clock; what a person has put there never is.
func TestAbandonedUploadsAreSwept(t *testing.T) {
	m := leading(t, sharefs.OS)
	key := pipeline.UploadKey("film.mkv", "")
	upload := func() string { return pipeline.NewUpload(key, 9).Path() }
	old, young, linked, below, backedUp := upload(), upload(), upload(), upload(), upload()
	added := pipeline.AddedOf("abcdefghijklmnop")
	ages := map[string]time.Duration{
		old: pipeline.KeepUploads, young: pipeline.KeepUploads - time.Hour, linked: pipeline.DeadFor, below: pipeline.DeadFor,
		backedUp: pipeline.DeadFor, added: pipeline.KeepUploads,
		"inbox/.distenc-put-mine": 10 * pipeline.KeepUploads, "inbox/film.mkv": 10 * pipeline.KeepUploads,
	}
	for name := range ages {
		require.NoError(t, m.FS.Create(name, nil))
	}
	require.NoError(t, os.Link(m.FS.Path(linked), m.FS.Path("inbox/named.mkv")))
	require.NoError(t, m.FS.MkdirAll("inbox/show"))
	require.NoError(t, os.Link(m.FS.Path(below), m.FS.Path("inbox/show/named.mkv")))
	require.NoError(t, os.Link(m.FS.Path(backedUp), filepath.Join(t.TempDir(), "copy")))
	for name, age := range ages {
		at := time.Now().Add(-age - time.Minute)
		require.NoError(t, os.Chtimes(m.FS.Path(name), at, at))
	}
	m.sweepDead()
	names, err := m.FS.List(pipeline.Inbox)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{
		path.Base(young), path.Base(backedUp), ".distenc-put-mine", "film.mkv", "named.mkv", "show",
	}, names)
	probes, err := m.FS.List(pipeline.ProbeDir)
	require.NoError(t, err)
	require.Empty(t, probes)
}
