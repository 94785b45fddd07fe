//go:build linux

package media_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// clip is a film for which starting programs takes longer than encoding.
var clip = film{640, 360, 8, 2}

// TestStart: what `distenc encode` takes beyond one whole ffmpeg with the same settings, and what of its CPU is not
// spent by encoders.
func TestStart(t *testing.T) {
	only(t)
	n, x264 := times(t, 5), contenders[0]
	source, dir := clip.path(t), t.TempDir()
	out := filepath.Join(dir, "out.mkv")
	anew := func() []string { return []string{"XDG_CACHE_HOME=" + t.TempDir()} }
	again := anew()
	sides := []side{
		{"the first on this machine", func() { encodeWith(t, binary, source, out, "veryfast", anew()...) }},
		{"later ones", func() { encodeWith(t, binary, source, out, "veryfast", again...) }},
	}
	if older != "" {
		sides = append(sides, side{"older distenc", func() { encodeWith(t, older, source, out, "veryfast") }})
	}
	sides[1].work()
	fmt.Printf("\n### %s by `distenc encode`, preset veryfast: more than one ffmpeg\n\n"+
		"| | wall | from, to | CPU | from, to | ffmpeg's wall | its CPU |\n| --- | --- | --- | --- | --- | --- | --- |\n", clip)
	var theirs []cost
	ours := make([][]cost, len(sides))
	for range n {
		theirs = append(theirs, measure(func() { x264.encodeWhole(t, source, out, "veryfast") }))
		for i, s := range sides {
			took := measure(s.work)
			ours[i] = append(ours[i], cost{took.wall - theirs[len(theirs)-1].wall, took.cpu - theirs[len(theirs)-1].cpu})
		}
	}
	for i, s := range sides {
		fmt.Printf("| %s | %s | %s | %.2f s | %.2f s |\n", s.name, spread(ours[i], wall), spread(ours[i], cpu),
			median(theirs, wall).Seconds(), median(theirs, cpu).Seconds())
	}
}

// TestStartLong: the same of a film at the fastest preset.
func TestStartLong(t *testing.T) {
	only(t)
	n, f := times(t, 5), film{1280, 720, 8, 100}
	source, out := f.path(t), filepath.Join(t.TempDir(), "out.mkv")
	programs := []string{binary}
	if older != "" {
		programs = append(programs, older)
	}
	parts, all := make([][]float64, len(programs)), make([][]cost, len(programs))
	for range n {
		for i, program := range programs {
			var encoders time.Duration
			took := measure(func() { encoders = encodeWith(t, program, source, out, "ultrafast") })
			all[i] = append(all[i], took)
			parts[i] = append(parts[i], 100*float64(took.cpu-encoders)/float64(took.cpu))
		}
	}
	fmt.Printf("\n### %s by `distenc encode`, preset ultrafast: CPU that is not the encoders'\n\n"+
		"| | of all | from, to | all CPU | wall |\n| --- | --- | --- | --- | --- |\n", f)
	for i, name := range []string{"now", "older distenc"}[:len(programs)] {
		slices.Sort(parts[i])
		fmt.Printf("| %s | %.1f%% | %.1f to %.1f | %.2f s | %.2f s |\n", name, parts[i][n/2], parts[i][0], parts[i][n-1],
			median(all[i], cpu).Seconds(), median(all[i], wall).Seconds())
	}
}

// side is one of those that are measured in turn.
type side struct {
	name string
	work func()
}

// spread is two columns of a table: the median, the least and the most.
func spread(costs []cost, of func(cost) time.Duration) string {
	byLength := func(a, b cost) int { return cmp.Compare(of(a), of(b)) }
	return fmt.Sprintf("%+.2f s | %+.2f to %+.2f", median(costs, of).Seconds(),
		of(slices.MinFunc(costs, byLength)).Seconds(), of(slices.MaxFunc(costs, byLength)).Seconds())
}

var childEnd = regexp.MustCompile(`msg=end program=ffmpeg pid=\d+ cpu=(\S+)`)

// encodeWith has a distenc encode a file, and returns the CPU that the encoders of its chunks took, as its log tells:
// they alone say how far they are, and no other ffmpeg takes as long as any of them.
func encodeWith(t *testing.T, program, source, out, preset string, env ...string) (encoders time.Duration) {
	t.Helper()
	_ = os.Remove(out)
	cmd := exec.Command(program, "encode", source, "-o", out, "--log-level", "debug", "--", "--preset", preset,
		"--profile", "high", "--crf", "20")
	cmd.Env = append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", text)
	var all []time.Duration
	for _, m := range childEnd.FindAllSubmatch(text, -1) {
		took, err := time.ParseDuration(string(m[1]))
		require.NoError(t, err)
		all = append(all, took)
	}
	slices.Sort(all)
	for _, took := range all[len(all)-bytes.Count(text, []byte(" -progress pipe:1 ")):] {
		encoders += took
	}
	return encoders
}
