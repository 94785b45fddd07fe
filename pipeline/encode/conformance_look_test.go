package encode_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// The second part of what every encoder has to do: what pictures look like.

// forms are pixel formats of sources.
var forms = []string{"yuv420p", "yuv420p10le", "yuv420p12le", "yuv422p", "yuv422p10le", "yuv444p", "yuv444p12le",
	"gray",
	"gbrp"}

// TestEachFormComesOutAsPlanned or is refused: no form becomes another without a word.
func TestEachFormComesOutAsPlanned(t *testing.T) {
	sources := map[string]string{}
	for _, form := range forms {
		sources[form] = source(t, "-i", "testsrc2=s=96x64:r=25:d=0.2", "-pix_fmt", form, "-c:v", "ffv1", "-strict", "-2",
			"a.mkv")
	}
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		for form, path := range sources {
			s := pipeline.Settings{Encoder: e.Name(), Options: c.quick}
			if reason := c.unheldForms[form]; reason != "" {
				refused(t, path, s, reason)
				continue
			}
			j := mustPlan(t, path, s)
			require.Equal(t, c.forms[form], j.plan.Out.PixFmt)
			results, _ := j.encodeAll(t)
			if e.Codec() == "h264" && form == "gray" {
				continue // ffmpeg's decoder makes 4:2:0 of it
			}
			require.Equal(t, c.forms[form], strings.Replace(probed(t, j, results[0]).PixFmt, "yuvj", "yuv", 1), form)
		}
	})
}

func probed(t *testing.T, j job, path string) media.Stream {
	t.Helper()
	f, err := j.tools.Probe(t.Context(), path)
	require.NoError(t, err)
	return f.Streams[0]
}

// TestTheLookGoesIntoBothContainers: colours, range, shape and rotation, and HDR's light, from both containers.
func TestTheLookGoesIntoBothContainers(t *testing.T) {
	const display, light = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)", "1000,400"
	hdr10 := ":hdr10=1:transfer=smpte2084:master-display=" + display + ":max-cll=" + light
	sources := map[string]string{"hdr10.mkv": hdr10, "hlg.mp4": ":transfer=arib-std-b67", "hdr10.mp4": hdr10}
	for kind, params := range sources {
		plain := source(t, "-i", "testsrc2=s=96x64:r=25:d=1,setsar=4/3", "-pix_fmt", "yuv420p10le", "-c:v", "libx265",
			"-x265-params", "log-level=error:repeat-headers=1:colorprim=bt2020:colormatrix=bt2020nc:range=limited:"+
				"chromaloc=2"+params, "-tag:v", "hvc1", "plain"+filepath.Ext(kind))
		sources[kind] = filepath.Join(t.TempDir(), kind)
		out, err := exec.Command("ffmpeg", "-v", "error", "-i", plain, "-c", "copy", "-metadata:s:v:0", "rotate=90",
			sources[kind]).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		for kind, path := range sources {
			for _, container := range []pipeline.Container{"mkv", "mp4"} {
				j := mustPlan(t, path, pipeline.Settings{Encoder: e.Name(), Options: c.quick, Container: container})
				results, _ := j.encodeAll(t)
				merged := j.merge(t, results)
				want, got := probed(t, j, path), probed(t, j, merged)
				require.Equal(t, look(want), look(got), "%s into %s", kind, container)
				if container == "mp4" {
					require.Equal(t, c.tag, tag(t, merged))
				}
				if strings.HasPrefix(kind, "hlg") || c.unseen && container == "mp4" {
					continue
				}
				head, err := j.tools.Head(t.Context(), merged, media.FirstVideo, 3)
				require.NoError(t, err)
				hdr := got.HDR.Or(head.HDR)
				require.Equal(t, []string{display, light}, []string{hdr.MasterDisplay, hdr.MaxCLL}, "%s into %s", kind, container)
			}
		}
	})
}

// tag is MP4's name of a video's codec.
func tag(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
		"stream=codec_tag_string", "-of", "csv=p=0", path).Output()
	require.NoError(t, err)
	return strings.TrimRight(string(out), ",\n")
}

// look is what ffprobe says of how a stream is to be shown.
func look(s media.Stream) []any {
	return []any{s.ColorPrimary, s.ColorTransfer, s.ColorSpace, s.ColorRange, s.ChromaLoc, s.SAR, s.Rotation}
}

// TestPicturesInFields come out in the source's order of fields, or are refused with the way out, which leads there.
func TestPicturesInFields(t *testing.T) {
	path := interlaced(t, "tff", "a.mkv")
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		options, err := e.Parse(c.quick)
		require.NoError(t, err)
		s := pipeline.Settings{Encoder: e.Name(), Options: c.quick, Chunk: 2}
		if options.Fields("tff") == "" {
			refused(t, path, s, `deinterlace = "yes"`)
		} else {
			j := mustPlan(t, path, s)
			results, _ := j.encodeAll(t)
			require.Contains(t, []string{"tt", "tb"}, probed(t, j, results[0]).FieldOrder)
		}
		s.Deinterlace = pipeline.MakeProgressive
		j := mustPlan(t, path, s)
		results, records := j.encodeAll(t)
		j.ownPictures(t, results, records)
		j.merge(t, results)
		require.Equal(t, "progressive", probed(t, j, results[0]).FieldOrder)
	})
}

