package config

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/distenc/distenc/pipeline"
)

// document is one TOML text, checked against the table of keys. Names are in lower case.
type document struct {
	file     string
	lines    map[string]int // of keys and sections, by dotted name; empty for the defaults
	values   map[string]any // of the keys outside the profiles, in their own types
	profiles map[string]Choices
	may      scope // who wrote it
	wrong    []error
}

// read checks a document of the machine, of the share, or beside a file, whose values go into sidecar. The error is an
// *Error
// with file, line and key, or several of them joined.
func read(file string, data []byte, may scope, sidecar *Sidecar) (document, error) {
	d := document{file: file, lines: map[string]int{}, values: map[string]any{}, profiles: map[string]Choices{}, may: may}
	var found map[string]any
	err := toml.Unmarshal(data, &found)
	if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
		return d, d.noTOML(data, bad)
	}
	if err != nil {
		return d, &Error{Where: file, Err: err}
	}
	for _, p := range places(data) {
		if _, seen := d.lines[p.key]; !seen {
			d.lines[p.key] = p.line
		}
	}
	if sidecar != nil {
		sidecar.Choices = d.choices("", found, sidecar)
	} else {
		d.table(found)
	}
	return d, errors.Join(d.wrong...)
}

// problem notes what is wrong with a key.
func (d *document) problem(key, problem string) {
	d.wrong = append(d.wrong, &Error{Where: at(d.file, d.lines[lower(key)]), Key: key, Problem: problem})
}

// each visits a table's values by name. Two names that differ in case only would be one: an error, not a draw.
func (d *document) each(section string, values map[string]any, visit func(name string, v any)) {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if seen[lower(name)] {
			d.problem(section+lower(name), "is there twice: names are not case-sensitive")
			continue
		}
		seen[lower(name)] = true
		visit(name, values[name])
	}
}

const isSection = `is a section: write its keys below its name in [brackets]`

// table takes the values outside of sections, and then each section.
func (d *document) table(values map[string]any) {
	d.each("", values, func(name string, v any) {
		inner, isTable := v.(map[string]any)
		switch {
		case !slices.Contains(sections(), lower(name)):
			d.key(name, v)
		case !isTable:
			d.problem(name, isSection)
		case lower(name) == "profiles":
			d.each("profiles.", inner, d.profile)
		default:
			d.each(lower(name)+".", inner, func(key string, v any) { d.key(name+"."+key, v) })
		}
	})
}

// key takes the value of a key that is no profile's.
func (d *document) key(name string, v any) {
	k, ok := find(lower(name), inFiles)
	switch {
	case !ok:
		d.problem(name, "unknown key"+didYouMean(name, d.known(name)))
		return
	case k.may&d.may == 0:
		d.problem(k.name, "can't be set in the share's own file: everybody who can write there could; "+
			"write it into the machine's, "+MachineFile)
	}
	if err := d.take(k, v); err != nil {
		d.problem(k.name, err.Error())
	}
}

// take keeps the value of a key, in the key's own type.
func (d *document) take(k key, v any) error {
	var c Config
	if err := k.decode(target{machine: &c}, v); err != nil {
		return err
	}
	d.values[k.name] = reflect.ValueOf(k.in(target{machine: &c})).Elem().Interface()
	return nil
}

// profile takes the section of a profile.
func (d *document) profile(name string, v any) {
	section := "profiles." + lower(name)
	inner, isTable := v.(map[string]any)
	switch {
	case !isTable:
		d.problem(section, isSection)
	case !profileName.MatchString(name):
		d.problem(section, profileNameRule)
	default:
		d.profiles[lower(name)] = d.choices("profiles."+name+".", inner, nil)
	}
}

// choices takes what a profile may set, and with a sidecar also what that may.
func (d *document) choices(section string, values map[string]any, sidecar *Sidecar) (c Choices) {
	may := inProfile
	if sidecar != nil {
		may |= inSidecar
	}
	d.each(section, values, func(name string, v any) {
		k, ok := find(lower(name), may)
		if !ok {
			d.problem(section+name, "unknown key"+didYouMean(section+name, d.known(section+name)))
			return
		}
		text, isText := v.(string)
		switch unset := text == "" && !isEncoder(k.name); {
		case k.may&inProfile != 0 && isText && unset:
			return
		case k.may&inProfile != 0 && isText:
			if c == nil {
				c = Choices{}
			}
			c[k.name] = text
		}
		if err := k.decode(target{job: new(pipeline.Settings), file: sidecar}, v); err != nil {
			d.problem(lower(section)+k.name, err.Error())
		}
	})
	if all := c.encoders(); len(all) > 1 {
		slices.SortFunc(all, func(a, b string) int { return d.lines[lower(section)+a] - d.lines[lower(section)+b] })
		d.problem(lower(section)+all[1], "can't be set beside "+all[0]+": a video has one encoder")
	}
	return c
}

func lower(s string) string { return strings.ToLower(s) }
