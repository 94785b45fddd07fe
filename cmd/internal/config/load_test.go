package config

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/notices"
	"github.com/distenc/distenc/pipeline"
)

// write puts a TOML file into a fresh folder and returns its name.
func write(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "machine.toml")
	require.NoError(t, os.WriteFile(name, []byte(content), 0o644))
	return name
}

// shareWith makes a share that has only a distenc.toml.
func shareWith(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, ShareFile), []byte(content), 0o644))
	return dir
}

func TestDefaults(t *testing.T) {
	c, err := Load(Source{File: write(t, "")})
	require.NoError(t, err)
	require.Equal(t, Config{
		Watch:  Watch{Settle: time.Minute, Poll: 5 * time.Second},
		Split:  Split{Pieces: "copy"},
		Lease:  Lease{Heartbeat: 10 * time.Second, Expiry: 2 * time.Minute, Attempts: 3},
		Worker: Worker{Slots: 0, Nice: 10, IOClass: "best-effort"},
		Disk:   Disk{MinFree: 2 << 30},
		Output: Output{Source: "archive"},
		HTTP:   HTTP{Hosts: []string{}},
		Hooks:  Hooks{Started: []string{}, Done: []string{}, Failed: []string{}, Timeout: time.Minute},
		Notify: notices.Settings{
			URLs: []notices.Address{}, On: []pipeline.EventKind{"failed", "done", "idle"}, Digest: time.Hour,
		},
		Log:      Log{Format: "text", Level: "info"},
		profiles: c.profiles,
	}, c)
	p, ok := c.Profile("default")
	require.True(t, ok)
	require.Equal(t, standard("default"), p)
}

func TestPrecedence(t *testing.T) {
	share := shareWith(t, `
		watch.settle = "1s"
		watch.poll = "1s"
		split.chunk = "1s"
		worker = {slots = 1, nice = 1}
		[Profiles.Tablet]
		x264 = "--crf 1"
		container = "mp4"`)
	machine := write(t, `
		share = "`+share+`"
		[Watch]
		Poll = "2s"
		[split]
		chunk = "2s"
		[worker]
		slots = 2
		[profiles.TABLET]
		x264 = "--crf 2"`)
	c, err := Load(Source{
		File: machine,
		Environ: []string{"DISTENC_SPLIT_CHUNK=3s", "DISTENC_WORKER_SLOTS=3", "DISTENC_OUTPUT_SOURCE=",
			"DISTENC_TEST_SHARE=/x", "HOME=/x"},
		Flags: []Flag{{Name: "--slots", Key: "worker.slots", Value: "4"}},
	})
	require.NoError(t, err)
	require.Equal(t, share, c.Share)
	require.Equal(t, Watch{Settle: time.Second, Poll: 2 * time.Second}, c.Watch)
	require.Equal(t, 3*time.Second, c.Split.Chunk)
	require.Equal(t, Worker{Slots: 4, Nice: 1, IOClass: "best-effort"}, c.Worker)
	require.Equal(t, pipeline.ArchiveSource, c.Output.Source)
	p, ok := c.Profile("Tablet")
	require.True(t, ok)
	want := standard("tablet")
	want.Options, want.Container, want.Chunk = "--crf 2", "mp4", 3
	require.Equal(t, want, p)
}

// A length that a person sets holds for all encoders; an empty one leaves it to each of them again.
func TestAChunksLengthIsLeftToTheEncoder(t *testing.T) {
	share := shareWith(t, "split.chunk = '30s'")
	for machine, want := range map[string]time.Duration{
		"": 30 * time.Second, "split.chunk = ''": 0, "split.chunk = '1m'": time.Minute,
	} {
		c, err := Load(Source{File: write(t, "share = '"+share+"'\n"+machine)})
		require.NoError(t, err)
		require.Equal(t, want, c.Split.Chunk)
		p, _ := c.Profile("default")
		require.InDelta(t, want.Seconds(), p.Chunk, 0)
	}
}

func TestEveryKeyHasAVariable(t *testing.T) {
	values := map[string]string{
		"share": "/s", "watch.settle": "7s", "watch.poll": "7s", "split.chunk": "7s", "split.pieces": "range",
		"lease.heartbeat": "7s", "lease.expiry": "70s", "lease.attempts": "7", "worker.slots": "7", "worker.nice": "7",
		"output.source": "delete", "log.format": "json", "log.level": "warn",
		"worker.io_class": "idle", "worker.hours": "07:00-08:00", "worker.max_load": "0.7", "disk.min_free": "7KiB",
		"http.listen":  ":7",
		"http.hosts":   `["seven", "::7"]`,
		"http.control": "/7", "http.certificate": "/7", "http.key": "/7",
		"hooks.done": `["/7", "a b"]`, "hooks.failed": `["/7"]`, "hooks.timeout": "7s", "hooks.started": `["/7"]`,
		"notify.urls": `["ntfy://seven/7"]`, "notify.on": `["started"]`, "notify.digest": "7s",
	}
	var environ []string
	for _, k := range keys {
		if k.may&inMachine == 0 {
			continue
		}
		require.Contains(t, values, k.name)
		environ = append(environ, k.variable()+"="+values[k.name])
	}
	require.Contains(t, environ, "DISTENC_LEASE_EXPIRY=70s")
	c, err := Load(Source{File: write(t, ""), Environ: environ})
	require.NoError(t, err)
	c.profiles = nil
	hours, err := ParseHours("07:00-08:00")
	require.NoError(t, err)
	require.Equal(t, Config{
		Share:  "/s",
		Watch:  Watch{Settle: 7 * time.Second, Poll: 7 * time.Second},
		Split:  Split{Chunk: 7 * time.Second, Pieces: "range"},
		Lease:  Lease{Heartbeat: 7 * time.Second, Expiry: 70 * time.Second, Attempts: 7},
		Worker: Worker{Slots: 7, Nice: 7, IOClass: "idle", Hours: hours, MaxLoad: 0.7},
		Disk:   Disk{MinFree: 7 << 10},
		Output: Output{Source: "delete"},
		HTTP:   HTTP{Listen: ":7", Hosts: []string{"seven", "::7"}, Control: "/7", Certificate: "/7", Key: "/7"},
		Hooks: Hooks{
			Started: []string{"/7"}, Done: []string{"/7", "a b"}, Failed: []string{"/7"}, Timeout: 7 * time.Second,
		},
		Notify: notices.Settings{
			URLs: []notices.Address{addressOf(t, "ntfy://seven/7")}, On: []pipeline.EventKind{"started"},
			Digest: 7 * time.Second,
		},
		Log: Log{Format: "json", Level: "warn"},
	}, c)
}

func TestTheShareComesFromTheStrongest(t *testing.T) {
	weak, strong := shareWith(t, `worker.nice = 1`), shareWith(t, `worker.nice = 2`)
	machine := write(t, `share = "`+weak+`"`)
	c, err := Load(Source{File: machine, Environ: []string{"DISTENC_SHARE=/nowhere"},
		Flags: []Flag{{Name: "--share", Key: "share", Value: strong}}})
	require.NoError(t, err)
	require.Equal(t, strong, c.Share)
	require.Equal(t, 2, c.Worker.Nice)
}

func TestARelativeShareIsMadeAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	wd, err := os.Getwd()
	require.NoError(t, err)
	c, err := Load(Source{File: write(t, ""), Flags: []Flag{{Name: "--share", Key: "share", Value: "s"}}})
	require.NoError(t, err)
	require.Equal(t, filepath.Join(wd, "s"), c.Share)
}
