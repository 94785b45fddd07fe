package farm_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/browser"
	"github.com/distenc/distenc/test/corpus"
)

// cutter passes connections on, and breaks the one that brings so many bytes in, once.
type cutter struct {
	to    string
	after int64
	cuts  atomic.Int32
}

func (c *cutter) listen(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(client)
		}
	}()
	return "http://" + l.Addr().String()
}

func (c *cutter) pass(client net.Conn) {
	defer client.Close()
	master, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer master.Close()
	go func() { _, _ = io.Copy(client, master); _ = client.Close() }()
	n, _ := io.CopyN(master, client, c.after)
	if n == c.after && c.cuts.Add(1) == 1 {
		return
	}
	_, _ = io.Copy(master, client)
}

// Somebody drops a film on the page, loses the connection at 40%, goes on by itself, and then plays and downloads what
// came of it.
func TestHandInInABrowser(t *testing.T) {
	t.Parallel()
	window := browser.New(t).Drive()
	f := newFarm(t, calmTerms+fast+"[profiles.small]\nx264 = \"--preset ultrafast --crf 30\"\ncontainer = \"mp4\"\n")
	_, address := f.serves()
	f.start("worker", "--slots", "1")
	film, err := os.ReadFile(corpus.Make(t, "vfr.mkv"))
	require.NoError(t, err)
	film = append(film, voidOf(10<<20)...)
	source := filepath.Join(t.TempDir(), "film.mkv")
	require.NoError(t, os.WriteFile(source, film, 0o600))
	cut := &cutter{to: strings.TrimPrefix(address, "http://"), after: int64(len(film)) * 2 / 5}

	page := window.MustPage(cut.listen(t))
	page.MustSetViewport(400, 900, 1, false)
	sees := func(what, script string) {
		t.Helper()
		until(t, what, func() bool {
			is, err := page.Eval("() => Boolean(" + script + ")")
			return err == nil && is.Value.Bool()
		})
	}
	page.MustElement("#token").MustInput(handInToken).MustType(input.Enter)
	sees("the profiles", `document.querySelector('.steers #profile option[value="small"]')`)
	page.MustElement("#profile").MustSelect("small")
	page.MustElement("#priority").MustSelectAllText().MustInput("3")
	page.MustElement("#files-input").MustSetFiles(source) // as its button does
	sees("the film is handed in", `document.querySelector("#uploads").textContent.includes("handed in: inbox/film.mkv")`)
	require.Positive(t, cut.cuts.Load(), "the connection broke")

	// One that is no film, and one that goes with it, as a person drops them.
	page.MustEval(dropScript)
	sees("the other is handed in",
		`document.querySelector("#uploads").textContent.includes("handed in: inbox/<b id=owned>.mkv")`)
	sees("a companion is refused", `document.querySelector("#uploads .failed")?.textContent.includes("goes with one")`)
	page.MustEval(unreadScript)
	sees("what can't be read is told", `document.querySelector("#uploads").textContent.includes("can't be read: it is locked")`)
	sees("and keeps no other back", `document.querySelector("#uploads").textContent.includes("folder/readable.txt")`)
	sees("a name is text", `!document.querySelector("#owned")`)

	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	require.Equal(t, []any{"small", 3, "outbox/film.mp4"}, []any{j.Profile, j.Priority, j.Output})
	sees("the outbox", `document.querySelector('#outbox a[aria-label="Certificate: film.mp4"]')`)
	page.MustElement(`#outbox button[aria-label="Play: film.mp4"]`).MustFocus().MustType(input.Enter)
	sees("it plays", `document.querySelector("#video").currentTime > 0.2 && document.querySelector("#video").videoWidth > 0`)
	page.Keyboard.MustType(input.Escape)
	sees("the player is closed", `!document.querySelector("#player").open`)
	save := window.MustWaitDownload()
	page.MustElement(`#outbox a[aria-label="Download: film.mp4"]`).MustClick()
	name := filepath.Join(t.TempDir(), "film.mp4")
	require.NoError(t, os.WriteFile(name, save(), 0o600))
	exact(t, filepath.Join(f.dir, j.Output), name)
	if dir := os.Getenv("DISTENC_TEST_PICTURES"); dir != "" {
		page.MustScreenshotFullPage(filepath.Join(dir, "handin-narrow.png"))
		page.MustSetViewport(1280, 900, 1, false).MustScreenshotFullPage(filepath.Join(dir, "handin-wide.png"))
	}
}

// unreadScript drops a folder of two files, of which the first can't be read.
const unreadScript = `() => {
  const data = new DataTransfer();
  data.items.add(new File(["x"], "x"));
  const files = [
    {isFile: true, name: "film.mkv", file: (ok, no) => no(new Error("it is locked"))},
    {isFile: true, name: "readable.txt", file: (ok) => ok(new File(["x"], "readable.txt", {lastModified: 1}))},
  ];
  const folder = {name: "folder", createReader: () => ({readEntries: (ok) => ok(files.splice(0))})};
  DataTransferItem.prototype.webkitGetAsEntry = () => folder;
  const drop = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
  document.querySelector("#drop").dispatchEvent(drop);
}`

// dropScript drops two files as a person does.
const dropScript = `() => {
  const data = new DataTransfer(), text = ["no film"];
  data.items.add(new File(text, "<b id=owned>.mkv", {lastModified: 1}));
  data.items.add(new File(text, "dropped.srt", {lastModified: 1}));
  const drop = new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
  document.querySelector("#drop").dispatchEvent(drop);
}`
