package try

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"path/filepath"

	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"size": func(n any) string { return size(number(n)) },
	"span": span, "margin": margin, "moment": at, "plain": view.Plain,
	"part":     func(r *Report, n any) string { return r.part(number(n)) },
	"bar":      func(r *Report, n any) string { return fmt.Sprintf("%.1f%%", 100*number(n)/r.largest()) },
	"sampled":  func(r *Report, p Profile) string { return p.sampledText(r.Frames) },
	"measured": Farm.measuredText,
	"ssim":     pipeline.SSIM.Text, "vmaf": pipeline.VMAF.Text,
	"spots": func() []string { return spots },
}).Parse(pageHTML))

// spots are the nine parts of a picture that can be looked at closely, in reading order.
var spots = []string{
	"top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right",
}

// number takes a size as the report has it.
func number(n any) float64 {
	if whole, ok := n.(int64); ok {
		return float64(whole)
	}
	return n.(float64) // the template gives no other
}

// largest is the size in bytes that fills the page's bars.
func (r *Report) largest() float64 {
	largest := float64(max(1, r.Size))
	for _, p := range r.Profiles {
		largest = max(largest, p.Size.High)
	}
	return largest
}

// moment is one picture of the film on the page, as the source and all profiles have it.
type moment struct {
	Time  float64 // seconds
	Shots []shot
}

type shot struct {
	Name, About string
	Picture     template.URL
}

// pictures prepares the moments for the page.
func (r *Report) pictures() (all []moment) {
	for _, m := range r.moments {
		shown := moment{Time: m.Time, Shots: []shot{{Name: "source", Picture: dataURI(m.Source)}}}
		for _, s := range m.Results {
			about := "SSIM " + pipeline.SSIM.Text(s.SSIM)
			if s.Worst {
				about += ", its worst picture"
			}
			shown.Shots = append(shown.Shots, shot{r.Profiles[s.Candidate].Name, about, dataURI(s.Picture)})
		}
		all = append(all, shown)
	}
	return all
}

// dataURI is a picture as a part of the page. Only what was encoded here gets there.
func dataURI(picture []byte) template.URL {
	return template.URL("data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(picture))
}

// Page returns the report as a document of its own: nothing is loaded from elsewhere, and nothing in it runs. Whatever
// comes from outside, the film's name for instance, is escaped.
func Page(r *Report) ([]byte, error) {
	style := view.Style() + pageCSS
	sum := sha256.Sum256([]byte(style))
	var b bytes.Buffer
	err := page.Execute(&b, struct {
		*Report
		Name, Policy string
		Style        template.CSS
		Moments      []moment
	}{r, view.Plain(filepath.Base(string(r.File))),
		"default-src 'none'; img-src data:; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		template.CSS(style), r.pictures()})
	return b.Bytes(), err
}
