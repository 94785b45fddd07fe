//go:build unix

package steer

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

const whole = "a film of forty-two bytes, told in two parts"

func testUploads(t *testing.T) *Uploads {
	t.Helper()
	return &Uploads{Desk: testDesk(t), MinFree: func() int64 { return 0 }}
}

// again is another process on the same share.
func (u *Uploads) again() *Uploads { return &Uploads{Desk: u.Desk, MinFree: u.MinFree, Free: u.Free} }

func part(name string, first int64) Part {
	return Part{Path: name, First: first, Total: int64(len(whole))}
}

// cutOff gives the first n bytes, and then what a broken connection gives.
func cutOff(n int) io.Reader {
	return io.MultiReader(strings.NewReader(whole[:n]), iotest.ErrReader(io.ErrUnexpectedEOF))
}

func requireKind(t *testing.T, kind Kind, err error) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, kind, e.Kind, "%v", err)
}

func read(t *testing.T, d Desk, name string) string {
	t.Helper()
	b, err := d.Share.Read(name, 1<<20)
	require.NoError(t, err)
	return string(b)
}

// A part that is cut off is gone on with, by the same process and by another one, and the film then has its settings.
func TestUploadInParts(t *testing.T) {
	for name, other := range map[string]bool{"same": false, "another process": true} {
		t.Run(name, func(t *testing.T) {
			u := testUploads(t)
			film := fmt.Sprintf("films/new/film [%08x].mkv", crc32.ChecksumIEEE([]byte(whole)))
			r, err := u.Receive(t.Context(), part(film, Announce), nil)
			require.NoError(t, err)
			require.Equal(t, Received{Total: 44}, r)
			r, err = u.Receive(t.Context(), part(film, 0), cutOff(17))
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			require.EqualValues(t, 17, r.Offset)
			require.NoDirExists(t, u.Desk.Share.Path("inbox/films"), "nothing of it is seen before it is whole")
			if other {
				u = u.again()
			}
			r, err = u.Look(film, "")
			require.NoError(t, err)
			require.Equal(t, Received{Offset: 17, Total: 44}, r)
			_, err = u.Receive(t.Context(), part(film, 3), strings.NewReader(whole[3:]))
			require.Equal(t, &OffsetError{Offset: 17, Total: 44, First: 3}, err)
			r, err = u.Receive(t.Context(), part(film, Announce), nil)
			require.NoError(t, err)
			require.EqualValues(t, 17, r.Offset)

			p := part(film, 17)
			p.Wishes = Wishes{Priority: new(3)}
			r, err = u.Receive(t.Context(), p, strings.NewReader(whole[17:]+"more than was announced"))
			require.NoError(t, err)
			require.Equal(t, "inbox/"+film, r.Film.Name)
			require.Equal(t, whole, read(t, u.Desk, r.Film.Name))
			settings := read(t, u.Desk, r.Film.Name+".distenc.toml")
			require.Contains(t, settings, `"Priority":3`)
			require.Contains(t, settings, `"Size":44`)
			require.Equal(t, r.Film.Nonce, asJSON{}.Nonce([]byte(settings)))
			require.Equal(t, []string{"films"}, inboxOf(t, u.Desk))
			heard, err := u.Look(film, "")
			require.NoError(t, err)
			require.Equal(t, r, heard, "whoever did not hear that it is whole can ask")
			_, err = u.again().Look(film, "")
			requireKind(t, Unknown, err)
		})
	}
}

// slowClient sends film.mkv, or what is named instead, by and by.
type slowClient struct {
	*io.PipeWriter
	u    *Uploads
	name string
}

func slow(u *Uploads) (io.Reader, *slowClient) {
	r, w := io.Pipe()
	return r, &slowClient{w, u, "film.mkv"}
}

// send returns when the first n bytes have been counted.
func (c *slowClient) send(n int) {
	_, _ = c.Write([]byte(whole[:n]))
	for {
		c.u.mu.Lock()
		left := c.u.busy[pipeline.UploadKey(c.name, "")].left.Load()
		c.u.mu.Unlock()
		if left == int64(len(whole)-n) {
			return
		}
		runtime.Gosched()
	}
}

