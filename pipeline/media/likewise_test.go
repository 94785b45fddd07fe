package media

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// What a profile does to all pictures is done to the source's before they are compared, and told: a good output is
// good, and a wrong picture shows all the same.
func TestQualityOfChangedPictures(t *testing.T) {
	dir := t.TempDir()
	const encode = "-c:v libx264 -preset ultrafast -crf 12"
	plain, fields, odd := filepath.Join(dir, "plain.mkv"), filepath.Join(dir, "fields.mkv"), filepath.Join(dir, "odd.mkv")
	ffmpeg(t, "-f lavfi -i testsrc2=s=160x96:r=25:d=1 -c:v libx264 -preset ultrafast -crf 5", plain)
	ffmpeg(t, "-f lavfi -i testsrc2=s=160x96:r=50:d=1 -vf interlace=scan=tff -c:v libx264 -preset ultrafast -crf 5 "+
		"-x264-params tff=1", fields)
	ffmpeg(t, "-f lavfi -i testsrc2=s=160x96:r=25:d=1 -vf scale=161:97 -pix_fmt yuv420p -c:v ffv1", odd)
	for name, c := range map[string]struct {
		source, filters, says string
		kept                  pipeline.Rect
	}{
		"scaled":       {plain, "scale=80:48", "scaled to 80×48", pipeline.Rect{}},
		"deinterlaced": {fields, "bwdif=mode=send_frame:deint=interlaced,setfield=prog", "deinterlaced", pipeline.Rect{}},
		"both": {fields, "bwdif=mode=send_frame:deint=interlaced,scale=80:48,setfield=prog",
			"scaled to 80×48", pipeline.Rect{}},
		"as fields": {fields, "scale=80:48:interl=1,setfield=tff", "scaled to 80×48", pipeline.Rect{}},
		"cropped":   {odd, "crop=w=160:h=96:x=0:y=0:exact=1", "what source and output both have", pipeline.Rect{}},
		"bars cut off": {plain, "crop=w=128:h=64:x=16:y=8", "128×64 were compared, from 16, 8 on",
			pipeline.Rect{Width: 128, Height: 64, X: 16, Y: 8}},
		"cut off and scaled": {plain, "crop=w=128:h=64:x=0:y=8,scale=64:32", "scaled to 64×32",
			pipeline.Rect{Width: 128, Height: 64, Y: 8}},
		"cut off out of fields": {fields, "bwdif=mode=send_frame:deint=interlaced,crop=w=128:h=64:x=0:y=10,setfield=prog",
			"deinterlaced", pipeline.Rect{Width: 128, Height: 64, Y: 10}},
	} {
		t.Run(name, func(t *testing.T) {
			out, wrong := filepath.Join(dir, name+".mkv"), filepath.Join(dir, name+"-wrong.mkv")
			as := strings.Fields(encode)
			if strings.Contains(c.filters, "tff") {
				as = append(as, "-x264-params", "tff=1")
			}
			ffmpeg(t, "-i", append([]string{c.source, "-vf", c.filters}, append(as, out)...)...)
			ffmpeg(t, "-i", append([]string{c.source, "-vf", `drawbox=w=64:color=red:t=fill:enable=eq(n\,13),` + c.filters},
				append(as, wrong)...)...)
			q, err := tools(t).ComparePictures(t.Context(), c.source, out, nil, c.kept)
			require.NoError(t, err)
			require.Equal(t, 25, q.Frames)
			require.Greater(t, q.Parts[0].WorstSSIM, 0.9)
			require.Contains(t, q.Text(), c.says)
			q, err = tools(t).ComparePictures(t.Context(), c.source, wrong, nil, c.kept)
			require.NoError(t, err)
			require.Equal(t, 13, q.Parts[0].WorstFrame)
			require.Less(t, q.Parts[0].WorstSSIM, 0.85)
		})
	}
}
