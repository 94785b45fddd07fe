package media

import (
	"io"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestMemoryIsBoundByTheMachineAndItsGroups(t *testing.T) {
	const mb = 1 << 20
	machine := "MemTotal:       16384 kB\nMemFree:  12 kB\nMemAvailable:    8192 kB\n"
	v2 := "0::/system.slice/distenc.service\n"
	for name, c := range map[string]struct {
		files      map[string]string
		free, most int64
	}{
		"no groups": {map[string]string{"proc/meminfo": machine}, 8 * mb, 16 * mb},
		"no proc":   {nil, 0, 0},
		"v2, a slice above it is bound": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": v2,
			"sys/fs/cgroup/system.slice/distenc.service/memory.max": "max\n",
			"sys/fs/cgroup/system.slice/memory.max":                 "6291456\n",
			"sys/fs/cgroup/system.slice/memory.current":             "4194304\n",
			"sys/fs/cgroup/system.slice/memory.stat":                "anon 5\ninactive_file 1048576\n",
		}, 3 * mb, 6 * mb},
		"v2, a container": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "4194304\n", "sys/fs/cgroup/memory.current": "1048576\n",
		}, 3 * mb, 4 * mb},
		"v1": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "12:cpu,cpuacct:/x\n5:memory:/user/a\n1:name=systemd:/\n",
			"sys/fs/cgroup/memory/user/a/memory.limit_in_bytes": "2097152\n",
			"sys/fs/cgroup/memory/user/a/memory.usage_in_bytes": "1048576\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":        "9223372036854771712\n",
		}, 1 * mb, 2 * mb},
		"v1, a container without a namespace for groups": {map[string]string{
			"proc/meminfo": machine, "proc/self/cgroup": "5:memory:/docker/0123\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "2097152\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "3097152\n",
		}, 0, 2 * mb},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		free, most := memoryOf(root)
		require.Equal(t, [2]int64{c.free, c.most}, [2]int64{free, most}, name)
	}
	free, most := Memory()
	require.Positive(t, free)
	require.LessOrEqual(t, free, most)
}

// A child that runs says what it has.
func TestAChildsMemory(t *testing.T) {
	var tools Tools
	var had int64
	words, hold := io.Pipe() // the child waits for its end
	_, err := tools.Run(t.Context(), Command{Program: "/bin/sh", Args: []string{"-c", "read x"},
		Stdin: words, Started: func(p *Process) {
			for had == 0 { // until it has begun
				had = p.Memory()
			}
			_, _ = io.WriteString(hold, "x\n") // an error shows in the child's end
			_ = hold.Close()
		}})
	require.NoError(t, err)
	require.Greater(t, had, int64(100<<10))
	require.Zero(t, (&Process{gone: true}).Memory())
}
