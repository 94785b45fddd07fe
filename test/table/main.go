// Command table sends sources through a share of its own for each encoder, and writes what became of each into a
// document: exact, exact with notes, or refused and why. The sources are the corpus, and whatever lies in the folders
// that are named.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/test/corpus"
)

func main() {
	binary := flag.String("distenc", "bin/distenc", "the program")
	dir := flag.String("dir", "", "folder to work in, kept afterwards; default: a new one that is removed")
	document := flag.String("in", "docs/media/sources.md", "the document, with the table between two marks; one that is "+
		"not there is made")
	encoders := flag.String("encoders", strings.Join(encoder.Names(), " "), "whose columns are made")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *binary, *dir, *document, strings.Fields(*encoders), flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// quick are options with which an encoder is fast: what is shown is which frames come out.
var quick = map[string]string{
	"x264":   "--preset ultrafast --crf 24",
	"x265":   "--preset ultrafast --crf 28",
	"svtav1": "--preset 12 --crf 45",
}

// settings cut where they can.
const settings = `[split]
chunk = "4s"
[profiles.default]
%s = %q
`

func run(ctx context.Context, binary, dir, document string, encoders, folders []string) error {
	if dir == "" {
		tmp, err := os.MkdirTemp("", "distenc-table-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(tmp) }()
		dir = tmp
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	rows, err := sources(dir, folders)
	if err != nil {
		return err
	}
	tools := map[string]bool{}
	for _, e := range encoders {
		f := farm{binary: binary, share: filepath.Join(dir, e), rows: rows, tools: tools}
		if err := f.encode(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	return replace(document, table(rows, encoders, slices.Sorted(maps.Keys(tools))))
}

// row is one source.
type row struct {
	folder, path string
	results      []result // of each encoder
}

// sources makes the corpus and lists the folders' files.
func sources(dir string, folders []string) (rows []*row, err error) {
	own := filepath.Join(dir, "corpus")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return nil, err
	}
	for _, name := range corpus.Names() {
		path, err := corpus.Write(own, name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, &row{folder: "test/corpus", path: path})
	}
	for _, folder := range folders {
		if folder, err = filepath.Abs(folder); err != nil {
			return nil, err
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Type().IsRegular() && filepath.Ext(e.Name()) != ".tsv" && !strings.HasPrefix(e.Name(), ".") {
				rows = append(rows, &row{folder: filepath.Base(folder), path: filepath.Join(folder, e.Name())})
			}
		}
	}
	return rows, nil
}
