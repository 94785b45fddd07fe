package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

const (
	// SidecarSuffix ends the name of a file with settings for one source: NAME.mkv.distenc.toml.
	SidecarSuffix = ".distenc.toml"
	// MaxSidecar bounds a sidecar, in bytes. Read no more than one byte beyond it.
	MaxSidecar = 64 << 10
	// maxPriority bounds a priority both ways; enough to order people's wishes.
	maxPriority = 1000
)

// Sidecar holds the settings for one file alone. An empty field leaves the profile's value.
type Sidecar struct {
	Profile     string `toml:"profile,omitempty"`
	X264        string `toml:"x264,omitempty"`
	Container   string `toml:"container,omitempty"`
	Audio       string `toml:"audio,omitempty"`
	Subtitles   string `toml:"subtitles,omitempty"`
	Scale       string `toml:"scale,omitempty"`
	Deinterlace string `toml:"deinterlace,omitempty"`
	Odd         string `toml:"odd,omitempty"`
	Priority    int    `toml:"priority,omitempty"` // -1000 to 1000; the higher goes first
	Again       bool   `toml:"again,omitempty"`    // encode although it was done before
	Paused      bool   `toml:"paused,omitempty"`   // its job begins as a paused one
	// Nonce names this drop, so that `add --wait` finds the job that became of it.
	Nonce string `toml:"nonce,omitempty"`
	// Size is `add`'s promise, in bytes: a file of this size is complete, no wait is needed.
	Size int64 `toml:"size,omitempty"`
}

var sidecarKinds = map[string]kind{
	"profile": text, "x264": text, "container": text, "audio": text, "subtitles": text, "scale": text, "deinterlace": text, "odd": text,
	"priority": number, "again": truth, "paused": truth, "nonce": text, "size": number,
}

var sidecarSchema = schema{
	kind:  func(key string) kind { return sidecarKinds[key] },
	known: func(string) []string { return slices.Sorted(maps.Keys(sidecarKinds)) },
}

var nonceName = regexp.MustCompile(`^[a-z0-9]{4,16}$`)

// ParseSidecar reads a sidecar. Anyone can write one into the inbox: errors name file, line and key, and
// every error is an *Error. Whether the profile exists is for the caller to find out.
func ParseSidecar(name string, data []byte) (Sidecar, error) {
	if len(data) > MaxSidecar {
		return Sidecar{}, &Error{Where: name, Problem: fmt.Sprintf("is larger than %d bytes", MaxSidecar)}
	}
	var s Sidecar
	lines, err := sidecarSchema.strict(name, data, &s)
	if err != nil {
		return Sidecar{}, err
	}
	var all []error
	for key, problem := range s.problems() {
		all = append(all, &Error{Where: at(name, lines[key]), Key: key, Problem: problem})
	}
	slices.SortFunc(all, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	if err := errors.Join(all...); err != nil {
		return Sidecar{}, err
	}
	return s, nil
}

// asProfile are the settings that a profile has too.
func (s Sidecar) asProfile() Profile {
	return Profile{
		X264: s.X264, Container: s.Container, Audio: s.Audio, Subtitles: s.Subtitles, Scale: s.Scale, Deinterlace: s.Deinterlace, Odd: s.Odd,
	}
}

// problems says for each key what is wrong with its value.
func (s Sidecar) problems() map[string]string {
	found := s.asProfile().problems()
	if s.Profile != "" && !profileName.MatchString(s.Profile) {
		found["profile"] = profileNameRule
	}
	if p := between(-maxPriority, maxPriority)(s.Priority); p != "" {
		found["priority"] = p
	}
	if s.Nonce != "" && !nonceName.MatchString(s.Nonce) {
		found["nonce"] = fmt.Sprintf("must be 4 to 16 of a-z and 0-9, is %q", s.Nonce)
	}
	if s.Size < 0 {
		found["size"] = fmt.Sprintf("must be at least 0, is %d", s.Size)
	}
	return found
}

// Encode returns the sidecar as TOML, for ParseSidecar.
func (s Sidecar) Encode() ([]byte, error) {
	data, err := toml.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("cannot write the settings: %w", err)
	}
	return data, nil
}
