package encoder

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What ffmpeg took at most (/usr/bin/time -v), reading H.264 made with --preset ultrafast: 5.1 with SVT-AV1 1.4.1, or
// 9.0.2 with 4.2 where that takes more.
func TestSVTMemoryIsWhatWasMeasured(t *testing.T) {
	for _, m := range []struct {
		width, height int
		format, svt   string
		threads       int
		megabytes     int64
	}{
		{640, 360, "yuv420p", "--preset 12", 1, 120},
		{640, 360, "yuv420p", "--preset 8", 1, 138},
		{640, 360, "yuv420p", "--preset 5", 1, 143},
		{640, 360, "yuv420p", "--preset 2", 1, 174},
		{640, 360, "yuv420p", "--preset 8", 3, 203},
		{640, 360, "yuv420p", "--preset 8", 6, 239},
		{640, 360, "yuv420p", "--preset 8", 24, 321},
		{1280, 720, "yuv420p", "--preset 12", 1, 216},
		{1280, 720, "yuv420p", "--preset 10", 1, 240},
		{1280, 720, "yuv420p", "--preset 8", 1, 346},
		{1280, 720, "yuv420p", "--preset 5", 1, 355},
		{1280, 720, "yuv420p", "--preset 8", 2, 444},
		{1280, 720, "yuv420p", "--preset 8", 3, 514},
		{1280, 720, "yuv420p", "--preset 8", 6, 579},
		{1280, 720, "yuv420p", "--preset 8", 12, 676},
		{1280, 720, "yuv420p", "--preset 8", 24, 879},
		{1280, 720, "yuv420p", "--preset 12", 3, 328},
		{1280, 720, "yuv420p", "--preset 5", 3, 584},
		{1280, 720, "yuv420p", "--preset 5", 6, 674},
		{1280, 720, "yuv420p", "--preset 8 --lookahead 120", 1, 347},
		{1280, 720, "yuv420p", "--preset 8 --film-grain 8", 1, 351},
		{1280, 720, "yuv420p", "--preset 8 --enable-overlays 1", 1, 422},
		{1280, 720, "yuv420p10le", "--preset 8", 1, 425},
		{1280, 720, "yuv420p10le", "--preset 5", 6, 980},
		{1920, 1080, "yuv420p", "--preset 12", 1, 377},
		{1920, 1080, "yuv420p", "--preset 8", 1, 434},
		{1920, 1080, "yuv420p", "--preset 5", 1, 700},
		{1920, 1080, "yuv420p", "--preset 8", 3, 682},
		{1920, 1080, "yuv420p", "--preset 8", 6, 800},
		{1920, 1080, "yuv420p", "--preset 8", 24, 1138},
		{1920, 1080, "yuv420p", "--preset 5", 3, 1094},
		{1920, 1080, "yuv420p10le", "--preset 8", 6, 1102},
		{3840, 2160, "yuv420p", "--preset 12", 1, 1356},
		{3840, 2160, "yuv420p", "--preset 8", 1, 1461},
		{3840, 2160, "yuv420p", "--preset 5", 1, 2423},
		{3840, 2160, "yuv420p", "--preset 8", 2, 1802},
		{3840, 2160, "yuv420p", "--preset 8", 3, 2272},
		{3840, 2160, "yuv420p", "--preset 8", 6, 2610},
		{3840, 2160, "yuv420p", "--preset 8", 12, 2981},
		{3840, 2160, "yuv420p10le", "--preset 8", 1, 1920},
	} {
		x, err := parseSVT(m.svt)
		require.NoError(t, err)
		pixels := float64(m.width * m.height)
		fixed, thread := x.Memory(Pictures{Source: pixels, Out: pixels, Format: m.format, Frames: 110})
		guess := (fixed + int64(m.threads)*thread) / 1e6
		require.Greater(t, guess*100+4000, m.megabytes*97, "%+v: %d", m, guess)
		require.Less(t, guess*100, m.megabytes*180+3000, "%+v: %d", m, guess)
		t.Logf("%4dx%4d %s %s, %d threads: %d MB, estimated %d", m.width, m.height, m.format, m.svt, m.threads, m.megabytes,
			guess)
	}
}
