package pipeline

import (
	"fmt"
	"math"
	"slices"
)

// Taken is what came of a chunk: the bytes of its packets and the CRF it was encoded with.
type Taken struct {
	Bytes int64 // 0: there is no accepted result
	CRF   float64
	Free  bool // nobody has claimed it: its CRF can still be changed
}

const (
	// trust is the part of a film that must be encoded until what came of it counts as much as what was measured.
	trust = 0.03
	// drift is how far a correction moves from the plan's CRF while chunks are free: the last ones are not to look unlike
	// the others. What is left then is mended when all are there.
	drift = 1.5
	// leap is how far the CRF of a chunk that is encoded again moves at once.
	leap = 1.0
	// settled is the part of a limit by which what is expected may be off before anything is changed.
	settled = 0.003
	// patience is how often a film is made larger that ended below its limit. One that ended above is made smaller as
	// often as it takes.
	patience = 6
)

// Correct changes the CRFs of chunks that nobody has claimed, where what is encoded so far says that the film will miss
// its size. ok is false if there is nothing to change.
func (all Corrections) Correct(b *Budget, taken []Taken) (c Correction, ok bool) {
	known, chunks := 0, b.portions()
	actual, expected := trust*float64(b.Limit), trust*float64(b.Limit)
	for i, t := range taken {
		if t.Bytes > 0 {
			known++
			actual, expected = actual+float64(t.Bytes), expected+chunks[i].at(t.CRF)
		}
	}
	if known < all.known()+max(1, len(taken)/10) {
		return c, false
	}
	factor := actual / max(1, expected)
	low, high := b.Range.Most, b.Range.Least
	for i, t := range taken {
		measured := chunks[i].at
		chunks[i].at = func(crf float64) float64 { return factor * measured(crf) }
		chunks[i].locked = !t.Free
		chunks[i].give(all.CRF(b, i))
		if t.Bytes > 0 {
			chunks[i].crf, chunks[i].bytes = t.CRF, float64(t.Bytes)
		}
		low, high = min(low, b.CRFs[i]), max(high, b.CRFs[i])
	}
	before, aim := chunks.crfs(), b.aim(all.Rest(b), all.missed())
	if math.Abs(chunks.bytes()-aim) < settled*float64(b.Limit) {
		return c, false
	}
	chunks.level(b.Range, aim, b.Range.Nearest(low-drift), b.Range.Nearest(high+drift))
	if slices.Equal(before, chunks.crfs()) {
		return c, false
	}
	return Correction{CRFs: chunks.crfs(), Rest: all.Rest(b), Known: known, Why: fmt.Sprintf(
		"what is encoded so far took %.1f%% of what was expected", 100*factor)}, true
}

// Mend says which of a film's results, all of which are there, are made anew so that the film has the size that it may
// have; ok is false if none need be. rest is that of the output, if one is there already, else what is expected.
// hopeless tells that it is too large with the highest CRF too.
func (all Corrections) Mend(b *Budget, taken []Taken, rest int64) (c Correction, ok, hopeless bool) {
	chunks, before := all.seen(b, taken), 0.0
	for _, t := range taken {
		before += float64(t.Bytes)
	}
	limit, missed := float64(b.Limit), all.missed()
	over, aim := before+float64(rest) > limit, b.aim(rest, missed)
	switch {
	case over:
		chunks.sweep(b.Range, func() { chunks.save(b.Range, aim, max(leap, b.Range.Step)) })
		if chunks.bytes()+float64(rest) < limit*(1-accuracy) { // by a step that was too long
			chunks.spend(b.Range, aim, b.Range.Step)
		}
	case before+float64(rest) < limit*(1-accuracy) && missed < patience:
		chunks.sweep(b.Range, func() { chunks.spend(b.Range, aim, max(leap, b.Range.Step)) })
	}
	c = Correction{CRFs: chunks.crfs(), Rest: rest, Known: len(taken), Why: fmt.Sprintf(
		"all of it took %.2f%% of the size that it may have", 100*(before+float64(rest))/limit)}
	for i, crf := range c.CRFs {
		if crf != taken[i].CRF {
			c.Again = append(c.Again, i)
		}
		c.Took = append(c.Took, Point{taken[i].CRF, taken[i].Bytes})
	}
	return c, len(c.Again) > 0, over && len(c.Again) == 0
}

// seen are the chunks of a film of which all are there: what each takes with another CRF is told by its earlier
// results, or else by how it was measured.
func (all Corrections) seen(b *Budget, taken []Taken) portions {
	chunks := b.portions()
	for i, t := range taken {
		points := []Point{{t.CRF, t.Bytes}}
		for _, c := range all {
			if len(c.Took) > i {
				points = append(points, c.Took[i])
			}
		}
		measured, factor := chunks[i].at, 1.0
		if c := NewCurve(points...); len(c) > 1 {
			measured = func(crf float64) float64 { return c.Bytes(crf, b.Range.Span) }
		}
		if m := measured(t.CRF); m > 0 {
			factor = float64(t.Bytes) / m
		}
		chunks[i].at = func(crf float64) float64 { return factor * measured(crf) }
		chunks[i].crf, chunks[i].bytes = t.CRF, float64(t.Bytes)
	}
	return chunks
}
