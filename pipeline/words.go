package pipeline

import (
	"fmt"
	"slices"
	"strings"
)

func setWord[T ~string](to *T, text []byte, words ...T) error {
	if err := OneOf(T(text), words...); err != nil {
		return err
	}
	*to = T(text)
	return nil
}

// OneOf returns an error that lists the words if a text is none of them.
func OneOf[T ~string](text T, words ...T) error {
	if slices.Contains(words, text) {
		return nil
	}
	return fmt.Errorf("must be %s, is %q", series(words, "or"), text)
}

// ThereAre says which of a kind there are: "there is a", "there are a, b and c".
func ThereAre[T ~string](words []T) string {
	if len(words) == 1 {
		return "there is " + string(words[0])
	}
	return "there are " + series(words, "and")
}

// series lists words as a sentence does: "a", "a or b", "a, b or c".
func series[T ~string](words []T, conjunction string) string {
	var list strings.Builder
	for i, w := range words {
		switch i {
		case 0:
		case len(words) - 1:
			list.WriteString(" " + conjunction + " ")
		default:
			list.WriteString(", ")
		}
		list.WriteString(string(w))
	}
	return list.String()
}
