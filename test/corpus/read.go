package corpus

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Barcodes decodes the file's first video stream and returns the number that each frame carries, in
// the order they are shown.
func Barcodes(t testing.TB, file string) []int {
	t.Helper()
	raw := decode(t, file, "-vf", fmt.Sprintf("crop=%d:%d:0:0,format=gray", cells*cell, cell), "-f", "rawvideo")
	const frame = cells * cell * cell
	if len(raw)%frame != 0 {
		t.Fatalf("%s: %d bytes are no whole number of barcodes", file, len(raw))
	}
	numbers := make([]int, 0, len(raw)/frame)
	for ; len(raw) > 0; raw = raw[frame:] {
		numbers = append(numbers, readBarcode(raw[:frame]))
	}
	return numbers
}

// readBarcode looks at the middle of each cell, where ringing and blocking do not reach.
func readBarcode(gray []byte) int {
	number := 0
	for bit := range cells {
		if gray[cell/2*cells*cell+bit*cell+cell/2] > 128 {
			number |= 1 << bit
		}
	}
	return number
}

// Time is an exact time in seconds, a reduced fraction: equal times are equal values, whatever time
// bases they were written in.
type Time struct{ Num, Den int64 }

// Before tells whether t is earlier than u.
func (t Time) Before(u Time) bool { return t.Num*u.Den < u.Num*t.Den }

func (t Time) String() string { return fmt.Sprintf("%d/%d", t.Num, t.Den) }

func newTime(num, den int64) Time {
	a, b := max(num, -num), den
	for b != 0 {
		a, b = b, a%b
	}
	return Time{num / a, den / a}
}

// PTS decodes the file's first video stream and returns each frame's timestamp, exactly, in the order
// they are shown. What an edit list hides is not there.
func PTS(t testing.TB, file string) []Time {
	t.Helper()
	// The hash muxers write the stream's time base and every timestamp in it; murmur3 is their cheapest.
	text := decode(t, file, "-enc_time_base", timeBase(t, file), "-f", "framehash", "-hash", "murmur3")
	var num, den int64
	var times []Time
	for line := range strings.Lines(string(text)) {
		if base, ok := strings.CutPrefix(line, "#tb 0: "); ok {
			if _, err := fmt.Sscanf(base, "%d/%d", &num, &den); err != nil {
				t.Fatalf("%s: cannot read time base %q: %v", file, base, err)
			}
			continue
		}
		fields := strings.Split(line, ",") // stream, dts, pts, duration, size, hash
		if strings.HasPrefix(line, "#") || len(fields) < 6 {
			continue
		}
		ticks, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		if err != nil {
			t.Fatalf("%s: cannot read timestamp in %q: %v", file, line, err)
		}
		times = append(times, newTime(ticks*num, den))
	}
	return times
}

// timeBase is that of the first video stream, as ffmpeg's options take it. Versions differ in how they spell "the
// input's".
func timeBase(t testing.TB, file string) string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=time_base",
		"-of", "csv=p=0", "-i", file).Output()
	if err != nil {
		t.Fatalf("cannot probe %q: %v", file, err)
	}
	base, _, _ := strings.Cut(string(out), "\n") // a transport stream's is told once more with its program
	return strings.ReplaceAll(strings.TrimRight(base, ",\r"), "/", ":")
}

// decode runs the file's first video stream through ffmpeg, every frame once, and returns the output.
func decode(t testing.TB, file string, output ...string) []byte {
	t.Helper()
	abs, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-v", "error", "-nostdin", "-noautorotate", "-copyts", "-i", "file:" + abs, "-map", "0:v:0",
		"-fps_mode", "passthrough"}, output...)
	cmd := exec.Command("ffmpeg", append(args, "-")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot decode %q: %v\n%s", file, err, tail(stderr.Bytes(), 2000))
	}
	return out
}
