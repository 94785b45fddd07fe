package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMistakes(t *testing.T) {
	for name, c := range map[string]struct{ toml, want string }{
		"typo":            {"[lease]\n\nexpiri = '2m'", `:3: lease.expiri: unknown key; did you mean lease.expiry?`},
		"other section":   {"[watch]\nslots = 2", `:2: watch.slots: unknown key; did you mean worker.slots?`},
		"unknown section": {"[workers]\nslots = 2", `:1: workers: unknown key; did you mean worker?`},
		"far off":         {"[split]\nbananas = 2", `:2: split.bananas: unknown key; known are split.chunk, split.pieces`},
		"in a profile": {"[profiles.Hi]\nconteiner = 'mp4'",
			`:2: profiles.Hi.conteiner: unknown key; did you mean profiles.hi.container?`},
		"two at once": {"a.b.c = 1\n[lease]\nattempt = 3",
			`:3: lease.attempt: unknown key; did you mean lease.attempts?`},
		"bare number": {"[watch]\nsettle = 30",
			`:2: watch.settle: wants a duration in quotes with its unit, such as "30s", "5m" or "1h30m"`},
		"bare in inline": {"watch = {settle = 30}", `:1: watch.settle: wants a duration`},
		"no unit": {"[watch]\nsettle = '30'",
			`:2: watch.settle: "30" has no unit: write "30s" for seconds, "30m" for minutes`},
		"odd unit":         {"[watch]\nsettle = '1 day'", `:2: watch.settle: "1 day" is no duration: units are`},
		"quoted number":    {"[worker]\nslots = '2'", `:2: worker.slots: wants a whole number, without quotes`},
		"number for text":  {"[profiles.x]\nx264 = 2", `:2: profiles.x.x264: wants a text in quotes`},
		"array":            {"[worker]\nslots = [2]", `:2: worker.slots: wants a whole number`},
		"not a section":    {"worker = 2", `:1: worker: is a section`},
		"list of sections": {"[[worker]]\nslots = 2", `:1: worker: is a section`},
		"no TOML":          {"[worker]\nslots = ", `:2: `},
		"same key twice":   {"[worker]\nslots = 1\nslots = 2", `:3: worker.slots: is there twice`},
		"same table twice": {"[worker]\n[split]\n[worker]", `:3: worker: is there twice`},
		"bare duration":    {"[watch]\nsettle = 30s # quick", `:2: watch.settle: wants a duration in quotes`},
		"one quote":        {"[watch]\nsettle = \"30s", `:2: watch.settle: wants a duration in quotes`},
		"bare path":        {"share = /mnt/x", `:1: share: wants a text in quotes`},
		"bare hours":       {"[worker]\nhours = 22:00-07:00", `:2: worker.hours: wants times of the day in quotes`},
		"bare options":     {"[profiles.x]\nx264 = --crf 18", `:2: profiles.x.x264: wants a text in quotes`},
		"hosts as a text":  {"[http]\nhosts = 'nas'", `:2: http.hosts: wants host names, each in quotes, in [brackets]`},
		"host with a port": {"[http]\nhosts = ['nas:80']",
			`:2: http.hosts: must be names or addresses without a port, such as "nas.lan", has "nas:80"`},
		"bare hook": {"[hooks]\ndone = [/bin/true]",
			`:2: hooks.done: wants a program and its arguments, each in quotes, in [brackets]`},
		"a word for slots": {"[worker]\nslots = two", `:2: worker.slots: wants a whole number, without quotes`},
		"no value":         {"[worker]\nslots =", `:2: worker.slots: wants a whole number`},
		"bare in a table":  {"watch = {settle = 30s}", `:1: watch: is a section`},
		"not known, bare":  {"[watch]\nbanana = x", `:2: watch.banana: `},
		"profile twice": {"[profiles.A]\nx264=''\n[profiles.a]\nx264=''",
			`profiles.a: is there twice: names are not case-sensitive`},
		"relative share":  {"share = 's'", `:1: share: must be an absolute path, is "s"`},
		"short heartbeat": {"[lease]\nheartbeat = '99ms'", `:2: lease.heartbeat: must be at least 100ms, is 99ms`},
		"short expiry": {"[lease]\nexpiry = '39s'",
			`:2: lease.expiry: must be at least 4 heartbeats, is 39s with a heartbeat of 10s`},
		"long heartbeat": {"[lease]\nheartbeat = '1m'",
			`:2: lease.expiry: must be at least 4 heartbeats, is 2m0s with a heartbeat of 1m0s`},
		"short chunk": {"[split]\nchunk = '999ms'", `:2: split.chunk: must be at least 1s, is 999ms`},
		"no chunk":    {"[split]\nchunk = '0s'", `:2: split.chunk: must be at least 1s, is 0s`},
		"bare chunk":  {"[split]\nchunk = 20", `:2: split.chunk: wants a duration in quotes`},
		"unitless":    {"[split]\nchunk = '20'", `:2: split.chunk: "20" has no unit`},
		"negative":    {"[watch]\nsettle = '-1s'", `:2: watch.settle: must be at least 100ms, is -1s`},
		"slots":       {"[worker]\nslots = -1", `:2: worker.slots: must be between 0 and 1024, is -1`},
		"nice":        {"[worker]\nnice = 20", `:2: worker.nice: must be between 0 and 19, is 20`},
		"attempts":    {"[lease]\nattempts = 0", `:2: lease.attempts: must be between 1 and 100, is 0`},
		"source":      {"[output]\nsource = 'keep'", `:2: output.source: must be archive or delete, is "keep"`},
		"pieces":      {"[split]\npieces = ''", `:2: split.pieces: must be copy, range or auto, is ""`},
		"container": {"[profiles.default]\ncontainer = 'avi'",
			`:2: profiles.default.container: must be mkv or mp4, is "avi"`},
		"audio": {"[profiles.P]\naudio = 'aac'",
			`:2: profiles.p.audio: must be "copy" or "aac" and a bit rate from 32k to 512k, such as "aac 160k", is "aac"`},
		"bit rate":          {"[profiles.P]\naudio = 'aac 1600k'", `:2: profiles.p.audio: must be "copy" or "aac"`},
		"a filter in audio": {"[profiles.P]\naudio = 'aac 160k -f x'", `:2: profiles.p.audio: must be "copy" or "aac"`},
		"subtitles":         {"[profiles.P]\nsubtitles = 'srt'", `:2: profiles.p.subtitles: must be copy or none, is "srt"`},
		"crop": {"[profiles.P]\ncrop = '1920:800'",
			`:2: profiles.p.crop: must be "none", "auto", or the width, height, left and top edge`},
		"crop of nothing": {"[profiles.P]\ncrop = '0:800:0:0'", `:2: profiles.p.crop: must be "none", "auto"`},
		"max_size":        {"[profiles.P]\nmax_size = '95'", `:2: profiles.p.max_size: must be "none", or a part of the source's bytes`},
		"scale": {"[profiles.P]\nscale = '1280x720,movie=x'",
			`:2: profiles.p.scale: must be "none", or a width and height`},
		"small scale":    {"[profiles.P]\nscale = '8x720'", `:2: profiles.p.scale: must be "none", or a width and height`},
		"deinterlace":    {"[profiles.P]\ndeinterlace = true", `:2: profiles.p.deinterlace: wants a text in quotes`},
		"odd":            {"[profiles.P]\nodd = 'scale'", `:2: profiles.p.odd: must be refuse, crop or pad, is "scale"`},
		"profile's name": {"[profiles.'a/b']\nx264 = ''", `:1: profiles.a/b: is no profile name`},
		"hidden profile": {"[profiles.'.a']\nx264 = ''", `is no profile name`},
		"hours": {"[worker]\nhours = '22-7'",
			`:2: worker.hours: "22-7" are no times of the day: write "22:00-07:00"`},
		"hours as a number": {"[worker]\nhours = 22", `:2: worker.hours: wants times of the day in quotes`},
		"load":              {"[worker]\nmax_load = -1", `:2: worker.max_load: must be 0 or more, is -1`},
		"endless load":      {"[worker]\nmax_load = nan", `:2: worker.max_load: must be 0 or more, is NaN`},
		"quoted load":       {"[worker]\nmax_load = '1'", `:2: worker.max_load: wants a number, without quotes`},
		"I/O class":         {"[worker]\nio_class = 'low'", `:2: worker.io_class: must be best-effort or idle, is "low"`},
		"underscore":        {"[worker]\nmaxload = 1", `:2: worker.maxload: unknown key; did you mean worker.max_load?`},
		"free space":        {"[disk]\nmin_free = '2'", `:2: disk.min_free: "2" has no unit: write "2MiB" or "2GiB"`},
		"bare free space":   {"[disk]\nmin_free = 2", `:2: disk.min_free: wants a size in quotes with its unit`},
		"no port": {"[http]\nlisten = 'localhost'",
			`:2: http.listen: must be host:port, such as "127.0.0.1:8470", is "localhost"`},
		"odd port":            {"[http]\nlisten = ':http'", `:2: http.listen: must be host:port`},
		"relative tokens":     {"[http]\ncontrol = 'token'", `:2: http.control: must be an absolute path, is "token"`},
		"tokens for nobody":   {"[http]\ncontrol = '/t'", `:2: http.control: wants http.listen beside it`},
		"certificate, no key": {"[http]\nlisten = ':1'\ncertificate = '/c'", `:3: http.certificate: wants http.key beside it`},
		"key, no certificate": {"[http]\nlisten = ':1'\nkey = '/k'", `:3: http.key: wants http.certificate beside it`},
		"hook as a text": {"[hooks]\ndone = '/bin/true'",
			`:2: hooks.done: wants a program and its arguments, each in quotes, in [brackets]`},
		"hook of numbers": {"[hooks]\ndone = [1]", `:2: hooks.done: wants a program and its arguments`},
		"relative hook": {"[hooks]\nfailed = ['mail', 'me']",
			`:2: hooks.failed: must begin with the absolute path of a program, is ["mail" "me"]`},
		"short hook":        {"[hooks]\ntimeout = '1ms'", `:2: hooks.timeout: must be at least 1s, is 1ms`},
		"log level":         {"[log]\nlevel = 'loud'", `:2: log.level: must be debug, info, warn or error, is "loud"`},
		"a number too wide": {"[worker]\nslots = 99999999999999999999", `:2: `},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, c.toml)
			_, err := Load(Source{File: file})
			require.ErrorContains(t, err, c.want)
			require.Contains(t, err.Error(), file)
			require.ErrorAs(t, err, new(*Error))
		})
	}
}

