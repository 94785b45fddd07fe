package encoder

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// form is what an option's value must look like. No form lets through a character that means
// something to ffmpeg's option parser but ':', which Param escapes.
type form int

const (
	flag        form = iota // takes no value
	integer                 // -12
	number                  // 1.25
	pair                    // 1.0:0.2
	numbers                 // 1,2,3,4
	words                   // one of option.words
	list                    // a comma-separated list of option.words
	ratio                   // 32:27 or 32/27
	length                  // 250 or infinite
	count                   // 4 or auto
	display                 // G(..)B(..)R(..)WP(..)L(..)
	offsets                 // -1:-1, whole numbers alone
	quarters                // 30.25
	span                    // 240 frames, 10s or -1
	bitrate                 // 2000k
	layers                  // -12,-8,-4,0
	realDisplay             // display, in units of 1 and cd/m²
	light                   // 1000,400
)

var formPattern = map[form]*regexp.Regexp{
	integer:  regexp.MustCompile(`^-?[0-9]{1,9}$`),
	number:   regexp.MustCompile(`^-?[0-9]{1,9}(\.[0-9]{1,9})?$`),
	pair:     regexp.MustCompile(`^-?[0-9]{1,3}(\.[0-9]{1,6})?([:,]-?[0-9]{1,3}(\.[0-9]{1,6})?)?$`),
	numbers:  regexp.MustCompile(`^[0-9]{1,5}(,[0-9]{1,5}){0,63}$`),
	ratio:    regexp.MustCompile(`^[1-9][0-9]{0,4}[:/][1-9][0-9]{0,4}$`),
	length:   regexp.MustCompile(`^([0-9]{1,9}|infinite)$`),
	count:    regexp.MustCompile(`^([0-9]{1,4}|auto)$`),
	offsets:  regexp.MustCompile(`^-?[0-9]{1,2}([:,]-?[0-9]{1,2})?$`),
	quarters: regexp.MustCompile(`^[0-9]{1,2}(\.(0|00|25|5|50|75))?$`),
	span:     regexp.MustCompile(`^(-[12]|[0-9]{1,9}|[0-9]{1,5}s)$`),
	bitrate:  regexp.MustCompile(`^[0-9]{1,8}[bBkKmM]?$`),
	layers:   regexp.MustCompile(`^-?[0-9]{1,3}(,-?[0-9]{1,3}){0,5}$`),
	light:    regexp.MustCompile(`^[0-9]{1,5},[0-9]{1,5}$`),
	realDisplay: regexp.MustCompile(strings.ReplaceAll(`^G\(n,n\)B\(n,n\)R\(n,n\)WP\(n,n\)L\(n,n\)$`, "n",
		`[0-9]{1,5}(\.[0-9]{1,6})?`)),
	display: regexp.MustCompile(`^G\([0-9]+,[0-9]+\)B\([0-9]+,[0-9]+\)R\([0-9]+,[0-9]+\)WP\([0-9]+,[0-9]+\)L\([0-9]+,[0-9]+\)$`),
}

var formWant = map[form]string{
	integer: "it takes a whole number", number: "it takes a number", pair: "it takes one or two numbers, such as 1:0.2",
	numbers: "it takes numbers with commas between", ratio: "it takes width:height, from 1 to 65535 each",
	length: `it takes a number of frames or "infinite"`, count: `it takes a number or "auto"`,
	offsets:  "it takes one or two whole numbers, such as -1:-1",
	quarters: "it takes a number in steps of 0.25", span: `it takes a number of frames, of seconds as "10s", or -1`,
	bitrate:     `it takes a number of kbit/s, or one with "b", "k" or "m"`,
	layers:      "it takes six whole numbers at most, with commas between",
	light:       "it takes two numbers up to 65535, such as 1000,400",
	realDisplay: "it takes G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min), such as G(0.265,0.69)…L(1000,0.0001)",
	display:     "it takes G(x,y)B(x,y)R(x,y)WP(x,y)L(max,min), with x and y up to 65535",
}

// option says how one option of an encoder's command is taken.
type option struct {
	form        form
	least, most int    // of a number, where they differ
	words       string // for words and list, with blanks between
	key         string // the library's name where it differs from the option's
	ignored     bool   // accepted and dropped
	note        string // said once in the job's report
}

func (o option) allows(value string) bool {
	switch o.form {
	case flag:
		return true
	case words:
		return o.hasWord(value)
	case list:
		for _, v := range strings.Split(value, ",") {
			if !o.hasWord(v) {
				return false
			}
		}
		return true
	default:
		return formPattern[o.form].MatchString(value) && o.within(value) && o.holds(value)
	}
}

