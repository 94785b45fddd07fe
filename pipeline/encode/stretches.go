package encode

// A search's stretches, by the part of what is then left of the chunk's work that each is counted as. A search with two
// whole probes, which is the usual one, comes to four fifths.
const (
	partEncode   = 0.07
	partMeasure  = 0.02
	wholeEncode  = 0.45
	wholeMeasure = 0.2
)

// stretches turns the progress of all encodes of a search into that of one.
type stretches struct {
	report func(frames int, size int64)
	total  int
	done   float64 // of 1
	now    float64 // what the present stretch adds
}

func newStretches(req Request) *stretches {
	s := &stretches{report: req.Progress, total: req.Chunk.PTS.Len()}
	if s.report == nil {
		s.report = func(int, int64) {}
	}
	return s
}

// next ends a stretch and begins another, and returns what reports its progress.
func (s *stretches) next(part float64) func(frames int, size int64) {
	s.done += s.now
	s.now = part * (1 - s.done)
	from, of := s.done, s.now
	s.report(int(from*float64(s.total)), 0)
	return func(frames int, size int64) {
		s.report(int((from+of*min(1, float64(frames)/float64(s.total)))*float64(s.total)), size)
	}
}

func (s *stretches) end() { s.report(s.total, 0) }
