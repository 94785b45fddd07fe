package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
)

// wishes are the keys that say what a film's bits are to be used for. One of them holds at a time, in place of an
// option for a rate, and the latest word counts.
var wishes = []string{"quality", "size"}

// unwished is the value of such a key that wishes for nothing.
const unwished = "none"

// wished lists what is wished for.
func (c Choices) wished() []string {
	return slices.DeleteFunc(slices.Clone(wishes), func(key string) bool { return c[key] == "" || c[key] == unwished })
}

// rate is the first of the encoder's options that choose a rate or a quality, "" if none does.
func (c Choices) rate() string {
	first, _ := rateOf(c.Encoder(), c[c.Encoder()])
	return first
}

// rateOf takes the options that choose a rate or a quality out of an encoder's.
func rateOf(name, options string) (first, rest string) {
	e, err := encoder.Named(name)
	if err != nil {
		return "", options
	}
	return e.Rate(options)
}

// contradiction returns a key of two things that can't both hold, and what is wrong; "" if nothing is.
func (c Choices) contradiction() (key, problem string) {
	all, rate := c.wished(), c.rate()
	switch {
	case len(all) > 1:
		return all[1], fmt.Sprintf("can't be set beside %s: either decides how many bits there are, so leave one out", all[0])
	case len(all) == 1 && rate != "":
		return all[0], fmt.Sprintf("can't be set beside %s among the encoder's options, which says that too: leave one out",
			rate)
	}
	return "", ""
}

// Check returns what is wrong with the choices of one person at one time.
func (c Choices) Check() error {
	for name, text := range c {
		if k, _ := find(name, inProfile); !isEncoder(name) {
			if err := k.decode(target{job: new(pipeline.Settings)}, text); err != nil {
				return fmt.Errorf("%s %w", name, err)
			}
		}
	}
	if key, problem := c.contradiction(); key != "" {
		return errors.New(key + " " + problem)
	}
	return nil
}

// yield takes out of c what other decides in its place: how many bits there are.
func (c Choices) yield(other Choices) {
	if len(other.wished()) > 0 {
		for name, text := range c {
			if isEncoder(name) {
				_, c[name] = rateOf(name, text)
			}
		}
	}
	if len(other.wished()) > 0 || other.rate() != "" {
		maps.DeleteFunc(c, func(name, _ string) bool { return slices.Contains(wishes, name) })
	}
}

// yieldTo is yield for settings that were made already.
func yieldTo(s *pipeline.Settings, c Choices) {
	wished := c.wished()
	if len(wished) > 0 {
		_, s.Options = rateOf(s.Encoder, s.Options)
	}
	for _, name := range wishes {
		if k, _ := find(name, inProfile); !slices.Contains(wished, name) && (len(wished) > 0 || c.rate() != "") {
			_ = k.decode(target{job: s}, unwished)
		}
	}
}