// silent has the client be waited for, and longer than it is borne.
func (c *slowClient) silent() {
	c.u.mu.Lock()
	t := c.u.busy[pipeline.UploadKey(c.name, "")]
	c.u.mu.Unlock()
	for t.waits.Load() == 0 {
		runtime.Gosched()
	}
	t.waits.Store(-int64(2 * stalled))
}

// A name that is taken gets a number, as with add.
func TestUploadReplacesNothing(t *testing.T) {
	u := testUploads(t)
	require.NoError(t, u.Desk.Share.Create("inbox/film.mkv", []byte("theirs")))
	require.NoError(t, u.Desk.Share.Create("inbox/film (2).mkv.distenc.toml", nil))
	r, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
	require.Equal(t, "inbox/film (3).mkv", r.Film.Name)
	require.Equal(t, "theirs", read(t, u.Desk, "inbox/film.mkv"))
}

// Somebody takes each name that is found to be free.
func TestUploadSurvivesThatItsNameIsTaken(t *testing.T) {
	u := testUploads(t)
	plain, taken := u.Desk.Share, 0
	u.Desk.Share = sharefs.New(plain.Root(), sharefstest.WithHook(sharefs.OS(plain.Root()), func(op, name string) error {
		if _, to, _ := strings.Cut(name, " -> "); op == "link" && taken < 20 {
			taken++
			return plain.Create(to, []byte("theirs"))
		}
		return nil
	}))
	_, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	requireKind(t, Busy, err)
	require.Equal(t, nameTries, taken)
	taken = 20
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err, "what came was kept")
	require.Equal(t, whole, read(t, u.Desk, r.Film.Name))
}

// Two films for one path are told apart by when they were modified; a part of another film never lands in one.
func TestUploadsOfOneName(t *testing.T) {
	u := testUploads(t)
	one, two := part("film.mkv", 0), part("film.mkv", 0)
	one.Modified, two.Modified = "1", "2"
	_, err := u.Receive(t.Context(), one, cutOff(10))
	require.Error(t, err)
	r, err := u.Receive(t.Context(), two, strings.NewReader(strings.ToUpper(whole)))
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", r.Film.Name)
	one.First = 10
	r, err = u.Receive(t.Context(), one, strings.NewReader(whole[10:]))
	require.NoError(t, err)
	require.Equal(t, whole, read(t, u.Desk, r.Film.Name))

	_, err = u.Receive(t.Context(), part("other.mkv", 0), cutOff(10))
	require.Error(t, err)
	larger := part("other.mkv", 10)
	larger.Total++
	_, err = u.Receive(t.Context(), larger, strings.NewReader(whole[10:]+"!"))
	require.Equal(t, &OffsetError{Offset: 10, Total: 44, First: 10}, err)
	larger.First = Announce
	r, err = u.Receive(t.Context(), larger, nil)
	require.NoError(t, err)
	require.Equal(t, Received{Total: 45}, r, "the file has changed")
}

// What is not what its name says is dropped, whether it came through one process or two.
func TestUploadOfADamagedFilm(t *testing.T) {
	for _, parts := range []bool{false, true} {
		u := testUploads(t)
		p := part("film [ABCDEF01].mkv", 0)
		if parts {
			_, err := u.Receive(t.Context(), p, cutOff(10))
			require.Error(t, err)
			u, p.First = u.again(), 10
		}
		_, err := u.Receive(t.Context(), p, strings.NewReader(whole[p.First:]))
		requireKind(t, Damaged, err)
		require.ErrorContains(t, err, "says CRC-32 ABCDEF01 but what came has")
		require.Empty(t, inboxOf(t, u.Desk))
	}
}

