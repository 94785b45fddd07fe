package pipeline

import (
	"fmt"
	"time"
	"unique"

	"github.com/distenc/distenc/lease/sharefs"
)

// Record is what a worker says of its result, durable before the commit. Accepting compares it with
// the bytes that are there and with the plan.
type Record struct {
	Attempted
	Size      int64     `json:"size"`
	Video     int64     `json:"video"` // bytes of its packets, without their container
	CRC32     string    `json:"crc32"` // of the result file, 8 upper-case hex digits
	Frames    int       `json:"frames"`
	Extradata string    `json:"extradata"` // SHA-256 of the stream's CodecPrivate: equal in all chunks of a job
	Encoder   string    `json:"encoder"`   // the encoder's version string
	Build     Build     `json:"build,omitzero"`
	Spent     Spending  `json:"spent,omitzero"` // where the film's size is limited
	Flow      Flow      `json:"flow,omitzero"`  // of its pictures through the decoder's buffer, where that is bounded
	Seconds   float64   `json:"seconds"`        // wall time of the encode
	Method    string    `json:"method"`         // which step of the acceptance ladder gave the planned frames
	Quality   Scored    `json:"quality,omitzero"`
	Time      time.Time `json:"time"` // the worker's wall clock, for people: nothing is decided by it
	Spare     bool      `json:"-"`    // until it is stored the result lies in ChunkFile.Spare
}

// Attempted is one attempt of a chunk.
type Attempted struct {
	Chunk   string `json:"chunk"` // job.chunk
	Attempt int    `json:"attempt"`
	Node    string `json:"node"` // whose attempt it was
}

// Spending is what a chunk was given of its film's budget.
type Spending struct {
	CRF         float64 `json:"crf"`
	Corrections int     `json:"corrections"` // of the budget that its worker knew
}

// FPS is the speed of the encode in frames a second.
func (r Record) FPS() float64 {
	if r.Seconds < 0.001 { // no encode is that short
		return 0
	}
	return float64(r.Frames) / r.Seconds
}

// plausible refuses what no worker could say of a result of a plan: it is calculated with.
func (r *Record) plausible(p *Plan) bool {
	if r.Video < 0 || r.Video > maxTold {
		return false
	}
	if !p.Budget.Known() || p.Analysis != "" {
		return true
	}
	return p.Budget.Range.Has(r.Spent.CRF) && r.Spent.Corrections >= 0 && r.Spent.Corrections <= maxCorrections
}

// LoadRecordOf reads the record beside the result of a chunk of a plan, and refuses one that can't be of it.
func LoadRecordOf(f *sharefs.FS, p *Plan, c ChunkFile) (*Record, error) {
	r, err := LoadRecord(f, c)
	if err == nil && !r.plausible(p) {
		return nil, fmt.Errorf("%s says what can't be: %d bytes of video, CRF %g after %d corrections", c.Record(), r.Video,
			r.Spent.CRF, r.Spent.Corrections)
	}
	return r, err
}

// LoadRecord reads the record beside a chunk's result.
func LoadRecord(f *sharefs.FS, c ChunkFile) (*Record, error) {
	r := &Record{}
	if err := ReadJSON(f, c.Record(), maxSmall, r); err != nil {
		return nil, err
	}
	if r.Chunk != c.ID() || r.Attempt != c.Attempt || r.Node != c.Node {
		return nil, fmt.Errorf("%s is the record of another chunk", c.Record())
	}
	// A master keeps ten thousand of them, and in these they are all alike.
	alike := []*string{&r.Node, &r.Extradata, &r.Encoder, &r.Method, &r.Build.Encoder, &r.Build.Version, &r.Build.Headers}
	for _, s := range alike {
		*s = unique.Make(*s).Value()
	}
	return r, nil
}
