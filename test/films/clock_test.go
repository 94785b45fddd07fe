package films

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Two recordings in one transport stream, the second of which says another time than is due: it comes right behind the
// first one, and its flashes are where its beeps are.
func TestClockThatJumps(t *testing.T) {
	for name, c := range map[string]struct {
		sound float64 // s of the first part, beside 4 s of pictures
		begin [2]int  // s at which the parts say they begin
		jump  string
	}{
		"back":             {4, [2]int{0, 0}, `back by 4\.[0-9]+ s`},
		"back, long sound": {4.3, [2]int{0, 0}, `back by 4\.[0-9]+ s`},
		"back, less sound": {3.6, [2]int{0, 0}, `back by 4\.[0-9]+ s`},
		"ahead":            {4.3, [2]int{0, 100}, `ahead by 9[5-6]\.[0-9]+ s`},
		"far back":         {4, [2]int{200, 0}, `back by 20[3-4]\.[0-9]+ s`}, // which ffmpeg takes for 26 hours ahead
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			film, part := filepath.Join(dir, "film.ts"), filepath.Join(dir, "part.ts")
			for i, sound := range []float64{c.sound, 4} {
				ffmpeg(t, fmt.Sprintf("-f lavfi -i "+
					"color=black:s=160x90:r=25:d=4,drawbox=c=white:t=fill:enable='lt(mod(t\\,1)\\,0.08)' "+
					"-f lavfi -i aevalsrc='sin(6283*t)*lt(mod(t\\,1)\\,0.08)':s=48000:d=%g "+
					"-c:v libx264 -preset veryfast -x264-params keyint=50:bframes=3 -c:a mp2 -output_ts_offset %d", sound, c.begin[i]),
					part)
				appendFile(t, film, part)
			}
			out, said := encoded(t, film)
			require.Regexp(t, `At 4\.[0-9]+ s the file's clock jumps `+c.jump, said)
			require.Equal(t, 200, frames(t, out))
			require.InDelta(t, 8, duration(t, out), 0.5)

			heard := tool(t, "ffmpeg", "-nostdin", "-i", out, "-vf", "blackdetect=d=0.3:pix_th=0.2", "-af",
				"aresample=async=48000:first_pts=0,silencedetect=n=-20dB:d=0.2", "-f", "null", "-")
			flashes, beeps := times(t, heard, `black_end:([0-9.]+)`), times(t, heard, `silence_end: ([0-9.]+)`)
			require.GreaterOrEqual(t, len(flashes), 6, heard)
			for _, flash := range flashes[:len(flashes)-1] { // the last black ends with the film
				near := math.Inf(1)
				for _, beep := range beeps {
					near = min(near, math.Abs(beep-flash))
				}
				require.Less(t, near, 0.06, "flash at %g, beeps at %v", flash, beeps)
			}
		})
	}
}

func times(t *testing.T, text, pattern string) (out []float64) {
	t.Helper()
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		at, err := strconv.ParseFloat(m[1], 64)
		require.NoError(t, err)
		out = append(out, at)
	}
	return out
}

func duration(t *testing.T, file string) float64 {
	t.Helper()
	return times(t, tool(t, "ffprobe", "-v", "error", "-show_entries", "format=duration", file), `duration=([0-9.]+)`)[0]
}
