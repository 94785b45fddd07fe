package try

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/sample"
	"github.com/distenc/distenc/test/browser"
)

// picture is a JPEG that is told from others by its colour.
func picture(t *testing.T, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 320, 180))
	for i := range 320 * 180 {
		m.Set(i%320, i/320, c)
		if i%320/20%2 == i/320/20%2 {
			m.Set(i%320, i/320, color.Black)
		}
	}
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, m, nil))
	return b.Bytes()
}

func report(t *testing.T) *Report {
	t.Helper()
	vmaf := 93.4
	red, green, blue := color.RGBA{200, 60, 60, 255}, color.RGBA{60, 200, 60, 255}, color.RGBA{60, 60, 200, 255}
	shots := func(worst int) (all []sample.Shown) {
		for i, c := range []color.Color{red, green, blue} {
			all = append(all, sample.Shown{Candidate: i, SSIM: 0.9 + float64(i)/100, Picture: picture(t, c), Worst: i == worst})
		}
		return all
	}
	size := func(mib float64) sample.Estimate {
		return sample.Estimate{Value: mib, Low: 0.93 * mib, High: 1.07 * mib}.Times(1 << 20)
	}
	return &Report{
		File: "/films/Show - 01 [ABCDEF01].mkv", Size: 1400 << 20, Frames: 34046, Seconds: 1420, Page: "/films/Show.try.html",
		Profiles: []Profile{
			{Name: "archive", Encoder: "x265", Options: "--preset slow --crf 20", Sampled: 860, Size: size(612), Rest: 92 << 20,
				Time: sample.Estimate{Value: 6100, Low: 5600, High: 6600}, Scores: Scores{0.9821, 0.931, 754.2, &vmaf},
				Farm:    &Farm{Time: sample.Estimate{Value: 900, Low: 850, High: 950}, Nodes: 5, Measured: 3},
				Quality: "vmaf 93", CRF: &sample.Range{Low: 19.25, High: 23}, Notes: []string{"The source may be damaged."}},
			{Name: "tablet", Encoder: "x264", Options: "--preset fast --crf 21", Exact: true, Sampled: 34046,
				Size: sample.Estimate{Value: 3e8, Low: 3e8, High: 3e8}, Rest: 33 << 20,
				Scores: Scores{SSIM: 0.96, Worst: 0.90, At: 3.5},
				Time:   sample.Estimate{Value: 300, Low: 300, High: 300}},
			{Name: "small", Encoder: "svtav1", Options: "--preset 8 --crf 40", Sampled: 860, Size: size(1500),
				Scores: Scores{SSIM: 0.95}},
			{Name: "fields", Encoder: "svtav1", Refused: "The video is interlaced, and AV1 has no fields."},
		},
		moments: []sample.Moment{
			{Time: 754.2, Source: picture(t, color.White), Results: shots(0)},
			{Time: 3.5, Source: picture(t, color.Gray{128}), Results: shots(1)},
		},
	}
}

func TestTheTable(t *testing.T) {
	var b strings.Builder
	Table(&b, report(t))
	for _, want := range []string{
		`(?m)^Show - 01 \[ABCDEF01\]\.mkv  23m40s, 34046 frames, 1\.4 GiB$`,
		`(?m)^PROFILE +ENCODER +SIZE +OF SOURCE +TIME HERE +ON THE FARM +SSIM +WORST FRAME +VMAF +SAMPLE$`,
		`(?m)^archive +x265 +612 MiB ±7% +44% +1h41m ±9% +15m00s ±6% +0\.9821 +0\.9310 at 12:34\.2 +93\.40 +2\.5% of the film$`,
		`(?m)^tablet +x264 +286 MiB +20% +5m00s +0\.9600 +0\.9000 at 0:03\.5 +the whole film$`,
		`(?m)^archive: vmaf 93 needs CRF 19\.25 to 23$`,
		`(?m)^archive: the farm is 5 nodes, of which 3 have encoded with these settings before$`,
		`(?m)^note on archive: The source may be damaged\.$`, `/films/Show\.try\.html\n$`,
	} {
		require.Regexp(t, want, b.String())
	}
	failed := errors.New("a job failed")
	require.ErrorIs(t, report(t).Failed(failed), failed)
	require.ErrorContains(t, report(t).Failed(failed), "with the profile fields: The video is interlaced")
	require.False(t, report(t).Empty())
}

// The page is whole in itself, and nothing in it runs.
func TestThePageIsAlone(t *testing.T) {
	html, err := Page(report(t))
	require.NoError(t, err)
	text := string(html)
	require.NotContains(t, text, "<script")
	require.NotRegexp(t, `https?:`, text)
	require.NotRegexp(t, `(src|href)="[^d]`, text)
	require.Equal(t, 8, strings.Count(text, `src="data:image/jpeg;base64,`))
	for _, part := range []string{"archive", "612 MiB", "±7%", "12:34.2", "CRF", "19.25 to 23", "interlaced"} {
		require.Contains(t, text, part)
	}
	require.Less(t, strings.Index(text, "at 12:34.2</legend>"), strings.Index(text, "at 0:03.5</legend>"))
}

// What people may have named a film or a profile is text on the page.
func TestHostileNames(t *testing.T) {
	r := report(t)
	r.File, r.Profiles[0].Name = "/x/<script>alert(1)</script>.mkv", `"><img src=x onerror=alert(1)>`
	r.Profiles[0].Notes = []string{"</style><script>alert(1)</script>"}
	html, err := Page(r)
	require.NoError(t, err)
	require.NotContains(t, string(html), "<script")
	require.NotContains(t, string(html), "<img src=x")
	require.Equal(t, 1, strings.Count(string(html), "</style>"))
}

// A browser shows the pictures, and a press on a part of one enlarges it in all of that moment.
func TestThePageInABrowser(t *testing.T) {
	b := browser.New(t)
	html, err := Page(report(t))
	require.NoError(t, err)
	dom := b.Run(b.File(html), "--dump-dom")
	require.Equal(t, 8, strings.Count(dom, "<img"))
	require.Contains(t, dom, "Show - 01 [ABCDEF01].mkv")

	// A script that the page itself would not allow presses the first label, and writes down what the style makes of it.
	policy := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`)
	pressed := policy.ReplaceAllString(string(html), "") + `<script>
addEventListener("load", () => {
  document.querySelector(".spots label").click();
  setTimeout(() => {
    document.body.dataset.seen = [...document.images].map((m) => m.naturalWidth + " " +
      (getComputedStyle(m).transform != "none")).join(",");
  }, 500);
});
</script>`
	require.Contains(t, b.Run(b.File([]byte(pressed)), "--dump-dom"),
		`data-seen="320 true,320 true,320 true,320 true,320 false,320 false,320 false,320 false"`)
}

// DISTENC_TEST_PICTURES names a folder for pictures of the page, to be looked at.
func TestPictures(t *testing.T) {
	b := browser.New(t)
	html, err := Page(report(t))
	require.NoError(t, err)
	b.Pictures(b.File(html), "try")
}
