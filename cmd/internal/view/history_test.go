package view

import (
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/history"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/browser"
)

// sceneHistory is a share that has encoded for a quarter of a year: no film on Sundays, one host that came later and
// one that was there for one day.
func sceneHistory() *status.Status {
	s := sceneBusy()
	h := &history.History{Since: "2026-08"}
	today := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)
	hosts := []string{"pc-2", "pc-3", "nas-1", "desk-5", "laptop"}
	for _, host := range hosts {
		h.Nodes = append(h.Nodes, history.Node{Host: host, Daily: make([]float64, 30)})
	}
	for i := range 30 {
		day := today.AddDate(0, 0, i-29)
		d := history.Day{Day: day.Format(time.DateOnly)}
		if day.Weekday() != time.Sunday {
			n := int64(2 + i%5)
			d.Sum = history.Sum{Films: n, Seconds: 5400 * float64(n), Source: n * 21 << 30, Output: n * 8 << 30,
				Frames: n * 129600}
			for k := range h.Nodes {
				if k == 3 && i < 18 || k == 4 && i != 10 {
					continue
				}
				fps := float64(24-4*k) + 3*math.Sin(float64(i+5*k)/3)
				h.Nodes[k].Daily[i] = fps
				h.Nodes[k].Frames += int64(3600 * 6 * fps)
				h.Nodes[k].Seconds += 3600 * 6
				h.Nodes[k].FPS = h.Nodes[k].Work.FPS()
			}
		}
		h.Days = append(h.Days, d)
		h.Recent = add(h.Recent, d.Sum)
		if day.Month() == today.Month() {
			h.Month = add(h.Month, d.Sum)
		}
	}
	h.All = add(add(h.Recent, h.Recent), h.Recent)
	h.All.Skipped = 3
	s.History = h
	return s
}

func add(a, b history.Sum) history.Sum {
	return history.Sum{Films: a.Films + b.Films, Skipped: a.Skipped + b.Skipped, Seconds: a.Seconds + b.Seconds,
		Source: a.Source + b.Source, Output: a.Output + b.Output, Frames: a.Frames + b.Frames}
}

func historyTable(h *history.History, style TerminalStyle) string {
	var b strings.Builder
	History(&b, h, style)
	return b.String()
}

func TestTheHistorysTable(t *testing.T) {
	got := historyTable(sceneHistory().History, TerminalStyle{})
	require.Equal(t, `
                         FILMS  HOURS   BEFORE    AFTER          SAVED      FRAMES
this month                  98  147.0  2.0 TiB  784 GiB  1.2 TiB (62%)  12,700,800
last 30 days               100  150.0  2.1 TiB  800 GiB  1.3 TiB (62%)  12,960,000
`, "\n"+strings.Join(strings.SplitAfter(got, "\n")[:3], ""))
	require.Contains(t, got, "300 (3 skipped)")
	require.Regexp(t, `(?m)^pc-2 .*24\.\d +150\.0$`, got)

	grown := history.History{Recent: history.Sum{Films: 1, Source: 100, Output: 400}, Trouble: []string{"a\x1b[2Jb"}}
	got = historyTable(&grown, TerminalStyle{})
	require.Contains(t, got, "-300 B (-300%)")
	require.Contains(t, got, "in all")
	require.NotContains(t, got, "\x1b")
}

func TestTheHistorysTableFitsTheTerminal(t *testing.T) {
	colours := regexp.MustCompile("\x1b\\[[0-9]*m")
	h := sceneHistory().History
	h.Nodes[0].Host = "日本語の名前"
	for _, width := range []int{20, 40, 80} {
		for line := range strings.SplitSeq(historyTable(h, TerminalStyle{Width: width, Colour: true}), "\n") {
			require.LessOrEqual(t, uniseg.StringWidth(colours.ReplaceAllString(line, "")), width, line)
		}
	}
}

func TestThePageShowsTheHistory(t *testing.T) {
	b, err := Page(sceneHistory())
	require.NoError(t, err)
	page := string(b)
	require.Equal(t, 2, strings.Count(page, `<figure class="chart">`))
	require.Contains(t, page, `aria-labelledby="saved-title saved-text"`)
	require.Contains(t, page, `<title id="saved-title">Space saved in the last 30 days</title><desc id="saved-text">`)
	require.Contains(t, page, "1.3 TiB after 30 days")
	require.Contains(t, page, ">31 Oct<")
	require.NotContains(t, page, "NaN")

	b, err = Page(sceneBusy())
	require.NoError(t, err)
	require.NotContains(t, string(b), "<figure class=\"chart\">", "nothing has come out yet")
}

