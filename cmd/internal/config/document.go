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
	sidecar  Sidecar
	may      scope // who wrote it
	wrong    []error
}

// read checks a document of the machine, of the share, or beside a file. The error is an *Error with file, line and
// key, or several of them joined.
func read(file string, data []byte, may scope) (document, error) {
	d := document{file: file, lines: map[string]int{}, values: map[string]any{}, profiles: map[string]Choices{}, may: may}
	var found map[string]any
	err := toml.Unmarshal(data, &found)
	if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
		return d, d.noTOML(data, bad)
	}
	if err != nil {
		return d, &Error{Where: file, Err: err}
	}
	for i, name := range namesIn(data) {
		for ; name != "" && d.lines[name] == 0; name = name[:max(0, strings.LastIndexByte(name, '.'))] {
			d.lines[name] = i + 1
		}
	}
	if may == inSidecar {
		d.table(section{may: inProfile | inSidecar, choices: &d.sidecar.Choices}, found)
	} else {
		d.table(section{may: inFiles}, found)
	}
	return d, errors.Join(d.wrong...)
}

// line is where a key stands, or the section or inline table that it is in; 0 if it stands nowhere.
func (d *document) line(name string) int {
	for ; name != "" && d.lines[name] == 0; name = name[:max(0, strings.LastIndexByte(name, '.'))] {
	}
	return d.lines[name]
}

// problem notes what is wrong with a key.
func (d *document) problem(key, problem string) {
	d.wrong = append(d.wrong, &Error{Where: at(d.file, d.line(lower(key))), Key: key, Problem: problem})
}

// section is a table of the document: the whole, a part that has a name, or a profile.
type section struct {
	name    string   // "", or as it was written, with a dot behind it
	may     scope    // who may set what stands in it
	choices *Choices // nil where nothing is chosen for an encode
}

const isSection = `is a section: write its keys below its name in [brackets]`

// table takes the values of a section by their names, and the sections in it. Two names that differ in case only would
// be one: an error, not a draw.
func (d *document) table(s section, values map[string]any) {
	seen := map[string]bool{}
	for _, given := range slices.Sorted(maps.Keys(values)) {
		name, profile := lower(s.name+given), lower(s.name) == "profiles."
		inner, isTable := values[given].(map[string]any)
		switch {
		case seen[name]:
			d.problem(name, "is there twice: names are not case-sensitive")
		case s.may != inFiles, !profile && !slices.Contains(sections(), name):
			d.key(s, given, values[given])
		case !isTable:
			d.problem(name, isSection)
		case profile && !profileName.MatchString(given):
			d.problem(name, profileNameRule)
		case profile:
			var c Choices
			d.table(section{s.name + given + ".", inProfile, &c}, inner)
			d.profiles[lower(given)] = c
		default:
			d.table(section{s.name + given + ".", inFiles, nil}, inner)
		}
		seen[name] = true
	}
	if s.choices == nil {
		return
	}
	if all := s.choices.encoders(); len(all) > 1 {
		in := lower(s.name)
		slices.SortFunc(all, func(a, b string) int { return d.line(in+a) - d.line(in+b) })
		d.problem(in+all[1], "can't be set beside "+all[0]+": a video has one encoder")
	} else if key, problem := s.choices.contradiction(); key != "" {
		d.problem(lower(s.name)+key, problem)
	}
}

// key takes a value.
func (d *document) key(s section, given string, v any) {
	name := s.name + given
	short := lower(name)
	if s.may&inProfile != 0 {
		short = lower(given)
	}
	if _, number := v.(int64); number && short == "size" && s.may&inSidecar != 0 {
		short = promised
	}
	k, ok := find(short, s.may)
	if !ok {
		d.problem(name, "unknown key"+didYouMean(name, d.known(name)))
		return
	}
	if s.may == inFiles && k.may&d.may == 0 {
		d.problem(k.name, "can't be set in the share's own file: everybody who can write there could; "+
			"write it into the machine's, "+MachineFile)
	}
	if err := d.take(k, s.choices, v); err != nil {
		d.problem(lower(name), err.Error())
	}
}

// take keeps a value that is right: a profile's as a text among the choices, where an empty one chooses nothing but an
// encoder, and any other in the key's own type.
func (d *document) take(k key, choices *Choices, v any) error {
	to := target{new(Config), new(pipeline.Settings), &d.sidecar}
	text, isText := v.(string)
	chosen := k.may&inProfile != 0 && isText
	if chosen && text == "" && !isEncoder(k.name) {
		return nil
	}
	if err := k.decode(to, v); err != nil {
		return err
	}
	switch {
	case chosen && *choices == nil:
		*choices = Choices{k.name: text}
	case chosen:
		(*choices)[k.name] = text
	case k.may&inFiles != 0:
		d.values[k.name] = reflect.ValueOf(k.in(to)).Elem().Interface()
	}
	return nil
}

func lower(s string) string { return strings.ToLower(s) }
