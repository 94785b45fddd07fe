//go:build linux

package farm_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/test/browser"
)

// walker is a person with a browser and its keyboard.
type walker struct {
	t        *testing.T
	f        *farm
	page     *rod.Page
	pictures int
}

func (f *farm) walk(window *rod.Browser, address string) *walker {
	f.t.Helper()
	page := window.CancelTimeout().Timeout(time.Hour).MustPage(address)
	page.MustSetViewport(1280, 900, 1, false)
	return &walker{t: f.t, f: f, page: page}
}

// is reports whether a script says yes.
func (w *walker) is(script string) bool {
	is, err := w.page.Eval("() => Boolean(" + script + ")")
	return err == nil && is.Value.Bool()
}

func (w *walker) sees(what, script string) {
	w.t.Helper()
	for end := time.Now().Add(browser.Patience); !w.is(script); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			require.FailNow(w.t, "not within two minutes: "+what, "%s", w.page.MustElement("body").MustText())
		}
	}
}

// inWork is a script: the job of that film is neither paused nor at its end.
func inWork(name string) string {
	return fmt.Sprintf(`[...document.querySelectorAll(".job.good")].some((e) => e.querySelector("h3").textContent === %q && `+
		`e.querySelector(".state").textContent === "encoding")`, name)
}

// reach goes from one control to the next until it is the one of that name: in a group, "GROUP: NAME".
func (w *walker) reach(name string) {
	w.t.Helper()
	passed := make([]string, 0, 300)
	for range cap(passed) {
		w.page.Keyboard.MustType(input.Tab)
		passed = append(passed, w.focus())
		if passed[len(passed)-1] == name {
			return
		}
	}
	slices.Sort(passed)
	require.FailNow(w.t, "no Tab leads to "+name, "%s", strings.Join(slices.Compact(passed), "\n"))
}

// press reaches a control and presses Enter on it.
func (w *walker) press(name string) {
	w.t.Helper()
	w.reach(name)
	w.page.Keyboard.MustType(input.Enter)
}

func (w *walker) types(text string) {
	for _, r := range text {
		key := input.Key(r)
		if r == '\n' {
			key = input.Enter
		}
		w.page.Keyboard.MustType(key)
	}
}

// focus is how a screen reader names what has the focus.
func (w *walker) focus() string {
	w.t.Helper()
	group := w.page.MustEval(`() => document.activeElement.closest(".verbs")?.getAttribute("aria-label") ?? ""`).Str()
	focused, err := w.page.Evaluate(rod.Eval(`() => document.activeElement`).ByObject())
	require.NoError(w.t, err)
	tree, err := proto.AccessibilityGetPartialAXTree{ObjectID: focused.ObjectID}.Call(w.page)
	require.NoError(w.t, err)
	name := nameOf(tree.Nodes[0])
	if group != "" {
		name = group + ": " + name
	}
	return name
}

func nameOf(n *proto.AccessibilityAXNode) string {
	if n.Name == nil {
		return ""
	}
	return n.Name.Value.Str()
}

// controls are the roles of what a screen reader must be able to name.
var controls = []string{"button", "link", "textbox", "spinbutton", "combobox", "checkbox", "progressbar",
	"ProgressIndicator", "image", "img", "dialog", "alertdialog", "group", "Video", "video", "region", "table", "list"}

// named checks that a screen reader finds a name for all that can be used and seen.
func (w *walker) named() {
	w.t.Helper()
	tree, err := proto.AccessibilityGetFullAXTree{}.Call(w.page)
	require.NoError(w.t, err)
	seen := 0
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil || !slices.Contains(controls, n.Role.Value.Str()) {
			continue
		}
		seen++
		if nameOf(n) == "" {
			html := "?"
			if o, err := (proto.DOMGetOuterHTML{BackendNodeID: n.BackendDOMNodeID}).Call(w.page); err == nil {
				html = o.OuterHTML
			}
			w.t.Errorf("a %s has no name: %.300s", n.Role.Value.Str(), html)
		}
	}
	require.Positive(w.t, seen)
}

// drop drops a file or a folder of this machine on the page, as a mouse does.
func (w *walker) drop(file string) {
	w.t.Helper()
	w.page.MustElement("#drop").MustScrollIntoView()
	at := w.page.MustElement("#drop").MustShape().OnePointInside()
	for _, kind := range []proto.InputDispatchDragEventType{proto.InputDispatchDragEventTypeDragEnter,
		proto.InputDispatchDragEventTypeDragOver, proto.InputDispatchDragEventTypeDrop} {
		require.NoError(w.t, proto.InputDispatchDragEvent{Type: kind, X: at.X, Y: at.Y,
			Data: &proto.InputDragData{Items: []*proto.InputDragDataItem{}, Files: []string{file}, DragOperationsMask: 1},
		}.Call(w.page))
		if kind == proto.InputDispatchDragEventTypeDragOver {
			w.sees("that it can be dropped here", `document.querySelector("#drop.over")`)
		}
	}
}

// download presses a link and returns the file that comes of it.
func (w *walker) download(link string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	wait := w.page.Browser().WaitDownload(dir)
	w.press(link)
	return filepath.Join(dir, wait().GUID)
}

// picture takes pictures of the page, to be looked at, into the folder that DISTENC_TEST_PICTURES names: wide and
// narrow, light and dark.
func (w *walker) picture(name string) {
	dir := os.Getenv("DISTENC_TEST_PICTURES")
	if dir == "" {
		return
	}
	w.pictures++
	for _, width := range []int{400, 1280} {
		for _, tone := range []string{"light", "dark"} {
			require.NoError(w.t, proto.EmulationSetEmulatedMedia{Features: []*proto.EmulationMediaFeature{
				{Name: "prefers-color-scheme", Value: tone}}}.Call(w.page))
			w.page.MustSetViewport(width, 900, 1, false)
			time.Sleep(200 * time.Millisecond) // for the eye alone
			file := fmt.Sprintf("%02d-%s-%d-%s.png", w.pictures, name, width, tone)
			w.page.MustScreenshotFullPage(filepath.Join(dir, file))
		}
	}
}
