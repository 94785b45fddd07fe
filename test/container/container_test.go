//go:build linux

package container

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/corpus"
)

// conf makes few chunks, each with much to do. The other profiles have the doctor try all that the image has to hold.
const conf = `
[watch]
settle = "1s"
poll = "500ms"
[lease]
heartbeat = "1s"
expiry = "10m"
[split]
chunk = "10s"
[profiles.default]
x264 = "--preset veryslow"
[profiles.archive]
x265 = "--preset ultrafast"
[profiles.even]
svtav1 = "--preset 12"
[profiles.tablet]
x264 = "--preset ultrafast"
container = "mp4"
audio = "aac 160k"
`

// hook leaves a process behind that outlives it.
const hook = `
[hooks]
done = ["/bin/sh", "-c", "sleep 1 & cat > /dev/null"]
`

// farm is a share that containers mount.
type farm struct {
	podman
	dir string
}

// newFarm makes a share as the image's user.
func newFarm(p podman) farm {
	f := farm{p, filepath.Join(p.t.TempDir(), "share")}
	require.NoError(p.t, os.Mkdir(f.dir, 0o755))
	require.NoError(p.t, os.Chown(f.dir, id, id))
	f.run(nil, "init", "/share")
	require.NoError(p.t, os.WriteFile(filepath.Join(f.dir, pipeline.Config), []byte(conf), 0o644))
	return f
}

func (f farm) mount() []string { return []string{"--volume", f.dir + ":/share"} }

// run runs a command to its end, and returns what it printed.
func (f farm) run(options []string, args ...string) string {
	f.t.Helper()
	return f.must(slices.Concat([]string{"run", "--rm"}, confined(), f.mount(), options, []string{image}, args)...)
}

func (f farm) start(name string, options []string, args ...string) box {
	f.t.Helper()
	return f.podman.start(name, append(options, f.mount()...), args...)
}

func (f farm) status() *status.Status {
	f.t.Helper()
	share, err := sharefs.Open(f.dir)
	require.NoError(f.t, err)
	s, err := status.NewReader(share, nil, 0).Read(f.t.Context())
	require.NoError(f.t, err)
	return s
}

// encodes waits until a chunk's frames come out of a node on a host, and returns the node.
func (f farm) encodes(host string) (found pipeline.SeenNode) {
	f.t.Helper()
	share, err := sharefs.Open(f.dir)
	require.NoError(f.t, err)
	until(f.t, host+" encodes", func() bool {
		nodes, err := pipeline.LoadNodes(share)
		require.NoError(f.t, err)
		for _, n := range nodes {
			for _, c := range n.Chunks {
				if n.Host == host && c.Frames > 0 && c.Frames < c.Total {
					found = n
					return true
				}
			}
		}
		return false
	})
	return found
}

func (f farm) names(folder string) []string {
	f.t.Helper()
	found, err := filepath.Glob(filepath.Join(f.dir, folder, "*", "*"))
	require.NoError(f.t, err)
	return found
}

func TestContainers(t *testing.T) {
	p := newPodman(t)
	p.build()
	require.Equal(t, "870:870", p.must("image", "inspect", "--format", "{{.User}}", image))
	f := newFarm(p)
	seen := f.run([]string{"--cpus", "1", "--memory", "3g"}, "doctor")
	require.Contains(t, seen, "for 1 encode with 1 thread each", "by the container's limit")
	require.Contains(t, seen, "(there are 3.2 GB)", "by the container's limit")
	machine := filepath.Join(t.TempDir(), "distenc.toml")
	require.NoError(t, os.WriteFile(machine, []byte(hook), 0o644))
	first := f.start("first", []string{"--volume", machine + ":/etc/distenc/distenc.toml:ro"}, "master")
	first.healthy()
	second := f.start("second", nil, "master")
	source := corpus.Make(t, "hi10p-fansub.mkv")
	film, err := os.ReadFile(source)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, pipeline.Inbox, "film.mkv"), film, 0o644))

	// A worker is stopped in the middle of a chunk, as `docker stop` does it.
	slow := f.start("slow", []string{"--cpus", "0.2", "--memory", "3g"}, "worker")
	n := f.encodes("slow")
	require.Equal(t, [2]int{1, 1}, [2]int{n.Cores, n.Slots}, "by the container's limit")
	require.EqualValues(t, 3<<30, n.Memory, "by the container's limit")
	slow.healthy()
	took, code := slow.stop("10")
	require.Zero(t, code, "it was killed: %s", slow.log())
	t.Logf("handed back and ended %v after SIGTERM", took)
	require.Contains(t, slow.log(), "handed back")
	require.Empty(t, f.names(pipeline.ClaimedDir))
	require.Contains(t, strings.Join(f.names(pipeline.PendingDir), "\n"), ".a2.", "pending, for a second attempt")
	until(t, "a master that stands by is alive", func() bool {
		out, err := p.try("exec", second.name, "distenc", "nodes", "--here")
		return err == nil && strings.Contains(out, " stands by, ")
	})

	// Another one ends the film, and then itself, as a Kubernetes job does.
	job := f.start("job", nil, "worker", "--until-idle")
	require.Zero(t, job.ends())
	until(t, "the film is done", func() bool {
		jobs := f.status().Jobs
		return len(jobs) == 1 && jobs[0].Closed
	})
	require.Equal(t, corpus.Barcodes(t, source), corpus.Barcodes(t, filepath.Join(f.dir, f.status().Jobs[0].Output)))
	until(t, "what the hook left has ended", func() bool { return !strings.Contains(first.processes(), "(sleep) S") })
	require.NotContains(t, first.processes(), ") Z ", "process 1 waits for whom it inherits")

	took, code = first.stop("10")
	require.Zero(t, code)
	t.Logf("the master ended %v after SIGTERM", took)
	until(t, "the other one leads", func() bool {
		m := f.status().Master
		return m != nil && pipeline.NodeHost(m.Node) == "second" && !m.Silent
	})
	second.healthy()
	_, code = second.stop("10")
	require.Zero(t, code)
}

// healthy waits until the image's own check finds nothing wrong.
func (b box) healthy() {
	b.t.Helper()
	until(b.t, b.name+" is healthy", func() bool {
		_, err := b.try("healthcheck", "run", b.name)
		return err == nil
	})
}

// processes are those of the container, a line of proc_pid_stat(5) for each.
func (b box) processes() string {
	out, _ := b.try("exec", b.name, "sh", "-c", "cat /proc/[0-9]*/stat") // some end meanwhile
	return out
}
