//go:build linux

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
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/corpus"
	"github.com/distenc/distenc/test/lab"
)

const (
	expiry = 15 * time.Second
	// seconds is the length of the source, of which each is a chunk; when some are done, a fault strikes.
	seconds, some = 12, 2
	// patience bounds what must happen at last, on a busy machine: an hour would only be an answer later.
	patience = 15 * time.Minute
	pause    = 500 * time.Millisecond // between two looks
	// slack is what the server's file system may use for itself, in KiB: less than a chunk and its result
	// take in all.
	slack = 512
)

// conf has a preset that gives a fault time to strike in the middle of an encode.
func conf() string {
	preset := "placebo"
	if lab.Slow() > 1 {
		preset = "veryfast"
	}
	return fmt.Sprintf(`
[watch]
settle = "1s"
poll = "2s"
[lease]
heartbeat = "2s"
expiry = "15s"
[split]
chunk = "1s"
[profiles.default]
x264 = "--preset %s --crf 22"
`, preset)
}

// farm is one share of its own on the lab's server, with two masters, and three workers as soon as there is work.
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
	f := &farm{t: t, lab: l, name: strings.ReplaceAll(name, " ", "-"), daemons: map[*lab.Node][]int{},
		source: corpus.Film(t, seconds)}
	toml := f.name + ".toml"
	require.NoError(t, os.WriteFile(filepath.Join(l.Shared(), toml), []byte(conf()), 0o644))
	f.must(l.Clients[0], binary(), "init", f.mount())
	f.must(l.Clients[0], "cp", "/lab/"+toml, f.mount()+"/distenc.toml")
	t.Cleanup(f.stop)
	f.start(l.Clients[0], "master")
	f.eventually("a master that leads", func() bool { return f.look().leader })
	f.start(l.Clients[1], "master")
	f.disk = f.diskUse()
	return f
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
	pid, err := n.Start(fmt.Sprintf("%s.%s.%s.log", f.name, n.Name, role), binary(), role, "--share", f.mount(),
		"--log-level", "debug")
	require.NoError(f.t, err)
	f.daemons[n] = append(f.daemons[n], pid)
}

// sight is what one look at the server's own disk shows.
type sight struct {
	leader   bool
	free     int            // chunks
	claimed  map[int]string // the chunks, and the hosts that have them
	accepted map[int]bool
	stored   int  // committed or accepted
	merged   bool // there is a decision
	closed   bool
}

// look sees nothing while the server is off.
func (f *farm) look() sight {
	s := sight{claimed: map[int]string{}, accepted: map[int]bool{}}
	names, _ := f.lab.Server.Files(f.export())
	for _, name := range names {
		folder, base := path.Split(name)
		if strings.HasPrefix(folder, pipeline.PendingDir) {
			s.free++
		}
		if c, ok := pipeline.ParseClaimed(base); ok && folder == pipeline.ClaimedDir+"/" {
			s.claimed[c.Chunk] = pipeline.NodeHost(c.Node)
		}
		if c, ok := pipeline.ParseDone(base); ok {
			s.stored++
			if c.State == pipeline.Accepted {
				s.accepted[c.Chunk] = true
			}
		}
		s.leader = s.leader || folder == pipeline.MasterDir+"/" && strings.HasSuffix(base, ".hb")
		s.merged = s.merged || base == "decision"
		s.closed = s.closed || base == pipeline.ClosedName
	}
	return s
}

// job is the only job, as `distenc status` tells it.
func (f *farm) job() pipeline.JobStatus {
	f.t.Helper()
	var s status.Status
	out := f.must(f.lab.Server, binary(), "status", "--json", "--share", f.export())
	require.NoError(f.t, json.Unmarshal([]byte(out), &s))
	require.Len(f.t, s.Jobs, 1)
	return s.Jobs[0]
}

