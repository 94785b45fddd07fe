package media

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// loaderCache lists the libraries of the machine. Whatever installs one has ldconfig(8) write it anew.
const loaderCache = "/etc/ld.so.cache"

// machineState identifies this start of the machine, and its libraries; empty if that can't be told.
func machineState() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	libraries := stateOf(loaderCache)
	if err != nil || libraries == "" {
		return ""
	}
	return strings.TrimSpace(string(boot)) + "\n" + libraries
}

// fileState identifies a program as it is now; empty if that can't be told. What a script does may depend on anything:
// only ELF counts.
func fileState(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	magic := make([]byte, 4)
	if _, err := io.ReadFull(f, magic); err != nil || !bytes.Equal(magic, []byte("\x7fELF")) {
		return ""
	}
	return stateOf(path)
}

// stateOf tells whether a file is still the same: nobody can set the time of its last change (ctime).
func stateOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s %d %d %d %d.%09d", path, s.Dev, s.Ino, s.Size, s.Ctim.Sec, s.Ctim.Nsec)
}
