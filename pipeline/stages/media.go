package stages

import (
	"sync"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
)

// Media are the stages with ffmpeg, ffprobe and mkvmerge.
type Media struct {
	FS    *sharefs.FS
	Tools media.Tools
	// Private results were encoded by this process and nobody else can get at them: their pictures are not
	// compared, since this machine would judge itself.
	Private bool
	// Builds are those of this machine: a film is encoded with one of them where no node is there that has any. If nil, it
	// then is encoded with whatever comes.
	Builds *Builds
	// Memory returns how many bytes programs can still have here, and how many at most: an encode with Threads threads
	// that needs more is refused. If nil, other machines may have more.
	Memory  func() (free, most int64)
	Threads int
	// Slots are the encodes that run side by side where this process has the only worker, which may not yet have told of
	// itself. If 0, the share tells who is there.
	Slots int

	mu    sync.Mutex
	files map[string]*media.File // the cached probe results of plans' sources; what is missing is probed again
	seen  map[string]inspection  // accepted results, by stem; what is missing is read again
}

// inspection is what was found in a result.
type inspection struct {
	sum   merge.Sum
	whole bool // all of it was decoded
}

// maxSeen limits the inspections that are remembered, some 150 bytes each.
const maxSeen = 20_000

// remember keeps what was found in a result.
func (s *Media) remember(c pipeline.ChunkFile, what inspection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= maxSeen {
		s.seen = map[string]inspection{}
	}
	s.seen[c.Stem()] = what
}

// found returns what was found in results, the zero Sum where that is not known, and how many were decoded whole.
func (s *Media) found(chunks []pipeline.ChunkFile) (sums []merge.Sum, whole int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums = make([]merge.Sum, len(chunks))
	for i, c := range chunks {
		what := s.seen[c.Stem()]
		if sums[i] = what.sum; what.whole {
			whole++
		}
	}
	return sums, whole
}
