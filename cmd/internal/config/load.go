package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"github.com/distenc/distenc"
	"github.com/distenc/distenc/lease"
)

// Flag is a flag that was given on the command line and sets a key.
type Flag struct {
	Name  string // as typed: --slots
	Key   string // worker.slots
	Value string
}

// Source is where Load looks, besides the share.
type Source struct {
	File    string   // --config; empty: MachineFile if it exists
	Flags   []Flag   // only those that were given
	Environ []string // os.Environ()
	NoShare bool     // leave the share's own file out, for who looks why the share can't be read
}

// Load reads all sources and checks the result. A mistake in them is an *Error, or several joined;
// any other error is a file that could not be read this time.
func Load(s Source) (Config, error) {
	overrides, where, err := s.overrides()
	if err != nil {
		return Config{}, err
	}
	files, err := s.files(overrides)
	if err != nil {
		return Config{}, err
	}
	defaults, err := read("", []byte(distenc.ExampleConfig), inMachine)
	if err != nil {
		return Config{}, err
	}
	v, profiles := viper.New(), defaults.profiles
	for name, value := range defaults.values {
		v.SetDefault(name, value)
	}
	set := map[string]string{} // key: file and line, variable or flag that set it last
	for _, f := range files {
		if err := v.MergeConfigMap(f.values); err != nil {
			return Config{}, &Error{Where: f.file, Err: err}
		}
		for name, choices := range f.profiles {
			profiles[name] = profiles[name].With(choices)
		}
		for name := range f.values {
			set[name] = at(f.file, f.line(name))
		}
	}
	for name, value := range overrides.values {
		v.Set(name, value)
	}
	maps.Copy(set, where)
	c := Config{profiles: inherit(profiles)}
	for _, k := range keys {
		if value := v.Get(k.name); value != nil {
			reflect.ValueOf(k.in(target{machine: &c})).Elem().Set(reflect.ValueOf(value))
		}
	}
	return c, errors.Join(checkExpiry(c.Lease, set), checkHTTP(c.HTTP, set))
}

// checkHTTP refuses what would look safe and is not served so.
func checkHTTP(h HTTP, set map[string]string) error {
	wrong := func(key, problem string) error { return &Error{Where: set[key], Key: key, Problem: problem} }
	switch {
	case h.Certificate != "" && h.Key == "":
		return wrong("http.certificate", "wants http.key beside it, the file with its key")
	case h.Key != "" && h.Certificate == "":
		return wrong("http.key", "wants http.certificate beside it, the file with its certificate")
	case h.Control != "" && h.Listen == "":
		return wrong("http.control", `wants http.listen beside it, such as "127.0.0.1:8470": nothing is served without`)
	}
	return nil
}

func checkExpiry(agreed Lease, set map[string]string) error {
	if agreed.Expiry >= lease.MinBeats*agreed.Heartbeat {
		return nil
	}
	return &Error{Where: cmp.Or(set["lease.expiry"], set["lease.heartbeat"]), Key: "lease.expiry", Problem: fmt.Sprintf(
		"must be at least %d heartbeats, is %s with a heartbeat of %s", lease.MinBeats, agreed.Expiry, agreed.Heartbeat)}
}

const (
	// prefix begins the name of every variable that sets a key.
	prefix = "DISTENC_"
	// testPrefix begins the names of those that tell the tests of the sources something.
	testPrefix = "DISTENC_TEST_"
	tools      = "DISTENC_TOOLS" // where pipeline/media looks for tools
	// hookPrefix begins the names of those that tell a hook of its job, whatever that runs.
	hookPrefix = "DISTENC_HOOK_"
	// Token is the variable with the token for a master that is steered over the network. It is no setting.
	Token = "DISTENC_TOKEN"
)

// overrides reads the variables, then the flags, which win. An unknown DISTENC_ variable is a mistake
// like an unknown key; an empty one counts as not set, as units and containers often leave them.
func (s Source) overrides() (document, map[string]string, error) {
	d, where := document{values: map[string]any{}, may: inMachine}, map[string]string{}
	for _, pair := range s.Environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, testPrefix) || strings.HasPrefix(name, hookPrefix) ||
			name == tools || name == Token || value == "" {
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
