//go:build linux

package farm_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/test/corpus"
)

// oneShots are encodes in one folder, with chunks of two seconds.
type oneShots struct {
	*farm
	dir, source string
	encodes     string // has the niceness of each finished encode on a line
	hold        string // while this file is there, no encode ends once two have
}

func newOneShots(t *testing.T) *oneShots {
	o := &oneShots{farm: &farm{t: t}, dir: t.TempDir(), encodes: filepath.Join(t.TempDir(), "encodes"),
		hold: filepath.Join(t.TempDir(), "hold")}
	require.NoError(t, os.WriteFile(o.encodes, nil, 0o644))
	real, err := exec.LookPath("ffmpeg")
	require.NoError(t, err)
	tools := t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
case "$*" in
*-progress*)
	'%[1]s' "$@"
	code=$?
	while [ -e '%[3]s' ] && [ "$(wc -l < '%[2]s')" -ge 2 ]; do echo progress=continue; sleep 0.1; done
	nice >> '%[2]s'
	exit $code;;
esac
exec '%[1]s' "$@"
`, real, o.encodes, o.hold)
	require.NoError(t, os.WriteFile(filepath.Join(tools, "ffmpeg"), []byte(script), 0o755))
	o.env = []string{"PATH=" + tools + ":" + os.Getenv("PATH")}
	o.source = o.film("hi10p-fansub.mkv", "film.mkv")
	require.NoError(t, os.WriteFile(filepath.Join(o.dir, "distenc.toml"),
		[]byte("[split]\nchunk = \"2s\"\n[worker]\nhours = \"\"\n"), 0o644))
	return o
}

// film puts a source into the folder.
func (o *oneShots) film(source, name string) string {
	b, err := os.ReadFile(corpus.Make(o.t, source))
	require.NoError(o.t, err)
	name = filepath.Join(o.dir, name)
	require.NoError(o.t, os.WriteFile(name, b, 0o644))
	return name
}

func (o *oneShots) args(source, out string, more ...string) []string {
	args := []string{"--config", filepath.Join(o.dir, "distenc.toml"), "encode", "--slots", "1", source, "-o",
		filepath.Join(o.dir, out)}
	return append(append(args, more...), "--", "--preset", "medium", "--crf", "23")
}

// begin starts an encode and waits until a part of it is done. It stays at that while it is held.
func (o *oneShots) begin(args []string) *daemon {
	require.NoError(o.t, os.WriteFile(o.hold, nil, 0o644))
	d := o.start(args...)
	until(o.t, "two chunks that are encoded, the first of them stored", func() bool { return o.encoded() >= 2 })
	return d
}

func (o *oneShots) release() { require.NoError(o.t, os.Remove(o.hold)) }

// run runs an encode to its end and returns what it says; it must end with the code.
func (o *oneShots) run(code int, args []string) string {
	o.t.Helper()
	cmd := o.command(args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	_ = cmd.Run()
	require.Equal(o.t, code, cmd.ProcessState.ExitCode(), said.String())
	return said.String()
}

// encoded counts the chunks that were encoded so far.
func (o *oneShots) encoded() int {
	b, err := os.ReadFile(o.encodes)
	require.NoError(o.t, err)
	return strings.Count(string(b), "\n")
}

func (o *oneShots) left() []string {
	left, err := filepath.Glob(filepath.Join(o.dir, ".distenc-*"))
	require.NoError(o.t, err)
	return left
}

func (o *oneShots) names(file string) uint64 {
	info, err := os.Stat(file)
	require.NoError(o.t, err)
	return uint64(info.Sys().(*syscall.Stat_t).Nlink)
}

// An encode that was killed, or that Ctrl-C stopped, is gone on with by the same command.
func TestAnInterruptedEncodeIsGoneOnWith(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*daemon){
		"killed": (*daemon).kill,
		"Ctrl-C": func(d *daemon) { _ = d.Process.Signal(syscall.SIGINT); <-d.ended },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOneShots(t)
			args := o.args(o.source, "out.mkv")
			d := o.begin(args)
			stop(d)
			o.release()
			require.Len(t, o.left(), 1)
			if name == "Ctrl-C" {
				require.Equal(t, 130, d.ProcessState.ExitCode())
				require.Contains(t, d.log.String(), "The same command goes on with it")
				require.EqualValues(t, 1, o.names(o.source), "who deletes the source has its space")
			}
			before := o.encoded()
			said := o.run(0, args)
			require.Contains(t, said, "Going on with what was done")
			exact(t, o.source, filepath.Join(o.dir, "out.mkv"))
			require.Empty(t, o.left())
			require.EqualValues(t, 1, o.names(o.source))
			again := o.encoded() - before
			require.NoError(t, os.Truncate(o.encodes, 0))
			o.run(0, o.args(o.source, "whole.mkv"))
			require.Less(t, again, o.encoded(), "what was encoded is not encoded again")
		})
	}
}

// What an interrupted encode has left goes when nobody can go on with it, and not before; a running one's stays.
func TestWhatAnEncodeLeavesIsClearedAway(t *testing.T) {
	t.Parallel()
	o := newOneShots(t)
	other := o.args(o.film("two-frames.mkv", "other.mkv"), "other-out.mkv")
	running := o.begin(o.args(o.source, "running.mkv"))
	theirs := o.left()
	require.Len(t, theirs, 1)
	require.NoError(t, running.Process.Signal(syscall.SIGSTOP))
	o.release()
	kill := func(source string) {
		require.NoError(t, os.WriteFile(o.hold, nil, 0o644))
		d := o.start(o.args(source, "x.mkv")...)
		until(o.t, "its job", func() bool {
			jobs, _ := filepath.Glob(filepath.Join(o.dir, ".distenc-*/jobs/*/plan.json"))
			return len(jobs) == 2
		})
		d.kill()
		o.release()
	}
	third := o.film("hi10p-fansub.mkv", "third.mkv")
	kill(third)
	o.run(0, other)
	require.Len(t, o.left(), 2, "another film's can be gone on with")
	said := o.run(0, o.args(third, "third-out.mkv", "--no-resume"))
	require.NotContains(t, said, "going on")
	require.Equal(t, theirs, o.left())

	kill(third)
	require.NoError(t, os.Remove(third))
	require.NoError(t, os.Remove(filepath.Join(o.dir, "other-out.mkv")))
	o.run(0, other)
	require.Equal(t, theirs, o.left(), "nobody can go on without the source")
	require.NoError(t, running.Process.Signal(syscall.SIGCONT))
	<-running.ended
	require.Zero(t, running.ProcessState.ExitCode())
	require.Empty(t, o.left())
	exact(t, o.source, filepath.Join(o.dir, "running.mkv"))
}

// The output is the person's own: by their umask, encoded at their priority, and with all that is to be known of it.
func TestAnEncodeIsThePersons(t *testing.T) {
	t.Parallel()
	o := newOneShots(t)
	require.NoError(t, os.WriteFile(filepath.Join(o.dir, "distenc.toml"),
		[]byte("[worker]\nnice = 7\nhours = \"03:00-03:01\"\n"), 0o644))
	cmd := o.command("--config", filepath.Join(o.dir, "distenc.toml"), "encode", o.source, "-o",
		filepath.Join(o.dir, "out.mp4"), "--", "--preset", "ultrafast")
	cmd.Path, cmd.Args = "/bin/sh", append([]string{"sh", "-c", `umask 077; exec "$0" "$@"`}, cmd.Args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	require.NoError(t, cmd.Run(), said.String())
	info, err := os.Stat(filepath.Join(o.dir, "out.mp4"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	ours, err := exec.Command("nice").Output()
	require.NoError(t, err)
	nice, err := os.ReadFile(o.encodes)
	require.NoError(t, err)
	require.Equal(t, string(ours), string(nice))
	own, err := strconv.Atoi(strings.TrimSpace(string(ours)))
	require.NoError(t, err)
	require.NoError(t, os.Remove(o.encodes))
	o.run(0, []string{
		"encode", o.source, "--nice", "5", "-o", filepath.Join(o.dir, "nice.mkv"), "--", "--preset", "ultrafast",
	})
	nice, err = os.ReadFile(o.encodes)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(min(19, own+5))+"\n", string(nice), "where it is asked for")

	require.Contains(t, said.String(), "is left out: MP4 holds no attachments")
	lines := strings.Split(strings.TrimSpace(said.String()), "\n")
	require.NotContains(t, said.String(), " 0.0 frames/s")
	require.Regexp(t,
		`(?m)^film.mkv: done in [0-9.a-z]+, 288 frames, [0-9.]+ frames/s on average; .* became .* \([0-9]+%\)$`,
		said.String())
	told := map[string]bool{}
	for _, l := range lines {
		require.False(t, told[l], "twice: %s", l)
		told[l] = true
	}
}
