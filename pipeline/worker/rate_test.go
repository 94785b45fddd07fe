package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Chunks of 100 frames: 5 s of encoding, 5 s of checking. Their own speed is 20 frames a second at first and
// 10 at the end; the truth is 10.
func TestTheRateIsWhatComesOut(t *testing.T) {
	var r rate
	began := time.Unix(0, 0)
	for second := 1; second <= 300; second++ {
		part := second % 10
		if part == 0 {
			r.ended("a", 100)
		}
		if second%7 != 0 {
			continue
		}
		running := map[string]int64{}
		if part > 0 {
			running["a"] = int64(min(100, 20*part))
		}
		now := began.Add(time.Duration(second) * time.Second)
		fps := r.sample(now, began.Add(time.Duration(second-part)*time.Second), running)["a"]
		if second > 60 {
			require.InDelta(t, 10, fps, 1.2, "at %d s", second)
		}
	}
	require.LessOrEqual(t, len(r.counts), 11)
}

func TestTheRateOfSeveralJobsAndOfNone(t *testing.T) {
	var r rate
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	require.Empty(t, r.sample(at(0), at(0), nil))
	fps := r.sample(at(110), at(100), map[string]int64{"a": 30})
	require.Equal(t, map[string]float64{"a": 3}, fps, "since the task began")
	r.ended("a", 50)
	require.Equal(t, map[string]float64{"a": 2.5, "b": 1}, r.sample(at(120), at(115), map[string]int64{"b": 20}))
	fps = r.sample(at(120), at(119), map[string]int64{"b": -1})
	require.Equal(t, map[string]float64{"a": 2.5}, fps, "an attempt that began anew")
	r.ended("b", 20)
	require.NotEmpty(t, r.sample(at(130), at(130), nil), "perhaps only between two chunks")
	require.Empty(t, r.sample(at(140), at(140), nil))
	require.Equal(t, map[string]float64{"b": 4}, r.sample(at(310), at(300), map[string]int64{"b": 40}))
}
