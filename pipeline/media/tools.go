package media

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
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
	// Answers reports whether the share that the files lie on answers: while it does not, a child that stands still is not
	// at fault. It may take its time. nil: it always does.
	Answers func() bool
	// Facts are what is known of these programs from earlier runs. If nil, nothing is.
	Facts *Facts
	// Hurry divides all times that children are allowed, for tests; 0: 1.
	Hurry time.Duration
}

// Tool is one of the tools.
type Tool struct {
	Name   string
	Debian string // the package that has it
	Asks   string // the option that makes it print its version
	Path   func(*Tools) *string
	Merges bool // only who plans and merges needs it: a worker does not
}

// KnownTools lists them all.
func KnownTools() []Tool {
	return []Tool{
		{"ffmpeg", "ffmpeg", "-version", func(t *Tools) *string { return &t.FFmpeg }, false},
		{"ffprobe", "ffmpeg", "-version", func(t *Tools) *string { return &t.FFprobe }, false},
		{"mkvmerge", "mkvtoolnix", "--version", func(t *Tools) *string { return &t.MKVMerge }, true},
		{"mkvpropedit", "mkvtoolnix", "--version", func(t *Tools) *string { return &t.MKVPropEdit }, true},
		{"mkvextract", "mkvtoolnix", "--version", func(t *Tools) *string { return &t.MKVExtract }, true},
	}
}

// ToolsDir is the variable that names a folder in which tools are looked for before PATH: another ffmpeg than the
// machine's, say.
const ToolsDir = "DISTENC_TOOLS"

// Locate finds a tool's path, absolute.
func (t Tool) Locate() (string, error) {
	if dir := os.Getenv(ToolsDir); dir != "" {
		path, err := exec.LookPath(filepath.Join(dir, t.Name+programEnding))
		if err == nil {
			return filepath.Abs(path)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return exec.LookPath(t.Name + programEnding)
}

// Find looks for all tools. A missing one is an error that says what to install.
func Find(log *slog.Logger) (Tools, error) { return find(log, KnownTools()) }

// FindEncoding is Find for a worker, which merges nothing.
func FindEncoding(log *slog.Logger) (Tools, error) {
	return find(log, slices.DeleteFunc(KnownTools(), func(t Tool) bool { return t.Merges }))
}

func find(log *slog.Logger, wanted []Tool) (Tools, error) {
	t := Tools{Log: log}
	for _, p := range wanted {
		path, err := p.Locate()
		if err != nil {
			return Tools{}, fmt.Errorf("cannot find %q (on Debian: apt install %s): %w", p.Name, p.Debian, err)
		}
		*p.Path(&t) = path
	}
	return t, nil
}

// maxAbout bounds what a tool prints of itself, in bytes.
const maxAbout = 1 << 20

// Version returns the line in which a tool tells its version.
func (t Tools) Version(ctx context.Context, p Tool) (string, error) {
	program := *p.Path(&t)
	return Recall(ctx, t, program, p.Asks, func() (string, error) {
		out, err := t.Output(ctx, maxAbout, program, p.Asks)
		if err != nil {
			return "", fmt.Errorf("cannot ask %q for its version: %w", p.Name, err)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		return strings.TrimSpace(line), nil
	})
}

// Encoders returns what ffmpeg prints of the encoders that it was built with.
func (t Tools) Encoders(ctx context.Context) (string, error) {
	return Recall(ctx, t, t.FFmpeg, "-encoders", func() (string, error) {
		out, err := t.Output(ctx, maxAbout, t.FFmpeg, "-hide_banner", "-encoders")
		if err != nil {
			return "", fmt.Errorf("cannot ask ffmpeg for its encoders: %w", err)
		}
		return string(out), nil
	})
}
