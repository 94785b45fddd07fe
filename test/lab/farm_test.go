package lab_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
	"github.com/distenc/distenc/test/lab"
)

const (
	expiry = 15 * time.Second
	// patience bounds what must happen at last, on a busy machine: an hour would only be an answer later.
	patience = 8 * time.Minute
	look     = time.Second
	// slack is what the server's file system may use for itself, in KiB: less than a chunk and its result
	// take in all.
	slack = 512
)

const conf = `
[watch]
settle = "1s"
poll = "1s"
[lease]
heartbeat = "2s"
expiry = "15s"
[split]
chunk = "1s"
[profiles.default]
x264 = "--preset slower --crf 22"
`

// farm is one share of its own on the lab's server, with two masters and three workers.
type farm struct {
	t       *testing.T
	lab     *lab.Lab
	name    string // its folder
	source  string // on the host
	daemons map[*lab.Node][]int
	disk    int // KiB in use on the server before the job
}

func newFarm(t *testing.T, l *lab.Lab, name string) *farm {
	t.Helper()
	f := &farm{t: t, lab: l, name: strings.ReplaceAll(name, " ", "-"), daemons: map[*lab.Node][]int{}, source: film(t)}
	toml := f.name + ".toml"
	require.NoError(t, os.WriteFile(filepath.Join(l.Shared(), toml), []byte(conf), 0o644))
	f.must(l.Clients[0], binary(), "init", f.mount())
	f.must(l.Clients[0], "cp", "/lab/"+toml, f.mount()+"/distenc.toml")
	t.Cleanup(f.stop)
	f.start(l.Clients[0], "master")
	f.eventually("a master that leads", func() bool { return f.status().Master != nil })
	f.start(l.Clients[1], "master")
	for _, n := range l.Clients {
		f.start(n, "worker")
	}
	f.disk = f.diskUse()
	return f
}

// film is a source long enough for a fault to hit its middle.
func film(t *testing.T) string {
	t.Helper()
	return corpus.Film(t, 8)
}

// binary is distenc as the guests see it.
func binary() string { return "/host" + filepath.Join(os.Getenv(binVar), "distenc") }

// mount is the share as the clients see it, disk as the server has it.
func (f *farm) mount() string  { return "/mnt/share/" + f.name }
func (f *farm) export() string { return "/export/share/" + f.name }

func (f *farm) must(n *lab.Node, argv ...string) string {
	f.t.Helper()
	out, err := n.Run(argv...)
	require.NoError(f.t, err)
	return out
}

func (f *farm) start(n *lab.Node, role string) {
	f.t.Helper()
	pid, err := n.Start(fmt.Sprintf("%s.%s.%s.log", f.name, n.Name, role), binary(), role, "--share", f.mount(), "--log-level", "debug")
	require.NoError(f.t, err)
	f.daemons[n] = append(f.daemons[n], pid)
}

// status is what the server's own disk tells; nothing while the server is off.
func (f *farm) status() (s pipeline.Status) {
	out, err := f.lab.Server.RunWithin(5*time.Second, binary(), "status", "--json", "--share", f.export())
	if err == nil {
		require.NoError(f.t, json.Unmarshal([]byte(out), &s))
	}
	return s
}

// job is the only job's status, empty while there is none.
func (f *farm) job() (j pipeline.JobStatus) {
	if jobs := f.status().Jobs; len(jobs) > 0 {
		j = jobs[0]
	}
	return j
}

// chunks lists the chunks in a state by number, with the host that has or had them.
func (f *farm) chunks(state pipeline.State) map[int]string {
	chunks := map[int]string{}
	out, err := f.lab.Server.RunWithin(5*time.Second, "find", f.export()+"/chunks", "-type", "f", "-printf", `%f\n`)
	if err != nil {
		return chunks
	}
	for _, name := range strings.Fields(out) {
		c, ok := pipeline.ParseClaimed(name)
		if !ok {
			c, ok = pipeline.ParseDone(name)
		}
		if ok && c.State == state {
			chunks[c.Chunk] = pipeline.NodeHost(c.Node)
		}
	}
	return chunks
}

// eventually waits for something that the daemons will do.
func (f *farm) eventually(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(look) {
		if time.Now().After(end) {
			files, _ := f.lab.Server.Run("find", f.export(), "-type", "f", "-size", "-100k")
			require.FailNow(f.t, fmt.Sprintf("not within %s: %s", patience, what), "%+v\n%s", f.status(), files)
		}
	}
}

