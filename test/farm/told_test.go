//go:build linux

package farm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// What people and programs are told of a file: where it was dropped, what it waits for, and where it lies when it was
// refused.
func TestPeopleAreToldWhichFileIsMeant(t *testing.T) {
	t.Parallel()
	f := newFarm(t, "[watch]\nsettle = \"1h\"\npoll = \"500ms\"\n[profiles.tablet]\ncontainer = \"mp4\"\n")
	hook := filepath.Join(t.TempDir(), "hook")
	machine := filepath.Join(t.TempDir(), "machine.toml")
	require.NoError(t, os.WriteFile(machine, []byte("[hooks]\nfailed = [\"/bin/sh\", \"-c\", \"cat > "+hook+".new; mv "+
		hook+".new "+hook+"\"]\n"), 0o644))
	film := corpus.Make(t, "two-frames.mkv")
	f.start("--config", machine, "master")
	f.drop(film, "waits.mkv")
	f.eventually("how long the file must stand still", func() bool {
		s := f.status()
		return len(s.Inbox) == 1 &&
			s.Inbox[0].Settles > 0
	})
	require.Regexp(t, `waits.mkv .* until it has stood still for (1h00m|59m\d\ds) more`, f.must("status"))

	same := tagged(t, film)
	name := filepath.Base(same)
	f.drop(same, name)
	f.drop(same, filepath.Join("tablet", name))
	f.eventually("two jobs", func() bool { return len(f.status().Jobs) == 2 })
	require.Contains(t, f.must("status"), "\n"+name+" (profile default)")
	require.Contains(t, f.must("status"), "\ntablet/"+name+" (profile tablet)")

	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "inbox/tablet/bad.mkv"), []byte("no film"), 0o644))
	f.must("add", filepath.Join(f.dir, "inbox/tablet/bad.mkv"))
	f.eventually("the hook", func() bool { _, err := os.Stat(hook); return err == nil })
	var j pipeline.JobStatus
	b, err := os.ReadFile(hook)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &j))
	require.Equal(t, []string{"bad.mkv", "tablet", "failed/bad.mkv/bad.mkv"}, []string{j.Name, j.Folder, j.Source})
	require.FileExists(t, filepath.Join(f.dir, j.Source))
	require.Contains(t, f.must("status"), "bad.mkv  from inbox/tablet/")
}

// Who waits for a film is not told that a master is missing while one is starting, and is told the end once.
func TestWhoWaitsIsToldNoNonsense(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	add := f.start("add", corpus.Make(t, "two-frames.mkv"), "--wait")
	f.eventually("it is added", func() bool { return len(f.status().Inbox) == 1 })
	f.start("run", "--slots", "1")
	<-add.ended
	require.Zero(t, add.ProcessState.ExitCode())
	said := add.log.String()
	require.NotContains(t, said, "No master was seen")
	require.NotContains(t, said, " 0.0 frames/s")
	require.Regexp(t,
		`two-frames.mkv: done in [0-9.a-z]+, 2 frames, [0-9.]+ frames/s on average; .* became .* \([0-9]+%\)\n`, said)
}
