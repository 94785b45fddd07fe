//go:build linux

package farm_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/browser"
	"github.com/distenc/distenc/test/corpus"
)

// refused is how many bytes a browser may have on their way to a master that takes none of them: the buffers of a few
// connections.
const refused = 10 << 20

// walkBytes is how large the film is that is handed in: DISTENC_TEST_WALK, in MB.
func walkBytes(t *testing.T) int64 {
	t.Helper()
	text := os.Getenv("DISTENC_TEST_WALK")
	if text == "" {
		return 40 << 20
	}
	mb, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err)
	return mb << 20
}

// Somebody with nothing but a browser and a keyboard hands a film in, loses the connection on the way, has it encoded
// before the others, and takes it out. Only what is dropped comes from a mouse.
func TestWalkInABrowser(t *testing.T) {
	t.Parallel()
	window := browser.New(t).Drive()
	length := walkBytes(t)
	film := corpus.Raw(t, length)
	f := newFarm(t, strings.Replace(calmTerms, `chunk = "2s"`, fmt.Sprintf("chunk = \"%ds\"", max(2, length>>26)), 1)+
		fast+"[profiles.small]\nx264 = \"--preset ultrafast --crf 30\"\ncontainer = \"mp4\"\n")
	master, address := f.serves()
	release := f.hold()
	f.start("worker", "--slots", "1")
	cut := &cutter{to: strings.TrimPrefix(address, "http://"), after: size(t, film) * 2 / 5}
	w := f.walk(window, cut.listen(t))

	w.logIn()
	w.drop(film)
	w.picture("sending")
	w.sees("the film is handed in", `document.querySelector("#uploads").textContent.includes("handed in: inbox/film.mkv")`)
	require.EqualValues(t, 1, cut.cuts.Load(), "the connection broke")
	t.Logf("%d of %d bytes were sent before it broke, %d in all", cut.after, size(t, film), cut.in.Load())
	require.Less(t, cut.in.Load(), size(t, film)+refused, "it went on where it was")
	w.dropFolder()
	w.choose()
	w.page.MustEval(unreadScript)
	w.sees("what can't be read is told", `document.querySelector("#uploads").textContent.includes("can't be read: it is locked")`)
	w.sees("and keeps no other back", `document.querySelector("#uploads").textContent.includes("folder/readable.txt")`)

	w.sees("it is in work", inWork("film.mkv"))
	w.steer()
	release()
	j := w.finished("film.mkv")
	exact(t, film, filepath.Join(f.dir, j.Output))
	w.takeOut(cut, filepath.Join(f.dir, j.Output))
	require.True(t, w.is(`window.entered`), "all of it came by events: the page was never loaded anew")
	master.kill()
	w.sees("that the master is lost", `!document.querySelector("#lost").hidden`)
	w.picture("lost")
}

func size(t *testing.T, file string) int64 {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	return info.Size()
}

// logIn gives a wrong token and then the right one.
func (w *walker) logIn() {
	w.picture("stranger")
	w.named()
	w.press("Token")
	w.types("wrong-token-of-16\n")
	w.sees("a wrong token is told", `document.querySelector("#login .why")?.textContent.includes("not known")`)
	w.picture("wrong")
	w.press("Token")
	w.types(handInToken + "\n")
	w.sees("it steers", `document.querySelector(".steers #profile option[value=default]")`)
	w.page.MustEval(`() => { window.entered = true }`)
	w.picture("empty")
	w.named()
}

// dropFolder drops a folder with a profile and a priority: the films in it are handed in, what goes with one is refused
// with a reason.
func (w *walker) dropFolder() {
	dir := filepath.Join(w.t.TempDir(), "season")
	require.NoError(w.t, os.MkdirAll(filepath.Join(dir, "fonts"), 0o755))
	first := filepath.Join(dir, "first.mkv")
	require.NoError(w.t, os.Link(corpus.Copy(w.t, "h264-closed.mkv", w.t.TempDir()), first))
	for _, name := range []string{"first.srt", "first.distenc.toml", "fonts/first.ttf", ".hidden.mkv"} {
		require.NoError(w.t, os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600))
	}
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, "<b id=owned>.mkv"), []byte("no film"), 0o600))
	w.reach("Profile")
	w.types("sm")
	w.reach("Priority")
	w.types("3")
	w.drop(dir)
	w.sees("what is no film, too", `document.querySelector("#uploads").textContent.includes("handed in: inbox/season/<b id=owned>.mkv")`)
	w.sees("the film of the folder is handed in", `document.querySelector("#uploads").textContent.includes("handed in: inbox/season/first.mkv")`)
	for _, name := range []string{"first.srt", "first.distenc.toml", "fonts/first.ttf", ".hidden.mkv"} {
		w.sees("a reason for "+name, fmt.Sprintf(`[...document.querySelectorAll("#uploads .failed")].some((e) => `+
			`e.querySelector(".name").textContent === %q && e.querySelector(".why").textContent.includes("can't be put into the inbox"))`,
			"season/"+name))
	}
	w.sees("a name is text", `!document.querySelector("#owned")`)
	w.sees("what is no film is rejected", `document.querySelector('[data-key="failed/<b id=owned>.mkv"] .why')`)
	w.picture("refused")
	w.named()
}

