package encode

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// ours are the values in a command that are our own words, whatever the plan says.
var ours = []string{"-vf", "-f", "-i", "-c:v", "-map", "-filter_complex", "-protocol_whitelist", "-format_whitelist"}

// From whatever plan lies on the share comes a command with our filters, one input and one muxer, or none at
// all.
func FuzzPlanToCommand(f *testing.F) {
	const plan = `{"format":3,"job":"abcdef01-k3f9z","source":"source.mkv","original":"source.mkv","settings":{"encoder":"x264","options":"--crf 20 --sar 1:1 --tff","container":"mkv"},
		"video":{"index":1,"width":320,"height":180,"pix_fmt":"gbrp","time_base":{"num":1,"den":1000},"frame_rate":{"num":24000,"den":1001},"color_range":"tv","color_space":"bt709","field_order":"tt","max_cll":"1000,400"},
		"out":{"width":320,"height":180,"pix_fmt":"yuv420p","fields":"tff","sar":{"num":1,"den":1},"crop":{"width":318,"height":170,"x":2,"y":4},"edge":"pad","deinterlace":true},"muxer":"mp4","timescale":1000,"frames":1,"chunks":[{"index":0,"kind":"range","end":2,"pts":"AA","seeks":[3]}]}`
	f.Add([]byte(plan))
	for _, evil := range []string{"stats", "yuv420p,movie=/etc/passwd", "yuv420p[x];[x]", "../x", "tee", "-i"} {
		f.Add([]byte(strings.Replace(plan, `"yuv420p"`, `"`+evil+`"`, 1)))
		f.Add([]byte(strings.Replace(plan, `"tff"`, `"`+evil+`"`, 1)))
		f.Add([]byte(strings.Replace(plan, `"bt709"`, `"`+evil+`"`, 1)))
		f.Add([]byte(strings.Replace(plan, `"mp4"`, `"`+evil+`"`, 1)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		share := sharefstest.Files(map[string][]byte{"jobs/abcdef01-k3f9z/plan.json": data})
		plan, err := pipeline.LoadPlan(share, "abcdef01-k3f9z")
		if err != nil {
			return
		}
		for _, in := range ladder(Request{Plan: plan, Chunk: &plan.Chunks[0], Source: "/s/source.mkv"}) {
			_, asked, err := encoder.Of(plan.Settings)
			if err != nil {
				continue
			}
			cmd := append(args(plan, asked, in, 1), container(plan, "/s/out.tmp")...)
			options := cmd[len(media.BaseArgs()):]
			require.True(t, count(options, "-i") == 1 && count(options, "-vf") == 1 && count(options, "-f") == 1)
			for i, o := range options {
				if slices.Contains(ours, o) {
					value := options[i+1]
					switch o {
					case "-vf":
						require.NotRegexp(t, `[^a-zA-Z0-9_=:,;+./\[\]-]`, value)
						for _, filter := range regexp.MustCompile(`[,;]|\[\w+\]`).Split(value, -1) {
							require.Regexp(t,
								`^((trim|scale|format|setfield|setsar|bwdif|crop|pad|fillborders|extractplanes|mergeplanes|setparams)=.*)?$`,
								filter)
						}
					case "-f":
						require.Contains(t, []string{"matroska", "mp4"}, value)
					case "-i":
						require.Equal(t, "file:/s/source.mkv", value)
					}
				}
			}
			require.Equal(t, "file:/s/out.tmp", options[len(options)-1])
		}
	})
}

// What is read of an analysis is a part of the pictures, whatever lies there.
func FuzzReadLit(f *testing.F) {
	f.Add([]byte(`{"frames":2,"dark":1,"lit":{"width":320,"height":132,"x":0,"y":24}}`))
	f.Add([]byte(`{"frames":2,"dark":2,"lit":{"width":0,"height":0,"x":0,"y":0}}`))
	f.Add([]byte(`{"frames":2,"lit":{"width":9223372036854775807,"height":1,"x":9223372036854775807,"y":0}}`))
	plan := &pipeline.Plan{
		Video: pipeline.Video{Width: 320, Height: 180}, Chunks: []pipeline.Chunk{{PTS: pipeline.NewTimestamps(0, 1)}},
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := ReadLit(plan, 0, data, &pipeline.Record{CRC32: checksum(data)})
		if err == nil && l.Dark < 2 {
			whole := pipeline.Rect{Width: 320, Height: 180}
			require.Equal(t, whole, whole.Union(l.Part))
			require.Positive(t, l.Part.Width*l.Part.Height)
		}
	})
}

// What is read of an analysis is a curve that falls, whatever lies there.
func FuzzReadRates(f *testing.F) {
	f.Add([]byte(`{"frames":2,"points":[{"crf":20,"bytes":900},{"crf":30,"bytes":300}]}`))
	f.Add([]byte(`{"frames":2,"points":[{"crf":20,"bytes":900},{"crf":20,"bytes":900},{"crf":19,"bytes":1}]}`))
	f.Add([]byte(`{"frames":2,"points":[{"crf":1e308,"bytes":-1}]}`))
	r := pipeline.CRFs{Least: 8, Most: 51, Step: 0.25, Span: 6}
	plan := &pipeline.Plan{
		Chunks: []pipeline.Chunk{{PTS: pipeline.NewTimestamps(0, 1)}}, Budget: &pipeline.Budget{Limit: 1000, Range: r},
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadRates(plan, 0, data, &pipeline.Record{CRC32: checksum(data)})
		if err != nil {
			return
		}
		require.NotEmpty(t, c)
		for crf := r.Least; crf < r.Most; crf++ {
			require.Greater(t, c.Bytes(crf, r.Span), 0.0)
			require.LessOrEqual(t, c.Bytes(crf+1, r.Span), c.Bytes(crf, r.Span))
		}
	})
}

func count(list []string, s string) (n int) {
	for _, l := range list {
		if l == s {
			n++
		}
	}
	return n
}
