package worker

import (
	"maps"
	"sync"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// maxSpeeds limits the jobs whose speed is remembered.
const maxSpeeds = 8

// speeds is how fast this node encoded each job's chunks. The zero value is ready. Safe for concurrent use.
type speeds struct {
	mu   sync.Mutex
	jobs map[string]pipeline.Speed
}

// add counts an encode of so much work (pipeline.Chunk.Work) of the plan, which took seconds.
func (s *speeds) add(plan *pipeline.Plan, work, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.jobs[plan.Job]; s.jobs == nil || !known && len(s.jobs) >= maxSpeeds {
		s.jobs = map[string]pipeline.Speed{}
	}
	speed := s.jobs[plan.Job]
	if speed.Effort != plan.Effort() { // of an analysis of the job
		speed = pipeline.Speed{}
	}
	speed = speed.Add(work, plan.Pixels(), seconds)
	speed.Effort = plan.Effort()
	s.jobs[plan.Job] = speed
}

// pace returns the frames a second of the plan's source that one slot makes; 0 if nothing was measured that tells.
func (s *speeds) pace(plan *pipeline.Plan) float64 {
	return status.Pace(&pipeline.Node{Speed: s.all()}, plan)
}

// all returns a copy of the speeds by job.
func (s *speeds) all() map[string]pipeline.Speed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.jobs)
}
