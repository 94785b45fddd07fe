//go:build linux

// Package container builds the image and runs it as container runtimes do: `make test-container`. It needs root, and
// no registry of images: those that the Containerfile begins with are made here, of Debian's packages and this
// machine's Go.
package container

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const (
	root  = "../.."
	image = "localhost/distenc"
	id    = 870
)

// podman runs it with storage of this test's own.
type podman struct {
	t    *testing.T
	args []string
}

func newPodman(t *testing.T) podman {
	t.Helper()
	if os.Getenv("DISTENC_TEST_CONTAINER") == "" {
		t.Skip("DISTENC_TEST_CONTAINER is not set: make test-container")
	}
	dir := t.TempDir()
	p := podman{t, []string{"--root", filepath.Join(dir, "storage"), "--runroot", filepath.Join(dir, "run"),
		"--tmpdir", filepath.Join(dir, "tmp"), "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
		"--events-backend", "none", "--runtime", "runc"}}
	t.Cleanup(func() {
		_, _ = p.try("rm", "--all", "--force", "--time", "5") // what is left in the folder fails its removal
	})
	return p
}

func (p podman) command(args ...string) *exec.Cmd {
	return exec.Command("podman", append(p.args, args...)...)
}

// try returns what was printed, errors too.
func (p podman) try(args ...string) (string, error) {
	out, err := p.command(args...).CombinedOutput()
	return string(out), err
}

func (p podman) must(args ...string) string {
	p.t.Helper()
	cmd := p.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(p.t, err, "podman %s: %s%s", strings.Join(args, " "), out, &stderr)
	return strings.TrimSpace(string(out))
}

// build makes the images from which the Containerfile begins, and its own.
func (p podman) build() {
	p.t.Helper()
	dir := p.t.TempDir()
	tar := filepath.Join(dir, "base.tar")
	run(p.t, "mmdebstrap", "--quiet", "--variant=minbase", "--dpkgopt=force-unsafe-io", // the tar is kept, no more
		"--dpkgopt=path-exclude=/usr/share/doc/*",
		"--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		`--customize-hook=rm -rf "$1"/var/lib/apt/lists/*`, "bookworm", tar)
	p.must("import", "--quiet", tar, "localhost/debian")
	require.NoError(p.t, os.Remove(tar))
	p.image(dir, "localhost/golang", filepath.Join("testdata", "golang.Containerfile"))
	began := time.Now()
	env := func(key string) string { return strings.TrimSpace(run(p.t, "go", "env", key)) }
	p.image(root, image, filepath.Join(root, "Containerfile"),
		"--build-arg", "BASE=localhost/debian", "--build-arg", "GO=localhost/golang",
		"--volume", env("GOROOT")+":/usr/local/go:ro", "--volume", env("GOMODCACHE")+":/root/go/pkg/mod",
		"--volume", env("GOCACHE")+":/root/.cache/go-build")
	p.t.Logf("the image was built in %v and has %s bytes", time.Since(began).Round(time.Second),
		p.must("image", "inspect", "--format", "{{.Size}}", image))
}

func (p podman) image(context, name, file string, more ...string) {
	p.t.Helper()
	p.must(slices.Concat([]string{"build", "--isolation", "chroot", "--format", "docker", "--pull=never",
		"--layers=false", "--tag", name, "--file", file}, more, []string{context})...)
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v: %s", name, args, &stderr)
	return string(out)
}

// confined is how compose.yaml and the manifests run distenc.
func confined() []string {
	return []string{
		"--network", "none", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "all",
		"--security-opt", "no-new-privileges", "--log-driver", "k8s-file",
		// Root without CAP_SYS_RESOURCE can't raise its own limits.
		"--ulimit", limit("nofile", unix.RLIMIT_NOFILE), "--ulimit", limit("nproc", unix.RLIMIT_NPROC),
	}
}

func limit(name string, resource int) string {
	var l unix.Rlimit
	_ = unix.Getrlimit(resource, &l) // 0 is refused, and shows it
	return fmt.Sprintf("%s=%d:%[2]d", name, min(l.Max, 30000))
}

// box is a container in which a daemon runs.
type box struct {
	podman
	name string
}

// start runs a daemon in the background. Its log is shown if the test fails.
func (p podman) start(name string, options []string, args ...string) box {
	p.t.Helper()
	p.must(slices.Concat([]string{"run", "--detach", "--name", name, "--hostname", name}, confined(), options,
		[]string{image}, args)...)
	b := box{p, name}
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("%s:\n%s", name, b.log())
		}
	})
	return b
}

func (b box) log() string {
	out, _ := b.try("logs", b.name) // an error is in it
	return out
}

// stop is what runtimes do: SIGTERM to process 1, and SIGKILL after the grace period. It returns how long that took,
// and the exit code, which is 137 where it had to be killed.
func (b box) stop(grace string) (took time.Duration, code int) {
	b.t.Helper()
	began := time.Now()
	b.must("stop", "--time", grace, b.name)
	took = time.Since(began)
	return took, b.code()
}

func (b box) code() (code int) {
	b.t.Helper()
	require.NoError(b.t, json.Unmarshal([]byte(b.must("inspect", "--format", "{{.State.ExitCode}}", b.name)), &code))
	return code
}

// ends waits until the daemon ends by itself, and returns its exit code.
func (b box) ends() int {
	b.t.Helper()
	until(b.t, b.name+" has ended", func() bool {
		return b.must("inspect", "--format", "{{.State.Running}}", b.name) == "false"
	})
	return b.code()
}

// until waits for something that a daemon will do. No machine is so busy that it takes longer.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 1200 {
		if ok() {
			return
		}
		time.Sleep(250 * time.Millisecond)
	}
	require.FailNow(t, "not within five minutes: "+what)
}
