package media

import (
	"fmt"
	"log/slog"
	"os/exec"
	"time"
)

// Tools are the programs that do the work, each as a path that can be started.
type Tools struct {
	FFmpeg      string
	FFprobe     string
	MKVMerge    string
	MKVPropEdit string
	MKVExtract  string
	Log         *slog.Logger
	// IdleIO has the children read and write only while nobody else does (ioprio_set(2), class idle).
	IdleIO bool
	// Answers tells whether the share that the files lie on answers: while it does not, a child that stands still is not
	// at fault. It may take its time. nil: it always does.
	Answers func() bool
	// Hurry divides all times that children are allowed, for tests; 0: 1.
	Hurry time.Duration
}

// Find looks for all tools in PATH. A missing one is an error that says what to install.
func Find(log *slog.Logger) (Tools, error) {
	t := Tools{Log: log}
	for _, tool := range []struct {
		path         *string
		name, debian string
	}{
		{&t.FFmpeg, "ffmpeg", "ffmpeg"},
		{&t.FFprobe, "ffprobe", "ffmpeg"},
		{&t.MKVMerge, "mkvmerge", "mkvtoolnix"},
		{&t.MKVPropEdit, "mkvpropedit", "mkvtoolnix"},
		{&t.MKVExtract, "mkvextract", "mkvtoolnix"},
	} {
		path, err := exec.LookPath(tool.name)
		if err != nil {
			return Tools{}, fmt.Errorf("cannot find %q (on Debian: apt install %s): %w", tool.name, tool.debian, err)
		}
		*tool.path = path
	}
	return t, nil
}
