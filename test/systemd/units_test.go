// Package systemd checks the units in systemd/ with systemd's own tool.
package systemd

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	units   = "../../systemd"
	program = "/usr/local/bin/distenc"
	share   = "/mnt/distenc"
)

func TestUnitsAreAcceptedBySystemd(t *testing.T) {
	for _, name := range unitNames(t) {
		t.Run(name, func(t *testing.T) {
			analyze(t, "verify", "--man=no", runnable(t, name))
		})
	}
}

// A unit of 2.0 and less is one that systemd calls "OK"; without any sandbox it would be 9.6.
func TestUnitsAreSandboxed(t *testing.T) {
	for _, name := range unitNames(t) {
		t.Run(name, func(t *testing.T) {
			analyze(t, "security", "--offline=true", "--threshold=20", "--no-pager", runnable(t, name))
		})
	}
}

func TestUnitsAllowWhatTheDaemonsDo(t *testing.T) {
	for _, name := range unitNames(t) {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(readUnit(t, name), "\n")
			require.Contains(t, lines, "ExecStart="+program+" "+strings.TrimSuffix(strings.TrimPrefix(name, "distenc-"),
				".service"))
			require.Contains(t, lines, "RequiresMountsFor="+share)
			require.Contains(t, lines, "ReadWritePaths=-"+share)
			require.Contains(t, lines, "Type=notify")
			require.Contains(t, lines, "KillMode=mixed")
			for _, line := range lines {
				require.False(t, strings.HasPrefix(line, "RestrictSUIDSGID="), "the share's folders are setgid")
			}
		})
	}
}

// What a unit calls must be on every machine that the package is installed on: the program, or what Debian calls
// essential (/bin/sh). The reload really sends its signal, with an empty PATH.
func TestUnitsCallNothingThatMayBeMissing(t *testing.T) {
	for _, name := range unitNames(t) {
		t.Run(name, func(t *testing.T) {
			for line := range strings.Lines(readUnit(t, name)) {
				if strings.HasPrefix(line, "Exec") {
					_, command, _ := strings.Cut(strings.TrimSpace(line), "=")
					require.Contains(t, []string{program, "/bin/sh"}, strings.Fields(command)[0], line)
				}
			}
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			_, reload, found := strings.Cut(readUnit(t, name), "ExecReload=/bin/sh -c '")
			require.True(t, found)
			reload, _, _ = strings.Cut(reload, "'\n")
			shell := exec.Command("/bin/sh", "-c", strings.ReplaceAll(reload, "$$", "$")) // systemd.service(5): "$$" is a dollar
			shell.Env = []string{"PATH=/nowhere", fmt.Sprintf("MAINPID=%d", os.Getpid())}
			out, err := shell.CombinedOutput()
			require.NoError(t, err, "%s", out)
			<-hangups
		})
	}
}

func unitNames(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(units, "*.service"))
	require.NoError(t, err)
	require.Len(t, paths, 2)
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}

func readUnit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(units, name))
	require.NoError(t, err)
	return string(text)
}

// runnable returns a copy of the unit whose program exists: verify refuses one that is not installed.
func runnable(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), name)
	text := strings.ReplaceAll(readUnit(t, name), program, self)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// analyze runs systemd-analyze, which must find nothing to say against the unit.
func analyze(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	out, err := exec.Command(tool, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	if args[0] == "verify" {
		require.Empty(t, string(out))
	}
}