// eventually waits for something that the daemons will do.
func (f *farm) eventually(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(pause) {
		if time.Now().After(end) {
			files, _ := f.lab.Server.Files(f.export())
			require.FailNow(f.t, fmt.Sprintf("not within %s: %s", patience, what), strings.Join(files, "\n"))
		}
	}
}

// survive puts one job through a fault and checks all that must hold. It returns the times, as the cells
// of a table.
func (f *farm) survive(fault fault) string {
	f.t.Helper()
	began := time.Now()
	f.must(f.lab.Clients[2], binary(), "add", "--share", f.mount(), "/host"+f.source)
	f.startWorkers(fault.hits)
	f.eventually("some chunks done", func() bool { return f.look().stored >= some })
	interrupted := f.claims(fault.hits)
	struck := time.Now()
	require.NoError(f.t, fault.strike(f.lab))
	mend := sync.OnceFunc(func() { require.NoError(f.t, fault.mend(f.lab)) })
	f.t.Cleanup(mend)
	var goesOn time.Duration
	f.eventually("the end of the job", func() bool {
		s := f.look()
		if fault.lasts > 0 && time.Since(struck) >= fault.lasts && (fault.hits == 0 || s.taken(interrupted)) {
			mend()
		}
		if goesOn == 0 && (s.merged || s.allAccepted(interrupted)) {
			goesOn = time.Since(struck)
		}
		return s.closed
	})
	ended := time.Now()
	time.Sleep(time.Until(struck.Add(fault.lasts)))
	mend()
	f.check()
	return fmt.Sprintf("ok | %.0f s | %.0f s | %.0f s", goesOn.Seconds(), ended.Sub(struck).Seconds(),
		ended.Sub(began).Seconds())
}

// startWorkers starts a worker on each machine when there are chunks, the one that is to be hit (0: any) first,
// so that it is at work when it is.
func (f *farm) startWorkers(first int) {
	f.t.Helper()
	f.eventually("chunks", func() bool { return f.look().free > 0 })
	clients := f.lab.Clients
	for i := range clients {
		f.start(clients[(max(first, 1)-1+i)%len(clients)], "worker")
	}
}

// claims are the chunks that a client has claimed now. Those of all clients (0) are looked at when one more
// was claimed a moment ago, if there are any left to claim.
func (f *farm) claims(client int) map[int]string {
	f.t.Helper()
	before := f.look().claimed
	var now map[int]string
	f.eventually("a claim", func() bool {
		s := f.look()
		now = s.claimed
		fresh := s.free == 0
		for chunk, host := range now {
			fresh = fresh || before[chunk] != host
			if client > 0 && host != f.lab.Clients[client-1].Name {
				delete(now, chunk)
			}
		}
		require.False(f.t, s.merged, "the job is done before the fault")
		return len(now) > 0 && (client > 0 || fresh)
	})
	return now
}

func (s sight) allAccepted(chunks map[int]string) bool {
	for chunk := range chunks {
		if !s.accepted[chunk] {
			return false
		}
	}
	return true
}

// taken tells whether the hosts have lost their claims on the chunks.
func (s sight) taken(chunks map[int]string) bool {
	for chunk, host := range chunks {
		if s.claimed[chunk] == host {
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
	require.Equal(f.t, pipeline.Done, j.State, j.Error)
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
	names, err := f.lab.Server.Files(path.Join(f.export(), folder))
	require.NoError(f.t, err)
	for i, name := range names {
		names[i] = path.Join(folder, name)
	}
	return names
}

// stop ends the daemons that run; those of a machine that lost power do not.
func (f *farm) stop() {
	f.t.Helper()
	for n, pids := range f.daemons {
		for _, pid := range pids {
			// After a power loss the number is somebody else's.
			script := fmt.Sprintf("grep -qs distenc /proc/%d/cmdline || exit 0; kill %[1]d; while [ -e /proc/%[1]d ]; do "+
				"sleep 0.1; done", pid)
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
