package sharefs

import (
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// kept reports whether Windows takes each part of a name as it is ("Naming Files, Paths, and Namespaces"). It has its
// own meaning for some characters, drops dots and spaces from the end, and takes NUL or COM1 for devices
// (filepath.IsLocal). Here all paths are verbatim and nothing would be changed; but a name that no other program finds
// is no name.
func kept(name string) bool {
	if !utf8.ValidString(name) { // becomes another in UTF-16
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "." || part == "" {
			continue
		}
		if strings.ContainsFunc(part, meant) || strings.TrimRight(part, ". ") != part || !filepath.IsLocal(part) {
			return false
		}
	}
	return true
}

// meant reports a character that means something in a path, a pattern or a console.
func meant(c rune) bool { return c < ' ' || strings.ContainsRune(`<>:"\|?*`, c) }
