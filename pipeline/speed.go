package pipeline

// Speed is how fast a node encoded chunks in one slot: sums over the chunks of one job, in which those of
// long ago count less.
type Speed struct {
	Frames  float64 `json:"frames"`
	Pixels  float64 `json:"pixels"` // of those frames: what jobs of unequal picture size have in common
	Seconds float64 `json:"seconds"`
}

// speedMemory is what is left of older measurements after each new one: about the last twenty chunks count,
// so that a machine that became busy shows.
const speedMemory = 0.95

// Add counts one chunk: frames of so many pixels each, which took seconds in one slot.
func (s Speed) Add(frames int, pixels, seconds float64) Speed {
	return Speed{
		Frames:  s.Frames*speedMemory + float64(frames),
		Pixels:  s.Pixels*speedMemory + float64(frames)*pixels,
		Seconds: s.Seconds*speedMemory + seconds,
	}
}

func (s Speed) plus(t Speed) Speed {
	return Speed{Frames: s.Frames + t.Frames, Pixels: s.Pixels + t.Pixels, Seconds: s.Seconds + t.Seconds}
}

// fps returns frames a second for pictures of so many pixels, 0 where nothing was measured.
func (s Speed) fps(pixels float64) float64 {
	if s.Seconds <= 0 || pixels <= 0 {
		return 0
	}
	return s.Pixels / s.Seconds / pixels
}

// speeds are the measured ones of the nodes that are there, by node and job.
type speeds map[string]map[string]Speed

// measure takes what the nodes say of chunks that are done and of those in work.
func measure(nodes []SeenNode, pixels map[string]float64) speeds {
	all := speeds{}
	for _, n := range nodes {
		own := map[string]Speed{}
		for job, s := range n.Speed {
			own[job] = s
		}
		for id, e := range n.Chunks {
			if c := jobOfChunk(id); e.FPS > 0 && pixels[c] > 0 {
				frames := float64(e.Frames)
				own[c] = own[c].plus(Speed{Frames: frames, Pixels: frames * pixels[c], Seconds: frames / e.FPS})
			}
		}
		all[n.Node.Node] = own
	}
	return all
}

// fps is what to expect of a node's slot with a job whose pictures have so many pixels: what it showed
// with this job, else with others, else what the nodes show on average. 0 where nobody has shown anything.
func (all speeds) fps(node, job string, pixels float64) float64 {
	if own := all.own(node, job, pixels); own > 0 {
		return own
	}
	sum, n := 0.0, 0.0
	for other := range all {
		if own := all.own(other, job, pixels); own > 0 {
			sum, n = sum+own, n+1
		}
	}
	return sum / max(n, 1)
}

func (all speeds) own(node, job string, pixels float64) float64 {
	if own := all[node][job].fps(pixels); own > 0 {
		return own
	}
	var sum Speed
	for _, s := range all[node] {
		sum = sum.plus(s)
	}
	return sum.fps(pixels)
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
