package split

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// cropping plans pictures of 1920×1080, or of another size, of which a part is kept.
func cropping(t *testing.T, keep string, change func(p *pipeline.Plan)) (*pipeline.Plan, error) {
	t.Helper()
	p := &pipeline.Plan{Settings: pipeline.Settings{Encoder: "x264", Options: "--profile high"}}
	require.NoError(t, p.Settings.Crop.UnmarshalText([]byte(keep)))
	p.Video = pipeline.Video{Width: 1920, Height: 1080, PixFmt: "yuv420p", SAR: pipeline.Rational{Num: 1, Den: 1}}
	if change != nil {
		change(p)
	}
	_, options, err := encoder.Of(p.Settings)
	require.NoError(t, err)
	return p, decidePicture(p, options, p.Settings.Crop.Rect)
}

func TestPicturesAreCutByHand(t *testing.T) {
	interlaced := func(p *pipeline.Plan) { p.Video.FieldOrder = "tt" }
	for name, c := range map[string]struct {
		keep   string
		change func(p *pipeline.Plan)
		crop   string
		size   [2]int
		says   string
	}{
		"even": {"1920:800:0:140", nil, "1920:800:0:140", [2]int{1920, 800}, "1920×800 are kept, from 0, 140 on"},
		"odd place": {"1918:800:1:141", nil, "1918:800:0:140", [2]int{1918, 800},
			"yuv420p can be cut at multiples of 2 alone"},
		"all of it": {"1920:1080:0:0", nil, "0:0:0:0", [2]int{1920, 1080}, ""},
		"in fields": {"1920:800:0:142", interlaced, "1920:800:0:140", [2]int{1920, 800}, "multiples of 2 across and 4 down"},
		"deinterlaced": {"1920:800:0:142", func(p *pipeline.Plan) { interlaced(p); p.Settings.Deinterlace = "yes" },
			"1920:800:0:142", [2]int{1920, 800}, "from 0, 142 on"},
		"4:4:4": {"1919:801:1:139", func(p *pipeline.Plan) {
			p.Video.PixFmt, p.Settings.Options = "yuv444p", "--profile high444 --output-csp i444"
		}, "1919:801:1:139", [2]int{1919, 801}, "from 1, 139 on"},
		"odd size": {"1919:801:0:140", func(p *pipeline.Plan) { p.Settings.Odd = "crop" }, "1919:801:0:140",
			[2]int{1918, 800}, "The picture is 1919×801"},
		"scaled": {"1920:800:0:140", func(p *pipeline.Plan) { p.Settings.Scale = pipeline.Scale{Width: 1280, Height: 720} },
			"1920:800:0:140", [2]int{1280, 534}, "scaled from 1920×800 to 1280×534"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := cropping(t, c.keep, c.change)
			require.NoError(t, err)
			require.Equal(t, c.crop, p.Out.Crop.String())
			require.Equal(t, c.size, [2]int{p.Out.Width, p.Out.Height})
			require.Contains(t, strings.Join(p.Notes, " "), c.says)
		})
	}
	_, err := cropping(t, "1920:800:0:281", nil)
	require.ErrorContains(t, err,
		`crop = "1920:800:0:281" wants 1920×800 of them, from 0, 281 on: that is more than they have`)
	_, err = cropping(t, "1919:801:0:140", nil)
	require.ErrorContains(t, err, `set odd = "crop"`)
	p, err := cropping(t, "1440:400:0:88", func(p *pipeline.Plan) {
		p.Video.Width, p.Video.Height, p.Video.SAR = 1440, 576, pipeline.Rational{Num: 32, Den: 45}
	})
	require.NoError(t, err)
	require.Equal(t, pipeline.Rational{Num: 32, Den: 45}, p.Out.SAR, "its points keep their shape")
}

func TestNothingIsLostAtTheEdge(t *testing.T) {
	whole := pipeline.Rect{Width: 1920, Height: 1079}
	for _, c := range []struct {
		by       steps
		lit, out string
	}{
		{steps{2, 2}, "1918:801:1:139", "1920:802:0:138"},
		{steps{2, 4}, "1918:801:1:139", "1920:804:0:136"},
		{steps{1, 1}, "1918:801:1:139", "1918:801:1:139"},
		{steps{2, 4}, "1920:940:0:139", "1920:943:0:136"}, // the picture itself ends within a step
	} {
		var lit pipeline.Crop
		require.NoError(t, lit.UnmarshalText([]byte(c.lit)))
		require.Equal(t, c.out, outward(lit.Rect, whole, c.by).String())
	}
}
