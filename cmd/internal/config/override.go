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

// overrides reads the variables, then the flags, which win. An unknown DISTENC_ variable is a mistake
// like an unknown key; an empty one counts as not set, as units and containers often leave them.
func (s Source) overrides() (document, map[string]string, error) {
	d, where := document{values: map[string]any{}, may: inMachine}, map[string]string{}
	for _, pair := range s.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, testPrefix) || name == tools || value == "" {
			continue
		}
		i := slices.IndexFunc(keys, func(k key) bool { return k.may&inMachine != 0 && k.variable() == name })
		if i < 0 {
			return d, nil, &Error{Where: name, Problem: "unknown variable" + didYouMean(name, variables())}
		}
		if err := d.override(keys[i], name, value); err != nil {
			return d, nil, err
		}
		where[keys[i].name] = name
	}
	for _, f := range s.Flags {
		k, _ := find(f.Key, inMachine) // a flag for a key that does not exist is our own mistake
		if err := d.override(k, f.Name, f.Value); err != nil {
			return d, nil, err
		}
		where[k.name] = f.Name
	}
	return d, where, nil
}

// override takes a value for the key. A share may be relative to where the command was typed.
func (d *document) override(k key, where, value string) error {
	v, err := k.parse(value)
	if err == nil && k.name == "share" {
		v, err = filepath.Abs(value)
	}
	if err == nil {
		err = d.take(k, nil, v)
	}
	if err != nil {
		return &Error{Where: where, Key: k.name, Problem: err.Error()}
	}
	return nil
}