func TestSettingsOfOtherKinds(t *testing.T) {
	c, err := Load(Source{File: write(t, `
		worker = {hours = "22:00-07:00", max_load = 2, io_class = "idle"}
		disk.min_free = "1.5GiB"
		http.listen = "127.0.0.1:8470"
		[hooks]
		done = ["/usr/local/bin/tell", "a,b", ""]`)})
	require.NoError(t, err)
	require.Equal(t, "22:00-07:00", c.Worker.Hours.String())
	require.InDelta(t, 2, c.Worker.MaxLoad, 0)
	require.Equal(t, "idle", c.Worker.IOClass)
	require.EqualValues(t, 3<<29, c.Disk.MinFree)
	require.Equal(t, "127.0.0.1:8470", c.HTTP.Listen)
	require.Equal(t, []string{"/usr/local/bin/tell", "a,b", ""}, c.Hooks.Done)
	require.Empty(t, c.Hooks.Failed)
}

func TestMistakesInVariablesAndFlags(t *testing.T) {
	for variable, want := range map[string]string{
		"DISTENC_WORKER_SLOT=2":     `DISTENC_WORKER_SLOT: unknown variable; did you mean DISTENC_WORKER_SLOTS?`,
		"DISTENC_WORKER_SLOTS=two":  `DISTENC_WORKER_SLOTS: worker.slots: wants a whole number, is "two"`,
		"DISTENC_LEASE_EXPIRY=30":   `DISTENC_LEASE_EXPIRY: lease.expiry: "30" has no unit: write "30s" for seconds`,
		"DISTENC_WORKER_HOURS=9":    `DISTENC_WORKER_HOURS: worker.hours: "9" are no times of the day`,
		"DISTENC_WORKER_MAX_LOAD=x": `DISTENC_WORKER_MAX_LOAD: worker.max_load: wants a number, is "x"`,
		"DISTENC_HOOKS_DONE=/bin/x": `DISTENC_HOOKS_DONE: hooks.done: wants a list such as ["/usr/bin/mail", "me"], is "/bin/x"`,
		"DISTENC_LEASE_EXPIRY=30s":  `DISTENC_LEASE_EXPIRY: lease.expiry: must be at least 4 heartbeats`,
	} {
		_, err := Load(Source{File: write(t, ""), Environ: []string{variable}})
		require.EqualError(t, err, err.Error())
		require.ErrorContains(t, err, want)
	}
	_, err := Load(Source{File: write(t, ""), Flags: []Flag{{Name: "--slots", Key: "worker.slots", Value: "-2"}}})
	require.EqualError(t, err, "--slots: worker.slots: must be between 0 and 1024, is -2")
}

