package media

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// asker asks a program the same question again and again, each time as another process would.
type asker struct {
	t       *testing.T
	dir     string
	program string
	asked   int
	err     error
}

func (a *asker) ask() string {
	a.t.Helper()
	return a.askBy(Tools{Facts: OpenFacts(a.dir)})
}

func (a *asker) askBy(tools Tools) string {
	a.t.Helper()
	answer, err := Recall(a.t.Context(), tools, a.program, "who?", func() (string, error) {
		a.asked++
		return "it", a.err
	})
	require.Equal(a.t, a.err, err)
	return answer
}

// newAsker has a program of its own, a copy of this one.
func newAsker(t *testing.T) *asker {
	t.Helper()
	a := &asker{t: t, dir: t.TempDir(), program: filepath.Join(t.TempDir(), "program")}
	a.install("\x7fELF and more")
	return a
}

func (a *asker) install(content string) {
	a.t.Helper()
	require.NoError(a.t, os.WriteFile(a.program+".new", []byte(content), 0o700))
	require.NoError(a.t, os.Rename(a.program+".new", a.program))
}

func TestWhatAProgramToldIsAskedOnce(t *testing.T) {
	a := newAsker(t)
	require.Equal(t, "it", a.ask())
	require.Equal(t, "it", a.ask())
	require.Equal(t, 1, a.asked)

	a.install("\x7fELF and more") // the same bytes, but who knows
	a.ask()
	require.Equal(t, 2, a.asked)
	require.NoError(t, os.Link(a.program, a.program+".link")) // moves ctime
	a.ask()
	require.Equal(t, 3, a.asked)
	t.Setenv("LD_LIBRARY_PATH", "/opt/other")
	a.ask()
	require.Equal(t, 4, a.asked)
}

// What a script does depends on more than its file.
func TestOnlyProgramsAreRemembered(t *testing.T) {
	a := newAsker(t)
	a.install("#!/bin/sh\nexec ffmpeg \"$@\"\n")
	a.ask()
	a.ask()
	require.Equal(t, 2, a.asked)
}

func TestAFailureIsNoFact(t *testing.T) {
	a := newAsker(t)
	a.err = io.ErrUnexpectedEOF
	a.ask()
	a.err = nil
	require.Equal(t, "it", a.ask())
	require.Equal(t, 2, a.asked)
}

// A folder that is damaged, of another version, can't be written or is not there costs an answer, nothing else.
func TestFactsThatCantBeReadAreAskedAgain(t *testing.T) {
	a := newAsker(t)
	a.ask()
	names, err := filepath.Glob(filepath.Join(a.dir, "*"))
	require.NoError(t, err)
	require.Len(t, names, 1)
	whole, err := os.ReadFile(names[0])
	require.NoError(t, err)
	for i, text := range []string{"", "{", string(whole[:len(whole)/2]), `{"key":"another","answer":"she"}`,
		strings.Replace(string(whole), `"it"`, `7`, 1), strings.Repeat(" ", maxFact) + string(whole)} {
		require.NoError(t, os.WriteFile(names[0], []byte(text), 0o600))
		require.Equal(t, "it", a.ask(), text)
		require.Equal(t, 2+i, a.asked, text)
		require.Equal(t, "it", a.ask())
		require.Equal(t, 2+i, a.asked, "it was not mended")
	}
	a.asked = 0
	require.NoError(t, os.RemoveAll(a.dir))
	a.ask()
	require.NoError(t, os.WriteFile(a.dir, nil, 0o600))
	a.ask()
	a.dir = ""
	a.ask()
	require.Equal(t, 3, a.asked)
}

func TestDoubtHasEverythingAskedAnew(t *testing.T) {
	a := newAsker(t)
	a.ask()
	tools := Tools{Facts: OpenFacts(a.dir)}
	require.False(t, (*Facts)(nil).Doubt())
	require.False(t, OpenFacts(t.TempDir()).Doubt(), "nothing was believed")
	a.askBy(tools)
	require.Equal(t, 1, a.asked)
	require.True(t, tools.Facts.Doubt())
	require.False(t, tools.Facts.Doubt(), "it was doubted before")
	a.askBy(tools)
	a.askBy(tools)
	require.Equal(t, 3, a.asked, "in this process nothing is believed any more")
	a.ask()
	require.Equal(t, 4, a.asked, "nor in others what was known then")
}

func TestFactsAreBounded(t *testing.T) {
	a := newAsker(t)
	a.ask()
	for i := range maxFacts - 2 {
		require.NoError(t, os.WriteFile(filepath.Join(a.dir, fmt.Sprint(i)+factEnding), nil, 0o600))
	}
	other := filepath.Join(a.dir, "README")
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	tools := Tools{Facts: OpenFacts(a.dir)}
	for _, answer := range []string{strings.Repeat("x", maxFact), "short", "one too many"} {
		_, err := Recall(t.Context(), tools, a.program, answer[:4], func() (string, error) { return answer, nil })
		require.NoError(t, err)
	}
	names, err := os.ReadDir(a.dir)
	require.NoError(t, err)
	require.Len(t, names, 2)
	require.FileExists(t, other)
	a.ask()
	require.Equal(t, 2, a.asked)
}
