package pipeline

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
)

// What is read from the share was written by whoever can write there. What becomes part of a path or of a
// command has one of these forms, all of them our own.
var (
	originalName = regexp.MustCompile(`^source(\.[a-z0-9]{1,5})?$`)
	planSource   = regexp.MustCompile(`^(source(\.[a-z0-9]{1,5})?|norm\.[a-z0-9]{4,16}\.mkv)$`)
	outName      = regexp.MustCompile(`^[a-z0-9]{0,32}$`)
	word         = regexp.MustCompile(`^([a-zA-Z0-9][a-zA-Z0-9._-]{0,31})?$`) // ffmpeg's and our own names for things
	crc32Form    = regexp.MustCompile(`^[0-9A-F]{8}$`)
	// HDR10 metadata in the notation of encoders' options
	display = regexp.MustCompile(`^[A-Z0-9(),]{0,160}$`)
)

// maxSide is the longest side of a picture, in pixels: more than any codec has.
const maxSide = 1 << 16

// farTicks bounds timestamps, so that the difference of two never overflows; no film lasts that long.
const farTicks = math.MaxInt64 / 4

// check refuses a plan that could not have been made by a master.
func (p *Plan) check(id string) error {
	if p.Job != id || !planSource.MatchString(p.Source) || !originalName.MatchString(p.Original) {
		return errors.New("is not this job's plan")
	}
	if len(p.Chunks) == 0 || p.Video.TimeBase.Num <= 0 || p.Video.TimeBase.Den <= 0 {
		return errors.New("has no chunks or no time base")
	}
	if v := p.Video; v.Index < 0 || !sides(v.Width, v.Height) || !sides(p.Out.Width, p.Out.Height) ||
		!display.MatchString(v.MasterDisplay) || !display.MatchString(v.MaxCLL) {
		return errors.New("has no picture that can be")
	}
	if c := p.Out.Crop; c != (Rect{}) && !c.Within(p.Video.Width, p.Video.Height) {
		return errors.New("keeps a part of the pictures that they don't have")
	}
	if err := p.checkAnalyses(); err != nil {
		return err
	}
	if !p.Budget.check(p) {
		return errors.New("has a size that it can't be brought to")
	}
	if m := p.Memory; m.Fixed < 0 || m.Thread < 0 || max(m.Fixed, m.Thread) > maxTold {
		return errors.New("takes memory that no machine has")
	}
	if !p.Pace.check() {
		return errors.New("is for a farm that can't be")
	}
	if f := p.Out.Fields; f != "" && f != "tff" && f != "bff" {
		return fmt.Errorf("has %q for an order of fields", f)
	}
	for _, w := range p.words() {
		if !word.MatchString(w) {
			return fmt.Errorf("has %q where one word is expected", w)
		}
	}
	frames := 0
	for i := range p.Chunks {
		if err := p.Chunks[i].check(i, frames); err != nil {
			return err
		}
		frames += p.Chunks[i].PTS.Len()
	}
	if frames != p.Frames {
		return fmt.Errorf("has %d frames in its chunks, not %d", frames, p.Frames)
	}
	return nil
}

func sides(width, height int) bool {
	return width >= 0 && height >= 0 && width <= maxSide && height <= maxSide
}

// words are what stands in commands as it is.
func (p *Plan) words() []string {
	v := p.Video
	return []string{p.Out.PixFmt, p.Out.Edge, p.Muxer, v.PixFmt, v.ColorRange, v.ColorSpace, v.ColorTransfer,
		v.ColorPrimary, v.ChromaLoc, v.FieldOrder}
}

func (c *Chunk) check(index, first int) error {
	if c.Index != index || c.First != first || c.PTS.Len() == 0 || !word.MatchString(string(c.Kind)) {
		return fmt.Errorf("chunk %d is out of order or empty", index)
	}
	last := int64(-farTicks)
	for pts := range c.PTS.ticks() {
		if pts < last || pts > farTicks {
			return fmt.Errorf("chunk %d has times that are none", index)
		}
		last = pts
	}
	return nil
}

// The bounds of what a node can say of itself: beyond them it is no worker of ours.
const (
	maxSlots  = 1024 // as the configuration has it
	maxTold   = 1e15 // of frames, pixels, seconds and bytes
	maxBuilds = 64   // more encoders or metrics than there are
)

// plausible reports whether all numbers are such that one can calculate with them.
func (n *Node) plausible() bool {
	told := []float64{n.Load, n.FPS, float64(n.Memory), float64(n.Threads)}
	for _, e := range n.Chunks {
		told = append(told, float64(e.Frames), float64(e.Total), e.FPS)
	}
	for _, fps := range n.Jobs {
		told = append(told, fps)
	}
	for _, s := range n.Speed {
		told = append(told, s.Frames, s.Pixels, s.Seconds)
	}
	if max(len(n.Builds), len(n.Metrics)) > maxBuilds {
		return false
	}
	return n.Slots >= 0 && n.Slots <= maxSlots && slices.Min(told) >= 0 && slices.Max(told) <= maxTold
}
