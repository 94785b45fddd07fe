package pipeline

// Speed is how fast a node encoded chunks in one slot: sums over the chunks of one job, in which those of
// long ago count less. A chunk counts as many frames as it took work, in mean frames of its source.
type Speed struct {
	Frames  float64 `json:"frames"`
	Pixels  float64 `json:"pixels"` // of those frames: what jobs of unequal picture size have in common
	Seconds float64 `json:"seconds"`
	// Effort is Settings.Effort: what was measured with another one says nothing of this.
	Effort string `json:"effort,omitempty"`
}

// speedMemory is what is left of older measurements after each new one: about the last twenty chunks count,
// so that a machine that became busy shows.
const speedMemory = 0.95

// Add counts one chunk: mean frames with this number of pixels each, which took seconds in one slot.
func (s Speed) Add(frames, pixels, seconds float64) Speed {
	return Speed{
		Frames:  s.Frames*speedMemory + frames,
		Pixels:  s.Pixels*speedMemory + frames*pixels,
		Seconds: s.Seconds*speedMemory + seconds, Effort: s.Effort,
	}
}

// Plus adds up what was measured of several jobs, or of one that goes on.
func (s Speed) Plus(t Speed) Speed {
	return Speed{Frames: s.Frames + t.Frames, Pixels: s.Pixels + t.Pixels, Seconds: s.Seconds + t.Seconds,
		Effort: s.Effort}
}

// FPS returns frames a second for pictures of this number of pixels, 0 where nothing was measured.
func (s Speed) FPS(pixels float64) float64 {
	if s.Seconds <= 0 || pixels <= 0 {
		return 0
	}
	return s.Pixels / s.Seconds / pixels
}
