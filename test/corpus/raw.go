package corpus

import (
	"fmt"
	"path/filepath"
	"testing"
)

// rawSize is how large the pictures of Raw are, and rawFrame how many bytes one of them has.
const (
	rawSize  = "432x240"
	rawFrame = 432 * 240 * 3 / 2
)

// Raw makes a source of at least that many bytes, 2.5 GB at most, in a folder of the test's own, and returns its path:
// pictures in YUV 4:2:0 as they are, in Matroska, 24000/1001 a second. It is large beside what it costs to encode, and
// no part of it is a hole.
func Raw(t testing.TB, bytes int64) string {
	t.Helper()
	frames := (bytes + rawFrame - 1) / rawFrame
	if frames > 1<<cells {
		t.Fatalf("a source has %d frames at most", 1<<cells)
	}
	k := &kit{dir: t.TempDir()}
	graph := fmt.Sprintf("testsrc2=s=%s:r=24000/1001,noise=alls=6:allf=t,%s,format=yuv420p[out0]", rawSize, barcode())
	k.ffmpeg("-f", "lavfi", "-i", graph, "-frames:v", fmt.Sprint(frames), "-c:v", "rawvideo", k.path("film.mkv"))
	if k.err != nil {
		t.Fatal(k.err)
	}
	return filepath.Join(k.dir, "film.mkv")
}
