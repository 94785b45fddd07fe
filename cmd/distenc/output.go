package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/distenc/distenc/pipeline"
)

// containerOf is the container that an output's name asks for, "" to leave it to the profile.
func containerOf(out string) pipeline.Container {
	switch ext := strings.ToLower(filepath.Ext(out)); ext {
	case ".mkv", ".mp4":
		return pipeline.Container(ext[1:])
	}
	return ""
}

// others are the endings of containers that no output has.
var others = []string{
	".avi", ".mov", ".m4v", ".webm", ".ts", ".m2ts", ".mpg", ".mpeg", ".vob", ".wmv", ".flv",
	".ogm", ".ogv", ".3gp", ".rm", ".rmvb",
}

// canName reports whether an output may have a name: an ending that is another container's would be a lie.
// Without any the profile chooses.
func canName(out string) bool { return !slices.Contains(others, strings.ToLower(filepath.Ext(out))) }

// vacant refuses a name for an output that is taken. flag is what gives another one; a name that nobody gave is "".
func vacant(name, flag string) error {
	if name == "" {
		return nil
	}
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("cannot write %q: it exists, and nothing is overwritten; "+
			"give another name with %s, or move it away", name, flag)
	}
	return nil
}

// deliver puts the output into its place, and prints where that is. A film that was skipped is there already, and
// nothing better became of it.
func deliver(folder *workFolder, dir string, st pipeline.JobStatus, out string, w io.Writer) error {
	final := folder.source.Path
	if st.State == pipeline.Done {
		var err error
		if final, err = publish(folder, dir, st.ID, out); err != nil {
			return err
		}
	}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		final = shown(final)
	}
	fmt.Fprintf(w, "%s\n", final)
	return nil
}

// publish gives the job's output its name in dir, which is out where a person asked for that.
func publish(folder *workFolder, dir, job, out string) (string, error) {
	published, err := pipeline.LoadPublished(folder.share, job)
	if err != nil {
		return "", err
	}
	name := string(published.Output)
	return folder.handOver(dir, path.Join(pipeline.Outbox, name), path.Base(name), out)
}
