// Command table sends sources through a share of its own and writes what became of each into a document:
// exact, exact with notes, or refused and why. The sources are the corpus, and whatever lies in the folders
// that are named.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

func main() {
	binary := flag.String("distenc", "bin/distenc", "the program")
	dir := flag.String("dir", "", "folder to work in, kept afterwards; default: a new one that is removed")
	document := flag.String("in", "docs/media/sources.md", "the document, with the table between two marks; one that is "+
		"not there is made")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *binary, *dir, *document, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "table:", err)
		os.Exit(1)
	}
}

// settings cut where they can and encode fast: what is shown is which frames come out.
const settings = `[split]
chunk = "4s"
[profiles.default]
x264 = "--preset ultrafast --crf 24"
`

func run(ctx context.Context, binary, dir, document string, folders []string) error {
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
	share := filepath.Join(dir, "share")
	distenc := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, binary, append(args, "--log-level", "error")...)
		cmd.Env = append(os.Environ(), "DISTENC_SHARE="+share)
		out, err := cmd.Output()
		return string(out), err
	}
	if _, err := distenc("init", share); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(share, "distenc.toml"), []byte(settings), 0o644); err != nil {
		return err
	}
	for i := range rows {
		// Some have the same content under several names.
		out, err := distenc("add", "--again", rows[i].path)
		if exit, is := errors.AsType[*exec.ExitError](err); is {
			rows[i].refuse(string(exit.Stderr))
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot add %q: %w", rows[i].path, err)
		}
		rows[i].inbox = filepath.Base(strings.TrimSuffix(strings.TrimPrefix(out, "added "), "\n"))
	}
	var exit *exec.ExitError
	if _, err := distenc("run", "--until-idle"); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		return fmt.Errorf("cannot encode the sources: %w", err)
	}
	tools, err := outcomes(share, rows)
	if err != nil {
		return err
	}
	return replace(document, table(rows, tools))
}

// row is one source.
type row struct {
	folder, path string
	inbox        string // its name in the inbox, as people are shown it
	result       string
	late         bool // it failed after it was planned
	notes        []string
}

// refuse notes what distenc said to whoever added the file.
func (r *row) refuse(said string) {
	_, reason, _ := strings.Cut(strings.TrimSpace(said), `": `)
	r.result, r.notes = "refused", []string{reason}
}

// sources makes the corpus and lists the folders' files.
func sources(dir string, folders []string) (rows []row, err error) {
	own := filepath.Join(dir, "corpus")
	if err := os.MkdirAll(own, 0o755); err != nil {
		return nil, err
	}
	for _, name := range corpus.Names() {
		path, err := corpus.Write(own, name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{folder: "test/corpus", path: path})
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
				rows = append(rows, row{folder: filepath.Base(folder), path: filepath.Join(folder, e.Name())})
			}
		}
	}
	return rows, nil
}

// outcomes reads what the share says of every source, and the versions of the tools.
func outcomes(share string, rows []row) (tools []string, err error) {
	jobs, err := filepath.Glob(filepath.Join(share, "jobs", "*", "job.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range jobs {
		var job pipeline.Job
		if err := read(name, &job); err != nil {
			return nil, err
		}
		i := slices.IndexFunc(rows, func(r row) bool { return r.inbox == pipeline.RawName(job.Name()).String() })
		var certificate struct {
			Encoder string
			Tools   map[string]string
			Notes   []string
		}
		if i < 0 {
			continue
		}
		if err := read(filepath.Join(filepath.Dir(name), pipeline.CertificateName), &certificate); err != nil {
			// It lies in failed/. What could be planned should have come out.
			_, err := os.Stat(filepath.Join(filepath.Dir(name), "plan.json"))
			rows[i].late = err == nil
			continue
		}
		rows[i].result, rows[i].notes = "exact", certificate.Notes
		if tools == nil {
			tools = append(tools, certificate.Encoder)
			for _, line := range certificate.Tools {
				line, _, _ = strings.Cut(line, " Copyright")
				tools = append(tools, line)
			}
			slices.Sort(tools)
		}
	}
	failed, err := os.ReadDir(filepath.Join(share, "failed"))
	if err != nil {
		return nil, err
	}
	for row, r := range rows {
		if r.result != "" {
			continue
		}
		i := slices.IndexFunc(failed, func(e fs.DirEntry) bool { return pipeline.RawName(e.Name()).String() == r.inbox })
		if i < 0 {
			return nil, fmt.Errorf("nothing tells what became of %q", r.path)
		}
		reason, err := os.ReadFile(filepath.Join(share, "failed", failed[i].Name(), pipeline.ReasonName))
		if err != nil {
			return nil, err
		}
		rows[row].result, rows[row].notes = "refused", []string{strings.TrimSpace(string(reason))}
		if r.late {
			rows[row].result = "FAILED LATE"
		}
	}
	return tools, nil
}

func read(name string, v any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// table writes Markdown.
func table(rows []row, tools []string) string {
	count := map[string]int{}
	var lines strings.Builder
	for _, r := range rows {
		what := r.result
		if what == "exact" && len(r.notes) > 0 {
			what = "exact, with notes"
		}
		count[what]++
		fmt.Fprintf(&lines, "| %s | %s | %s | %s |\n", r.folder, cell(pipeline.RawName(filepath.Base(r.path)).String()), what,
			cell(strings.Join(r.notes, " ")))
	}
	return fmt.Sprintf("%d sources: %d exact, %d exact with notes, %d refused before their first chunk was encoded, "+
		"%d failed later. Made with %s.\n\n| from | source | | |\n| --- | --- | --- | --- |\n%s",
		len(rows), count["exact"], count["exact, with notes"], count["refused"], count["FAILED LATE"],
		strings.Join(tools, ", "), &lines)
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
