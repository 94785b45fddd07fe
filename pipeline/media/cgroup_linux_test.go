package media

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestCoresAreBoundByTheMachineAndItsGroups(t *testing.T) {
	const here, v2, v1 = 8, "0::/kubepods.slice/pod7.slice/worker\n", "4:cpu,cpuacct:/x\n0::/\n"
	const top, pod = "cpu.max", "kubepods.slice/pod7.slice/cpu.max"
	const worker = "kubepods.slice/pod7.slice/worker/cpu.max"
	const quota, period = "cpu/x/cpu.cfs_quota_us", "cpu/x/cpu.cfs_period_us"
	const topQuota, topPeriod = "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"
	type files map[string]string
	for name, c := range map[string]struct {
		groups string // in /proc/self/cgroup
		files  files  // below /sys/fs/cgroup
		want   int
	}{
		"no groups":                {"", nil, here},
		"v2, no limit":             {v2, files{worker: "max 100000\n"}, here},
		"v2, a limit":              {v2, files{worker: "300000 100000\n"}, 3},
		"v2, a part of one":        {v2, files{worker: "10000 100000\n"}, 1},
		"v2, one and a part":       {v2, files{worker: "150000 100000\n"}, 2},
		"v2, more than there are":  {v2, files{worker: "6400000 100000\n"}, here},
		"v2, a limit above":        {v2, files{pod: "200000 100000\n"}, 2},
		"v2, the stricter of two":  {v2, files{worker: "400000 100000\n", pod: "200000 100000\n"}, 2},
		"v2, a container":          {"0::/\n", files{top: "200000 50000\n"}, 4},
		"v2, seen from beside it":  {"0::/../x\n", files{top: "200000 50000\n"}, 4},
		"v2, nonsense":             {"0::/\n", files{top: "many 0\n"}, here},
		"v1, a limit":              {v1, files{quota: "500000\n", period: "100000\n"}, 5},
		"v1, no limit":             {v1, files{quota: "-1\n", period: "100000\n"}, here},
		"v1, a container's":        {"4:cpu:/docker/x\n", files{topQuota: "1000\n", topPeriod: "1000\n"}, 1},
		"v1, another controller's": {"4:cpuset:/x\n", files{quota: "100000\n", period: "100000\n"}, here},
	} {
		root := fstest.MapFS{"proc/self/cgroup": &fstest.MapFile{Data: []byte(c.groups)}}
		for file, text := range c.files {
			root[groupMount+"/"+file] = &fstest.MapFile{Data: []byte(text)}
		}
		require.Equal(t, c.want, coresOf(root, here), name)
	}
}

// told has this test print what it sees of the machine, for TestARealGroupBoundsUs, which starts it in a group.
const told = "DISTENC_TEST_TELL_MACHINE"

func TestARealGroupBoundsUs(t *testing.T) {
	if os.Getenv(told) != "" {
		_, most := Memory()
		fmt.Printf("cores=%d memory=%d child=%d\n", Cores(), most, memory())
		return
	}
	const bytes = "6442450944"
	script := ""
	for _, dir := range []string{
		newGroup(t, "cpu", "cpu.cfs_quota_us=100000 cpu.cfs_period_us=100000", "cpu.max=100000 100000"),
		newGroup(t, "memory", "memory.limit_in_bytes="+bytes, "memory.max="+bytes),
	} {
		script += "echo $$ > " + dir + "/cgroup.procs && "
	}
	cmd := exec.Command("/bin/sh", "-c", script+`exec "$0" -test.run '^TestARealGroupBoundsUs$' -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), told+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "cores=1 memory="+bytes+" child="+bytes+"\n")
}

// newGroup makes a group of this test's own with a controller's limits, FILE=VALUE, and returns its folder. Where none
// can be made, the test is skipped.
func newGroup(t *testing.T, controller, v1, v2 string) string {
	t.Helper()
	parent, limits := filepath.Join("/", groupMount, controller), strings.Fields(v1)
	if _, err := os.Stat(parent); err != nil {
		parent, limits = filepath.Join("/", groupMount), []string{v2}
	}
	dir, err := os.MkdirTemp(parent, "distenc-test-")
	if err != nil {
		t.Skipf("no control group can be made here: %v", err)
	}
	t.Cleanup(func() { _ = os.Remove(dir) }) // the processes in it have ended
	for _, limit := range limits {
		file, value, _ := strings.Cut(limit, "=")
		if err := os.WriteFile(filepath.Join(dir, file), []byte(value), 0); err != nil {
			t.Skipf("this machine's control groups take no limit: %v", err)
		}
	}
	return dir
}
