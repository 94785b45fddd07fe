package films

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// film is a place where a source is made, encoded by the program, and looked at by other programs.
type film struct {
	t   *testing.T
	dir string
}

func newFilm(t *testing.T) *film { return &film{t, t.TempDir()} }

func (f *film) path(name string) string { return filepath.Join(f.dir, name) }

// run runs a tool in the film's folder and returns what it prints.
func (f *film) run(tool string, args ...string) string {
	f.t.Helper()
	cmd := exec.Command(tool, args...)
	cmd.Dir = f.dir
	out, err := cmd.CombinedOutput()
	require.NoError(f.t, err, "%s %q\n%s", tool, args, out)
	return string(out)
}

func (f *film) ffmpeg(args ...string) {
	f.t.Helper()
	f.run("ffmpeg", append([]string{"-nostdin", "-v", "error", "-y"}, args...)...)
}

// pictures makes 2 s of video, 50 frames; more are options of its encode.
func (f *film) pictures(name string, more ...string) string {
	f.t.Helper()
	f.ffmpeg(append(append([]string{"-f", "lavfi", "-i", "testsrc2=s=128x72:r=25:d=2", "-c:v", "libx264", "-preset",
		"ultrafast", "-bf", "2", "-g", "25"}, more...), name)...)
	return name
}

// encode encodes a source and returns the output's name.
func (f *film) encode(source, output string) string {
	f.t.Helper()
	said, code := encode(f.t, f.path(source), f.path(output))
	require.Zero(f.t, code, said)
	return output
}

// refused encodes a source that is refused before anything is encoded.
func (f *film) refused(source, output string) string {
	f.t.Helper()
	said, code := encode(f.t, f.path(source), f.path(output))
	require.Equal(f.t, 3, code, said)
	require.NotContains(f.t, said, "encoding, ")
	require.NoFileExists(f.t, f.path(output))
	return said
}

// probe asks ffprobe for entries, one a line.
func (f *film) probe(file, stream, entries string, options ...string) []string {
	f.t.Helper()
	args := append([]string{"-v", "error", "-show_entries", entries, "-of", "default=nk=1:nw=1"}, options...)
	if stream != "" {
		args = append(args, "-select_streams", stream)
	}
	return strings.Fields(f.run("ffprobe", append(args, file)...))
}
