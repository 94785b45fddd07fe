package pipeline

// Pace is how fast those who were there when a plan was made encode it, in mean frames of the source a second and slot.
// Only who takes which chunk goes by it. Without a Mean nobody had measured anything.
type Pace struct {
	Slots   int     `json:"slots"` // that do what the plan demands
	Mean    float64 `json:"mean"`
	Slowest float64 `json:"slowest"`
}

// check refuses what nobody can have measured.
func (p Pace) check() bool {
	return p.Slots >= 0 && p.Slowest >= 0 && p.Slowest <= p.Mean && p.Mean <= maxTold
}
