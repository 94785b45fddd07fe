package encoder

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// Join writes words as options that every Parse takes apart again.
func Join(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		if w == "" || strings.ContainsAny(w, " \t\r\n'\"\\") {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// splitWords splits as a shell does: blanks, quotes, backslash; nothing is expanded.
func splitWords(s string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	inWord, escaped := false, false
	for _, r := range s {
		switch {
		case r == 0:
			return nil, errors.New("there is a NUL in it")
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			inWord, escaped = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, inWord = r, true
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			if inWord {
				words = append(words, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteRune(r)
			inWord = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// param is one parameter of a library in its own names.
type param struct{ key, value string }

// asked is what a user asked of any encoder through its table.
type asked struct {
	params []param // what goes to the library as it was said, each key once
	notes  []string
}

// Notes is for Options.
func (a asked) Notes() []string { return append(slices.Clone(a.notes), a.bufferNotes()...) }

// note keeps what is to be said of an option, once.
func (a *asked) note(rule option) {
	if rule.note != "" && !slices.Contains(a.notes, rule.note) {
		a.notes = append(a.notes, rule.note)
	}
}

// setParam takes the place of what was said of it before, and of its opposite: no-x of x.
func (a *asked) setParam(name, value string, rule option) {
	name = cmp.Or(rule.key, name)
	if rule.form == flag {
		value = "1"
	}
	opposite := "no-" + name
	if base, ok := strings.CutPrefix(name, "no-"); ok {
		opposite = base
	}
	a.params = slices.DeleteFunc(a.params, func(p param) bool { return p.key == name || p.key == opposite })
	a.params = append(a.params, param{name, value})
}

// has reports whether the user has set any of these parameters of the library.
func (a asked) has(keys ...string) bool {
	return slices.ContainsFunc(a.params, func(p param) bool { return slices.Contains(keys, p.key) })
}

// Sleeps is for Options: x264 and x265 end without a picture as well.
func (a asked) Sleeps() bool { return false }

// KeyFrames is for Options: that of x264 and x265, whose own is 250.
func (a asked) KeyFrames(pipeline.Video) int {
	text := cmp.Or(a.param("keyint"), "250")
	n, err := strconv.Atoi(text)
	if err != nil { // infinite
		return 0
	}
	return max(0, n)
}

// param returns the value that the user has given a parameter of the library, empty if none.
func (a asked) param(key string) string {
	for _, p := range a.params {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

// withOwn puts an encoder's own parameters in front of the user's, whose word holds where both say something.
func (a asked) withOwn(own []param) string {
	own = slices.DeleteFunc(own, func(p param) bool { return a.has(p.key) })
	return joinParams(append(own, a.params...))
}

// joinParams writes parameters for an option such as -x264-params. An unescaped colon ends the value: deblock=-1:-1
// would be read as deblock=-1, without an error.
func joinParams(params []param) string {
	escape := strings.NewReplacer(`\`, `\\`, `:`, `\:`, `'`, `\'`)
	all := make([]string, len(params))
	for i, p := range params {
		all[i] = p.key + "=" + escape.Replace(p.value)
	}
	return strings.Join(all, ":")
}

// flags are options of ffmpeg's own, given as pairs, without those that have no value.
func flags(pairs ...string) (args []string) {
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			args = append(args, pair...)
		}
	}
	return args
}
