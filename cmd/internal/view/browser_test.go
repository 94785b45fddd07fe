package view

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/status"
)

// browser is a headless Chromium. Where there is none the test is skipped, unless DISTENC_TEST_BROWSER
// says that there must be one, as CI does.
type browser struct {
	t       *testing.T
	program string
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("DISTENC_TEST_BROWSER") == "" {
		t.Skip("chromium is not installed: test/install-tools chromium")
	}
	require.NoError(t, err)
	return browser{t, program}
}

// run opens a page and returns what Chromium prints. What tries to reach the network fails at once.
func (b browser) run(url string, args ...string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
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

// file writes a state's page as the master does and returns its address.
func (b browser) file(s *status.Status) string {
	b.t.Helper()
	html, err := Page(s)
	require.NoError(b.t, err)
	name := filepath.Join(b.t.TempDir(), "status.html")
	require.NoError(b.t, os.WriteFile(name, html, 0o644))
	return "file://" + name
}

func TestThePageInABrowser(t *testing.T) {
	b := newBrowser(t)
	for name, c := range map[string]struct {
		state     *status.Status
		has, lack []string
	}{
		"empty": {sceneEmpty(), []string{"Nothing is to be done", `id="stale" hidden`}, []string{"Rejected"}},
		"busy": {sceneBusy(), []string{"Show - 01 [ABCDEF01].mkv", "3m37s", `width="51%"`, "outside its hours",
			"is enough for 2 of its 4 slots"},
			[]string{"Rejected"}},
		"failed": {sceneFailed(), []string{"distenc retry bad00bad-q1w2e", "Rejected", "89ABCDEF"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dom := browser{t, b.program}.run(b.file(c.state), "--dump-dom")
			for _, s := range c.has {
				require.Contains(t, dom, s)
			}
			for _, s := range c.lack {
				require.NotContains(t, dom, s)
			}
			require.NotContains(t, dom, " UTC<", "the script writes times as the reader's clock has them")
		})
	}
}

// A page that nobody keeps any more says so by itself.
func TestAnAbandonedPageInABrowser(t *testing.T) {
	b := newBrowser(t)
	s := sceneBusy()
	s.Read = time.Now().Add(-time.Hour)
	dom := b.run(b.file(s), "--dump-dom")
	require.Contains(t, dom, `id="stale">`)
}

func TestHostileNamesInABrowser(t *testing.T) {
	b := newBrowser(t)
	dom := b.run(b.file(sceneHostile()), "--dump-dom")
	require.NotContains(t, dom, "<img")
	require.Equal(t, 1, strings.Count(dom, "<script"))
	require.NotContains(t, dom, "<title>owned")
	require.Contains(t, dom, "&lt;script&gt;")
}

// DISTENC_TEST_PICTURES names a folder for pictures of the page, to be looked at.
func TestPictures(t *testing.T) {
	dir := os.Getenv("DISTENC_TEST_PICTURES")
	if dir == "" {
		t.Skip("DISTENC_TEST_PICTURES names no folder")
	}
	b := newBrowser(t)
	for scene, s := range map[string]*status.Status{"empty": sceneEmpty(), "busy": sceneBusy(), "failed": sceneFailed()} {
		url := b.file(s)
		for size, window := range map[string]string{"wide": "1100,1180", "narrow": "500,1500"} {
			b.run(url, "--window-size="+window, "--screenshot="+filepath.Join(dir, scene+"-"+size+".png"))
			b.run(url, "--window-size="+window, "--blink-settings=preferredColorScheme=0", "--screenshot="+
				filepath.Join(dir, scene+"-"+size+"-dark.png"))
		}
	}
}
