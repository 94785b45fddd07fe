package corpus

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Film returns the absolute path of a source of that many seconds, made on first use: H.264 and AAC in
// Matroska, 24000/1001 frames a second, a keyframe about every second. It is for tests whose faults must
// hit the middle of a job. All tests on the machine share the file.
func Film(t testing.TB, seconds int) string {
	t.Helper()
	making.Lock()
	defer making.Unlock()
	dir, err := cacheDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fmt.Sprintf("film-%d.mkv", seconds))
	if _, err := os.Lstat(path); err == nil {
		return path
	}
	k := &kit{dir: t.TempDir()}
	out := k.path("film.mkv")
	k.videoAudio(out, picture{seconds: float64(seconds)}, "aac", x264("keyint=24:scenecut=0:bframes=3:open-gop=1")...)
	if k.err == nil {
		k.err = os.Rename(out, path)
	}
	if k.err != nil {
		t.Fatal(k.err)
	}
	return path
}
