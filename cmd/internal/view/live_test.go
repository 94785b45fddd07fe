package view

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/browser"
)

// liveSite serves a state as a page that steers; what is sent to more is shown next. It ends with "gone".
func liveSite(t *testing.T, s *status.Status, who Visitor) (address string, more chan<- *status.Status) {
	t.Helper()
	states := make(chan *status.Status)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", LivePolicy)
		html, err := Live(s, who)
		if err == nil {
			_, err = w.Write(html)
		}
		if err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /page.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write(Sheet())
	})
	mux.HandleFunc("GET /page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write(Script())
	})
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprint(w, ": here\n\n")
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case next, open := <-states:
				if !open {
					return
				}
				html, err := Fragment(next)
				if err != nil {
					t.Error(err)
				}
				_, _ = fmt.Fprintf(w, "event: page\ndata: %s\n\n", strings.ReplaceAll(string(html), "\n", "\ndata: "))
			case <-r.Context().Done():
				return
			}
		}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	return server.URL, states
}

func TestOneWhoIsLoggedInSeesButtons(t *testing.T) {
	page := func(s *status.Status, who Visitor) string {
		html, err := Live(s, who)
		require.NoError(t, err)
		return string(html)
	}
	require.Contains(t, page(sceneBusy(), Visitor{Name: "anna"}), `class="steers"`)
	require.NotContains(t, page(sceneBusy(), Visitor{}), `class="steers"`)
	require.Contains(t, page(sceneBusy(), Visitor{Problem: "no <b>"}), `role="alert">no &lt;b&gt;`)
	failed := page(sceneFailed(), Visitor{Name: "anna"})
	require.Contains(t, failed, `data-word="failed/Show - 07 [01234567].mkv"`)
	require.Contains(t, failed, `data-word="bad00bad-q1w2e"`)
	plain, err := Page(sceneFailed())
	require.NoError(t, err)
	require.NotContains(t, string(plain), "<button", "the page on the share steers nothing")
}

// A page that is sent to everybody stays small, however many jobs and chunks there are.
func TestThePageThatIsSentIsBounded(t *testing.T) {
	s := sceneBusy()
	work := s.Jobs[1]
	for n := range 5000 {
		work.ID = fmt.Sprintf("%08x-aaaaa", n)
		s.Jobs = append(s.Jobs, work)
		s.Inbox = append(s.Inbox, status.Waiting{Name: fmt.Sprint(n, ".mkv")})
	}
	html, err := Fragment(s)
	require.NoError(t, err)
	require.Equal(t, mostListed, strings.Count(string(html), `<article`))
	require.Contains(t, string(html), "more, which <code>distenc status</code> lists")
	recent := Recent(sceneBusy())
	require.Len(t, recent.Jobs, len(sceneBusy().Jobs))
	for n := range 100 {
		recent.Jobs = append(recent.Jobs, pipeline.JobStatus{ID: fmt.Sprint(n), State: pipeline.Done})
	}
	require.Len(t, Recent(recent).Jobs, len(sceneBusy().Jobs)-1+pageEnded)
}

// What changes is shown without a reload: what has the focus keeps it, a screen reader is told, and when the master is
// gone the page says so.
func TestThePageChangesInPlace(t *testing.T) {
	driven := browser.New(t).Drive()
	s := sceneBusy()
	address, more := liveSite(t, s, Visitor{Name: "anna"})
	page := driven.MustPage(address).Timeout(browser.Patience)
	const second = `[data-word="0badcafe-9x8y7"] [data-verb=cancel]`
	page.MustElement(second).MustFocus()
	page.MustEval(`() => { window.same = document.activeElement; }`)
	next := sceneBusy()
	next.Jobs[1].State, next.Jobs[1].Frames.Done = pipeline.Merging, 34045
	next.Jobs[2].Chunks.Done = 9
	next.Nodes = next.Nodes[:3]
	more <- next
	page.MustElementR("#news", "Show - 01 .*: merging")
	require.True(t, page.MustEval(`() => window.same.isConnected && window.same === document.activeElement`).Bool())
	require.Len(t, page.MustElements("tbody td.name"), 3)
	require.True(t, page.MustEval(`() => document.getElementById("lost").hidden`).Bool())
	close(more)
	page.MustElement("#lost:not([hidden])")
}

func TestHostileNamesOnThePageThatChanges(t *testing.T) {
	driven := browser.New(t).Drive()
	address, more := liveSite(t, sceneBusy(), Visitor{Name: hostileName})
	page := driven.MustPage(address).Timeout(browser.Patience)
	more <- sceneHostile()
	page.MustElementR("h3", "owned")
	require.NotEqual(t, "owned", page.MustEval(`() => document.title`).Str())
	require.Empty(t, page.MustElements("img"))
	require.Len(t, page.MustElements("script"), 2)
}

// Before a job is cancelled the page asks, and does nothing unless it is told so.
func TestCancellingIsAskedOnce(t *testing.T) {
	driven := browser.New(t).Drive()
	address, _ := liveSite(t, sceneBusy(), Visitor{Name: "anna"})
	page := driven.MustPage(address).Timeout(browser.Patience)
	page.MustElement(`[data-word="0badcafe-9x8y7"] [data-verb=cancel]`).MustClick()
	page.MustElementR("#sure[open] #question", "Show - 02")
	page.MustElement("#sure [value=no]").MustClick()
	page.MustWait(`() => !document.getElementById("sure").open`)
	require.True(t, page.MustEval(`() => document.getElementById("said").hidden`).Bool(), "nothing was asked")
}

// DISTENC_TEST_PICTURES names a folder for pictures of the page, to be looked at.
func TestPicturesOfThePageThatSteers(t *testing.T) {
	dir := os.Getenv("DISTENC_TEST_PICTURES")
	if dir == "" {
		t.Skip("DISTENC_TEST_PICTURES names no folder")
	}
	driven := browser.New(t).Drive()
	for scene, s := range map[string]*status.Status{"busy": sceneBusy(), "failed": sceneFailed()} {
		for who, visitor := range map[string]Visitor{"": {Name: "anna"}, "-login": {Problem: "that token is not known"}} {
			address, _ := liveSite(t, s, visitor)
			for _, width := range []int{1280, 400} {
				for _, tone := range []string{"light", "dark"} {
					page := driven.MustPage().MustSetViewport(width, 900, 1, width < 500)
					picture(t, page, address, tone, filepath.Join(dir, fmt.Sprintf("live-%s%s-%d-%s.png", scene, who, width, tone)))
				}
			}
		}
	}
}

func picture(t *testing.T, page *rod.Page, address, tone, name string) {
	t.Helper()
	require.NoError(t, proto.EmulationSetEmulatedMedia{
		Features: []*proto.EmulationMediaFeature{{Name: "prefers-color-scheme", Value: tone}},
	}.Call(page))
	page.MustNavigate(address).MustWaitLoad()
	require.LessOrEqual(t, page.MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(), 0, "it fits: %s", name)
	page.MustScreenshotFullPage(name)
	page.MustClose()
}
