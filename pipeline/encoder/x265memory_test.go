package encoder

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What ffmpeg 5.1 with x265 3.5 took at most (wait4(2), ru_maxrss), reading H.264 made with --preset ultrafast: enough
// frames to fill what is held back. An estimate may be too high, but never much too low.
func TestX265MemoryIsWhatWasMeasured(t *testing.T) {
	for _, m := range []struct {
		width, height int
		format, x265  string
		threads       int
		frames        int
		megabytes     int64
	}{
		{640, 360, "yuv420p", "--preset ultrafast", 2, 19, 105},
		{1280, 720, "yuv420p", "--preset ultrafast", 2, 19, 183},
		{1920, 1080, "yuv420p", "--preset ultrafast", 2, 19, 311},
		{640, 360, "yuv420p", "--preset superfast", 2, 24, 113},
		{640, 360, "yuv420p", "--preset veryfast", 2, 29, 127},
		{1280, 720, "yuv420p", "--preset veryfast", 2, 29, 237},
		{640, 360, "yuv420p", "--preset medium", 2, 34, 139},
		{1280, 720, "yuv420p", "--preset medium", 2, 34, 268},
		{1920, 1080, "yuv420p", "--preset medium", 2, 34, 470},
		{640, 360, "yuv420p", "--preset slow", 2, 39, 147},
		{1280, 720, "yuv420p", "--preset slow", 2, 39, 290},
		{640, 360, "yuv420p", "--preset slower", 2, 54, 185},
		{640, 360, "yuv420p", "--preset veryslow", 2, 54, 185},
		{1280, 720, "yuv420p", "--preset veryslow", 2, 54, 408},
		{1280, 720, "yuv420p", "--preset medium", 1, 34, 261},
		{1280, 720, "yuv420p", "--preset medium", 4, 34, 279},
		{1280, 720, "yuv420p", "--preset medium", 8, 34, 302},
		{1280, 720, "yuv420p", "--preset medium", 16, 34, 347},
		{1280, 720, "yuv420p", "--preset ultrafast", 8, 19, 213},
		{1920, 1080, "yuv420p", "--preset medium", 8, 34, 526},
		{1280, 720, "yuv420p10le", "--preset medium", 2, 34, 390},
		{1280, 720, "yuv420p12le", "--preset medium", 2, 34, 390},
		{1280, 720, "yuv422p", "--preset medium", 2, 34, 302},
		{1280, 720, "yuv444p", "--preset medium", 2, 34, 352},
		{1280, 720, "yuv420p", "--preset medium --rc-lookahead 100", 2, 100, 548},
		{1280, 720, "yuv420p", "--preset medium --ref 5", 2, 34, 277},
		{1280, 720, "yuv420p", "--preset medium --bframes 12", 2, 34, 318},
		{1280, 720, "yuv420p", "--preset medium --no-cutree", 2, 34, 266},
		{1280, 720, "yuv420p", "--preset medium --ctu 32", 2, 34, 253},
		{1280, 720, "yuv420p", "--preset medium --rd 5", 2, 34, 268},
		{640, 360, "yuv420p", "--preset placebo", 2, 74, 220},
		{1280, 720, "yuv420p", "--preset slow", 8, 39, 324},
		{3840, 2160, "yuv420p", "--preset ultrafast", 2, 19, 986},
		{3840, 2160, "yuv420p", "--preset veryfast", 4, 29, 1323},
		{3840, 2160, "yuv420p", "--preset medium", 2, 34, 1514},
	} {
		x, err := parseX265(m.x265)
		require.NoError(t, err)
		pixels := float64(m.width * m.height)
		fixed, thread := x.Memory(Pictures{Source: pixels, Out: pixels, Format: m.format, Frames: m.frames})
		guess := (fixed + int64(m.threads)*thread) / 1e6
		require.Greater(t, guess*100+4000, m.megabytes*100, "%+v", m)
		require.Less(t, guess*100, m.megabytes*130+1000, "%+v", m)
		t.Logf("| %d×%d | %s | `%s` | %d | %d | %d |", m.width, m.height, m.format, m.x265, m.threads, m.megabytes, guess)
	}
}
