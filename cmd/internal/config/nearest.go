package config

import (
	"fmt"
	"strings"
)

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
