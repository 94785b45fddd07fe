package status

import (
	"slices"

	"github.com/distenc/distenc/pipeline"
)

// speeds are the measured ones of the nodes that are there, by node and job.
type speeds map[string]map[string]pipeline.Speed

// telling is the part of a chunk in work from which on its speed tells something: its first frames come
// late, because the encoder looks ahead, and then in a burst.
const telling = 0.1

// measure takes what the nodes say of chunks that are done and of those in work.
func measure(nodes []pipeline.SeenNode, jobs []work) speeds {
	known := map[string]work{}
	for _, j := range slices.Backward(jobs) { // of a job's analysis and its encode the first one is what is in work
		known[j.job] = j
	}
	all := speeds{}
	for _, n := range nodes {
		own := map[string]pipeline.Speed{}
		for job, s := range n.Speed {
			own[job] = s
		}
		for id, e := range n.Chunks {
			j, frames := known[jobOfChunk(id)], float64(e.Frames)
			if e.FPS > 0 && j.pixels > 0 && frames >= telling*float64(e.Total) {
				s := own[j.job]
				if s.Effort != j.effort {
					s = pipeline.Speed{Effort: j.effort}
				}
				own[j.job] = s.Plus(pipeline.Speed{Frames: frames, Pixels: frames * j.pixels, Seconds: frames / e.FPS})
			}
		}
		all[n.Node.Node] = own
	}
	return all
}

// fps is what to expect of a node's slot with a job: what it showed with this job, else with others of the
// same settings, else what the nodes show on average. 0 where nobody has shown anything.
func (all speeds) fps(node string, j work) float64 {
	if own := all.own(node, j); own > 0 {
		return own
	}
	sum, n := 0.0, 0.0
	for other := range all {
		if own := all.own(other, j); own > 0 {
			sum, n = sum+own, n+1
		}
	}
	return sum / max(n, 1)
}

func (all speeds) own(node string, j work) float64 {
	if s := all[node][j.job]; s.FPS(j.pixels) > 0 && (s.Effort == j.effort || s.Effort == "") { // else of its analysis
		return s.FPS(j.pixels)
	}
	var sum pipeline.Speed
	for _, s := range all[node] {
		if s.Effort == j.effort {
			sum = sum.Plus(s)
		}
	}
	return sum.FPS(j.pixels)
}

// Pace is how many mean frames of a plan's source a slot of the node encodes in a second, by the chunks that it
// has done, of that job or else of others; 0 where there are none.
func Pace(n *pipeline.Node, p *pipeline.Plan) float64 {
	return speeds{n.Node: n.Speed}.own(n.Node, work{job: p.Job, pixels: p.Pixels(), effort: p.Effort()})
}

// jobOfChunk is the job in a chunk's name for people, job.chunk.
func jobOfChunk(id string) string {
	if len(id) > jobLen {
		return id[:jobLen]
	}
	return ""
}

// jobLen is the length of a job's id.
const jobLen = len("00000000-00000")
