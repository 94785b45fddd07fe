//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a program on it (pty(7)).
type terminal struct {
	t    *testing.T
	pty  *os.File
	cmd  *exec.Cmd
	mu   sync.Mutex
	seen bytes.Buffer
	done chan struct{} // everything that was written is in seen
}

func onTerminal(t *testing.T, columns uint16, args ...string) *terminal {
	t.Helper()
	pty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = pty.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(pty.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(pty.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	term := &terminal{t: t, pty: pty, done: make(chan struct{})}
	term.resize(columns)

	binary, err := os.Executable()
	require.NoError(t, err)
	link := filepath.Join(t.TempDir(), "distenc") // the name tells the test binary what to be: TestMain
	require.NoError(t, os.Symlink(binary, link))
	term.cmd = exec.CommandContext(t.Context(), link, args...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = tty, tty, tty
	term.cmd.Env = append(os.Environ(), "TERM=xterm", "NO_COLOR=1")
	term.cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, term.cmd.Start())
	require.NoError(t, tty.Close())
	go term.read()
	return term
}

func (t *terminal) read() {
	defer close(t.done)
	buf := make([]byte, 4096)
	for {
		n, err := t.pty.Read(buf)
		t.mu.Lock()
		t.seen.Write(buf[:n])
		t.mu.Unlock()
		if err != nil { // EIO: the program has closed its end
			return
		}
	}
}

func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen.String()
}

func (t *terminal) resize(columns uint16) {
	t.t.Helper()
	require.NoError(t.t, unix.IoctlSetWinsize(int(t.pty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 20, Col: columns}))
}

// shows waits for a text.
func (t *terminal) shows(text string) {
	t.t.Helper()
	shown := func() bool { return strings.Contains(t.text(), text) }
	require.Eventually(t.t, shown, time.Minute, 20*time.Millisecond, text)
}

func (t *terminal) ends(key string) {
	t.t.Helper()
	_, err := io.WriteString(t.pty, key)
	require.NoError(t.t, err)
	require.NoError(t.t, t.cmd.Wait())
	<-t.done
}

// madeShare is a share in a folder of its own.
func madeShare(t *testing.T) string {
	t.Helper()
	share := filepath.Join(t.TempDir(), "share")
	var out bytes.Buffer
	require.Zero(t, run([]string{"init", share}, &out, &out), out.String())
	return share
}

func TestWatchOnATerminal(t *testing.T) {
	for name, key := range map[string]string{"q": "q", "Ctrl-C": "\x03", "Ctrl-D": "\x04"} {
		t.Run(name, func(t *testing.T) {
			share := madeShare(t)
			term := onTerminal(t, 100, "status", "--watch", "--share", share)
			term.shows("Nothing is to be done")
			require.NoError(t, os.WriteFile(filepath.Join(share, "inbox", "dropped.mkv"), []byte("x"), 0o644))
			term.shows("dropped.mkv")
			term.resize(40)
			term.shows("No master was seen: start one with\x1b[K\r\n")
			term.ends(key)
			out := term.text()
			require.Equal(t, 1, strings.Count(out, screenOn))
			require.Equal(t, 1, strings.Count(out, screenOff))
			require.Contains(t, out[strings.Index(out, screenOff):], "dropped.mkv", "the last picture stays")
			require.NotContains(t, out, "\x1b[2J", "clearing the screen would flicker")
		})
	}
}

func TestWatchInAPipe(t *testing.T) {
	share := madeShare(t)
	binary, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "status", "--watch", "--share", share)
	cmd.Args[0] = "distenc"
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line := make([]byte, 200)
	n, err := out.Read(line)
	require.NoError(t, err)
	require.Contains(t, string(line[:n]), "no master was seen")
	require.NoError(t, os.WriteFile(filepath.Join(share, "inbox", "dropped.mkv"), []byte("x"), 0o644))
	n, err = out.Read(line)
	require.NoError(t, err)
	require.Contains(t, string(line[:n]), "in the inbox: dropped.mkv")
	require.NoError(t, cmd.Process.Signal(os.Interrupt))
	require.NoError(t, cmd.Wait(), "to end it is what one does with it")
}
