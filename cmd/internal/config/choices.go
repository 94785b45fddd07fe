package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/pelletier/go-toml/v2"

	"github.com/distenc/distenc/pipeline"
)

// Choices are settings as a profile or a sidecar has them: checked texts by key, an encoder's options by its name. What
// they do not name is left as it is. If nil, nothing is chosen.
type Choices map[string]string

// Encoder returns the encoder that is named, "" if none is.
func (c Choices) Encoder() string {
	if all := c.encoders(); len(all) > 0 {
		return all[0]
	}
	return ""
}

func (c Choices) encoders() (all []string) {
	for _, name := range encoders {
		if _, named := c[name]; named {
			all = append(all, name)
		}
	}
	return all
}

// With returns c and what other adds to it and has in place of it. Another encoder comes without the first one's
// options, and whatever decides how many bits there are without what has decided it before.
func (c Choices) With(other Choices) Choices {
	all := maps.Clone(c)
	if all == nil {
		all = Choices{}
	}
	if e := other.Encoder(); e != "" {
		maps.DeleteFunc(all, func(name, _ string) bool { return name != e && isEncoder(name) })
	}
	all.yield(other)
	maps.Copy(all, other)
	return all
}

// Over returns the settings with what was chosen. An encoder without options has those that the settings have for it.
func (c Choices) Over(s pipeline.Settings) pipeline.Settings {
	for name, text := range c {
		if k, _ := find(name, inProfile); !isEncoder(name) {
			_ = k.decode(target{job: &s}, text) // it was checked when it was read
		}
	}
	yieldTo(&s, c)
	if e := c.Encoder(); e != "" && (e != s.Encoder || c[e] != "") {
		s.Encoder, s.Options = e, c[e]
	}
	return s
}

// Profile returns what the profile of that name, whatever its case, has a job encoded with.
func (c Config) Profile(name string) (pipeline.Settings, bool) {
	p, ok := c.profiles[lower(name)]
	p.Chunk, p.Pieces, p.Disposal = c.Split.Chunk.Seconds(), c.Split.Pieces, c.Output.Source
	return p, ok
}

// ProfileNames lists the profiles in alphabetical order, in lower case.
func (c Config) ProfileNames() []string {
	return slices.Sorted(maps.Keys(c.profiles))
}

// inherit gives every profile its name, and the keys that it does not set from [profiles.default].
func inherit(given map[string]Choices) map[string]pipeline.Settings {
	base := given[DefaultProfile].Over(pipeline.Settings{})
	all := map[string]pipeline.Settings{}
	for name, choices := range given {
		p := choices.Over(base)
		p.Profile = name
		all[name] = p
	}
	return all
}

// Sidecar holds the settings for one file alone.
type Sidecar struct {
	Choices // what is not as its profile has it

	Profile  string
	Priority int    // -1000 to 1000; the higher goes first
	Again    bool   // encode although it was done before
	Paused   bool   // its job begins as a paused one
	Nonce    string // names this drop, so that `add --wait` finds the job that became of it
	Size     int64  // `add`'s promise, in bytes: a file of this size is complete, no wait is needed
}

// ParseSidecar reads a sidecar. Anyone can write one into the inbox: errors name file, line and key, and
// every error is an *Error. Whether the profile exists is for the caller to find out.
func ParseSidecar(name string, data []byte) (Sidecar, error) {
	if len(data) > pipeline.MaxSidecar {
		return Sidecar{}, &Error{Where: name, Problem: fmt.Sprintf("is larger than %d bytes", pipeline.MaxSidecar)}
	}
	d, err := read(name, data, inSidecar)
	if err != nil {
		return Sidecar{}, err
	}
	return d.sidecar, nil
}

// Encode returns the sidecar as TOML, for ParseSidecar. Values that change nothing are left out.
func (s Sidecar) Encode() ([]byte, error) {
	all := map[string]any{}
	for _, k := range keys {
		if k.may&inSidecar == 0 {
			continue
		}
		if v := reflect.ValueOf(k.in(target{file: &s})).Elem(); !v.IsZero() {
			all[k.name] = v.Interface()
		}
	}
	if n, named := all[promised]; named && s.Choices["size"] == "" {
		delete(all, promised)
		all["size"] = n
	}
	for name, text := range maps.All(s.Choices) {
		all[name] = text
	}
	data, err := toml.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("cannot write the settings: %w", err)
	}
	return data, nil
}
