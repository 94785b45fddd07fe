package config

import (
	"fmt"
	"maps"
	"reflect"

	"github.com/pelletier/go-toml/v2"

	"github.com/distenc/distenc/pipeline"
)

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
	for name, text := range maps.All(s.Choices) {
		all[name] = text
	}
	data, err := toml.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("cannot write the settings: %w", err)
	}
	return data, nil
}
