// Package films holds films as people have them that were refused or failed once. Each is encoded by the real command,
// and ffprobe and mkvmerge judge what came out: the program's own verification is not asked.
package films

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var distenc string // the program, built once

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "films")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	distenc = filepath.Join(dir, "distenc")
	if out, err := exec.Command("go", "build", "-o", distenc, "../../cmd/distenc").CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// tool runs a program and returns what it prints.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %q\n%s", name, args, out)
	return string(out)
}

// ffmpeg makes a film; the words of args are options, and the rest are arguments as they are.
func ffmpeg(t *testing.T, args string, more ...string) {
	t.Helper()
	tool(t, "ffmpeg", slices.Concat([]string{"-nostdin", "-v", "error", "-y"}, strings.Fields(args), more)...)
}

// encoded encodes a film to a file beside it, and returns its path and all that the program and its report say.
func encoded(t *testing.T, source string, options ...string) (output, said string) {
	t.Helper()
	output = source + ".out.mkv"
	said, code := encode(t, source, output, options...)
	require.Zero(t, code, said)
	require.NotContains(t, said, "is left alone")
	film := 0 // its frames: a still picture may stand in front of it
	for _, s := range streams(t, output) {
		if n, _ := strconv.Atoi(s.Packets); s.Type == "video" {
			film = max(film, n)
		}
	}
	require.Contains(t, said, fmt.Sprintf(", %d frames, ", film))
	return output, said
}

func encode(t *testing.T, source, output string, options ...string) (said string, code int) {
	t.Helper()
	args := append([]string{"encode", source, "-o", output}, options...)
	cmd := exec.CommandContext(t.Context(), distenc, append(args, "--", "--preset", "ultrafast", "--crf", "30")...)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// stream is what ffprobe says of one.
type stream struct {
	Type     string `json:"codec_type"`
	Codec    string `json:"codec_name"`
	Tag      string `json:"codec_tag_string"`
	Width    int
	Packets  string `json:"nb_read_packets"`
	Start    string `json:"start_time"`
	Transfer string `json:"color_transfer"`
}

func streams(t *testing.T, file string) []stream {
	t.Helper()
	var probe struct{ Streams []stream }
	out := tool(t, "ffprobe", "-v", "error", "-count_packets", "-show_streams", "-of", "json", file)
	require.NoError(t, json.Unmarshal([]byte(out), &probe))
	return probe.Streams
}

// frames decodes the film and counts its pictures.
func frames(t *testing.T, file string) int {
	t.Helper()
	out := tool(t, "ffmpeg", "-v", "error", "-i", file, "-map", "0:V:0", "-fps_mode", "passthrough", "-f", "framecrc", "-")
	return strings.Count(out, "\n0,")
}
