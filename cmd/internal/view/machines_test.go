package view

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/browser"
)

const (
	restButton = `data-verb="rest">`
	nowButton  = `data-verb="rest" data-now>`
	wakeButton = `data-verb="wake">`
)

// A machine has its buttons once, however many workers are there, and those from which something can come.
func TestMachinesHaveButtons(t *testing.T) {
	one, other := sceneNode("pc-2", 0, 0), sceneNode("pc-2", 0, 0)
	other.Node = "pc-2-wzzzzz"
	for name, c := range map[string]struct {
		asked *pipeline.Rest
		has   []string
	}{
		"awake":              {nil, []string{restButton, nowButton}},
		"asked to rest":      {&pipeline.Rest{}, []string{wakeButton, nowButton}},
		"asked to rest, now": {&pipeline.Rest{Now: true}, []string{wakeButton}},
	} {
		s := sceneEmpty()
		one.Asked, other.Asked = c.asked, c.asked
		s.Nodes = []status.Node{one, other}
		html, err := Fragment(s)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(html), `data-things="nodes" data-word="pc-2"`), name)
		for _, button := range []string{restButton, nowButton, wakeButton} {
			want := 0
			for _, has := range c.has {
				want += strings.Count(has, button)
			}
			require.Equal(t, want, strings.Count(string(html), button), "%s: %s", name, button)
		}
	}
	html, err := Fragment(sceneHostile())
	require.NoError(t, err)
	require.NotContains(t, string(html), `data-things="nodes"`, "no machine can be called that")
}

// Who rests without a worker is seen, and can be woken.
func TestAMachineWithoutAWorkerCanBeWoken(t *testing.T) {
	s := sceneEmpty()
	s.Nodes, s.Resting = nil, []*pipeline.Rest{{Host: "pc-9", By: "anna <b>"}}
	html, err := Fragment(s)
	require.NoError(t, err)
	require.Contains(t, string(html), `data-things="nodes" data-word="pc-9"`)
	require.Contains(t, string(html), "asked to rest by anna &lt;b&gt;; no worker is there")
	require.Equal(t, 1, strings.Count(string(html), wakeButton))
	require.Zero(t, strings.Count(string(html), restButton)+strings.Count(string(html), nowButton))
	var text strings.Builder
	Nodes(&text, s, TerminalStyle{})
	require.Contains(t, text.String(), "`distenc nodes wake pc-9` ends it")
}

// A focus stays with the machine whose button had it, whatever comes and goes around, and all of that fits a telephone.
func TestTheFocusStaysWithTheMachine(t *testing.T) {
	driven := browser.New(t).Drive()
	address, more := liveSite(t, sceneBusy(), Visitor{Name: "anna"})
	page := driven.MustPage(address).Timeout(browser.Patience)
	page.MustSetViewport(400, 900, 1, true)
	page.MustElement(`[data-word="pc-3"] [data-verb=rest]`).MustFocus()
	show := func(asked *pipeline.Rest, why, focused string) {
		t.Helper()
		next := sceneBusy()
		if asked != nil {
			next.Nodes = next.Nodes[1:]
		}
		for i := range next.Nodes {
			next.Nodes[i].Asked, next.Nodes[i].Why = asked, why
		}
		more <- next
		page.MustWait(`(want) => {
			const has = document.activeElement;
			return has.textContent === want && has.closest(".verbs").dataset.word === "pc-3";
		}`, focused)
		for _, box := range []string{"html", ".scroll"} {
			wider := page.MustEval(`(box) => { const b = document.querySelector(box); return b.scrollWidth - b.clientWidth; }`, box)
			require.LessOrEqual(t, wider.Int(), 0, box)
		}
	}
	show(&pipeline.Rest{}, "asked to rest by anna at 14:02; `distenc nodes wake pc-3` ends it", "Wake")
	show(nil, "", "Rest")
	page.MustElement(`[data-word="pc-3"] [data-now]`).MustFocus()
	show(&pipeline.Rest{}, "asked to rest", "Rest now")
	show(&pipeline.Rest{Now: true}, "asked to rest", "Wake")
	show(nil, "", "Rest")
}
