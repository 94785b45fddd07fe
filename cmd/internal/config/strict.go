package config

import (
	"bytes"
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// document is what may stand in a TOML file: the strict pass decodes into it, and nothing else uses it.
// Durations, sizes and hours are texts here, so that a bare 30 is an error of type.
type document struct {
	Share string
	Watch struct {
		Settle, Poll string
	}
	Split struct {
		Chunk, Pieces string
	}
	Lease struct {
		Heartbeat, Expiry string
		Attempts          int
	}
	Worker struct {
		Slots, Nice int
		Hours       string
		MaxLoad     float64 `toml:"max_load"`
		IOClass     string  `toml:"io_class"`
	}
	Disk struct {
		MinFree string `toml:"min_free"`
	}
	Output struct {
		Source string
	}
	HTTP struct {
		Listen string
		Hosts  []string
	}
	Hooks struct {
		Done, Failed []string
		Timeout      string
	}
	Log struct {
		Format, Level string
	}
	Profiles map[string]struct {
		X264, Container, Audio, Subtitles, Scale, Deinterlace, Odd string
	}
}

// schema names the keys that one kind of file may have.
type schema struct {
	kind  func(key string) kind
	known func(key string) []string // what an unknown key may have been meant to be
}

// configSchema is that of the machine's and the share's files.
var configSchema = schema{kind: kindOf, known: knownKeys}

func kindOf(name string) kind {
	if i := slices.IndexFunc(keys, func(k key) bool { return k.name == name }); i >= 0 {
		return keys[i].kind()
	}
	if strings.HasPrefix(name, "profiles.") && strings.Count(name, ".") >= 2 {
		return text
	}
	return section
}

// knownKeys lists all keys, and those of the very profile that the unknown key stands in.
func knownKeys(name string) []string {
	profile := DefaultProfile
	if parts := strings.Split(strings.ToLower(name), "."); len(parts) > 2 && parts[0] == "profiles" {
		profile = strings.Join(parts[1:len(parts)-1], ".")
	}
	var known []string
	for _, k := range keys {
		known = append(known, k.name)
	}
	known = append(known, "profiles."+profile+".x264")
	for _, k := range profileKeys {
		known = append(known, "profiles."+profile+"."+k.name)
	}
	return append(known, "watch", "split", "lease", "worker", "disk", "output", "http", "hooks", "log", "profiles")
}

// strict decodes data into target and returns the line of every key, by its lower-case dotted name.
// Every error is an *Error with file, line and key, or several of them joined.
func (s schema) strict(file string, data []byte, target any) (lines map[string]int, err error) {
	err = toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields().Decode(target)
	if missing, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		return nil, s.unknown(file, missing)
	}
	if wrong, ok := errors.AsType[*toml.DecodeError](err); ok {
		return nil, s.wrong(file, data, wrong)
	}
	if err != nil {
		return nil, &Error{Where: file, Err: err}
	}
	lines = map[string]int{}
	for _, p := range places(data) {
		if _, seen := lines[p.key]; !seen {
			lines[p.key] = p.line
		}
	}
	return lines, nil
}

// unknown lists the keys that do not exist.
func (s schema) unknown(file string, missing *toml.StrictMissingError) error {
	all := make([]error, len(missing.Errors))
	for i, e := range missing.Errors {
		line, _ := e.Position()
		key := strings.Join(e.Key(), ".")
		all[i] = &Error{Where: at(file, line), Key: key, Problem: "unknown key" + didYouMean(key, s.known(key))}
	}
	return errors.Join(all...)
}

// wrong explains a value of the wrong type, of which go-toml speaks in Go's types, and one that is no TOML, of
// which it speaks in characters: mostly the quotes are missing. It passes on what it says of other mistakes.
// Of a value in an inline table it names the table only: so the key is looked up.
func (s schema) wrong(file string, data []byte, e *toml.DecodeError) error {
	line, column := e.Position()
	key, problem := strings.Join(e.Key(), "."), strings.TrimPrefix(e.Error(), "toml: ")
	written := keyIn(data, line)
	switch {
	case strings.HasPrefix(problem, "cannot decode"), strings.HasPrefix(problem, "cannot store"):
		for _, p := range places(data) {
			if p.line < line || p.line == line && p.column <= column {
				key = p.key
			}
		}
		problem = s.kind(key).wants()
	case strings.HasSuffix(problem, "is already defined"), strings.HasSuffix(problem, "already exists"):
		key, problem = cmp.Or(written, key), "is there twice"
	case strings.Contains(problem, "too large"):
	case slices.Contains(s.known(written), written):
		key, problem = written, s.kind(written).wants()
	default:
		key, problem = cmp.Or(written, key), problem+"; how TOML is written: https://toml.io"
	}
	return &Error{Where: at(file, line), Key: key, Problem: problem}
}

var (
	keyLine   = regexp.MustCompile(`^\s*([A-Za-z0-9_.-]+)\s*=`)
	tableLine = regexp.MustCompile(`^\s*\[([A-Za-z0-9_.-]+)\]`)
)

// keyIn is the dotted name in lower case of the key in a line of a document that may be no TOML, "" where
// none is to be seen.
func keyIn(data []byte, line int) string {
	lines := strings.Split(string(data), "\n")
	if line < 1 || line > len(lines) {
		return ""
	}
	key := keyLine.FindStringSubmatch(lines[line-1])
	if key == nil {
		return ""
	}
	for _, above := range slices.Backward(lines[:line-1]) {
		if table := tableLine.FindStringSubmatch(above); table != nil {
			return strings.ToLower(table[1] + "." + key[1])
		}
	}
	return strings.ToLower(key[1])
}

// place is where a key stands in a document. Its name is dotted and in lower case.
type place struct {
	key          string
	line, column int
}

// places lists the keys and tables of a document in their order; it stops at an error of syntax.
func places(data []byte) (all []place) {
	var p unstable.Parser
	p.Reset(data)
	table := ""
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			all, table = appendKey(all, &p, "", e)
		case unstable.KeyValue:
			all = appendValue(all, &p, table, e)
		}
	}
	return all
}

// appendValue adds a key and, if its value is an inline table, the keys in it.
func appendValue(all []place, p *unstable.Parser, table string, e *unstable.Node) []place {
	all, name := appendKey(all, p, table, e)
	if e.Value().Kind != unstable.InlineTable {
		return all
	}
	for inner := e.Value().Children(); inner.Next(); {
		all = appendValue(all, p, name, inner.Node())
	}
	return all
}

// appendKey adds a key and the tables that it opens if it is a dotted one, and returns its full name.
func appendKey(all []place, p *unstable.Parser, table string, e *unstable.Node) ([]place, string) {
	name := table
	for parts := e.Key(); parts.Next(); {
		name = strings.TrimPrefix(name+"."+strings.ToLower(string(parts.Node().Data)), ".")
		start := p.Shape(parts.Node().Raw).Start
		all = append(all, place{key: name, line: start.Line, column: start.Column})
	}
	return all, name
}