// choose hands a film in by the button for that.
func (w *walker) choose() {
	file := filepath.Join(w.t.TempDir(), "chosen.mkv")
	require.NoError(w.t, os.WriteFile(file, []byte("no film"), 0o600))
	chosen := w.page.MustHandleFileDialog()
	w.press("files")
	chosen(file)
	w.sees("what was chosen is handed in", `document.querySelector("#uploads").textContent.includes("handed in: inbox/chosen.mkv")`)
}

// steer pauses the film and lets it go on, puts it before all others, and cancels the other one.
func (w *walker) steer() {
	w.sees("the other is there", inWork("first.mkv"))
	w.picture("work")
	w.named()
	w.press("film.mkv: Pause")
	w.sees("it is paused", `[...document.querySelectorAll(".job.paused h3")].some((e) => e.textContent === "film.mkv")`)
	w.picture("paused")
	w.press("film.mkv: Resume")
	w.sees("it goes on", inWork("film.mkv"))
	jobs := w.f.status().Jobs
	n := slices.IndexFunc(jobs, func(j pipeline.JobStatus) bool { return j.Name == "first.mkv" })
	require.Equal(w.t, []any{"small", 3}, []any{jobs[n].Profile, jobs[n].Priority})
	w.press("film.mkv: First")
	w.sees("it is first", `document.querySelector(".job h3").textContent === "film.mkv" && `+
		`document.querySelector(".job .meta").textContent.includes("priority 4")`)
	w.press("first.mkv: Cancel")
	w.sees("it asks first", `document.querySelector("#sure").open`)
	w.picture("sure")
	w.named()
	w.press("Yes, cancel")
	w.sees("the other is cancelled", `[...document.querySelectorAll(".files .state")].some((e) => e.textContent === "cancelled")`)
	w.picture("cancelled")
}

// finished waits for a job and returns it.
func (w *walker) finished(name string) pipeline.JobStatus {
	w.t.Helper()
	var found pipeline.JobStatus
	w.f.eventually(name+" is done", func() bool {
		for _, j := range w.f.status().Jobs {
			if j.Name == name {
				found = j
			}
		}
		return found.State == pipeline.Done || found.State == pipeline.JobFailed
	})
	require.Equal(w.t, pipeline.Done, found.State, found.Error)
	return found
}

// takeOut plays an output and downloads it over a connection that breaks.
func (w *walker) takeOut(cut *cutter, output string) {
	w.sees("the outbox", `document.querySelector('#outbox a[aria-label="Certificate: film.mkv"]')`)
	w.picture("outbox")
	w.named()
	w.press("Play: film.mkv")
	w.sees("it plays", `document.querySelector("#video").currentTime > 0.5 && document.querySelector("#video").videoWidth === 432`)
	w.picture("player")
	w.named()
	w.press("Close")
	w.sees("the player is closed", `!document.querySelector("#player").open`)

	whole := size(w.t, output)
	cut.cutAnswer(whole * 2 / 5)
	file := w.download("Download: film.mkv")
	require.EqualValues(w.t, 2, cut.cuts.Load(), "the connection broke")
	require.Less(w.t, cut.out.Load(), whole+whole/4, "it went on where it was")
	w.t.Logf("%d bytes of %d were sent before it broke, %d in all", whole*2/5, whole, cut.out.Load())
	was, err := os.ReadFile(output)
	require.NoError(w.t, err)
	is, err := os.ReadFile(file)
	require.NoError(w.t, err)
	require.True(w.t, bytes.Equal(was, is))
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
