package encoder

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What ffmpeg 5.1 with x264 core 164 took at most (/usr/bin/time -v), reading H.264 made with --preset ultrafast. An
// estimate may be too high, since a source's decoder can need more than that one, but never much too low.
func TestMemoryIsWhatWasMeasured(t *testing.T) {
	for _, m := range []struct {
		width, height int
		format, x264  string
		threads       int
		frames        int
		megabytes     int64
	}{
		{640, 360, "yuv420p", "--preset ultrafast", 2, 150, 69},
		{1280, 720, "yuv420p", "--preset ultrafast", 2, 130, 93},
		{640, 360, "yuv420p", "--preset veryfast", 2, 150, 92},
		{1280, 720, "yuv420p", "--preset veryfast", 2, 130, 166},
		{640, 360, "yuv420p", "--preset medium", 2, 150, 121},
		{1280, 720, "yuv420p", "--preset medium", 2, 130, 270},
		{640, 360, "yuv420p", "--preset slow", 2, 150, 133},
		{1280, 720, "yuv420p", "--preset slow", 2, 130, 308},
		{640, 360, "yuv420p", "--preset veryslow", 2, 150, 177},
		{1280, 720, "yuv420p", "--preset veryslow", 2, 130, 485},
		{1920, 1080, "yuv420p", "--preset ultrafast", 2, 110, 130},
		{1920, 1080, "yuv420p", "--preset veryfast", 2, 110, 294},
		{1920, 1080, "yuv420p", "--preset medium", 2, 110, 497},
		{1920, 1080, "yuv420p", "--preset slow", 2, 110, 578},
		{1280, 720, "yuv420p", "--preset medium", 1, 130, 239},
		{1280, 720, "yuv420p", "--preset medium", 4, 130, 297},
		{1280, 720, "yuv420p", "--preset medium", 8, 130, 358},
		{1280, 720, "yuv420p", "--preset medium", 16, 130, 479},
		{1280, 720, "yuv420p", "--preset slow", 8, 130, 396},
		{1280, 720, "yuv420p", "--preset ultrafast", 8, 130, 150},
		{1280, 720, "yuv420p", "--preset ultrafast", 16, 130, 228},
		{1280, 720, "yuv420p", "--preset veryslow", 8, 130, 582},
		{1280, 720, "yuv420p10le", "--preset medium", 2, 130, 420},
		{1280, 720, "yuv444p", "--preset medium", 2, 130, 400},
		{1280, 720, "yuv420p10le", "--preset slow", 8, 130, 622},
		{1280, 720, "yuv420p", "--preset medium --rc-lookahead 100", 2, 130, 462},
		{1280, 720, "yuv420p", "--preset medium --ref 16", 2, 130, 332},
		{1280, 720, "yuv420p", "--preset medium --bframes 16", 2, 130, 494},
		{1280, 720, "yuv420p", "--preset medium --no-mbtree", 2, 130, 146},
		{1280, 720, "yuv420p", "--preset medium --sync-lookahead 0", 8, 130, 342},
		{1280, 720, "yuv420p", "--preset medium --me esa", 2, 130, 281},
		{1280, 720, "yuv420p", "--preset placebo", 2, 130, 794},
		{640, 360, "yuv420p", "--preset placebo", 4, 150, 306},
		{1920, 1080, "yuv420p", "--preset medium", 8, 110, 694},
		{1920, 1080, "yuv420p", "--preset slow", 4, 110, 645},
		{3840, 2160, "yuv420p", "--preset ultrafast", 2, 75, 285},
		{3840, 2160, "yuv420p", "--preset veryfast", 4, 75, 1089},
		{3840, 2160, "yuv420p", "--preset medium", 2, 75, 1648},
		{3840, 2160, "yuv420p", "--preset slow", 4, 75, 2179},
		{6000, 6000, "yuv420p", "--preset ultrafast", 2, 48, 982},
		{6000, 6000, "yuv420p", "--preset slow", 2, 48, 7052},
	} {
		x, err := parseX264(m.x264)
		require.NoError(t, err)
		pixels := float64(m.width * m.height)
		fixed, thread := x.Memory(Pictures{Source: pixels, Out: pixels, Format: m.format, Frames: m.frames})
		guess := (fixed + int64(m.threads)*thread) / 1e6
		require.Greater(t, guess*100+4000, m.megabytes*97, "%+v", m)
		require.Less(t, guess*100, m.megabytes*180+3000, "%+v", m)
		t.Logf("%4dx%4d %s %s, %d threads: %d MB, estimated %d", m.width, m.height, m.format, m.x264, m.threads, m.megabytes,
			guess)
	}
}
