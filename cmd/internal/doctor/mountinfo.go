package doctor

import (
	"bufio"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// mount is one line of /proc/self/mountinfo (proc_pid_mountinfo(5)).
type mount struct {
	point  string
	kind   string // file system: ext4, nfs4, cifs, …
	source string
	// options are those of the mount and of the file system, as the kernel writes them: name or
	// name=value. A name that stands there twice has its last value.
	options map[string]string
	text    string // the file system's options as they stand
}

func (m mount) nfs() bool { return m.kind == "nfs" || m.kind == "nfs4" }

func (m mount) smb() bool { return m.kind == "cifs" || m.kind == "smb3" }

// findMount returns the mount that dir, an absolute path without symbolic links, lies on: the deepest one,
// and of several on one point the last. root is the machine's root folder.
func findMount(root fs.FS, dir string) (mount, error) {
	file, err := root.Open("proc/self/mountinfo")
	if err != nil {
		return mount{}, err
	}
	defer func() { _ = file.Close() }()
	var best mount
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if m, ok := parseMount(lines.Text()); ok && below(dir, m.point) && len(m.point) >= len(best.point) {
			best = m
		}
	}
	return best, lines.Err()
}

// mountOf is findMount for any directory, with something to show where there is no answer.
func mountOf(root fs.FS, dir string) mount {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	m, err := findMount(root, dir)
	if err != nil || m.kind == "" {
		return mount{kind: "an unknown file system", point: dir, text: fmt.Sprint(err)}
	}
	return m
}

func below(dir, point string) bool {
	return dir == point || strings.HasPrefix(dir, strings.TrimSuffix(point, "/")+"/")
}

// parseMount reads "36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/sda1 rw,errors=continue"; the
// number of fields before the dash varies.
func parseMount(line string) (mount, bool) {
	before, after, found := strings.Cut(line, " - ")
	head, tail := strings.Fields(before), strings.Fields(after)
	if !found || len(head) < 6 || len(tail) < 3 {
		return mount{}, false
	}
	m := mount{point: unescape(head[4]), kind: tail[0], source: unescape(tail[1]), text: tail[2],
		options: map[string]string{}}
	for option := range strings.SplitSeq(tail[2]+","+head[5], ",") {
		name, value, _ := strings.Cut(option, "=")
		m.options[name] = unescape(value)
	}
	return m, true
}

var octal = regexp.MustCompile(`\\[0-7]{3}`)

// unescape undoes the kernel's \040 for a space.
func unescape(s string) string {
	return octal.ReplaceAllStringFunc(s, func(code string) string {
		n, _ := strconv.ParseUint(code[1:], 8, 8) // three octal digits; above \377 does not occur
		return string([]byte{byte(n)})
	})
}

// inFstab reports whether /etc/fstab has a line for this mount point.
func inFstab(root fs.FS, point string) bool {
	data, err := fs.ReadFile(root, "etc/fstab")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) >= 2 && !strings.HasPrefix(f[0], "#") &&
			strings.TrimSuffix(unescape(f[1]), "/") == point {
			return true
		}
	}
	return false
}