func TestFilesThatCannotBeRead(t *testing.T) {
	_, err := Load(Source{File: "/nonexistent/x.toml"})
	require.ErrorContains(t, err, "/nonexistent/x.toml: there is no such file")
	require.ErrorAs(t, err, new(*Error))

	_, err = Load(Source{File: write(t, strings.Repeat("#", maxFile+1))})
	require.ErrorContains(t, err, "larger than")

	_, err = Load(Source{File: t.TempDir()})
	require.ErrorContains(t, err, "cannot read the configuration")
	require.False(t, errors.As(err, new(*Error)), "it is not the content that is wrong")

	_, err = Load(Source{File: write(t, `share = "/dev/null"`)})
	require.NoError(t, err, "a share that can't be there is found out by who opens it")

	share := t.TempDir()
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(share, ShareFile)))
	_, err = Load(Source{File: write(t, `share = "`+share+`"`)})
	require.ErrorContains(t, err, "is not a regular file")

	share = shareWith(t, "\nshare = '/mnt'")
	_, err = Load(Source{File: write(t, `share = "`+share+`"`)})
	require.ErrorContains(t, err, filepath.Join(share, ShareFile)+":2: share: can't be set in the share's own file")
}

// Everybody who can write to the share would run programs on the master's machine, open its ports, and have it tell
// others what happens; and everybody who can read there would have the secrets of those who are told.
func TestTheSharesFileRunsNothing(t *testing.T) {
	share := shareWith(t, "[http]\nlisten = ':80'\n[hooks]\n\ndone = ['/bin/true']\ntimeout = '1s'\n"+
		"[notify]\nurls = ['ntfy://ntfy.sh/secret']\non = ['done']\ndigest = '1m'")
	name := filepath.Join(share, ShareFile)
	_, err := Load(Source{File: write(t, `share = "`+share+`"`)})
	require.ErrorAs(t, err, new(*Error))
	require.NotContains(t, err.Error(), "secret")
	for _, key := range []string{
		":2: http.listen", ":5: hooks.done", ":6: hooks.timeout", ":8: notify.urls", ":9: notify.on", ":10: notify.digest",
	} {
		require.ErrorContains(t, err, name+key+": can't be set in the share's own file: everybody who can write there "+
			"could; "+
			"write it into the machine's, "+MachineFile)
	}
	share = shareWith(t, "[http]\n[hooks]")
	_, err = Load(Source{File: write(t, "share = '"+share+"'\nhttp.listen = ':80'\nhooks.done = ['/bin/true']")})
	require.NoError(t, err)
}