// The page's own policy allows no style in an element.
func TestTheHistoryHasNoStyleInElements(t *testing.T) {
	b, err := Page(sceneHistory())
	require.NoError(t, err)
	require.NotRegexp(t, `<[^>]* style=`, string(b))
}

// A day without a film leaves a gap, and one film alone a dot.
func TestAGapInTheSpeed(t *testing.T) {
	h := &history.History{Days: make([]history.Day, 5),
		Nodes: []history.Node{{Host: "pc", Daily: []float64{10, 0, 12, 13, 0}}}}
	line := speedChart(h).Lines[0].Path
	require.Equal(t, 2, strings.Count(line, "M"))
	require.Equal(t, 1, strings.Count(line, "L"))
}

func TestAChartsScale(t *testing.T) {
	for _, c := range []struct{ low, high, unit, wantLow, wantHigh, step float64 }{
		{0, 0, 1, 0, 1, 0.5}, {0, 27, 1, 0, 30, 10}, {0, 7, 1, 0, 10, 5}, {-50, 130, 1, -100, 200, 100},
		{0, 1.3 * (1 << 40), 1 << 40, 0, 1.5 * (1 << 40), 0.5 * (1 << 40)}, {0, math.MaxInt64, 1 << 60, 0, 9 * (1 << 60), 5},
	} {
		s := scaleOf(c.low, c.high, c.unit)
		require.LessOrEqual(t, s.low, c.low)
		require.GreaterOrEqual(t, s.high, c.high)
		if n := len(s.ticks(func(float64) string { return "" })); n < 2 || n > 6 {
			t.Errorf("%d ticks for %v", n, c)
		}
		if c.unit < 1<<60 {
			require.InDelta(t, c.wantLow, s.low, 1e-6, "%v", c)
			require.InDelta(t, c.wantHigh, s.high, 1e-6, "%v", c)
			require.InDelta(t, c.step, s.step, 1e-6, "%v", c)
		}
	}
}

// Whatever stands in a history's numbers and names, the page is one.
func TestAHostileHistory(t *testing.T) {
	s := sceneHistory()
	s.History.Nodes[0].Host, s.History.Since, s.History.Days[0].Day = hostileName, hostileName, hostileName
	s.History.Trouble = []string{hostileName}
	s.History.Days[3].Source, s.History.Days[4].Output = math.MaxInt64, math.MaxInt64
	b, err := Page(s)
	require.NoError(t, err)
	require.NotContains(t, string(b), "<img")
	require.Equal(t, 1, strings.Count(string(b), "<script"))
	require.Contains(t, string(b), html.EscapeString("<img src=x")[:6])
}

func TestTheHistoryInABrowser(t *testing.T) {
	b := browser.New(t)
	dom := b.Run(file(t, b, sceneHistory()), "--dump-dom")
	require.Contains(t, dom, "last 30 days")
	for _, mark := range []string{"<title id=\"speed-title\">", `<path class="n4" d="M`} {
		require.Contains(t, dom, mark)
	}
}

// DISTENC_TEST_PICTURES names a folder for pictures of the history, wide and 400 pixels narrow, as no window of
// Chromium's is.
func TestPicturesOfTheHistory(t *testing.T) {
	b, dir := browser.New(t), os.Getenv("DISTENC_TEST_PICTURES")
	if dir == "" {
		t.Skip("DISTENC_TEST_PICTURES names no folder")
	}
	s := sceneHistory()
	s.Jobs, s.Inbox, s.Nodes = nil, nil, nil
	url := file(t, b, s)
	frame := fmt.Sprintf(`<!DOCTYPE html><iframe src=%q width=400 height=1400 frameborder=0></iframe>`, url)
	narrow := b.File([]byte(frame))
	for tone, setting := range map[string]string{"": "1", "-dark": "0"} {
		for name, url := range map[string]string{"wide": url, "400": narrow} {
			b.Run(url, "--window-size=1280,1400", "--blink-settings=preferredColorScheme="+setting,
				"--screenshot="+filepath.Join(dir, "history-"+name+tone+".png"))
		}
	}
}
