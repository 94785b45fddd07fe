// Package slurm runs slurm/distenc-worker.sbatch on a real Slurm of its own: `make test-slurm`.
package slurm

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cluster is a Slurm of one node, which it takes for one of 16 processors. It listens on the loopback alone.
type cluster struct {
	t   *testing.T
	dir string
}

// conf is a slurm.conf(5): folder, host, controller's port, node's port, user. It asks for no control groups and no
// accounting, so that it runs in a container too.
const conf = `ClusterName=distenc
SlurmctldHost=%[2]s(127.0.0.1)
SlurmctldPort=%[3]d
SlurmdPort=%[4]d
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.sock
CredType=cred/munge
SlurmUser=%[5]s
SlurmdUser=%[5]s
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool
SlurmctldPidFile=%[1]s/slurmctld.pid
SlurmdPidFile=%[1]s/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n1 NodeHostname=%[2]s NodeAddr=127.0.0.1 CPUs=16 RealMemory=1000000 State=UNKNOWN
PartitionName=main Nodes=n1 Default=YES MaxTime=INFINITE State=UP
`

// newCluster starts a cluster, which ends with the test.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "distenc-slurm-") // short: sockets lie in it
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	c := &cluster{t, dir}
	host, err := os.Hostname()
	require.NoError(t, err)
	self, err := user.Current()
	require.NoError(t, err)
	for _, d := range []string{"state", "spool"} {
		require.NoError(t, os.Mkdir(c.path(d), 0o700))
	}
	key := make([]byte, 1024)
	_, _ = rand.Read(key)
	require.NoError(t, os.WriteFile(c.path("munge.key"), key, 0o400))
	text := fmt.Sprintf(conf, dir, host, freePort(t), freePort(t), self.Username)
	require.NoError(t, os.WriteFile(c.path("slurm.conf"), []byte(text), 0o600))

	// --force: the folder's parents are the temporary folder's, which anybody may write to.
	c.daemon("munged", "--foreground", "--force", "--socket="+c.path("munge.sock"), "--key-file="+c.path("munge.key"),
		"--pid-file="+c.path("munged.pid"), "--log-file="+c.path("munged.log"), "--seed-file="+c.path("munge.seed"))
	until(t, "munged answers", func() bool { _, err := os.Stat(c.path("munge.sock")); return err == nil })
	c.daemon("slurmctld", "-D", "-c")
	c.daemon("slurmd", "-D", "-N", "n1")
	t.Cleanup(func() { // before the daemons end
		_, _ = c.try("scancel", "--user="+self.Username)
		until(t, "no job runs", func() bool { out, err := c.try("squeue", "-h"); return err == nil && out == "" })
	})
	until(t, "the node is there", func() bool {
		out, err := c.try("sinfo", "-h", "-o", "%T")
		return err == nil && strings.TrimSpace(out) == "idle"
	})
	return c
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

func (c *cluster) path(name string) string { return filepath.Join(c.dir, name) }

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "SLURM_CONF="+c.path("slurm.conf"))
	return cmd
}

// daemon starts a program that is ended with the test, and whose words are shown if that failed.
func (c *cluster) daemon(name string, args ...string) {
	c.t.Helper()
	cmd, log := c.command(name, args...), &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = log, log
	start(c.t, cmd, log)
}

// start starts a program, which gets SIGTERM at the test's end. Nobody else reads log before that.
func start(t *testing.T, cmd *exec.Cmd, log *bytes.Buffer) {
	t.Helper()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", cmd.Path, log)
		}
	})
}

// try runs one of Slurm's commands to its end.
func (c *cluster) try(name string, args ...string) (string, error) {
	out, err := c.command(name, args...).CombinedOutput()
	return string(out), err
}

func (c *cluster) must(name string, args ...string) string {
	c.t.Helper()
	out, err := c.try(name, args...)
	require.NoError(c.t, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return out
}

// submit submits the script for a share, from a folder for its logs, and returns the job's id.
func (c *cluster) submit(s *share, args ...string) (job string) {
	c.t.Helper()
	script, err := filepath.Abs("../../slurm/distenc-worker.sbatch")
	require.NoError(c.t, err)
	args = append(append([]string{"--parsable", "--mem-per-cpu=100M", "--chdir=" + s.logs}, args...), script)
	cmd := c.command("sbatch", args...)
	cmd.Env = append(cmd.Env, s.env...)
	out, err := cmd.CombinedOutput()
	require.NoError(c.t, err, "sbatch: %s", out)
	return strings.TrimSpace(string(out))
}

var field = regexp.MustCompile(`(\w+)=(\S*)`)

// task returns what Slurm says of one task of an array: JobState, ExitCode, Restarts, …
func (c *cluster) task(job string, n int) map[string]string {
	c.t.Helper()
	said := map[string]string{}
	for _, f := range field.FindAllStringSubmatch(c.must("scontrol", "show", "job", fmt.Sprintf("%s_%d", job, n)), -1) {
		said[f[1]] = f[2]
	}
	return said
}

// ends lets a task come to its time limit within two minutes, as long before which the script wants to be told.
func (c *cluster) ends(job string, n int) {
	c.t.Helper()
	run, err := time.Parse("15:04:05", c.task(job, n)["RunTime"])
	require.NoError(c.t, err)
	limit := run.Hour()*60 + run.Minute() + 2
	c.must("scontrol", "update", fmt.Sprintf("JobId=%s_%d", job, n), fmt.Sprint("TimeLimit=", limit))
}

// state waits until a task is in a state, and returns what Slurm says of it then.
func (c *cluster) state(job string, n int, want string) (said map[string]string) {
	c.t.Helper()
	until(c.t, fmt.Sprintf("task %d is %s", n, want), func() bool {
		said = c.task(job, n)
		return said["JobState"] == want
	})
	return said
}

// until waits for something that must happen within ten minutes on any machine.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
	require.FailNow(t, "not within ten minutes: "+what)
}
