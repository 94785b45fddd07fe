package view

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/browser"
)

// file writes a state's page as the master does and returns its address.
func file(t *testing.T, b browser.Browser, s *status.Status) string {
	t.Helper()
	html, err := Page(s)
	require.NoError(t, err)
	return b.File(html)
}

func TestThePageInABrowser(t *testing.T) {
	b := browser.New(t)
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
			dom := b.For(t).Run(file(t, b, c.state), "--dump-dom")
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
	b := browser.New(t)
	s := sceneBusy()
	s.Read = time.Now().Add(-time.Hour)
	dom := b.Run(file(t, b, s), "--dump-dom")
	require.Contains(t, dom, `id="stale">`)
}

func TestHostileNamesInABrowser(t *testing.T) {
	b := browser.New(t)
	dom := b.Run(file(t, b, sceneHostile()), "--dump-dom")
	require.NotContains(t, dom, "<img")
	require.Equal(t, 1, strings.Count(dom, "<script"))
	require.NotContains(t, dom, "<title>owned")
	require.Contains(t, dom, "&lt;script&gt;")
}

// DISTENC_TEST_PICTURES names a folder for pictures of the page, to be looked at.
func TestPictures(t *testing.T) {
	b := browser.New(t)
	for scene, s := range map[string]*status.Status{"empty": sceneEmpty(), "busy": sceneBusy(), "failed": sceneFailed()} {
		b.Pictures(file(t, b, s), scene)
	}
}
