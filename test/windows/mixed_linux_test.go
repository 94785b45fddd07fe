// Package windows has Linux and Windows work on one folder. Windows is wine here (test/windows/wine), whose files are
// Linux's; docs/windows.md says what that can't show.
package windows

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/conformance"
)

// system starts programs of one kind.
type system struct {
	name    string
	command []string // this program, as that system has it
	drive   string   // what stands before a path
}

// systems are Linux and Windows.
func systems(t *testing.T) (linux, windows system) {
	t.Helper()
	wine := os.Getenv("WINE")
	if wine == "" {
		t.Skip("it needs test/windows/wine: make test-windows")
	}
	program := filepath.Join(t.TempDir(), "peer.exe")
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "GOOS=windows", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return system{"linux", []string{os.Args[0]}, ""}, system{"windows", []string{wine, program}, "Z:"}
}

// peer is a process on the share.
type peer struct {
	t       *testing.T
	process *exec.Cmd
	in      io.Writer
	lines   *bufio.Scanner
}

func (s system) start(t *testing.T, share *sharefs.FS, role, name string) *peer {
	t.Helper()
	c := exec.Command(s.command[0], s.command[1:]...)
	c.Env = append(os.Environ(), peerRole+"="+role, peerRoot+"="+s.drive+share.Root(), peerName+"="+name)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill() })
	return &peer{t, c, in, bufio.NewScanner(out)}
}

// says waits for a line and wants it to be this one.
func (p *peer) says(word string) {
	p.t.Helper()
	require.True(p.t, p.lines.Scan(), "it ended before it said %q", word)
	require.Equal(p.t, word, strings.TrimSpace(p.lines.Text()))
}

// rest is all that it still says.
func (p *peer) rest() (lines []string) {
	for p.lines.Scan() {
		lines = append(lines, strings.TrimSpace(p.lines.Text()))
	}
	return lines
}

func newShare(t *testing.T, folders ...string) *sharefs.FS {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, folder := range folders {
		require.NoError(t, share.MkdirAll(folder))
	}
	return share
}

func TestMixedShare(t *testing.T) {
	linux, windows := systems(t)
	t.Run("each name is won once", func(t *testing.T) {
		t.Parallel()
		testRace(t, windows, linux)
	})
	t.Run("Windows follows no link", func(t *testing.T) {
		t.Parallel()
		testLink(t, windows)
	})
	for _, pair := range []struct{ holder, observer system }{{windows, linux}, {linux, windows}} {
		t.Run(pair.holder.name+" dies", func(t *testing.T) {
			t.Parallel()
			testDeath(t, pair.holder, pair.observer)
		})
		t.Run(pair.holder.name+" stands still", func(t *testing.T) {
			t.Parallel()
			testStandstill(t, pair.holder, pair.observer)
		})
	}
}

// testRace lets the slower ones begin earlier, so that both have a chance.
func testRace(t *testing.T, slow, fast system) {
	share := newShare(t)
	require.NoError(t, conformance.Fill(share, "."))
	peers := []*peer{
		slow.start(t, share, "claim", "s1"), slow.start(t, share, "claim", "s2"),
		fast.start(t, share, "claim", "f1"), fast.start(t, share, "claim", "f2"),
	}
	for i := range conformance.Prizes {
		for _, p := range peers {
			p.says("ready")
		}
		for who, p := range peers {
			if who == 2 {
				time.Sleep(time.Duration(i) * 50 * time.Microsecond)
			}
			_, err := p.in.Write([]byte{0})
			require.NoError(t, err)
		}
	}
	sides := make([]conformance.Claimed, len(peers))
	for i, p := range peers {
		sides[i].Won = p.rest()
		require.NoError(t, p.process.Wait(), sides[i].Won)
		t.Logf("%d of %d", len(sides[i].Won), conformance.Prizes)
	}
	require.Equal(t, conformance.Score{}, conformance.Judge(list(t, share, conformance.Claims(".")), sides...))
}

// Whose process dies is found out by the other system, its claim goes to another name and is claimed again.
func testDeath(t *testing.T, by, seen system) {
	share, holder := held(t, by, seen)
	require.NoError(t, holder.process.Process.Kill())
	require.Error(t, holder.process.Wait())
	afterwards(t, share, seen)
}

// Whoever goes on after that finds its claim gone.
func testStandstill(t *testing.T, by, seen system) {
	share, holder := held(t, by, seen)
	require.NoError(t, holder.process.Process.Signal(syscall.SIGSTOP))
	afterwards(t, share, seen)
	require.NoError(t, holder.process.Process.Signal(syscall.SIGCONT))
	holder.says("lost")
}

// held has a holder of one system at work, whose beats another one sees for longer than would expire it.
func held(t *testing.T, by, seen system) (*sharefs.FS, *peer) {
	t.Helper()
	share := newShare(t, "pending", "claimed", "leases", "probe")
	require.NoError(t, share.Create(pending("1"), nil))
	holder := by.start(t, share, "hold", "first")
	holder.says("holds")
	require.Equal(t, []string{"first"}, list(t, share, "claimed"))
	observer := seen.start(t, share, "watch", "first")
	for began := time.Now(); time.Since(began) < terms.Expiry*5/4; {
		observer.says("beat")
	}
	require.NoError(t, observer.process.Process.Kill())
	_ = observer.process.Wait()
	return share, holder
}

// afterwards has an observer find that the holder is gone, and a holder take its place.
func afterwards(t *testing.T, share *sharefs.FS, by system) {
	t.Helper()
	observer := by.start(t, share, "watch", "first")
	words := observer.rest()
	require.NotEmpty(t, words)
	require.Equal(t, "over", words[len(words)-1])
	require.LessOrEqual(t, len(words), 2, "the last beat, and no other")
	_, err := share.Move(t.Context(), claimed("first"), pending("1"))
	require.NoError(t, err)
	second := by.start(t, share, "hold", "second")
	second.says("holds")
	require.Equal(t, []string{"second"}, list(t, share, "claimed"))
}

// Somebody on Linux has put a link where a folder is expected. (Wine does not tell that a file is one.)
func testLink(t *testing.T, windows system) {
	share := newShare(t, "folder")
	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, share.Path("link")))
	made := windows.start(t, share, "make", "folder/x")
	require.Equal(t, []string{"made"}, made.rest())
	refused := windows.start(t, share, "make", "link/x")
	require.Contains(t, strings.Join(refused.rest(), "\n"), "symbolic links")
	left, err := os.ReadDir(elsewhere)
	require.NoError(t, err)
	require.Empty(t, left)
}

func list(t *testing.T, share *sharefs.FS, dir string) []string {
	t.Helper()
	names, err := share.List(dir)
	require.NoError(t, err)
	return names
}
