//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/doctor"
)

// wrong is one thing that people do wrong or that goes wrong for them, and what they must be told.
type wrong struct {
	args []string
	env  []string
	as   *syscall.Credential
	code int
	what string // happened
	whom string // it happened to
	next string // to do
}

// walk is a folder with what the errors need.
type walk struct {
	dir, share     string
	full, readOnly string // shares on disks of that kind; "" where nothing may be mounted
}

func newWalk(t *testing.T) walk {
	t.Helper()
	// Not t.TempDir: nobody but its owner may look into that.
	dir, err := os.MkdirTemp("", "distenc-errors-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	w := walk{dir: dir, share: filepath.Join(dir, "share")}
	var out bytes.Buffer
	require.Zero(t, run([]string{"init", w.share}, &out, &out), out.String())
	require.NoError(t, os.Mkdir(w.path("empty"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(w.share, "inbox", "waits.mkv"), nil, 0o644))
	for _, name := range []string{"film one.mkv", "film two.mkv"} {
		require.NoError(t, os.WriteFile(filepath.Join(w.share, "inbox", name), nil, 0o644))
	}
	require.NoError(t, os.Mkdir(filepath.Join(w.share, "failed", "refused.mkv"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(w.share, "failed", "refused.mkv", "refused.mkv"), nil, 0o644))
	w.full, w.readOnly = mounted(t, w.path("full")), mounted(t, w.path("read-only"))
	if w.full != "" {
		ballast := make([]byte, 2<<20)
		require.ErrorIs(t, os.WriteFile(filepath.Join(w.full, "outbox", "ballast"), ballast, 0o644), syscall.ENOSPC)
		require.NoError(t, syscall.Mount("", w.readOnly, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	}
	require.NoError(t, os.Symlink(w.path("film.mkv"), filepath.Join(w.share, "inbox", "link.mkv")))
	require.NoError(t, syscall.Mkfifo(w.path("fifo.mkv"), 0o644))
	require.NoError(t, os.Mkdir(filepath.Join(w.share, "inbox", ".half"), 0o755))
	for name, text := range map[string]string{
		"film.mkv.part": "half", "film.srt": "1", "share/inbox/.half/film.mkv": "half",
		"film.mkv": "no film", "typo.toml": "[lease]\nexpiri = \"5m\"\n", "bare.toml": "[watch]\nsettle = 30\n",
		"broken.toml": "[watch\n", "unquoted.toml": "[watch]\nsettle = 30s\n",
	} {
		require.NoError(t, os.WriteFile(w.path(name), []byte(text), 0o644))
	}
	for _, tool := range []string{"ffmpeg", "ffprobe", "mkvmerge", "mkvpropedit", "mkvextract"} {
		require.NoError(t, os.MkdirAll(w.path("poor"), 0o755))
		poor := []byte("#!/bin/sh\necho an ffmpeg without encoders\n")
		require.NoError(t, os.WriteFile(filepath.Join(w.path("poor"), tool), poor, 0o755))
	}
	return w
}

// mounted is a share on a file system of its own of 1 MiB, "" where none may be mounted.
func mounted(t *testing.T, dir string) string {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o755))
	if syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m") != nil {
		return ""
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	var out bytes.Buffer
	require.Zero(t, run([]string{"init", dir}, &out, &out), out.String())
	return dir
}

func (w walk) path(name string) string { return filepath.Join(w.dir, name) }

// The list of what people can do wrong. Each answer says what happened, to what, and what to do next.
func TestErrorsSayWhatToDo(t *testing.T) {
	w := newWalk(t)
	share := "--share=" + w.share
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	for name, c := range map[string]wrong{
		"no share": {args: []string{"status"}, code: 2,
			what: "no share is named", whom: "share", next: "give --share DIR, set DISTENC_SHARE, or write share ="},
		"not mounted": {args: []string{"worker", "--share", w.path("gone")}, code: 1,
			what: "no such file", whom: w.path("gone"), next: "is it mounted?"},
		"an empty mount": {args: []string{"worker", "--share", w.path("empty")}, code: 1,
			what: "is no share", whom: w.path("empty"), next: "is it mounted? `distenc init` makes a new one"},
		"a typo": {args: []string{"status", "--config", w.path("typo.toml")}, code: 2,
			what: "unknown key", whom: "typo.toml:2: lease.expiri", next: "did you mean lease.expiry?"},
		"no unit": {args: []string{"status", "--config", w.path("bare.toml")}, code: 2,
			what: "wants a duration", whom: "bare.toml:2: watch.settle", next: `such as "30s"`},
		"no TOML": {args: []string{"status", "--config", w.path("broken.toml")}, code: 2,
			what: "expected", whom: "broken.toml:1", next: "how TOML is written"},
		"no configuration": {args: []string{"status", "--config", w.path("gone.toml")}, code: 2,
			what: "there is no such file", whom: "gone.toml", next: "--config names another one"},
		"no ffmpeg": {args: []string{"worker", share}, env: []string{"PATH=" + w.path("empty")}, code: 1,
			what: "cannot find", whom: `"ffmpeg"`, next: "apt install ffmpeg"},
		"no encoder": {args: []string{"worker", share, "--until-idle"},
			env: []string{"PATH=" + w.path("poor") + ":/bin:/usr/bin"}, code: 1,
			what: "has no libx264 encoder", whom: w.path("poor/ffmpeg"), next: "install an ffmpeg that was built with it"},
		"no permission": {args: []string{"worker", share}, as: nobody, code: 1,
			what: "permission denied", whom: w.share, next: `"Who may write" in the README`},
		"may not add": {args: []string{"add", share, w.path("film.mkv")}, as: nobody, code: 1,
			what: "permission denied", whom: "inbox", next: `"Who may write" in the README`},
		"wrong profile": {args: []string{"add", share, w.path("film.mkv"), "--profile", "fast"}, code: 2,
			what: `there is no profile "fast"`, whom: "fast",
			next: "there is default; a new one is a section [profiles.fast] in distenc.toml"},
		"its own profile": {args: []string{"encode", w.path("film.mkv"), "--profile", "fast"}, code: 2,
			what: `there is no profile "fast"`, whom: "fast", next: "there is default"},
		"wrong x264 option": {args: []string{"encode", w.path("film.mkv"), "--", "--crf", "good"}, code: 2,
			what: `can't be "good"`, whom: "--crf", next: "it takes a number"},
		"wrong x265 option": {args: []string{"encode", w.path("film.mkv"), "--encoder", "x265", "--", "--csv", "x"}, code: 2,
			what: "can't be used", whom: "x265 option --csv", next: "files are chosen by the job"},
		"no such encoder": {args: []string{"add", share, w.path("film.mkv"), "--encoder", "h265"}, code: 2,
			what: `there is no encoder "h265"`, whom: "h265", next: "there are x264"},
		"an ambiguous word": {args: []string{"pause", share, "film "}, code: 2,
			what: `"film " can mean 2 things`, whom: "inbox/film one.mkv", next: "give the id or the path"},
		"existing output": {args: []string{"encode", w.path("film.mkv"), "-o", w.path("film.mkv")}, code: 1,
			what: "it exists, and nothing is overwritten", whom: w.path("film.mkv"),
			next: "give another name with -o, or move it away"},
		"another container": {args: []string{"encode", w.path("film.mkv"), "-o", w.path("film.webm")}, code: 2,
			what: "outputs are Matroska or MP4", whom: w.path("film.webm"), next: "end its name in .mkv or .mp4"},
		"nothing to try": {args: []string{"try", w.path("gone.mkv")}, code: 1,
			what: "no such file", whom: w.path("gone.mkv"), next: "is the name right?"},
		"a FIFO to try": {args: []string{"try", w.path("fifo.mkv")}, code: 1,
			what: "no regular file", whom: w.path("fifo.mkv"), next: "name the files"},
		"no video to try": {args: []string{"try", w.path("film.mkv")}, code: 3,
			what: "This is not a video", whom: "film.mkv", next: "or a damaged one"},
		"a profile to try": {args: []string{"try", w.path("film.mkv"), "--profile", "fast"}, code: 2,
			what: `there is no profile "fast"`, whom: "fast", next: "there is default"},
		"a page that is there": {args: []string{"try", w.path("film.mkv"), "--page", w.path("typo.toml")}, code: 1,
			what: "it exists, and nothing is overwritten", whom: w.path("typo.toml"), next: "give another name with --page"},
		"no time to try": {args: []string{"try", w.path("film.mkv"), "--seconds", "0"}, code: 2,
			what: "--seconds must be at least 1", whom: "is 0", next: "try --help"},
		"no such source": {args: []string{"encode", w.path("gone.mkv")}, code: 1,
			what: "no such file", whom: w.path("gone.mkv"), next: "is the name right?"},
		"nothing to add": {args: []string{"add", share, w.path("gone.mkv")}, code: 1,
			what: "no such file", whom: w.path("gone.mkv"), next: "is the name right?"},
		"no video": {args: []string{"encode", w.path("film.mkv")}, code: 3,
			what: "This is not a video", whom: "film.mkv", next: "or a damaged one"},
		"no such job": {args: []string{"status", share, "Show"}, code: 1,
			what: "there is no job", whom: `"Show"`, next: "`distenc status --all` lists"},
		"not a share": {args: []string{"init", w.dir}, code: 2,
			what: "is neither empty nor a share", whom: w.dir, next: "give an empty folder or one that does not exist"},
		"no quotes": {args: []string{"status", "--config", w.path("unquoted.toml")}, code: 2,
			what: "wants a duration in quotes", whom: "unquoted.toml:2: watch.settle", next: `such as "30s"`},
		"nothing to verify": {args: []string{"verify", w.path("film.mkv"), w.path("gone.mkv")}, code: 1,
			what: "no such file", whom: w.path("gone.mkv"), next: "is the name right?"},
		"a folder to add": {args: []string{"add", share, w.path("empty")}, code: 1,
			what: "no regular file", whom: w.path("empty"), next: "name the files"},
		"a FIFO to add": {args: []string{"add", share, w.path("fifo.mkv")}, code: 1,
			what: "no regular file", whom: w.path("fifo.mkv"), next: "name the files"},
		"a FIFO to encode": {args: []string{"encode", w.path("fifo.mkv")}, code: 1,
			what: "no regular file", whom: w.path("fifo.mkv"), next: "name the files"},
		"half a download": {args: []string{"add", share, w.path("film.mkv.part")}, code: 1,
			what: "not finished", whom: w.path("film.mkv.part"), next: "rename it if it is a whole film"},
		"half, to encode": {args: []string{"encode", w.path("film.mkv.part")}, code: 1,
			what: "not finished", whom: w.path("film.mkv.part"), next: "rename it if it is a whole film"},
		"half, in place": {args: []string{"add", share, filepath.Join(w.share, "inbox", ".half", "film.mkv")}, code: 1,
			what: "nothing is taken from the folder", whom: `".half"`, next: "unfinished"},
		"a link, in place": {args: []string{"add", share, filepath.Join(w.share, "inbox", "link.mkv")}, code: 1,
			what: "left alone in the inbox", whom: "link.mkv", next: "it is a symbolic link"},
		"subtitles alone": {args: []string{"add", share, w.path("film.srt")}, code: 1,
			what: "it is no film but goes with one", whom: w.path("film.srt"), next: "beside a film in the inbox"},
		"a turning name": {args: []string{"add", share, "film\u202evkm.gone"}, code: 1,
			what: "no such file", whom: `"film\u202evkm.gone"`, next: "is the name right?"},
		"may not encode": {args: []string{"encode", w.path("film.mkv")}, as: nobody, code: 1,
			what: "permission denied", whom: w.dir, next: "Run distenc as a user who may do that"},
		"no master": {args: []string{"add", share, w.path("film.mkv")}, code: 0,
			what: "No master was seen", whom: "inbox", next: "start one with `distenc master`"},
		"nothing to pause": {args: []string{"pause", share, "Show"}, code: 1,
			what: "there is no job", whom: `"Show"`, next: "`distenc status` lists"},
		"no priority": {args: []string{"priority", share, "waits", "high"}, code: 2,
			what: "must be a whole number", whom: `is "high"`, next: "priority --help"},
		"refused, to pause": {args: []string{"pause", share, "refused"}, code: 1,
			what: "is no job", whom: "failed/refused.mkv", next: "distenc retry"},
		"a full disk": {args: []string{"add", "--share", w.full, w.path("film.mkv")}, code: 1,
			what: "no space left", whom: "inbox", next: "make room there"},
		"read-only": {args: []string{"add", "--share", w.readOnly, w.path("film.mkv")}, code: 1,
			what: "read-only file system", whom: "inbox", next: "mount it for writing too"},
		"a port in use": {args: []string{"master", share}, env: []string{"DISTENC_HTTP_LISTEN=256.0.0.1:8470"}, code: 1,
			what: "cannot serve the status page", whom: "256.0.0.1", next: "http.listen names another address, or none"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.as != nil && os.Getuid() != 0 || slices.Contains(c.args, "") {
				t.Skip("only root can be somebody else, and mount file systems")
			}
			code, said := w.distenc(t, c)
			require.Equal(t, c.code, code, said)
			for _, part := range []string{c.what, c.whom, c.next} {
				require.NotEmpty(t, part)
				require.Contains(t, said, part)
			}
			require.Contains(t, said, "distenc: ")
		})
	}
}

// distenc runs the program as a process of its own.
func (w walk) distenc(t *testing.T, c wrong) (code int, said string) {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	name := w.path("distenc") // where everybody may run it
	if data, err := os.ReadFile(binary); c.as != nil {
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(name, data, 0o755))
		binary = name
	}
	cmd := exec.CommandContext(t.Context(), binary, c.args...)
	cmd.Args[0], cmd.Dir = "distenc", w.dir
	cmd.Env = append(append(os.Environ(), "HOME="+w.dir), c.env...)
	if c.as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err = cmd.Run()
	require.NotNil(t, cmd.ProcessState, "%v", err)
	return cmd.ProcessState.ExitCode(), stderr.String()
}

// What nobody can bring about in a test by hand is said all the same.
func TestTheSystemsErrorsHaveHints(t *testing.T) {
	for _, err := range []error{
		fs.ErrPermission, syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOSPC, syscall.EDQUOT, syscall.ESTALE,
	} {
		var b bytes.Buffer
		report(&b, "distenc", fmt.Errorf("cannot store: %w", &fs.PathError{Op: "write", Path: "/mnt/x", Err: err}))
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		require.Len(t, lines, 2, err)
		require.Contains(t, lines[0], "/mnt/x")
	}
	require.Empty(t, doctor.Hint(fs.ErrNotExist))
}

// A full disk and a dead master stop nobody's command: status says what is the matter.
func TestStatusSaysWhyNothingHappens(t *testing.T) {
	w := newWalk(t)
	status := func() string {
		var out bytes.Buffer
		require.Zero(t, run([]string{"status", "--share", w.share}, &out, &out), out.String())
		return out.String()
	}
	require.NoError(t, os.WriteFile(filepath.Join(w.share, "inbox", "film.mkv"), []byte("x"), 0o644))
	require.Contains(t, status(), "No master was seen: start one with `distenc master`")
	beat := filepath.Join(w.share, "master", "1.nas-1.hb")
	require.NoError(t, os.WriteFile(beat, []byte("7 2026-11-22T10:00:00Z\n"), 0o644))
	require.NoError(t, syscall.Utimes(beat, []syscall.Timeval{{Sec: 1}, {Sec: 1}}))
	require.Contains(t, status(), "The master nas-1 was last seen")
	require.Contains(t, status(), "start it again")
}
