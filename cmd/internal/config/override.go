package config

import (
	"path/filepath"
	"slices"
	"strings"
)

const (
	// prefix begins the name of every variable that sets a key.
	prefix = "DISTENC_"
	// testPrefix begins the names of those that tell the tests of the sources something.
	testPrefix = "DISTENC_TEST_"
	tools      = "DISTENC_TOOLS" // where pipeline/media looks for tools
)

// override is a key set by a variable or a flag.
type override struct {
	key, where string
	value      any
}

// overrides reads the variables, then the flags, which win. An unknown DISTENC_ variable is a mistake
// like an unknown key; an empty one counts as not set, as units and containers often leave them.
func (s Source) overrides() ([]override, error) {
	var all []override
	for _, pair := range s.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, testPrefix) || name == tools || value == "" {
			continue
		}
		i := slices.IndexFunc(keys, func(k key) bool { return k.variable() == name })
		if i < 0 {
			return nil, &Error{Where: name, Problem: "unknown variable" + didYouMean(name, variables())}
		}
		o, err := newOverride(name, keys[i], value)
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	for _, f := range s.Flags {
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == f.Key })
		o, err := newOverride(f.Name, keys[i], f.Value) // a flag for a key that does not exist is our own mistake
		if err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, nil
}

// newOverride gives the value its key's type. A share may be relative to where the command was typed.
func newOverride(where string, k key, value string) (override, error) {
	v, err := k.kind().parse(value)
	if err == nil && k.name == "share" {
		v, err = filepath.Abs(value)
	}
	if err != nil {
		return override{}, &Error{Where: where, Key: k.name, Problem: err.Error()}
	}
	return override{key: k.name, where: where, value: v}, nil
}

func variables() []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.variable()
	}
	return names
}
