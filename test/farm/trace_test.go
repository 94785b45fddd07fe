//go:build linux

package farm_test

import (
	"bufio"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// reads are where any program may read: its own parts, the system's settings for programs, and what the kernel tells.
var reads = []string{
	"/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/etc/locale.alias", "/proc", "/sys", "/dev/null",
	"/dev/urandom",
}

// changes are system calls that make, change or remove a name, by where their paths stand among the strings.
var changes = regexp.MustCompile(`^(rename|unlink|rmdir|mkdir|link|symlink|mknod|truncate|chmod|fchmodat|chown|fchownat|creat|utime)`)

// traced puts strace before a command, which writes to log; it says whether that works here.
func traced(cmd *exec.Cmd, log string) bool {
	strace, err := exec.LookPath("strace")
	if err != nil || exec.Command(strace, "-o", os.DevNull, "-e", "trace=openat", "/bin/true").Run() != nil {
		return false
	}
	// -D keeps the command our own child; -y names what an open has led to, links followed.
	cmd.Args = append([]string{strace, "-D", "-f", "-y", "-xx", "-s", "8192", "-e", "trace=%file", "-e", "signal=none",
		"-o", log}, cmd.Args...)
	cmd.Path = strace
	return true
}

var (
	call = regexp.MustCompile(`^(?:\d+ +)?(\w+)\((.*)\) += (.*)$`)
	// a name, in a folder that is open
	named   = regexp.MustCompile(`(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"((?:\\x[0-9a-f]{2})*)"`)
	ledTo   = regexp.MustCompile(`^\d+<([^>]*)>`)
	hexByte = regexp.MustCompile(`\\x([0-9a-f]{2})`)
)

func unhex(s string) string {
	return hexByte.ReplaceAllStringFunc(s, func(h string) string {
		b, _ := hex.DecodeString(h[2:])
		return string(b)
	})
}

// below tells whether a path lies in one of the folders, or is one of them.
func below(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// requireConfined reads a trace: every file that was opened lies in one of the folders or where any program reads, and
// every name that was made, changed or removed lies in one of the folders. It returns how many files were opened.
func requireConfined(t *testing.T, log string, folders ...string) (opened int) {
	t.Helper()
	for i, f := range folders {
		real, err := filepath.EvalSymlinks(f)
		require.NoError(t, err)
		folders[i] = real
	}
	file, err := os.Open(log)
	require.NoError(t, err)
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	unfinished, wrong := map[string]string{}, map[string]string{}
	for lines.Scan() {
		line := lines.Text()
		pid, rest, _ := strings.Cut(line, " ")
		if begin, cut := strings.CutSuffix(line, " <unfinished ...>"); cut {
			unfinished[pid] = begin
			continue
		}
		if _, end, resumed := strings.Cut(rest, " resumed>"); resumed {
			line = unfinished[pid] + end
		}
		m := call.FindStringSubmatch(line)
		if m == nil {
			continue // a signal, an end
		}
		if led := ledTo.FindStringSubmatch(m[3]); led != nil && strings.HasPrefix(m[1], "open") {
			opened++
			path := unhex(led[1])
			writes := regexp.MustCompile(`O_WRONLY|O_RDWR|O_CREAT|O_TRUNC`).MatchString(m[2])
			if !below(path, folders) && (!below(path, reads) || writes && path != os.DevNull) {
				wrong[m[1]+" led to "+path] = m[2]
			}
		}
		if changes.MatchString(m[1]) && !strings.HasPrefix(m[3], "-1") {
			for _, q := range named.FindAllStringSubmatch(m[2], -1) {
				path := unhex(q[2])
				if !filepath.IsAbs(path) && q[1] != "" {
					path = filepath.Join(unhex(q[1]), path)
				}
				if !filepath.IsAbs(path) || !below(filepath.Clean(path), folders) {
					wrong[m[1]+" of "+path] = m[2]
				}
			}
		}
	}
	require.NoError(t, lines.Err())
	require.Empty(t, wrong)
	return opened
}
