package control

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/pipeline/upload"
)

// testFiles are those of a share on which there is little room.
func testFiles(share *sharefs.FS) *handin.Files {
	return &handin.Files{
		Share: share,
		Uploads: &upload.Store{
			Desk:    steer.Desk{Share: share, Settings: plain{}},
			MinFree: func() int64 { return 0 }, Free: func() (int64, error) { return 1000, nil },
		},
		Profiles: func() []string { return []string{"default", "tablet"} },
		Latest:   func() *status.Status { return &status.Status{} },
		Wishes: func(q url.Values) (steer.Wishes, error) {
			if len(q) > 0 {
				return steer.Wishes{}, errors.New("no such wish")
			}
			return steer.Wishes{}, nil
		},
	}
}

// furnish puts half a film, an output and a certificate on a share.
func furnish(t *testing.T, c *Control, share *sharefs.FS) {
	t.Helper()
	_, err := c.Files.Uploads.Receive(t.Context(), upload.Part{Path: "half.mkv", Total: 9}, strings.NewReader("film"))
	require.NoError(t, err)
	require.NoError(t, share.Create("outbox/film one.mkv", []byte("film")))
	require.NoError(t, share.Create(pipeline.JobFile(job, pipeline.CertificateName), []byte(`{"frames": 5}`)))
}
