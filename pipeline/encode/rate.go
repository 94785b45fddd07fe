package encode

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Rates is the result of the analysis for a size: how many bytes a chunk takes with some CRFs.
type Rates struct {
	Frames int              `json:"frames"`
	Points []pipeline.Point `json:"points"`
}

// A chunk is measured with two CRFs. More follow while the last one does not come within a factor of near of the
// expected bytes.
const usualPasses, mostPasses, near = 2, 4, 2.0

// Rate encodes a chunk quickly and counts bytes, with CRFs near the one that gives it as many as it is expected to
// need. It returns what the chunk's result is to hold, a Rates, and its record, of which Chunk, Attempt and Node are
// left to the caller. Errors are those of Chunk. Out is used meanwhile and left for the caller to remove.
func Rate(ctx context.Context, tools media.Tools, req Request) ([]byte, *pipeline.Record, error) {
	start, budget := time.Now(), req.Plan.Budget
	wanted, ways := budget.Expected(req.Chunk.Index), ladder(req)
	found, record := Rates{}, pipeline.Record{}
	for n, crf := 0, firstCRF(req, wanted); ; n++ {
		enc, options, err := encoder.Quick(req.Plan.Settings, crf)
		if err != nil {
			return nil, nil, err
		}
		got, err := climb(ctx, tools, passOf(req, n), options, ways)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot measure chunk %d: %w", req.Chunk.Index, err)
		}
		ways = []input{got.in} // it gave the planned frames once, and will again
		record.Encoder, record.Method = enc.Version(got.Head, got.messages), got.in.method
		bytes := got.Payload()
		found.Frames, found.Points = len(got.PTS), append(found.Points, pipeline.Point{CRF: crf, Bytes: bytes})
		next, more := pipeline.NewCurve(found.Points...).Next(wanted, budget.Range)
		isNear := math.Abs(math.Log2(float64(bytes)/max(1, wanted))) <= math.Log2(near)
		if !more || n+1 == mostPasses || n+1 >= usualPasses && isNear {
			break
		}
		crf = next
	}
	record.Frames = found.Frames
	return measurement(found, record, start)
}

// firstCRF is where a chunk's bytes may be those wanted, as far as the size of its pictures tells.
func firstCRF(req Request, wanted float64) float64 {
	const bitsPerPixel = 0.04 // with the CRF in the middle
	r := req.Plan.Budget.Range
	usual := bitsPerPixel / 8 * req.Plan.Pixels() * float64(req.Chunk.PTS.Len())
	return r.Nearest((r.Least+r.Most)/2 + r.Span*math.Log2(usual/max(1, wanted)))
}

// passOf tells of each pass over the chunk as of a part of the whole work.
func passOf(req Request, n int) Request {
	if report := req.Progress; report != nil {
		frames := req.Chunk.PTS.Len()
		req.Progress = func(done int, size int64) { report(min(n*frames+done, usualPasses*frames)/usualPasses, size) }
	}
	return req
}

// mostCounted bounds the bytes that a chunk may be said to take: no chunk has 4 TiB, and the sum over all chunks
// of a film stays below what an integer holds.
const mostCounted = 1 << 42

// ReadRates reads what was measured of a chunk of the plan. It refuses what is not the record's, and what could not
// have been measured.
func ReadRates(plan *pipeline.Plan, chunk int, b []byte, r *pipeline.Record) (pipeline.Curve, error) {
	var found Rates
	if err := readMeasurement(b, r, &found); err != nil {
		return nil, err
	}
	if n := plan.Chunks[chunk].PTS.Len(); found.Frames != n {
		return nil, fmt.Errorf("%w: %d were measured, %d are planned", ErrFrames, found.Frames, n)
	}
	if len(found.Points) == 0 || len(found.Points) > mostPasses {
		return nil, fmt.Errorf("the result can't be: the chunk was measured %d times", len(found.Points))
	}
	for _, p := range found.Points {
		if !plan.Budget.Range.Has(p.CRF) || p.Bytes <= 0 || p.Bytes > mostCounted {
			return nil, fmt.Errorf("the result can't be: %d bytes with CRF %g", p.Bytes, p.CRF)
		}
	}
	return pipeline.NewCurve(found.Points...), nil
}
