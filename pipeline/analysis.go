package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Analysis is what is measured of a whole film before it is encoded, chunk by chunk. Each has a plan of its own
// (analysis-<name>.json), whose chunks go the same way as those that are encoded; the plan after it is made from their
// accepted results. The zero Analysis is none: the film is encoded.
type Analysis string

// Bars measures which part of the pictures is not black anywhere in the film, for crop = "auto".
const Bars Analysis = "bars"

// Rate measures how many bytes each chunk takes with some CRFs, for a size.
const Rate Analysis = "rate"

// analyses are all that there are.
var analyses = []Analysis{Bars, Rate}

// Analyses lists what has to be measured before the film can be encoded, in this order.
func (s Settings) Analyses() (all []Analysis) {
	if s.Crop.Auto {
		all = append(all, Bars)
	}
	if !s.Size.None() {
		all = append(all, Rate)
	}
	return all
}

// First returns the analysis that comes first, empty where the film is encoded at once.
func (s Settings) First() Analysis { return append(s.Analyses(), "")[0] }

// Analysed is an analysis that is done: the results that a plan was made from.
type Analysed struct {
	Analysis Analysis    `json:"analysis"`
	Results  []ResultRef `json:"results"` // one accepted result for each chunk, in their order
}

// ResultRef names a result so that another one can't be taken for it.
type ResultRef struct {
	Stem  string `json:"stem"`
	Size  int64  `json:"size"`
	CRC32 string `json:"crc32"` // 8 upper-case hex digits
}

// RefTo names the accepted result of a chunk by its record.
func RefTo(c ChunkFile, r *Record) ResultRef {
	return ResultRef{Stem: c.Stem(), Size: r.Size, CRC32: r.CRC32}
}

// File returns the chunk file whose result is named, as it lies accepted.
func (r ResultRef) File() (ChunkFile, bool) {
	c, ok := ParseStem(r.Stem)
	c.Kind, c.State = KindRange, Accepted
	return c, ok
}

// After returns what a plan that is made from this one's results begins with: all that is decided so far, and the
// results by name. Its Analysis is the next one that the settings want.
func (p *Plan) After(results []ResultRef) *Plan {
	next := *p
	next.Notes = slices.Clone(p.Notes)
	next.Analysed = append(slices.Clone(p.Analysed), Analysed{p.Analysis, results})
	all := append(p.Settings.Analyses(), "")
	next.Analysis = all[slices.Index(all, p.Analysis)+1]
	return &next
}

// Encodes reports whether a chunk of the plan takes the encoder, and so its build.
func (p *Plan) Encodes() bool { return p.Analysis != Bars }

// Has reports whether a file is one of a chunk of this plan, not of a plan before or after it.
func (p *Plan) Has(c ChunkFile) bool { return c.Analysis == p.Analysis && c.Chunk < len(p.Chunks) }

// Effort names what the time that a pixel takes depends on: speeds measured with another one do not apply.
func (p *Plan) Effort() string {
	switch p.Analysis {
	case Bars:
		return strings.TrimSpace(string(p.Analysis) + " " + p.Video.Codec)
	case Rate:
		return string(p.Analysis) + " " + p.Settings.Effort()
	}
	return p.Settings.Effort()
}

// Latest returns the analysis that a job's chunks belong to, empty where they are encoded, by the furthest of its plans
// that are listed. planned is false where there is none yet.
func (d Folder) Latest(s Settings) (a Analysis, planned bool) {
	if d.Plan() {
		return "", true
	}
	for _, next := range slices.Backward(s.Analyses()) {
		if d[planFile(next)] {
			return next, true
		}
	}
	return "", false
}

// Precedes reports whether one analysis comes before another one, or before the encode.
func (s Settings) Precedes(a, b Analysis) bool {
	all := append(s.Analyses(), "")
	return slices.Index(all, a) < slices.Index(all, b)
}

// planFile is the name of a job's plan for an analysis, or for the encode.
func planFile(a Analysis) string {
	if a == "" {
		return planName
	}
	return "analysis-" + string(a) + ".json"
}

// checkAnalyses refuses what does not name results that could be this plan's.
func (p *Plan) checkAnalyses() error {
	if p.Analysis != "" && !slices.Contains(analyses, p.Analysis) {
		return fmt.Errorf("wants %q to be measured", p.Analysis)
	}
	for _, done := range p.Analysed {
		if !slices.Contains(analyses, done.Analysis) || len(done.Results) != len(p.Chunks) {
			return errors.New("was not made from one result for each chunk")
		}
		for i, r := range done.Results {
			c, ok := r.File()
			ok = ok && c.Job == p.Job && c.Chunk == i && c.Analysis == done.Analysis
			if !ok || r.Size < 0 || !crc32Form.MatchString(r.CRC32) {
				return fmt.Errorf("names %q as a result of chunk %d", r.Stem, i)
			}
		}
	}
	return nil
}