// What can't be a job is refused before a byte is taken or anything is made.
func TestUploadNames(t *testing.T) {
	u := testUploads(t)
	for _, name := range []string{
		"", ".", "..", "../film.mkv", "a/../../film.mkv", "/film.mkv", "//etc/film.mkv", "a//film.mkv", "film.mkv/",
		"./film.mkv",
		"a\x00b.mkv", "a\nb.mkv", "a\x7f.mkv", "\xff.mkv", ".film.mkv", "a/.b/film.mkv", "film.mkv.part", "film.mkv.distenc.toml",
		".distenc-put-x", "@eaDir/film.mkv", "film.srt", "poster.jpg",
		strings.Repeat("x", 252) + ".mkv", strings.Repeat("x/", 500) + "film.mkv",
	} {
		_, err := u.Receive(t.Context(), part(name, 0), strings.NewReader(whole))
		requireKind(t, Wrong, err)
	}
	for _, total := range []int64{0, -1, math.MinInt64} {
		_, err := u.Receive(t.Context(), Part{Path: "film.mkv", Total: total}, strings.NewReader(whole))
		requireKind(t, Wrong, err)
	}
	wild := part("film.mkv", 0)
	wild.Wishes.Priority = new(5000)
	_, err := u.Receive(t.Context(), wild, strings.NewReader(whole))
	requireKind(t, Wrong, err)
	require.ErrorContains(t, err, "must be between")
	require.Empty(t, inboxOf(t, u.Desk))

	long := strings.Repeat("x", 251) + ".mkv"
	r, err := u.Receive(t.Context(), part(long, 0), strings.NewReader(whole))
	require.NoError(t, err)
	require.Equal(t, "inbox/"+long, r.Film.Name)
}

// A link in the inbox leads nowhere, and a file is no folder. What came is kept for when that is mended.
func TestUploadIntoWhatIsNoFolder(t *testing.T) {
	u := testUploads(t)
	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(elsewhere, u.Desk.Share.Path("inbox/link")))
	require.NoError(t, u.Desk.Share.Create("inbox/file", nil))
	for _, dir := range []string{"link", "link/deeper", "file", "file/deeper"} {
		_, err := u.Receive(t.Context(), part(dir+"/film.mkv", 0), strings.NewReader(whole))
		requireKind(t, NotNow, err)
		r, err := u.Look(dir+"/film.mkv", "")
		require.NoError(t, err)
		require.EqualValues(t, 44, r.Offset)
	}
	entries, err := os.ReadDir(elsewhere)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// A film that does not fit is refused at once, those that are coming in counted; one for which the disk fills up
// meanwhile stays as far as it came.
func TestUploadRoom(t *testing.T) {
	u := testUploads(t)
	tagged := fmt.Sprintf("film [%08X].mkv", crc32.ChecksumIEEE([]byte(whole))) // what was not written does not count
	free := int64(1000)
	u.Free = func() (int64, error) { return free, nil }
	u.MinFree = func() int64 { return 900 }
	huge := part("film.mkv", 0)
	huge.Total = 1 << 40
	untouched := iotest.ErrReader(fs.ErrInvalid)
	for _, first := range []int64{0, Announce} {
		huge.First = first
		_, err := u.Receive(t.Context(), huge, untouched)
		requireKind(t, NoRoom, err)
	}
	require.Empty(t, inboxOf(t, u.Desk))

	body, client := slow(u)
	client.name = tagged
	first := make(chan error, 1)
	go func() {
		_, err := u.Receive(t.Context(), part(tagged, 0), body)
		first <- err
	}()
	client.send(4)
	second := part("second.mkv", 0)
	second.Total = 61 // and 40 of the first
	_, err := u.Receive(t.Context(), second, untouched)
	requireKind(t, NoRoom, err)
	second.Total = 60
	_, err = u.Receive(t.Context(), second, strings.NewReader("some"))
	require.NoError(t, err)
	require.NoError(t, client.CloseWithError(io.ErrUnexpectedEOF))
	require.ErrorIs(t, <-first, io.ErrUnexpectedEOF)

	u.Desk.Share = sharefs.New(u.Desk.Share.Root(),
		sharefstest.WithHook(sharefs.OS(u.Desk.Share.Root()), func(op, name string) error {
			if op == "write" && strings.Contains(name, "put") {
				return syscall.ENOSPC
			}
			return nil
		}))
	r, err := u.Receive(t.Context(), part(tagged, 4), strings.NewReader(whole[4:]))
	requireKind(t, NoRoom, err)
	require.EqualValues(t, 4, r.Offset)
	u.Desk.Share = sharefs.New(u.Desk.Share.Root(), sharefs.OS(u.Desk.Share.Root()))
	r, err = u.Receive(t.Context(), part(tagged, 4), strings.NewReader(whole[4:]))
	require.NoError(t, err)
	require.Equal(t, whole, read(t, u.Desk, r.Film.Name))
}

