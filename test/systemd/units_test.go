//go:build linux

// Package systemd checks the units as they are installed, with systemd's own tool.
package systemd

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
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
			command, isTemplate := strings.CutSuffix(strings.TrimSuffix(strings.TrimPrefix(name, "distenc-"), ".service"), "@")
			if isTemplate {
				command += " --config /etc/distenc/%i.toml"
			}
			require.Contains(t, lines, "ExecStart="+program+" "+command)
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

// units installs the units where nothing runs them, and returns the folder.
var units = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "distenc-units-")
	if err != nil {
		return "", err
	}
	install := exec.Command("make", "-C", "../..", "install-units", "DESTDIR="+dir, "PREFIX=/usr/local", "UNITDIR=/")
	out, err := install.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := units(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// unitNames lists the units: each daemon's, and its template.
func unitNames(t *testing.T) []string {
	t.Helper()
	dir, err := units()
	require.NoError(t, err)
	paths, err := filepath.Glob(filepath.Join(dir, "*.service"))
	require.NoError(t, err)
	require.Len(t, paths, 4)
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}

func readUnit(t *testing.T, name string) string {
	t.Helper()
	dir, err := units()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(dir, name))
	require.NoError(t, err)
	return string(text)
}

// runnable returns a copy of the unit whose program exists: verify refuses one that is not installed. Of a template it
// is one of its instances.
func runnable(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), strings.Replace(name, "@", "@numa-0", 1))
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
