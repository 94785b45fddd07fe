package films

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/encoder"
)

// light is what ffprobe says of how bright and colourful a film's pictures are.
type light struct {
	Primaries string     `json:"color_primaries"`
	Transfer  string     `json:"color_transfer"`
	Matrix    string     `json:"color_space"`
	Range     string     `json:"color_range"`
	Side      []sideData `json:"side_data_list"`
}

// sideData holds numbers and fractions, each as text or as a number.
type sideData map[string]any

// of returns the side data of that type, nil if there is none.
func (l light) of(kind string) sideData {
	for _, s := range l.Side {
		if s["side_data_type"] == kind {
			return s
		}
	}
	return nil
}

const mastering, contentLight = "Mastering display metadata", "Content light level metadata"

// lights reads what the stream says, and each key picture.
func lights(t *testing.T, file string) (stream light, keys []light) {
	t.Helper()
	var probe struct {
		Streams []struct {
			light
			Codec string `json:"codec_name"`
		}
		Frames []light
	}
	require.NoError(t, json.Unmarshal([]byte(tool(t, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_streams",
		"-of", "json", file)), &probe))
	require.NoError(t, json.Unmarshal([]byte(tool(t, "ffprobe", "-v", "error", "-select_streams", "v:0", "-skip_frame",
		"nokey", "-show_frames", "-of", "json", file)), &probe))
	if probe.Streams[0].Codec == "h264" {
		for i, side := range sideOfH264(t, file) {
			probe.Frames[i].Side = side
		}
	}
	return probe.Streams[0].light, probe.Frames
}

// seiNames are the numbers of H.264's side data (ITU-T H.264, D.1.29 and D.1.31) and what ffprobe calls them.
var seiNames = map[string]struct {
	kind, key, of string
}{
	"display_primaries_x[0]": {mastering, "green_x", "/50000"}, "display_primaries_y[0]": {mastering, "green_y", "/50000"},
	"display_primaries_x[1]": {mastering, "blue_x", "/50000"}, "display_primaries_y[1]": {mastering, "blue_y", "/50000"},
	"display_primaries_x[2]": {mastering, "red_x", "/50000"}, "display_primaries_y[2]": {mastering, "red_y", "/50000"},
	"white_point_x": {mastering, "white_point_x", "/50000"}, "white_point_y": {mastering, "white_point_y", "/50000"},
	"max_display_mastering_luminance": {mastering, "max_luminance", "/10000"},
	"min_display_mastering_luminance": {mastering, "min_luminance", "/10000"},
	"max_content_light_level":         {contentLight, "max_content", ""},
	"max_pic_average_light_level":     {contentLight, "max_average", ""},
}

var traced = regexp.MustCompile(`\d+ +(\S+) +[01]+ = (\d+)\n`)

// sideOfH264 reads the side data of each key picture by name: before 6.0 ffprobe tells nothing of H.264's.
func sideOfH264(t *testing.T, file string) (all [][]sideData) {
	t.Helper()
	out := tool(t, "ffmpeg", "-nostdin", "-v", "info", "-i", file, "-map", "0:v:0", "-c", "copy", "-bsf:v",
		"trace_headers", "-f", "null", "-")
	var last map[string]sideData
	for _, m := range traced.FindAllStringSubmatch(out, -1) {
		n, known := seiNames[m[1]]
		if !known {
			continue
		}
		if last[n.kind][n.key] != nil || last == nil {
			last = map[string]sideData{}
			for _, kind := range []string{mastering, contentLight} {
				last[kind] = sideData{"side_data_type": kind}
			}
			all = append(all, []sideData{last[mastering], last[contentLight]})
		}
		if last[n.kind][n.key] = m[2] + n.of; n.of == "" {
			level, err := strconv.ParseFloat(m[2], 64)
			require.NoError(t, err)
			last[n.kind][n.key] = level // a number, as ffprobe's JSON has it
		}
	}
	return all
}

// nearly compares each fraction of the source's mastering display with the output's. coarse is how exact the output's
// form is.
func nearly(t *testing.T, want, got sideData, coarse func(key string) float64) {
	t.Helper()
	for key, text := range want {
		if key == "side_data_type" {
			continue
		}
		a, b := fraction(t, text), fraction(t, got[key])
		require.LessOrEqual(t, math.Abs(a-b), coarse(key), "%s: %v became %v", key, text, got[key])
	}
}

func fraction(t *testing.T, v any) float64 {
	t.Helper()
	text, is := v.(string)
	require.True(t, is, "%v", v)
	num, den, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(num, 64)
	require.NoError(t, err)
	d, err := strconv.ParseFloat(den, 64)
	require.NoError(t, err)
	return n / d
}

// exactly is how HEVC and H.264 have a mastering display: in the fractions that everybody uses.
func exactly(string) float64 { return 1e-9 }

// inAV1 is how exact AV1 has it (AV1 specification, 6.7.4: fixed point of 16, 8 and 14 bits behind the point).
func inAV1(key string) float64 {
	switch key {
	case "max_luminance":
		return 1.0 / (1 << 8)
	case "min_luminance":
		return 1.0 / (1 << 14)
	}
	return 1.0 / (1 << 16)
}

// What a film says of its light comes out of the whole command as it went in, with each encoder in each container.
func TestHDR(t *testing.T) {
	dir := t.TempDir()
	const hdr10 = "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):" +
		"max-cll=1000,400:"
	for name, c := range map[string]struct{ params, transfer string }{
		"hdr10": {hdr10, "smpte2084"}, "hlg": {"", "arib-std-b67"},
	} {
		source := filepath.Join(dir, name+".mkv")
		ffmpeg(t, "-f lavfi -i testsrc2=s=320x180:r=25:d=5 -vf format=yuv420p10le -c:v libx265 -preset ultrafast "+
			"-color_primaries bt2020 -colorspace bt2020nc -color_range tv -color_trc "+c.transfer,
			"-x265-params", c.params+"log-level=error:keyint=50:scenecut=0", source)
		_, before := lights(t, source)
		for _, e := range encoder.All() {
			for _, container := range []string{"mkv", "mp4"} {
				t.Run(name+" by "+e.Name()+" in "+container, func(t *testing.T) {
					out := filepath.Join(t.TempDir(), "out."+container)
					cmd := exec.CommandContext(t.Context(), distenc, "encode", source, "-o", out, "--encoder", e.Name(), "--",
						"--preset", fastest[e.Name()])
					cmd.Env = append(os.Environ(), "DISTENC_SPLIT_CHUNK=2s")
					said, err := cmd.CombinedOutput()
					require.NoError(t, err, "%s", said)
					stream, keys := lights(t, out)
					require.GreaterOrEqual(t, len(keys), 2, "it was cut")
					for _, l := range append(keys, stream) {
						require.Equal(t, []string{"bt2020", c.transfer, "bt2020nc", "tv"},
							[]string{l.Primaries, l.Transfer, l.Matrix, l.Range})
					}
					coarse := exactly
					if e.Codec() == "av1" {
						coarse = inAV1
					}
					for _, k := range keys {
						require.Equal(t, before[0].of(contentLight), k.of(contentLight))
						require.Equal(t, before[0].of(mastering) == nil, k.of(mastering) == nil)
						nearly(t, before[0].of(mastering), k.of(mastering), coarse)
					}
				})
			}
		}
	}
}
