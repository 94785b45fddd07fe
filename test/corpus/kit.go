package corpus

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kit is the workbench of one recipe. The first error sticks and makes all later steps do nothing, so
// that a recipe reads as a list of steps.
type kit struct {
	dir string
	err error
}

func (k *kit) path(name string) string { return filepath.Join(k.dir, name) }

func (k *kit) run(tool string, args ...string) {
	if k.err != nil {
		return
	}
	cmd := exec.Command(tool, args...)
	// In the plain C locale mkvmerge takes a name that is not ASCII for another one.
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		k.err = fmt.Errorf("%s %q: %w\n%s", tool, args, err, tail(out, 2000))
	}
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

func (k *kit) ffmpeg(args ...string) {
	k.run("ffmpeg", append([]string{"-hide_banner", "-nostdin", "-v", "error", "-y"}, args...)...)
}

// mkvmerge writes the same bytes on every run: without a fixed seed, UIDs and the date differ.
func (k *kit) mkvmerge(out string, args ...string) {
	k.run("mkvmerge", append([]string{"--quiet", "--deterministic", "1", "--output", out}, args...)...)
}

func (k *kit) file(name string, data []byte) string {
	path := k.path(name)
	if k.err == nil {
		k.err = os.WriteFile(path, data, 0o644)
	}
	return path
}

// read returns a file of the bench, for recipes that spoil it.
func (k *kit) read(path string) []byte {
	if k.err != nil {
		return nil
	}
	var data []byte
	data, k.err = os.ReadFile(path)
	return data
}

// noise returns n bytes that look like nothing, the same ones for the same seed.
func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 0))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// picture describes the moving pictures of a source. The zero value of a field means its default.
type picture struct {
	seconds float64 // 6
	rate    string  // 24000/1001
	size    string  // 320x180
	format  string  // yuv420p
	seed    int
	filters string // applied last, after the barcode
}

// cells and cell are the barcode's geometry: 14 bits number 16384 frames, more than any source has.
const (
	cells = 14
	cell  = 16
)

// graph is a lavfi graph: scenes as different as can be, cut hard into one another every second or
// two (encoders put keyframes there), with the barcode on top.
func (p picture) graph() string {
	p = p.withDefaults()
	scenes := []string{
		"testsrc2=s=%[1]s:r=%[2]s:d=1.3",
		"gradients=s=%[1]s:r=%[2]s:d=0.7:seed=%[3]d:speed=0.02:c0=0x204080:c1=0xe0a020,noise=alls=12:allf=t",
		"mandelbrot=s=%[1]s:r=%[2]s:start_scale=0.%[3]d:end_pts=400,trim=duration=1.1",
		"color=c=0x406080:s=%[1]s:r=%[2]s:d=0.9,noise=alls=25:allf=t+u:all_seed=%[3]d",
	}
	var g, labels strings.Builder
	count := 0
	for t := 0.0; t < p.seconds; t += 0.7 { // the shortest scene: a few too many, trimmed below
		fmt.Fprintf(&g, scenes[(count+p.seed)%len(scenes)]+",format=yuv444p,setsar=1,settb=1/90000[s%[4]d];", p.size, p.rate,
			count+p.seed+1, count)
		fmt.Fprintf(&labels, "[s%d]", count)
		count++
	}
	fmt.Fprintf(&g, "%sconcat=n=%d:v=1,fps=%s,trim=duration=%g,setpts=PTS-STARTPTS,%s,format=%s",
		labels.String(), count, p.rate, p.seconds, barcode(), p.format)
	if p.filters != "" {
		g.WriteString("," + p.filters)
	}
	return g.String() + "[out0]"
}

func (p picture) withDefaults() picture {
	if p.seconds == 0 {
		p.seconds = 6
	}
	if p.rate == "" {
		p.rate = "24000/1001"
	}
	if p.size == "" {
		p.size = "320x180"
	}
	if p.format == "" {
		p.format = "yuv420p"
	}
	return p
}

func barcode() string {
	boxes := []string{fmt.Sprintf("drawbox=w=%d:h=%d:color=black:t=fill", cells*cell, cell)}
	for bit := range cells {
		boxes = append(boxes, fmt.Sprintf(`drawbox=x=%d:w=%d:h=%d:color=white:t=fill:enable='bitand(n\,%d)'`, bit*cell, cell,
			cell, 1<<bit))
	}
	return strings.Join(boxes, ",")
}

// video encodes the picture to out; x264 is what most sources are encoded with.
func (k *kit) video(out string, p picture, options ...string) {
	args := append([]string{"-f", "lavfi", "-i", p.graph(), "-map", "0:v"}, options...)
	k.ffmpeg(append(args, "-fflags", "+bitexact", "-flags:v", "+bitexact", out)...)
}

// videoAudio is video with a sine tone as its second stream.
func (k *kit) videoAudio(out string, p picture, codec string, options ...string) {
	tone := fmt.Sprintf("sine=f=440:r=48000:d=%g", p.withDefaults().seconds)
	args := append([]string{"-f", "lavfi", "-i", p.graph(), "-f", "lavfi", "-i", tone, "-map", "0:v", "-map", "1:a",
		"-c:a", codec}, options...)
	k.ffmpeg(append(args, "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", out)...)
}

// x264 gives the options of a fast H.264 encode with the given x264 parameters.
func x264(params string) []string {
	return []string{"-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", "2", "-x264-params", params}
}

// x265 does the same for HEVC.
func x265(params string) []string {
	return []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:pools=2:" + params}
}