// Room is looked for again while a long film comes in.
func TestUploadStopsAtMinFree(t *testing.T) {
	u := testUploads(t)
	free := int64(1 << 30)
	u.Free = func() (int64, error) { return free, nil }
	p := part("film.mkv", 0)
	p.Total = 2*lookEach + 1
	r, err := u.Receive(t.Context(), p, io.MultiReader(
		strings.NewReader("some"), tap(func() { free = -1 }), bytes.NewReader(make([]byte, 2*lookEach))))
	requireKind(t, NoRoom, err)
	require.Less(t, r.Offset, p.Total)
	require.GreaterOrEqual(t, r.Offset, int64(lookEach))
}

// tap gives nothing and does something.
type tap func()

func (f tap) Read([]byte) (int, error) { f(); return 0, io.EOF }

func TestUploadsAreBounded(t *testing.T) {
	u := testUploads(t)
	for i := range maxUploads {
		_, err := u.Receive(t.Context(), part(fmt.Sprintf("%d.mkv", i), Announce), nil)
		require.NoError(t, err)
	}
	_, err := u.Receive(t.Context(), part("more.mkv", 0), strings.NewReader(whole))
	requireKind(t, Many, err)
	anew := part("8.mkv", 0)
	anew.Total++
	_, err = u.Receive(t.Context(), anew, cutOff(1))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "it takes its own place")
	require.NoError(t, u.Drop(t.Context(), "7.mkv", ""))
	requireKind(t, Unknown, u.Drop(t.Context(), "7.mkv", ""))
	_, err = u.Receive(t.Context(), part("more.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
}

// Of two clients at once the second is refused, unless the first has been silent: then it takes over.
func TestTwoClients(t *testing.T) {
	u := testUploads(t)
	body, client := slow(u)
	first := make(chan error, 1)
	p := part("film.mkv", 0)
	p.Interrupt = func() { _ = client.CloseWithError(os.ErrDeadlineExceeded) }
	go func() {
		_, err := u.Receive(t.Context(), p, body)
		first <- err
	}()
	client.send(4)
	_, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	requireKind(t, Busy, err)
	requireKind(t, Busy, u.Drop(t.Context(), "film.mkv", ""))

	client.silent()
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err)
	require.EqualValues(t, 4, r.Offset)
	require.ErrorIs(t, <-first, os.ErrDeadlineExceeded)
	_, err = u.Receive(t.Context(), part("film.mkv", 4), strings.NewReader(whole[4:]))
	require.NoError(t, err)
}

// stalledAt has the share stand still in an operation, until the test receives a second time.
func (u *Uploads) stalledAt(op string) chan bool {
	at, root := make(chan bool), u.Desk.Share.Root()
	var once sync.Once
	u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(o, _ string) error {
		if o == op {
			once.Do(func() { at <- true; at <- true })
		}
		return nil
	}))
	return at
}

// A share that takes its time is not taken for a client that is gone: the film would be begun anew and named twice.
func TestASlowShareIsNoSilentClient(t *testing.T) {
	for _, op := range []string{"sync", "link", "syncdir"} {
		u := testUploads(t)
		at := u.stalledAt(op)
		p := part("film.mkv", 0)
		ctx, cancel := context.WithCancel(t.Context())
		p.Interrupt = func() {
			t.Error("interrupted at", op)
			cancel()
		}
		first := make(chan error, 1)
		go func() {
			_, err := u.Receive(t.Context(), p, strings.NewReader(whole))
			first <- err
		}()
		<-at
		u.mu.Lock()
		busy := u.busy[pipeline.UploadKey("film.mkv", "")]
		busy.began = busy.began.Add(-2 * stalled)
		u.mu.Unlock()
		_, err := u.Receive(ctx, part("film.mkv", Announce), nil)
		requireKind(t, Busy, err)
		cancel()
		<-at
		require.NoError(t, <-first)
		require.Equal(t, []string{"film.mkv", "film.mkv.distenc.toml"}, inboxOf(t, u.Desk), op)
	}
}

