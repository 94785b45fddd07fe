package main

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
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

// canName tells whether an output may have a name: an ending that is another container's would be a lie.
// Without any the profile chooses.
func canName(out string) bool { return !slices.Contains(others, strings.ToLower(filepath.Ext(out))) }

// publish gives the output its name beside the working folder, and the mode that the person's umask leaves, by a link,
// which overwrites nothing.
func publish(dir string, private *sharefs.FS, job, out string) (string, error) {
	outside, err := sharefs.Open(dir)
	if err != nil {
		return "", err
	}
	published, err := pipeline.LoadPublished(private, job)
	if err != nil {
		return "", err
	}
	inside := path.Join(pipeline.Outbox, string(published.Output))
	if err := os.Chmod(private.Path(inside), 0o666&^userUmask); err != nil {
		return "", err
	}
	from := path.Join(filepath.Base(private.Root()), inside)
	if out != "" {
		ours, err := outside.Publish(from, filepath.Base(out))
		if err == nil && !ours {
			err = fmt.Errorf("cannot write %q: it exists, and nothing is overwritten", out)
		}
		return out, err
	}
	var name string
	err = pipeline.FirstFree(context.Background(), func(n int) (bool, error) {
		name = pipeline.Numbered(path.Base(string(published.Output)), n)
		return outside.Publish(from, name)
	})
	return filepath.Join(dir, name), err
}