func (o option) within(value string) bool {
	if o.least == o.most {
		return true
	}
	n, err := strconv.ParseFloat(value, 64)
	return err == nil && n >= float64(o.least) && n <= float64(o.most)
}

// holds reports whether the stream has the bits for these numbers: of larger ones x264 and x265 keep the lower bits.
func (o option) holds(value string) bool {
	const luminances = 8 // numbers of a display that stand in front of them
	if o.form != display && o.form != light && o.form != ratio {
		return true
	}
	for i, text := range strings.FieldsFunc(value, func(r rune) bool { return r < '0' || r > '9' }) {
		bits := 16
		if i >= luminances {
			bits = 32
		}
		if _, err := strconv.ParseUint(text, 10, bits); err != nil {
			return false
		}
	}
	return true
}

func (o option) hasWord(value string) bool {
	for _, w := range strings.Fields(o.words) {
		if w == value {
			return true
		}
	}
	return false
}

func (o option) want() string {
	if o.form == words || o.form == list {
		return "it takes " + strings.Join(strings.Fields(o.words), ", ")
	}
	if o.least != o.most {
		return fmt.Sprintf("%s from %d to %d", formWant[o.form], o.least, o.most)
	}
	return formWant[o.form]
}

// table is what may be asked of an encoder, in the names of its own command. It is an allow-list: an option that is not
// known to be harmless in one chunk of a job is refused.
type table struct {
	command string            // the encoder's own command
	help    string            // what lists its options
	options map[string]option // by long names
	short   map[byte]string   // long names by one-letter options
	refused map[string]string // the reasons why others are refused, for the person who wrote them
}

// parse takes options one by one, as the command does: --crf 18, --crf=18, -b 3, -b3, 'single' and "double" quotes.
func (t table) parse(text string, set func(name, value string, rule option)) error {
	words, err := splitWords(text)
	if err != nil {
		return fmt.Errorf("cannot read the %s options %q: %w", t.command, text, err)
	}
	for len(words) > 0 {
		var name, value string
		if name, value, words, err = t.next(words); err != nil {
			return err
		}
		rule := t.options[name]
		if !rule.allows(value) {
			return fmt.Errorf("%s option --%s can't be %q: %s", t.command, name, value, rule.want())
		}
		set(name, value, rule)
	}
	return nil
}

// next takes the first option and its value off the words.
func (t table) next(words []string) (name, value string, rest []string, err error) {
	word, rest := words[0], words[1:]
	attached := false
	switch {
	case strings.HasPrefix(word, "--") && len(word) > 2:
		name, value, attached = strings.Cut(word[2:], "=")
	case strings.HasPrefix(word, "-") && len(word) > 1:
		name = t.short[word[1]]
		if name == "" {
			return "", "", nil, fmt.Errorf("%s option %q is not known", t.command, word)
		}
		value, attached = word[2:], len(word) > 2
	default:
		return "", "", nil, fmt.Errorf("cannot use %q as an option of %s: options begin with --, and files are not named "+
			"here", word, t.command)
	}
	rule, known := t.options[name]
	switch reason := t.refused[name]; {
	case reason != "":
		return "", "", nil, fmt.Errorf("%s option --%s can't be used: %s", t.command, name, reason)
	case !known:
		return "", "", nil, fmt.Errorf("%s option --%s is not known: use the full names that `%s` lists", t.command, name,
			t.help)
	case rule.form == flag && attached:
		return "", "", nil, fmt.Errorf("%s option --%s takes no value", t.command, name)
	case rule.form == flag || attached:
		return name, value, rest, nil
	case len(rest) == 0:
		return "", "", nil, fmt.Errorf("%s option --%s needs a value", t.command, name)
	}
	return name, rest[0], rest[1:], nil
}

// without returns the first of the named options that a text has, as it is written, and the text without all of them.
func (t table) without(text string, names ...string) (first, rest string) {
	words, err := splitWords(text)
	var kept []string
	for len(words) > 0 && err == nil {
		var name string
		before := words
		if name, _, words, err = t.next(words); err != nil {
			return first, text
		}
		if !slices.Contains(names, name) {
			kept = append(kept, before[:len(before)-len(words)]...)
		} else if first == "" {
			first = "--" + name
		}
	}
	if first == "" {
		return "", text
	}
	return first, Join(kept)
}
