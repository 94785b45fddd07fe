package config

import (
	"fmt"
	"slices"
	"strings"
)

// Error is a mistake in the configuration: the person who wrote it can mend it, trying again can't.
type Error struct {
	Where   string // file:line, the variable's or the flag's name
	Key     string // dotted, empty where the mistake is not about a key
	Problem string
	Err     error // the cause, may be nil
}

func (e *Error) Error() string {
	parts := []string{e.Where, e.Key, e.Problem}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

func (e *Error) Unwrap() error { return e.Err }

// at names a line the way compilers and editors do.
func at(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// didYouMean is the end of a message about an unknown name: the known one that looks most like it, or
// if none does those that can stand in the same place.
func didYouMean(name string, known []string) string {
	best, least := "", len(name)
	for _, k := range known {
		d := distance(strings.ToLower(name), strings.ToLower(k))
		if last(name) == last(k) { // the right key in the wrong section
			d = min(d, 1)
		}
		if d < least {
			best, least = k, d
		}
	}
	if least <= 1+len(name)/3 {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; known are " + strings.Join(siblings(name, known), ", ")
}

// siblings are the known names in the same section; if there is no such section, those in none.
func siblings(name string, known []string) []string {
	in := func(section string) (all []string) {
		for _, k := range known {
			if strings.TrimSuffix(k, last(k)) == section {
				all = append(all, k)
			}
		}
		return all
	}
	if all := in(strings.ToLower(strings.TrimSuffix(name, last(name)))); len(all) > 0 {
		return all
	}
	return in("")
}

func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// distance is Levenshtein's: the insertions, deletions and replacements that turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
