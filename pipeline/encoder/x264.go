package encoder

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// X264 is what a user asked of the x264 encoder, as far as it may be asked: made by ParseX264 alone.
type X264 struct {
	Preset, Tune, Profile, Level string   // ffmpeg's own options; empty: x264's default
	Params                       []Param  // what goes through -x264-params, each key once
	Chroma                       int      // from --output-csp: 400, 420, 422 or 444; 0: not said
	Depth                        int      // from --output-depth: 8 or 10; 0: not said
	Range                        string   // from --range: tv or pc; empty: not said
	Notes                        []string // what does not mean here what it means to the x264 command
}

// Param is one parameter of libx264 in its own names.
type Param struct{ Key, Value string }

// ParseX264 reads options in the x264 command line's own names and spellings (--crf 18, --crf=18,
// -b 3, -b3, 'single' and "double" quotes). It is an allow-list: an option that is not known to be
// harmless in one chunk of a job is an error that names it and says what to do instead. No accepted
// text makes ffmpeg or x264 open a file.
func ParseX264(text string) (X264, error) {
	words, err := splitWords(text)
	if err != nil {
		return X264{}, fmt.Errorf("cannot read the x264 options %q: %w", text, err)
	}
	var x X264
	for len(words) > 0 {
		var name, value string
		if name, value, words, err = nextOption(words); err == nil {
			err = x.set(name, value)
		}
		if err != nil {
			return X264{}, err
		}
	}
	return x, nil
}

// Has tells whether the user has set any of these parameters of libx264.
func (x X264) Has(keys ...string) bool {
	return slices.ContainsFunc(x.Params, func(p Param) bool { return slices.Contains(keys, p.Key) })
}

// Param returns the value the user has given a parameter of libx264, empty if none.
func (x X264) Param(key string) string {
	for _, p := range x.Params {
		if p.Key == key {
			return p.Value
		}
	}
	return ""
}

// IPRatio is how much finer than a P frame's the quantizer of an I frame is; 0 where it is not the quality (crf) that
// is asked for.
func (x X264) IPRatio() float64 {
	if x.Has("qp", "bitrate") {
		return 0
	}
	ratio := 1.4 // x264 --fullhelp
	if slices.Contains(strings.Split(x.Tune, ","), "grain") {
		ratio = 1.1
	}
	if user := x.Param("ipratio"); user != "" {
		ratio, _ = strconv.ParseFloat(user, 64) // the form of a number was checked
	}
	return ratio
}

// FFmpegArgs returns the encoder's options for ffmpeg. own are our parameters, which the user's
// override.
func (x X264) FFmpegArgs(own ...Param) []string {
	args := []string{"-c:v", "libx264"}
	for _, o := range []struct{ name, value string }{
		{"-preset", x.Preset}, {"-tune", x.Tune}, {"-profile:v", x.Profile}, {"-level:v", x.Level},
	} {
		if o.value != "" {
			args = append(args, o.name, o.value)
		}
	}
	var params []string
	for _, p := range own {
		if !x.Has(p.Key) {
			params = append(params, p.String())
		}
	}
	for _, p := range x.Params {
		params = append(params, p.String())
	}
	if len(params) == 0 {
		return args
	}
	return append(args, "-x264-params", strings.Join(params, ":"))
}

// String writes the parameter for -x264-params. An unescaped colon ends the value: deblock=-1:-1 would
// be read as deblock=-1, without an error.
func (p Param) String() string {
	return p.Key + "=" + strings.NewReplacer(`\`, `\\`, `:`, `\:`, `'`, `\'`).Replace(p.Value)
}

// set takes one option under its long name.
func (x *X264) set(name, value string) error {
	rule := x264Options[name]
	if !rule.allows(value) {
		return fmt.Errorf("x264 option --%s can't be %q: %s", name, value, rule.want())
	}
	if rule.note != "" && !slices.Contains(x.Notes, rule.note) {
		x.Notes = append(x.Notes, rule.note)
	}
	switch name {
	case "preset":
		x.Preset = value
	case "tune":
		x.Tune = value
	case "profile":
		x.Profile = value
	case "level":
		x.Level = value
	case "output-csp":
		x.Chroma, _ = strconv.Atoi(strings.TrimPrefix(value, "i"))
	case "output-depth":
		x.Depth, _ = strconv.Atoi(value)
	case "range":
		x.Range = strings.TrimPrefix(value, "auto")
	default:
		if !rule.ignored {
			x.setParam(name, value, rule)
		}
	}
	return nil
}

func (x *X264) setParam(name, value string, rule x264Option) {
	if rule.key != "" {
		name = rule.key
	}
	if rule.form == flag {
		value = "1"
	}
	opposite := "no-" + name
	if base, ok := strings.CutPrefix(name, "no-"); ok {
		opposite = base
	}
	x.Params = slices.DeleteFunc(x.Params, func(p Param) bool { return p.Key == name || p.Key == opposite })
	x.Params = append(x.Params, Param{name, value})
}

// nextOption takes the first option and its value off the words.
func nextOption(words []string) (name, value string, rest []string, err error) {
	word, rest := words[0], words[1:]
	attached := false
	switch {
	case strings.HasPrefix(word, "--") && len(word) > 2:
		name, value, attached = strings.Cut(word[2:], "=")
	case strings.HasPrefix(word, "-") && len(word) > 1:
		name = x264Short[word[1]]
		if name == "" {
			return "", "", nil, fmt.Errorf("x264 option %q is not known", word)
		}
		value, attached = word[2:], len(word) > 2
	default:
		return "", "", nil, fmt.Errorf("cannot use %q as an x264 option: options begin with --, and files are not named here", word)
	}
	rule, known := x264Options[name]
	switch reason := x264Refused[name]; {
	case reason != "":
		return "", "", nil, fmt.Errorf("x264 option --%s can't be used: %s", name, reason)
	case !known:
		return "", "", nil, fmt.Errorf("x264 option --%s is not known: use the full names that `x264 --fullhelp` lists", name)
	case rule.form == flag && attached:
		return "", "", nil, fmt.Errorf("x264 option --%s takes no value", name)
	case rule.form == flag || attached:
		return name, value, rest, nil
	case len(rest) == 0:
		return "", "", nil, fmt.Errorf("x264 option --%s needs a value", name)
	}
	return name, rest[0], rest[1:], nil
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
