//go:build linux

package lab_test

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/lab"
)

// haul is one film's way over the network.
type haul struct {
	name    string
	pieces  string
	workers int
	options string // x264's
	cold    bool   // no machine keeps what it has read for more than a second, as one whose memory is full of other films
}

const (
	// tiny makes results of a fiftieth of their source, so that what is carried is the source.
	tiny = "--preset ultrafast --crf 51"
	// large makes results of the source's size and more.
	large = "--preset ultrafast --crf 12"
)

// TestBytes counts what a film costs the network, by the clients' own counters.
func TestBytes(t *testing.T) {
	if !asked || testing.Short() {
		t.Skip("`make test-lab-bytes` runs it")
	}
	if cannot != "" {
		t.Skip(cannot)
	}
	film := heavy(t)
	for _, proto := range lab.Protos {
		t.Run(proto.Name, func(t *testing.T) {
			l := boot(t, proto, 1+most)
			var table strings.Builder
			costs := map[haul]float64{}
			for _, h := range hauls() {
				t.Run(h.name, func(t *testing.T) {
					row, cost := carry(t, l, h, film)
					table.WriteString(row)
					h.name = ""
					costs[h] = cost
					h.pieces = "copy"
					if copied, known := costs[h]; known {
						require.LessOrEqual(t, cost, copied, "ranges cost the network no more than pieces")
					}
				})
			}
			t.Logf("\n| %s | pieces | workers | source | output | master reads | writes | "+
				"workers read | write | in all |\n"+
				"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n%s", proto.Title, &table)
		})
	}
}

// most is with how many workers at most.
const most = 8

func hauls() (all []haul) {
	for _, cold := range []bool{false, true} {
		for _, workers := range []int{1, most} {
			for _, pieces := range []string{"copy", "range"} {
				all = append(all, haul{"", pieces, workers, tiny, cold})
			}
		}
	}
	all = append(all, haul{"", "range", 1, large, false}, haul{"", "range", 1, large, true})
	for i, h := range all {
		all[i].name = fmt.Sprintf("%s %d", h.pieces, h.workers)
		if h.options == large {
			all[i].name += " large"
		}
		if h.cold {
			all[i].name += " cold"
		}
	}
	return all
}

// heavy makes a film of small pictures and many bytes: 80 s, 100 MB, a group of pictures every 4 s, and sound.
func heavy(t *testing.T) string {
	t.Helper()
	film := filepath.Join(t.TempDir(), "film.mkv")
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i",
		"nullsrc=s=320x180:r=24:d=80,geq=lum=128:cb=128:cr=128,noise=alls=90:allf=t,format=yuv420p",
		"-f", "lavfi", "-i", "sine=d=80:r=48000", "-map", "0", "-map", "1",
		"-c:v", "libx264", "-preset", "ultrafast", "-x264-params", "cabac=0", "-b:v", "10M", "-maxrate", "10M",
		"-bufsize", "10M", "-bf", "2", "-g", "96", "-keyint_min", "96", "-sc_threshold", "0", "-c:a", "ac3",
		"-b:a", "448k", film)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return film
}