// TestSizesThatDoNotFit are refused with what to do, which does it.
func TestSizesThatDoNotFit(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=162x122:r=25:d=0.4,format=yuv444p,crop=161:121:0:0:exact=1", "-c:v", "ffv1",
		"a.mkv")
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		s := pipeline.Settings{Encoder: e.Name(), Options: c.player}
		refused(t, path, s, `odd = "crop"`)
		for odd, size := range map[pipeline.Odd][2]int{"crop": {160, 120}, "pad": {162, 122}} {
			s.Odd = odd
			comesOut(t, path, s, size)
		}
		if e.AnySize() != "" {
			comesOut(t, path, pipeline.Settings{Encoder: e.Name(), Options: c.quick + " " + e.AnySize()}, [2]int{161, 121})
		}
		tiny := source(t, "-i", "testsrc2=s=320x180:r=25:d=0.2,scale="+c.least, "-c:v", "ffv1", "tiny.mkv")
		s = pipeline.Settings{Encoder: e.Name(), Options: c.quick}
		j := mustPlan(t, tiny, s)
		j.encodeAll(t)
		if c.tooSmall != "" {
			tiny = source(t, "-i", "testsrc2=s=320x180:r=25:d=0.2,scale="+c.tooSmall, "-c:v", "ffv1", "smaller.mkv")
			refused(t, tiny, s, "The picture is "+strings.Replace(c.tooSmall, ":", "×", 1))
		}
	})
}

func comesOut(t *testing.T, path string, s pipeline.Settings, size [2]int) {
	t.Helper()
	j := mustPlan(t, path, s)
	results, records := j.encodeAll(t)
	j.ownPictures(t, results, records)
	out := probed(t, j, j.merge(t, results))
	require.Equal(t, size, [2]int{out.Width, out.Height})
}

// TestTheSamePicturesAgain: a chunk that is encoded twice is the same packets, on other numbers of threads too where
// the encoder can do that. docs/media/encoders.md tells.
func TestTheSamePicturesAgain(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=320x180:r=25:d=2,noise=alls=6:allf=t:all_seed=1", "-c:v", "libx264", "-preset",
		"ultrafast", "a.mkv")
	eachEncoder(t, func(t *testing.T, e encoder.Encoder, c candidate) {
		j := mustPlan(t, path, pipeline.Settings{Encoder: e.Name(), Options: c.quick + c.again})
		digest := func(threads int) [32]byte {
			req := j.request(0)
			req.Threads = threads
			_, err := encode.Chunk(t.Context(), j.tools, req)
			require.NoError(t, err)
			clip, err := j.check(t, 0, req.Out)
			require.NoError(t, err)
			return clip.Digest
		}
		require.Equal(t, digest(2), digest(2))
		if c.anyThreads {
			require.Equal(t, digest(1), digest(2))
			require.Equal(t, digest(1), digest(5))
			require.Equal(t, digest(1), digest(16))
		}
	})
}

// TestX265Profiles: each is what the stream says of itself, and what it can't hold is told.
func TestX265Profiles(t *testing.T) {
	path := source(t, "-i", "testsrc2=s=320x180:r=25:d=0.2", "-pix_fmt", "yuv422p10le", "-c:v", "ffv1", "a.mkv")
	for profile, form := range map[string]string{
		"main": "yuv420p", "main-intra": "yuv420p", "main10": "yuv420p10le", "main10-intra": "yuv420p10le",
		"main12": "yuv420p12le", "main12-intra": "yuv420p12le", "main422-10": "yuv422p10le",
		"main422-10-intra": "yuv422p10le", "main422-12": "yuv422p12le", "main422-12-intra": "yuv422p12le",
		"main444-8": "yuv444p", "main444-intra": "yuv444p", "main444-10": "yuv422p10le", "main444-10-intra": "yuv422p10le",
		"main444-12": "yuv422p12le", "main444-12-intra": "yuv422p12le",
	} {
		j := mustPlan(t, path, pipeline.Settings{Encoder: "x265", Options: hevc + " --level-idc 4 --profile " + profile})
		require.Equal(t, form, j.plan.Out.PixFmt, profile)
	}
	for settings, mention := range map[string]string{
		"--profile main --output-depth 10":                "main profile not supported",
		"--profile main444-8 --input-csp i422":            "profile main444-8 lacks",
		"--profile main422-10 --input-csp i444":           "not compatible with i444",
		"--level-idc 1":                                   "level",
		"--hdr10-opt":                                     "HDR10-opt",
		"--allow-non-conformance --profile main --ref 16": "profile main",
		"--allow-non-conformance --level-idc 1":           "level",
	} {
		refused(t, path, pipeline.Settings{Encoder: "x265", Options: settings}, mention)
	}
}