// Who takes over from a client of which the last bytes come in that moment hears what became of them.
func TestTheLastBytesComeAtLast(t *testing.T) {
	u := testUploads(t)
	body, client := slow(u)
	first := make(chan Received, 1)
	p := part("film.mkv", 0)
	p.Interrupt = func() {
		_, _ = client.Write([]byte(whole[4:]))
		_ = client.Close()
	}
	go func() {
		r, _ := u.Receive(t.Context(), p, body)
		first <- r
	}()
	client.send(4)
	client.silent()
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err)
	require.Equal(t, <-first, r)
	require.Equal(t, "inbox/film.mkv", r.Film.Name)
	require.Equal(t, []string{"film.mkv", "film.mkv.distenc.toml"}, inboxOf(t, u.Desk))
}

// A master that goes on with an upload while another one still writes to it: the other one learns it and names nothing.
func TestTwoMasters(t *testing.T) {
	u := testUploads(t)
	body, client := slow(u)
	first := make(chan error, 1)
	go func() {
		_, err := u.Receive(t.Context(), part("film.mkv", 0), body)
		first <- err
	}()
	client.send(4)
	other := u.again()
	_, err := other.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(strings.ToUpper(whole)))
	require.NoError(t, err)
	_, _ = client.Write([]byte(whole[4:]))
	_ = client.Close()
	requireKind(t, Busy, <-first)
	require.Equal(t, []string{"film.mkv", "film.mkv.distenc.toml"}, inboxOf(t, u.Desk))
	require.Equal(t, strings.ToUpper(whole), read(t, u.Desk, "inbox/film.mkv"))
}

// Whatever operation on the share fails, whether it was done or not: going on ends with one whole film.
func TestUploadGoesOnAfterAnyFailure(t *testing.T) {
	film := fmt.Sprintf("new/film [%08X].mkv", crc32.ChecksumIEEE([]byte(whole)))
	count := new(sharefstest.Nth)
	run := func(n *sharefstest.Nth) Desk {
		u := testUploads(t)
		root := u.Desk.Share.Root()
		u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), n.Hook))
		_, _ = u.Receive(t.Context(), part(film, 0), cutOff(10))
		_, _ = u.Receive(t.Context(), part(film, 10), strings.NewReader(whole[10:]))
		u = u.again()
		u.Desk.Share = sharefs.New(root, sharefs.OS(root))
		r, err := u.Receive(t.Context(), part(film, Announce), nil)
		require.NoError(t, err)
		if r.Film == nil && r.Offset < r.Total {
			_, err = u.Receive(t.Context(), part(film, r.Offset), strings.NewReader(whole[r.Offset:]))
			require.NoError(t, err)
		}
		return u.Desk
	}
	run(count)
	for i := range len(count.Done()) {
		for _, err := range []error{syscall.EIO, sharefstest.AnswerLost(syscall.EIO)} {
			d := run(&sharefstest.Nth{Fail: i + 1, Err: err})
			names, lerr := d.Share.List("inbox/new")
			require.NoError(t, lerr)
			films := 0
			for _, n := range names {
				if path.Ext(n) != ".mkv" {
					continue
				}
				films++
				require.Equal(t, whole, read(t, d, "inbox/new/"+n), "%s: %v", count.Done()[i], err)
				info, serr := d.Share.Stat("inbox/new/" + n)
				require.NoError(t, serr)
				require.EqualValues(t, 1, sharefs.Links(info), "%s: %v", count.Done()[i], err)
			}
			require.NotZero(t, films, "%s: %v", count.Done()[i], err)
		}
	}
}

// What came through one process in parts is not read again to compare it with its tag: a film may have a hundred
// gigabytes.
func TestUploadIsNotReadAgain(t *testing.T) {
	u := testUploads(t)
	root := u.Desk.Share.Root()
	u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		require.False(t, op == "read" && strings.Contains(name, ".distenc-put-"), name)
		return nil
	}))
	film := fmt.Sprintf("film [%08X].mkv", crc32.ChecksumIEEE([]byte(whole)))
	_, err := u.Receive(t.Context(), part(film, 0), cutOff(10))
	require.Error(t, err)
	_, err = u.Receive(t.Context(), part(film, 10), strings.NewReader(whole[10:]))
	require.NoError(t, err)
}