// survive puts one job through a fault and checks all that must hold. It returns the times, as the cells
// of a table.
func (f *farm) survive(fault fault) string {
	f.t.Helper()
	began := time.Now()
	f.must(f.lab.Clients[2], binary(), "add", "--share", f.mount(), "/host"+f.source)
	f.eventually("a third of the job done", func() bool {
		j := f.job()
		return j.Chunks.Total > 0 && j.Chunks.Done >= j.Chunks.Total/3
	})
	interrupted := f.claims(fault.hits)
	struck := time.Now()
	require.NoError(f.t, fault.strike(f.lab))
	mend := sync.OnceFunc(func() { require.NoError(f.t, fault.mend(f.lab)) })
	f.t.Cleanup(mend)
	var goesOn time.Duration
	f.eventually("the end of the job", func() bool {
		if fault.lasts > 0 && time.Since(struck) >= fault.lasts {
			mend()
		}
		j := f.job()
		if goesOn == 0 && (j.State == pipeline.Merging || j.State == pipeline.Done || f.accepted(interrupted)) {
			goesOn = time.Since(struck)
		}
		require.NotEqual(f.t, pipeline.JobFailed, j.State, j.Error)
		return j.State == pipeline.Done
	})
	ended := time.Now()
	time.Sleep(time.Until(struck.Add(fault.lasts)))
	mend()
	f.check()
	return fmt.Sprintf("ok | %.0f s | %.0f s | %.0f s", goesOn.Seconds(), ended.Sub(struck).Seconds(), ended.Sub(began).Seconds())
}

// claims are the chunks that a client has claimed now. Of all clients (0) they are looked at when one more
// was claimed a moment ago.
func (f *farm) claims(client int) map[int]string {
	f.t.Helper()
	var claims map[int]string
	before := f.chunks(pipeline.Claimed)
	f.eventually("a claim", func() bool {
		claims = f.chunks(pipeline.Claimed)
		fresh := false
		for chunk, host := range claims {
			if _, old := before[chunk]; !old {
				fresh = true
			}
			if client > 0 && host != f.lab.Clients[client-1].Name {
				delete(claims, chunk)
			}
		}
		return len(claims) > 0 && (client > 0 || fresh)
	})
	return claims
}

func (f *farm) accepted(chunks map[int]string) bool {
	done := f.chunks(pipeline.Accepted)
	for chunk := range chunks {
		if _, ok := done[chunk]; !ok {
			return false
		}
	}
	return true
}

// check looks at what a job must leave: one exact output, the source, and nothing else.
func (f *farm) check() {
	f.t.Helper()
	f.eventually("nothing left under chunks/ and leases/", func() bool { return len(f.leftovers()) == 0 })
	j := f.job()
	require.Equal(f.t, []string{j.Output}, f.files("outbox"))
	require.Equal(f.t, []string{path.Join("archive", j.ID, j.Name)}, f.files("archive"))
	require.Empty(f.t, f.files("inbox"))
	require.Empty(f.t, f.files("failed"))

	out := filepath.Join(f.t.TempDir(), "out.mkv")
	f.must(f.lab.Server, "cp", path.Join(f.export(), j.Output), "/lab/out.mkv")
	require.NoError(f.t, os.Rename(filepath.Join(f.lab.Shared(), "out.mkv"), out))
	require.Equal(f.t, corpus.Barcodes(f.t, f.source), corpus.Barcodes(f.t, out))
	require.Equal(f.t, corpus.PTS(f.t, f.source), corpus.PTS(f.t, out))

	f.stop()
	kept := 0
	for _, folder := range []string{"outbox", "archive", "jobs"} {
		kept += f.kib("du", "-sk", path.Join(f.export(), folder))
	}
	require.InDelta(f.t, f.disk+kept, f.diskUse(), slack, "KiB in use on the server")
}

// leftovers are the files that must not stay when a job is done.
func (f *farm) leftovers() []string {
	left := append(f.files("chunks"), f.files("leases")...)
	for _, name := range f.files("jobs") {
		base := path.Base(name)
		if strings.Contains(name, "/out/") || strings.HasPrefix(base, "source") || strings.HasPrefix(base, "norm.") {
			left = append(left, name)
		}
	}
	return left
}

// files lists a folder as the server has it, all files below it by their names on the share.
func (f *farm) files(folder string) []string {
	f.t.Helper()
	out := f.must(f.lab.Server, "find", path.Join(f.export(), folder), "-type", "f", "-printf", folder+`/%P\n`)
	return strings.FieldsFunc(out, func(r rune) bool { return r == '\n' })
}

// stop ends the daemons that run; those of a machine that lost power do not.
func (f *farm) stop() {
	f.t.Helper()
	for n, pids := range f.daemons {
		for _, pid := range pids {
			// After a power loss the number is somebody else's.
			script := fmt.Sprintf("grep -qs distenc /proc/%d/cmdline || exit 0; kill %[1]d; while [ -e /proc/%[1]d ]; do sleep 0.1; done", pid)
			f.must(n, "sh", "-c", script)
		}
	}
	clear(f.daemons)
}

func (f *farm) diskUse() int {
	f.must(f.lab.Server, "sync")
	return f.kib("df", "-k", "--output=used", "/export")
}

// kib runs a command on the server and returns the number in its last line.
func (f *farm) kib(argv ...string) int {
	f.t.Helper()
	lines := strings.Split(strings.TrimSpace(f.must(f.lab.Server, argv...)), "\n")
	n, err := strconv.Atoi(strings.Fields(lines[len(lines)-1])[0])
	require.NoError(f.t, err)
	return n
}
