package config

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/distenc/distenc/pipeline"
)

// known lists what an unknown key may have been meant to be; in a profile, with that profile's name. An empty name is
// for the keys of a sidecar.
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
	key := cmp.Or(namesIn(data)[max(0, line-1)], strings.Join(e.Key(), "."))
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
	sectionLine = regexp.MustCompile(`^\s*\[\[?([^\[\]=]+)\]`)
	keyLine     = regexp.MustCompile(`^\s*([^\[\]=#]+?)\s*=`)
	unquoted    = strings.NewReplacer(`"`, "", "'", "", " ", "")
)

// namesIn returns the dotted name, in lower case, of the section or key in each line of a document, which may be no
// TOML; "" where none is to be seen.
func namesIn(data []byte) (all []string) {
	section := ""
	for line := range strings.SplitSeq(string(data), "\n") {
		name := ""
		if table := sectionLine.FindStringSubmatch(line); table != nil {
			name = unquoted.Replace(lower(table[1]))
			section = name + "."
		} else if key := keyLine.FindStringSubmatch(line); key != nil {
			name = section + unquoted.Replace(lower(key[1]))
		}
		all = append(all, name)
	}
	return all
}
