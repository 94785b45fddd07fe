package master

import (
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline"
)

// overrun is an accepted result to be made anew, because its pictures find too few bits in the decoder's buffer or
// leave too few in it for the next ones.
type overrun struct {
	pipeline.ChunkFile
	start float64 // part of the buffer that is filled when it begins
	why   string
}

// leastLeft is the part of a buffer that a chunk has to leave: with less, no key picture can look well behind it, and
// it is this chunk that is encoded again if the next one does not fit.
const leastLeft = 0.1

// keepToBuffer sends results back that overrun the decoder's buffer behind those before them. within: no accepted one
// does, but for what no attempt could mend.
func (t *term) keepToBuffer(j *job, state []pipeline.ChunkFile) (within bool) {
	b := j.plan.Buffer
	if !b.Bounds() || j.plan.Analysis != "" {
		return true
	}
	records, known := t.acceptedRecords(j, state)
	if !known {
		return false
	}
	over := j.results.overruns(b, state, records)
	if len(over) == 0 {
		return true
	}
	background(t, "buffer", j, func(_ context.Context, w *jobTask) []allotted { return w.tighten(over) },
		func(found []allotted) {
			for _, a := range found {
				t.allot(j, a)
			}
		})
	return false
}

// overruns finds the results to be made anew. What a chunk without a result leaves in the buffer is not known: the next
// one is judged as if that were full, and sent back only if it can't fit behind any.
func (r *results) overruns(b pipeline.Buffer, state []pipeline.ChunkFile, records []*pipeline.Record) (over []overrun) {
	fill, before := b.Start, -1 // before: the accepted result that the next chunk follows
	for i, c := range state {
		if records[i] == nil || records[i].Flow == (pipeline.Flow{}) || r.isBad(c) {
			fill, before = 1, -1
			continue
		}
		lowest, end := records[i].Flow.Through(fill * b.Size)
		if lowest >= 0 || r.borne[c.Stem()] {
			fill, before = max(0, end/b.Size), i
			continue
		}
		if fill < leastLeft && before >= 0 && !r.borne[state[before].Stem()] {
			over = append(over, overrun{state[before], 1, fmt.Sprintf("leaves the decoder's buffer %.0f%% full", 100*fill)})
		} else {
			over = append(over, overrun{c, fill, fmt.Sprintf("begins with the decoder's buffer %.0f%% full and takes %.0f%% "+
				"too much out of it", 100*fill, -100*lowest/b.Size)})
		}
		fill, before = 1, -1
	}
	return over
}

// allotted is what is to become of a result that overruns the buffer.
type allotted struct {
	badResult
	borne bool // it stays: no attempt keeps to the buffer
	err   error
}

const (
	// bufferTries is how often a chunk is encoded again to make it fit: an encoder that can't make its pictures any
	// smaller would go on for ever.
	bufferTries = 5
	// tighter is the part of what was allowed before that the next attempt may count on, where one did not keep to it.
	tighter = 0.9
	// short of what is really there: an encoder counts the bits of its pictures a little otherwise than a container.
	reserve = 0.98
)

// tighten finds what the next attempts may count on: the start that they really have, or a smaller part of rate and
// size where that was not the reason.
func (w *jobTask) tighten(over []overrun) (found []allotted) {
	for _, o := range over {
		a, times, err := pipeline.LoadAllowance(w.FS, o.ChunkFile)
		if a == (pipeline.Allowance{}) {
			a = w.plan.Buffer.Allowed(o.Chunk > 0)
		}
		if start := reserve * o.start; start < a.Start {
			a.Start = start
		} else {
			a.Part *= tighter
		}
		why := fmt.Sprintf("made anew: it %s; now it may count on %.0f%% at its start, and on %.0f%% of rate and size",
			o.why, 100*a.Start, 100*a.Part)
		found = append(found, allotted{badResult{ChunkFile: o.ChunkFile, allowance: a, why: why}, times >= bufferTries, err})
	}
	return found
}

// allot applies what is to become of a result.
func (t *term) allot(j *job, a allotted) {
	r := &j.results
	switch {
	case a.err != nil:
		t.later(j, "cannot read what of the decoder's buffer a chunk may count on", a.err)
	case a.borne:
		t.Log.Warn("a chunk does not keep to the decoder's buffer, whatever it is allowed", "chunk", a.ID())
		if r.borne == nil {
			r.borne = map[string]bool{}
		}
		r.borne[a.Stem()] = true
	default:
		t.makeAnew(j, a.badResult, "a result is made anew: it overruns the decoder's buffer", "reason", a.why)
	}
}