// A film whose name may not last keeps the other one too, and is not said to be handed in.
func TestANameThatMayNotLast(t *testing.T) {
	u := testUploads(t)
	root, fails := u.Desk.Share.Root(), true
	u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if fails && op == "sync" && name == "inbox/film.mkv" {
			return syscall.EIO
		}
		return nil
	}))
	for _, first := range []int64{0, Announce} { // it is named by the first one
		r, err := u.Receive(t.Context(), part("film.mkv", first), strings.NewReader(whole))
		require.ErrorIs(t, err, syscall.EIO)
		require.Nil(t, r.Film)
		r, err = u.Look("film.mkv", "")
		require.NoError(t, err)
		require.Nil(t, r.Film)
		require.Len(t, inboxOf(t, u.Desk), 3)
	}
	fails = false
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", r.Film.Name)
	require.Equal(t, []string{"film.mkv", "film.mkv.distenc.toml"}, inboxOf(t, u.Desk))
}

// A film that can't be named leaves no settings behind, which would take the name away from it for the next time.
func TestNoSettingsWithoutTheirFilm(t *testing.T) {
	u := testUploads(t)
	root, fails := u.Desk.Share.Root(), true
	u.Desk.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, _ string) error {
		if fails && op == "link" {
			return syscall.EIO
		}
		return nil
	}))
	for _, first := range []int64{0, Announce} {
		_, err := u.Receive(t.Context(), part("film.mkv", first), strings.NewReader(whole))
		require.ErrorIs(t, err, syscall.EIO)
		require.Len(t, inboxOf(t, u.Desk), 1, "what came")
	}
	fails = false
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err)
	require.Equal(t, "inbox/film.mkv", r.Film.Name)
}

// ignoringCase takes all names of inbox/film.mkv for one, and lists it as it was first written.
func ignoringCase(d Desk) Desk {
	root := d.Share.Root()
	d.Share = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if op == "link" && strings.HasSuffix(name, "-> inbox/film.mkv") {
			return syscall.EEXIST
		}
		return nil
	}))
	return d
}

// A film whose name differs from another one's by case alone gets a number where the share takes both for one name.
func TestNamesThatDifferByCase(t *testing.T) {
	u := testUploads(t)
	u.Desk = ignoringCase(u.Desk)
	r, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
	require.Equal(t, "inbox/film (2).mkv", r.Film.Name)
	s, err := ignoringCase(u.Desk).Submit(t.Context(), film(t), Wishes{})
	require.NoError(t, err)
	require.Equal(t, "inbox/film (3).mkv", s.Name)
	require.Equal(t, []string{
		"film (2).mkv", "film (2).mkv.distenc.toml", "film (3).mkv", "film (3).mkv.distenc.toml",
	}, inboxOf(t, u.Desk))
}

// What begins anew takes the place of what came before, and needs no room beside it.
func TestBeginningAnewFreesItsOwnRoom(t *testing.T) {
	u := testUploads(t)
	free := int64(len(whole))
	u.Free = func() (int64, error) { return free, nil }
	_, err := u.Receive(t.Context(), part("film.mkv", 0), cutOff(40))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	free -= 40
	_, err = u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
}

// What became of a film is not told of the next one for its path.
func TestAnotherFilmOfTheSameName(t *testing.T) {
	u := testUploads(t)
	_, err := u.Receive(t.Context(), part("film.mkv", 0), strings.NewReader(whole))
	require.NoError(t, err)
	_, err = u.Receive(t.Context(), part("film.mkv", 0), cutOff(4))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, u.Drop(t.Context(), "film.mkv", ""))
	_, err = u.Look("film.mkv", "")
	requireKind(t, Unknown, err)
}

// A film that is to keep its date has it once it is named, as far as the client told it.
func TestAnUploadKeepsItsDate(t *testing.T) {
	for _, date := range []time.Time{{}, time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)} {
		u := testUploads(t)
		p := part("film.mkv", 0)
		p.Wishes.KeepDate, p.Date = true, date
		r, err := u.Receive(t.Context(), p, strings.NewReader(whole))
		require.NoError(t, err)
		require.Equal(t, date.IsZero(), r.Film.Undated != nil)
		info, err := u.Desk.Share.Stat(r.Film.Name)
		require.NoError(t, err)
		require.Equal(t, !date.IsZero(), date.Equal(info.ModTime()))
	}
}
