package pipeline

import (
	"cmp"
	"math"
	"slices"
)

// Budget shares a film's bytes among its chunks: all get the same CRF, the one whose total meets the limit. A whole
// encode in two passes shares its bits in the same way. It is part of the plan; a Correction takes the place of its
// CRFs.
type Budget struct {
	Limit  int64     `json:"limit"`            // bytes, of the output's file, or of its video's packets
	Rest   int64     `json:"rest"`             // bytes of the limit that are not the video's packets, as expected
	Source []int64   `json:"source,omitempty"` // bytes of the source's packets, by chunk: a guess of what each needs
	Range  CRFs      `json:"range,omitzero"`
	Curves []Curve   `json:"curves,omitempty"` // what was measured, by chunk
	CRFs   []float64 `json:"crfs,omitempty"`   // by chunk; none before the film is measured
}

// Known reports whether there is a budget.
func (b *Budget) Known() bool { return b != nil && b.Limit > 0 }

const (
	// margin is the part of a limit that is not aimed at, so that what is not quite as expected does not go beyond it.
	margin = 0.006
	// accuracy is how far below its limit a film may end, as a part of it.
	accuracy = 0.015
)

// aim is the bytes of video to aim at when rest bytes are not video. Each earlier miss lowers it, down to a bound.
func (b *Budget) aim(rest int64, missed int) float64 {
	keep := min(margin*(1+float64(missed)/3), 0.8*accuracy)
	return max(0, float64(b.Limit)*(1-keep)-float64(rest))
}

// Expected is how many bytes a chunk is expected to need before anything is measured: as great a part of them all as
// the source has.
func (b *Budget) Expected(chunk int) float64 {
	sum := 0.0
	for _, n := range b.Source {
		sum += float64(n)
	}
	return b.aim(b.Rest, 0) * float64(b.Source[chunk]) / max(1, sum)
}

// Begin shares the bytes before anything is encoded. fits is false if there are too few whatever the quality; least is
// how large the output is with the highest CRF.
func (b *Budget) Begin() (crfs []float64, least int64, fits bool) {
	all := b.portions()
	aim := b.aim(b.Rest, 0)
	all.level(b.Range, aim, b.Range.Least, b.Range.Most)
	return all.crfs(), int64(all.bytes()) + b.Rest, all.bytes() <= aim
}

// portion is one chunk of a budget.
type portion struct {
	crf, bytes float64
	at         func(crf float64) float64 // the bytes that it takes with a CRF
	locked     bool                      // it is encoded, or in work
}

// give changes the chunk's CRF.
func (p *portion) give(crf float64) { p.crf, p.bytes = crf, p.at(crf) }

type portions []portion

// portions are the chunks as they were measured.
func (b *Budget) portions() portions {
	all := make(portions, len(b.Curves))
	for i, c := range b.Curves {
		all[i].at = func(crf float64) float64 { return c.Bytes(crf, b.Range.Span) }
		if i < len(b.CRFs) {
			all[i].give(b.CRFs[i])
		}
	}
	return all
}

func (all portions) bytes() (sum float64) {
	for _, p := range all {
		sum += p.bytes
	}
	return sum
}

func (all portions) crfs() []float64 {
	out := make([]float64, len(all))
	for i, p := range all {
		out[i] = p.crf
	}
	return out
}

// level gives all that are not locked the lowest CRF between two with which no more bytes are taken than there are, and
// a step less to those for which some are left then.
func (all portions) level(r CRFs, bytes, least, most float64) {
	set := func(crf float64) {
		for i := range all {
			if !all[i].locked {
				all[i].give(crf)
			}
		}
	}
	low, high := 0, max(0, int(math.Round((most-least)/r.Step)))
	for low < high {
		middle := (low + high) / 2
		if set(least + float64(middle)*r.Step); all.bytes() <= bytes {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if set(least + float64(low)*r.Step); low > 0 {
		all.spend(r, bytes, r.Step)
	}
}

// spend lowers CRFs until about as many bytes are taken as there are, the dearest chunk first, each by no more than a
// leap.
func (all portions) spend(r CRFs, bytes, leap float64) {
	left, enough := bytes-all.bytes(), margin/2*bytes
	for _, i := range all.dearest() {
		p := &all[i]
		for before := p.crf; left > enough && p.crf-r.Step >= max(r.Least, before-leap); {
			more := p.at(p.crf-r.Step) - p.bytes
			if more > left {
				break
			}
			p.give(p.crf - r.Step)
			left -= more
		}
	}
}

// save raises CRFs until no more bytes are taken than there are, the dearest chunk first, each by no more than a leap.
func (all portions) save(r CRFs, bytes, leap float64) {
	over := all.bytes() - bytes
	for _, i := range all.dearest() {
		p := &all[i]
		for before := p.crf; over > 0 && p.crf+r.Step <= min(r.Most, before+leap); {
			had := p.bytes
			p.give(p.crf + r.Step)
			over -= had - p.bytes
		}
	}
}

// sweep does something to all chunks again and again, until it changes nothing; a step of each CRF at a time is enough.
func (all portions) sweep(r CRFs, change func()) {
	had := -1.0
	for range int((r.Most-r.Least)/r.Step) + 2 {
		if had == all.bytes() {
			return
		}
		had = all.bytes()
		change()
	}
}

// dearest lists the chunks that are not locked, those that take most first.
func (all portions) dearest() []int {
	var order []int
	for i, p := range all {
		if !p.locked {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(all[b].bytes, all[a].bytes) })
	return order
}

// check reports whether it can be a plan's budget. A film whose size is not limited has none, and one need not be there
// before an analysis that comes ahead of the one for it.
func (b *Budget) check(p *Plan) bool {
	if b == nil {
		return p.Analysis != Rate && (p.Analysis != "" || p.Settings.Size.None())
	}
	n, encodes := len(p.Chunks), p.Analysis == ""
	fine := b.Limit > 0 && b.Limit <= maxTold && b.Rest >= 0 && b.Rest < b.Limit && b.Range.check() &&
		len(b.Source) == n && (len(b.CRFs) == n || !encodes && len(b.CRFs) == 0) && len(b.Curves) == len(b.CRFs)
	if slices.ContainsFunc(b.Curves, func(c Curve) bool { return !c.check(b.Range) }) {
		return false
	}
	return fine && b.allows(b.CRFs) && !slices.ContainsFunc(b.Source, func(n int64) bool { return n < 0 || n > maxTold })
}

// allows reports whether these can be CRFs of the budget.
func (b *Budget) allows(crfs []float64) bool {
	return !slices.ContainsFunc(crfs, func(crf float64) bool { return !b.Range.Has(crf) })
}
