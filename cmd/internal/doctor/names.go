package doctor

import (
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
)

// oddNames are names that people's videos have and that file systems or servers may refuse.
var oddNames = []struct{ what, name string }{
	{"':'", "a:b.mkv"},
	{"'?'", "a?b.mkv"},
	{"'*'", "a*b.mkv"},
	{"'|'", "a|b.mkv"},
	{"'\"'", "a\"b.mkv"},
	{"'<'", "a<b.mkv"},
	{"'>'", "a>b.mkv"},
	{`'\'`, `a\b.mkv`},
	{"a line break", "a\nb.mkv"},
	{"a dot at the end", "a."},
	{"a space at the end", "a "},
	{"a space at the beginning", " a"},
	{"a name of Windows (con.mkv)", "con.mkv"},
	{"255 bytes", strings.Repeat("a", 255)},
	{"255 bytes of Japanese", strings.Repeat("映", 85)},
	{"an emoji", "🎬.mkv"},
	{"bytes that are not UTF-8", "a\xff\xfeb.mkv"},
}

// checkNames makes files with odd names and looks what became of them.
func checkNames(share *sharefs.FS, dir string) []Finding {
	dir = path.Join(dir, "names")
	if err := share.MkdirAll(dir); err != nil {
		return []Finding{failed("names", "%v", err)}
	}
	var refused, changed []string
	for _, odd := range oddNames {
		name := path.Join(dir, odd.name)
		if odd.name != path.Base(name) || share.Create(name, nil) != nil {
			refused = append(refused, odd.what)
			continue
		}
		if names, err := share.List(dir); err != nil || !slices.Contains(names, odd.name) {
			changed = append(changed, odd.what)
		}
		_ = share.Remove(name) // the whole folder goes at the end
	}
	return []Finding{judgeNames(refused, changed), checkAlike(share, dir)}
}

func judgeNames(refused, changed []string) Finding {
	if refused == nil && changed == nil {
		return ok("names", "all %d odd ones are kept as they are", len(oddNames))
	}
	var seen []string
	if refused != nil {
		seen = append(seen, "refused: "+strings.Join(refused, ", "))
	}
	if changed != nil {
		seen = append(seen, "kept as something else: "+strings.Join(changed, ", "))
	}
	return advice("names", "%s", strings.Join(seen, "; ")).because(
		"videos with such names can't be dropped here, and distenc's own names have none of it",
		"rename such videos before you copy them")
}

// checkAlike looks which names are one: by case, or by the two ways to write é.
func checkAlike(share *sharefs.FS, dir string) Finding {
	alike := func(one, other string) bool {
		if share.Create(path.Join(dir, one), nil) != nil {
			return false
		}
		_, err := share.Stat(path.Join(dir, other))
		return err == nil
	}
	byCase, byForm := alike("case.mkv", "CASE.mkv"), alike("caf\u00e9.mkv", "cafe\u0301.mkv")
	names, _ := share.List(dir) // an empty listing counts as a change
	f := ok("alike names", "upper and lower case %s; the two Unicode forms of é %s", counts(!byCase), counts(!byForm))
	if !slices.Contains(names, "caf\u00e9.mkv") {
		f.Level, f.Seen = Advice, f.Seen+"; é comes back in another form"
		f.Why, f.Do = "an output then has another name than its source", "nothing is lost by it"
	}
	return f
}

func counts(differ bool) string {
	if differ {
		return "make two names"
	}
	return "make one name"
}
