package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// table writes Markdown: a line for each source, a column for each encoder.
func table(rows []*row, encoders, tools []string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d sources. Made with %s.\n\n", len(rows), strings.Join(tools, ", "))
	text.WriteString("| | exact | exact, with notes | refused before the first chunk was encoded | failed later |\n")
	text.WriteString("| --- | --- | --- | --- | --- |\n")
	for i, e := range encoders {
		count := map[string]int{}
		for _, r := range rows {
			count[r.results[i].what]++
		}
		fmt.Fprintf(&text, "| %s | %d | %d | %d | %d |\n", e, count["exact"], count["exact, with notes"], count["refused"],
			count["FAILED LATE"])
	}
	fmt.Fprintf(&text, "\n| from | source | %s | |\n| --- | --- |%s --- |\n", strings.Join(encoders, " | "),
		strings.Repeat(" --- |", len(encoders)))
	for _, r := range rows {
		fmt.Fprintf(&text, "| %s | %s |", r.folder, cell(pipeline.RawName(filepath.Base(r.path)).String()))
		for _, result := range r.results {
			fmt.Fprintf(&text, " %s |", result.what)
		}
		fmt.Fprintf(&text, " %s |\n", cell(r.notes(encoders)))
	}
	return text.String()
}

// notes are what all encoders' jobs noted, and then what only some did.
func (r *row) notes(encoders []string) string {
	var all []string
	who := map[string][]string{} // by note
	for i, result := range r.results {
		for _, n := range result.notes {
			if who[n] == nil {
				all = append(all, n)
			}
			if !slices.Contains(who[n], encoders[i]) {
				who[n] = append(who[n], encoders[i])
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return len(who[b]) - len(who[a]) })
	for i, n := range all {
		if len(who[n]) < len(encoders) {
			all[i] = strings.Join(who[n], ", ") + ": " + n
		}
	}
	return strings.Join(all, " ")
}

// cell keeps a text within its cell.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "<", `\<`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "\n", " ").Replace(s)
}

const begin, end = "<!-- made by make media-table -->\n", "<!-- until here -->\n"

// replace puts the table between the document's two marks.
func replace(document, text string) error {
	data, err := os.ReadFile(document)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = []byte(begin+end), nil
	}
	if err != nil {
		return err
	}
	head, rest, one := strings.Cut(string(data), begin)
	_, tail, two := strings.Cut(rest, end)
	if !one || !two {
		return fmt.Errorf("%s has no marks %q and %q", document, begin, end)
	}
	return os.WriteFile(document, []byte(head+begin+text+end+tail), 0o644)
}
