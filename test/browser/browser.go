// Package browser shows pages to a real browser, for tests.
package browser

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Browser is a headless Chromium.
type Browser struct {
	t       *testing.T
	program string
}

// New finds it. Where there is none the test is skipped, unless DISTENC_TEST_BROWSER says that there must be one, as CI
// does.
func New(t *testing.T) Browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("DISTENC_TEST_BROWSER") == "" {
		t.Skip("chromium is not installed: test/install-tools chromium")
	}
	require.NoError(t, err)
	return Browser{t, program}
}

// Patience is how long a page may take for what is wanted of it, on a machine that is busy.
const Patience = 2 * time.Minute

// There reports whether a browser is there, or must be.
func There() bool {
	_, err := exec.LookPath("chromium")
	return err == nil || os.Getenv("DISTENC_TEST_BROWSER") != ""
}

// For is the same browser for a subtest.
func (b Browser) For(t *testing.T) Browser { return Browser{t, b.program} }

// Run opens a page and returns what Chromium prints. What tries to reach the network fails at once.
func (b Browser) Run(url string, args ...string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, b.program, append(append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--run-all-compositor-stages-before-draw", "--user-data-dir=" + b.t.TempDir(), "--virtual-time-budget=2000",
	}, args...), url)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(b.t, err, "%s", &stderr)
	require.NotContains(b.t, stderr.String(), "Content Security Policy")
	return string(out)
}

// File writes a page and returns its address.
func (b Browser) File(html []byte) string {
	b.t.Helper()
	name := filepath.Join(b.t.TempDir(), "page.html")
	require.NoError(b.t, os.WriteFile(name, html, 0o644))
	return "file://" + name
}

// Pictures takes pictures of a page, to be looked at, into the folder that DISTENC_TEST_PICTURES names: wide and
// narrow, light and dark. Where it names none the test is skipped.
func (b Browser) Pictures(url, name string) {
	dir := os.Getenv("DISTENC_TEST_PICTURES")
	if dir == "" {
		b.t.Skip("DISTENC_TEST_PICTURES names no folder")
	}
	for size, window := range map[string]string{"wide": "1280,1400", "narrow": "500,1800"} {
		for tone, setting := range map[string]string{"": "1", "-dark": "0"} {
			b.Run(url, "--window-size="+window, "--blink-settings=preferredColorScheme="+setting, "--screenshot="+
				filepath.Join(dir, name+"-"+size+tone+".png"))
		}
	}
}
