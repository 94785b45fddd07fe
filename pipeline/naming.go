package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/distenc/distenc/lease/sharefs"
)

// Naming is the form of an output's name, without its ending: "{stem} [{codec} {height}p]". What stands in braces is
// filled in. The zero value: the source's name.
type Naming string

// The fields of a Naming.
const (
	stemField    = "stem"    // the source's name without its ending, with the output's CRC-32 in place of the tag
	codecField   = "codec"   // h264, hevc, av1
	widthField   = "width"   // of the output's pictures, in pixels
	heightField  = "height"  //
	profileField = "profile" // with which it was encoded
	crcField     = "crc"     // the output's CRC-32, which then stands here and not in the stem
)

var namingFields = []string{stemField, codecField, widthField, heightField, profileField, crcField}

// plainNaming is how the zero value is written.
const plainNaming = "{" + stemField + "}"

// maxNaming limits the form, in bytes: the film's own name has to have room beside it.
const maxNaming = 120

var field = regexp.MustCompile(`\{([^{}]*)\}`)

func (n Naming) String() string {
	if n == "" {
		return plainNaming
	}
	return string(n)
}

// MarshalText implements encoding.TextMarshaler.
func (n Naming) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It refuses what could be no name, and what would not tell one film
// from another.
func (n *Naming) UnmarshalText(text []byte) error {
	form := string(text)
	for _, m := range field.FindAllStringSubmatch(form, -1) {
		switch {
		case !slices.Contains(namingFields, m[1]):
			return fmt.Errorf("there is no {%s}; there are {%s}", m[1], strings.Join(namingFields, "}, {"))
		case strings.Count(form, m[0]) > 1:
			return fmt.Errorf("has {%s} twice", m[1])
		}
	}
	literal := field.ReplaceAllString(form, "")
	switch {
	case strings.ContainsAny(literal, "{}"):
		return fmt.Errorf("each field is a word in braces, such as {stem}; %q has a brace alone", form)
	case !strings.Contains(form, plainNaming):
		return errors.New("must contain {stem}, by which films are told apart")
	case !utf8.ValidString(form) || strings.ContainsFunc(form, unprintable) || strings.ContainsAny(form, `/\:*?"<>|`):
		return fmt.Errorf(`can't hold control characters or any of /\:*?"<>|, which not every system takes in a name; is %q`,
			form)
	case strings.HasPrefix(form, ".") || strings.HasPrefix(form, " "):
		return fmt.Errorf("can't begin with a dot or a space, is %q", form)
	case len(form) > maxNaming:
		return fmt.Errorf("has %d bytes; with more than %d too little room is left for the film's own name",
			len(form), maxNaming)
	case tagPattern.MatchString(literal):
		return fmt.Errorf("8 hex digits in brackets are a file's CRC-32: write [{crc}] for the output's; is %q", form)
	}
	if *n = Naming(form); form == plainNaming {
		*n = ""
	}
	return nil
}

func unprintable(r rune) bool { return unicode.IsControl(r) || turns(r) }

// With fills in the codec, which the encoder decides.
func (n Naming) With(codec string) Naming {
	return Naming(strings.ReplaceAll(string(n), "{"+codecField+"}", codec))
}

// NeedsPlan reports whether the name depends on the pictures that come out.
func (n Naming) NeedsPlan() bool {
	return strings.Contains(string(n), "{"+widthField+"}") || strings.Contains(string(n), "{"+heightField+"}")
}

// OutputName is the name of a job's output. Whoever asks gets the same one, by what never changes: the job, its plan,
// and the CRC-32 of the output that was decided for. Without a Naming that needs it the plan may be nil. What would be
// too long is shortened in the film's own name.
func (j *Job) OutputName(p *Plan, crc string) string {
	s := j.Settings
	if s.Name == "" {
		return OutputName(j.Name(), s.Container, crc)
	}
	crc = strings.ToUpper(crc)
	fill := map[string]string{profileField: s.Profile, crcField: crc, stemField: "\x00"}
	if p != nil {
		fill[widthField], fill[heightField] = strconv.Itoa(p.Out.Width), strconv.Itoa(p.Out.Height)
	}
	name := field.ReplaceAllStringFunc(string(s.Name), func(f string) string { return fill[strings.Trim(f, "{}")] })
	beginning, end, _ := strings.Cut(name, "\x00")
	stem, tag := j.stem(crc)
	return beginning + fitTo(stem, tag+end+"."+string(s.Container), sharefs.NameMax-len(beginning))
}

// maxBehind limits what is kept behind a tag where a name is too long, in bytes.
const maxBehind = 30

// stem is the film's own part of an output's name, and what of it is not shortened: the tag, and what stands behind it.
func (j *Job) stem(crc string) (stem, tag string) {
	stem, _ = cutExt(j.Name())
	before, behind, found := cutTag(stem)
	switch {
	case strings.Contains(string(j.Settings.Name), "{"+crcField+"}"):
		return untagged(stem), ""
	case found && len(behind) <= maxBehind:
		return before, "[" + crc + "]" + behind
	}
	return retagged(stem, crc), ""
}
