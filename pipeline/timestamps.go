package pipeline

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// Timestamps are ascending presentation times in ticks. They are kept as varint differences, 1 to 2 bytes a
// frame: a master has the plans of all jobs in work in its memory, and a season's would take a hundred
// megabytes. As JSON they are a base64 text of that: a plan for two hours stays under half a megabyte.
type Timestamps struct {
	n      int
	deltas []byte
}

// NewTimestamps keeps these ticks.
func NewTimestamps(ticks ...int64) Timestamps {
	b := make([]byte, 0, 2*len(ticks))
	var last int64
	for _, v := range ticks {
		b = binary.AppendVarint(b, v-last)
		last = v
	}
	return Timestamps{len(ticks), slices.Clone(b)} // without the room that is left
}

// Len is how many they are.
func (t Timestamps) Len() int { return t.n }

// All returns them as a list of their own.
func (t Timestamps) All() []int64 { return slices.AppendSeq(make([]int64, 0, t.n), t.ticks()) }

func (t Timestamps) ticks() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		var last int64
		for b := t.deltas; len(b) > 0; {
			d, n := binary.Varint(b) // they were read once before
			last, b = last+d, b[n:]
			if !yield(last) {
				return
			}
		}
	}
}

// MarshalJSON implements json.Marshaler.
func (t Timestamps) MarshalJSON() ([]byte, error) {
	return json.Marshal(base64.RawStdEncoding.EncodeToString(t.deltas))
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Timestamps) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return fmt.Errorf("timestamps: %w", err)
	}
	*t = Timestamps{deltas: b}
	for len(b) > 0 {
		_, n := binary.Varint(b)
		if n <= 0 {
			return errors.New("timestamps: cut-off number")
		}
		t.n++
		b = b[n:]
	}
	return nil
}
