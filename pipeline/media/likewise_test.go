package media

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
	for name, c := range map[string]struct{ source, filters, says string }{
		"scaled":       {plain, "scale=80:48", "scaled to 80×48"},
		"deinterlaced": {fields, "bwdif=mode=send_frame:deint=interlaced,setfield=prog", "deinterlaced"},
		"both":         {fields, "bwdif=mode=send_frame:deint=interlaced,scale=80:48,setfield=prog", "scaled to 80×48"},
		"as fields":    {fields, "scale=80:48:interl=1,setfield=tff", "scaled to 80×48"},
		"cropped":      {odd, "crop=w=160:h=96:x=0:y=0:exact=1", "what source and output both have"},
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
			q, err := tools(t).ComparePictures(t.Context(), c.source, out, nil)
			require.NoError(t, err)
			require.Equal(t, 25, q.Frames)
			require.Greater(t, q.Parts[0].WorstSSIM, 0.9)
			require.Contains(t, q.Text(), c.says)
			q, err = tools(t).ComparePictures(t.Context(), c.source, wrong, nil)
			require.NoError(t, err)
			require.Equal(t, 13, q.Parts[0].WorstFrame)
			require.Less(t, q.Parts[0].WorstSSIM, 0.85)
		})
	}
}