// carry puts a film through a farm of its own and returns its row of the table, and all bytes for a byte of the
// source.
func carry(t *testing.T, l *lab.Lab, h haul, film string) (row string, cost float64) {
	t.Helper()
	f := &farm{t: t, lab: l, name: "bytes-" + strings.ReplaceAll(h.name, " ", "-"), daemons: map[*lab.Node][]int{}}
	t.Cleanup(f.stop)
	toml := f.name + ".toml"
	require.NoError(t, os.WriteFile(filepath.Join(l.Shared(), toml), []byte(fmt.Sprintf(`
[watch]
settle = "1s"
poll = "2s"
[lease]
heartbeat = "2s"
expiry = "1m"
[split]
chunk = "10s"
pieces = "%s"
[profiles.default]
x264 = "%s"
`, h.pieces, h.options)), 0o644))
	master, workers := l.Clients[0], l.Clients[1:1+h.workers]
	f.must(master, binary(), "init", f.mount())
	f.must(master, "cp", "/lab/"+toml, f.mount()+"/distenc.toml")
	for _, n := range l.Clients {
		f.must(n, "sh", "-c", "echo 3 >/proc/sys/vm/drop_caches")
		if h.cold {
			pid, err := n.Start("cold.log", "sh", "-c", "while sleep 1; do echo 1 >/proc/sys/vm/drop_caches; done")
			require.NoError(t, err)
			t.Cleanup(func() { f.must(n, "kill", strconv.Itoa(pid)) })
		}
	}
	before := counters(f, l.Clients)
	for _, n := range workers {
		f.start(n, "worker")
	}
	f.start(master, "master")
	f.eventually("a master that leads, and workers", func() bool {
		return f.look().leader && len(f.files("nodes")) >= h.workers
	})
	f.must(f.lab.Server, "sh", "-c", fmt.Sprintf("cp /host%s %[2]s/film.part && mv %[2]s/film.part %[2]s/inbox/film.mkv",
		film, f.export()))
	stage := ""
	f.eventually("the end of the job", func() bool {
		s := f.look()
		now := fmt.Sprintf("free %t stored %d merged %t closed %t", s.free > 0, s.stored, s.merged, s.closed)
		if now != stage {
			c := counters(f, l.Clients)
			t.Logf("%s: %s", now, c[0].less(before[0]))
			stage = now
		}
		return s.closed
	})
	j := f.job()
	require.Equal(t, pipeline.Done, j.State, j.Error)
	f.eventually("nothing left under chunks/ and leases/", func() bool { return len(f.leftovers()) == 0 })
	f.stop()
	after := counters(f, l.Clients)
	m := after[0].less(before[0])
	var w traffic
	for i := range workers {
		d := after[1+i].less(before[1+i])
		t.Logf("%s: %s", workers[i].Name, d)
		w.read += d.read
		w.written += d.written
	}
	info, err := os.Stat(film)
	require.NoError(t, err)
	size := float64(info.Size())
	output := f.kib("sh", "-c", "stat -c %s "+path.Join(f.export(), j.Output))
	cells := []string{h.name, h.pieces, strconv.Itoa(h.workers)}
	for _, n := range []float64{size, float64(output)} {
		cells = append(cells, fmt.Sprintf("%.1f MB", n/1e6))
	}
	for _, n := range []int64{m.read, m.written, w.read, w.written} {
		cells = append(cells, fmt.Sprintf("%.3f", float64(n)/size))
	}
	cost = float64(m.read+m.written+w.read+w.written) / size
	cells = append(cells, fmt.Sprintf("%.3f", cost))
	return "| " + strings.Join(cells, " | ") + " |\n", cost
}

// traffic are bytes that a client has read from its server and written to it.
type traffic struct{ read, written int64 }

func (t traffic) less(o traffic) traffic { return traffic{t.read - o.read, t.written - o.written} }

func (t traffic) String() string {
	return fmt.Sprintf("read %.2f MB, wrote %.2f MB", float64(t.read)/1e6, float64(t.written)/1e6)
}

// The counters of NFS (nfs-utils' tools/mountstats.py names the eight of "bytes:") and of SMB (docs: the kernel's
// Documentation/admin-guide/cifs/usage.rst, Stats).
var (
	nfsBytes = regexp.MustCompile(`(?s)mounted on /mnt/share with.*?\n\tbytes:\t\d+ \d+ \d+ \d+ (\d+) (\d+) `)
	smbBytes = regexp.MustCompile(`Bytes read: (\d+)\s+Bytes written: (\d+)`)
)

func counters(f *farm, nodes []*lab.Node) (all []traffic) {
	f.t.Helper()
	for _, n := range nodes {
		file, find := "/proc/self/mountstats", nfsBytes
		if f.lab.Proto.Name == "smb3" {
			file, find = "/proc/fs/cifs/Stats", smbBytes
		}
		text := f.must(n, "cat", file)
		m := find.FindStringSubmatch(text)
		require.NotNil(f.t, m, text)
		var t traffic
		t.read, _ = strconv.ParseInt(m[1], 10, 64)
		t.written, _ = strconv.ParseInt(m[2], 10, 64)
		all = append(all, t)
	}
	return all
}
