// Package corpus makes the small, nasty video files that the tests and the demo work on.
//
// Every frame carries its own number as a barcode: 14 cells of 16x16 pixels in the top row, white for
// 1, lowest bit first. It survives a lossy encode, so that a test can read back which frames came out
// of the farm, in which order, and whether each stands at its own timestamp.
//
// A source is made when it is first asked for, and kept under the machine's temporary folder for the
// next test process; see Make. The files are the same bytes on every run of the same ffmpeg.
package corpus

import (
	"crypto/sha256"
	_ "embed" // the recipes' text
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// Names lists all sources, the ones that can't be encoded too.
func Names() []string {
	names := make([]string, 0, len(sources))
	for _, s := range sources {
		names = append(names, s.Name)
	}
	return names
}

// Whole lists the sources of which every frame must come out of an encode, at its own timestamp.
func Whole() []string {
	var names []string
	for _, s := range sources {
		if s.Whole {
			names = append(names, s.Name)
		}
	}
	return names
}

// Lookup returns what is known about a source of this name.
func Lookup(name string) (Source, bool) {
	i := slices.IndexFunc(sources, func(s Source) bool { return s.Name == name })
	if i < 0 {
		return Source{}, false
	}
	return sources[i], true
}

// Make returns the absolute path of a source, made on first use. All tests on the machine share the
// file: read it, and take a Copy of what is to be moved or changed.
func Make(t testing.TB, name string) string {
	t.Helper()
	path, err := cached(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Copy puts a source into dir under its own name and returns the path.
func Copy(t testing.TB, name, dir string) string {
	t.Helper()
	data, err := os.ReadFile(Make(t, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Write makes a source as dir/name and returns that path. An existing file is replaced as a whole,
// never left half-written.
func Write(dir, name string) (string, error) {
	s, ok := Lookup(name)
	if !ok {
		return "", fmt.Errorf("cannot make source %q: no such name in the corpus", name)
	}
	tmp, err := os.MkdirTemp(dir, ".making-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	k := &kit{dir: tmp}
	// Tools write to a plain name: only the last rename meets the newline or the leading dash.
	out := k.path("out" + filepath.Ext(name))
	s.make(k, out)
	if k.err != nil {
		return "", fmt.Errorf("cannot make source %q: %w", name, k.err)
	}
	path := filepath.Join(dir, name)
	return path, os.Rename(out, path)
}

var making sync.Mutex

// cached returns the machine's copy of a source. Two processes that make the same one at once both
// rename the same bytes into place, so they need no lock between them.
func cached(name string) (string, error) {
	making.Lock() // one at a time in a process: the encoders are threaded already
	defer making.Unlock()
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); err == nil {
		return path, nil
	}
	return Write(dir, name)
}

//go:embed kit.go
var kitText string

//go:embed sources.go
var sourcesText string

// cacheDir is named after the recipes' own text, so that a changed recipe never meets an old file.
var cacheDir = sync.OnceValues(func() (string, error) {
	sum := sha256.Sum256([]byte(kitText + sourcesText))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("distenc-corpus-%d-%x", os.Getuid(), sum[:6]))
	return dir, os.MkdirAll(dir, 0o700)
})
