package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/distenc/distenc/pipeline"
)

// known lists what an unknown key may have been meant to be; in a profile, with that profile's name. An empty name is
// for
// the keys of a sidecar.
func (d document) known(name string) []string {
	if d.may == inSidecar {
		all := names("", inProfile|inSidecar)
		slices.Sort(all)
		return all
	}
	profile := DefaultProfile
	if parts := strings.Split(lower(name), "."); len(parts) > 2 && parts[0] == "profiles" {
		profile = strings.Join(parts[1:len(parts)-1], ".")
	}
	return slices.Concat(names("", inFiles), names("profiles."+profile+".", inProfile), sections())
}

// noTOML explains what go-toml says of a text that is no TOML, in characters: mostly the quotes of a value are missing.
func (d document) noTOML(data []byte, e *toml.DecodeError) error {
	line, _ := e.Position()
	problem := strings.TrimPrefix(e.Error(), "toml: ")
	key := cmp.Or(keyIn(data, line), strings.Join(e.Key(), "."))
	switch {
	case strings.HasSuffix(problem, "is already defined"), strings.HasSuffix(problem, "already exists"):
		problem = "is there twice"
	case strings.Contains(problem, "too large"):
	case slices.Contains(sections(), key) && d.may != inSidecar:
		problem = isSection
	case slices.Contains(d.known(key), key):
		k, _ := find(key[strings.LastIndex(key, ".")+1:], inProfile|inSidecar)
		if outside, ok := find(key, inFiles); ok {
			k = outside
		}
		problem = wants(k.in(target{&Config{}, &pipeline.Settings{}, &Sidecar{}}))
	default:
		problem += "; how TOML is written: https://toml.io"
	}
	return &Error{Where: at(d.file, line), Key: key, Problem: problem}
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
			return lower(table[1] + "." + key[1])
		}
	}
	return lower(key[1])
}

// place is where a key stands in a document. Its name is dotted and in lower case.
type place struct {
	key  string
	line int
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
		name = strings.TrimPrefix(name+"."+lower(string(parts.Node().Data)), ".")
		all = append(all, place{key: name, line: p.Shape(parts.Node().Raw).Start.Line})
	}
	return all, name
}
