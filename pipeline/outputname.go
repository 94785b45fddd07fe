package pipeline

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/distenc/distenc/lease/sharefs"
)

// tagPattern is a CRC-32 in square brackets, the habit of fansub releases.
var tagPattern = regexp.MustCompile(`\[([0-9A-Fa-f]{8})\]`)

// Tag returns the CRC-32 tag in a file's name in upper case, the last one if there are several, or "".
func Tag(name string) string {
	m := tagPattern.FindAllStringSubmatch(name, -1)
	if m == nil {
		return ""
	}
	return strings.ToUpper(m[len(m)-1][1])
}

// OutputName is the output's file name: the source's, with the container's ending, and with the
// output's own CRC-32 in the place of the tag where the source had one.
func OutputName(source string, container Container, crc string) string {
	base, _ := cutExt(source)
	return fit(retagged(base, strings.ToUpper(crc)), "."+string(container))
}

// cutTag splits a name at its last tag; found is false where it has none.
func cutTag(base string) (before, behind string, found bool) {
	all := tagPattern.FindAllStringIndex(base, -1)
	if all == nil {
		return base, "", false
	}
	last := all[len(all)-1]
	return base[:last[0]], base[last[1]:], true
}

// retagged is a name with another CRC-32 in its tag.
func retagged(base, crc string) string {
	before, behind, found := cutTag(base)
	if !found {
		return base
	}
	return before + "[" + crc + "]" + behind
}

// untagged is a name without its tag, and without the space before that. Of what would be left nothing else is taken.
func untagged(base string) string {
	before, behind, found := cutTag(base)
	if name := strings.TrimRight(before, " ._") + behind; found && name != "" {
		return name
	}
	return base
}

// Marked returns "name (job).ext", which nobody else ever uses.
func Marked(name, job string) string {
	base, ext := cutExt(name)
	return fit(base, fmt.Sprintf(" (%s)%s", job, ext))
}

// maxExt is the longest ending of a file's name, in bytes. What stands behind a name's last dot can be half a
// sentence, and is no ending then.
const maxExt = 16

func cutExt(name string) (base, ext string) {
	if ext = path.Ext(name); len(ext) > maxExt {
		ext = ""
	}
	return strings.TrimSuffix(name, ext), ext
}

// fit shortens the beginning of a name, at a whole character, until the end fits behind it.
func fit(base, end string) string { return fitTo(base, end, sharefs.NameMax) }

// fitTo is fit for so many bytes.
func fitTo(base, end string, most int) string {
	for len(base) > 0 && len(base)+len(end) > most {
		_, size := utf8.DecodeLastRuneInString(base)
		base = base[:len(base)-size]
	}
	return base + end
}

// Numbered returns name, then "name (2).ext", "name (3).ext", … for n = 1, 2, 3.
func Numbered(name string, n int) string {
	if n <= 1 {
		return name
	}
	base, ext := cutExt(name)
	return fit(base, fmt.Sprintf(" (%d)%s", n, ext))
}

// AsNumbered returns what tells whether Numbered may have made a name of this one: it cuts long ones.
func AsNumbered(name string) func(other string) bool {
	base, _ := cutExt(name)
	return func(other string) bool { return strings.HasPrefix(other, base[:min(len(base), 100)]) }
}

// NumberedFolder is Numbered for a folder, whose name has no ending.
func NumberedFolder(name string, n int) string {
	if n <= 1 {
		return name
	}
	return fit(name, fmt.Sprintf(" (%d)", n))
}
