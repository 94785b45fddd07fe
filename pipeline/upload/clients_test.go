//go:build unix

package upload

import (
	"context"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// slowClient sends film.mkv, or what is named instead, by and by.
type slowClient struct {
	*io.PipeWriter
	u    *Store
	name string
}

func slow(u *Store) (io.Reader, *slowClient) {
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
	requireKind(t, steer.Busy, err)
	requireKind(t, steer.Busy, u.Drop(t.Context(), "film.mkv", ""))

	client.silent()
	r, err := u.Receive(t.Context(), part("film.mkv", Announce), nil)
	require.NoError(t, err)
	require.EqualValues(t, 4, r.Offset)
	require.ErrorIs(t, <-first, os.ErrDeadlineExceeded)
	_, err = u.Receive(t.Context(), part("film.mkv", 4), strings.NewReader(whole[4:]))
	require.NoError(t, err)
}

// stalledAt has the share stand still in an operation, until the test receives a second time.
func (u *Store) stalledAt(op string) chan bool {
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
		requireKind(t, steer.Busy, err)
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
	requireKind(t, steer.Busy, <-first)
	require.Equal(t, []string{"film.mkv", "film.mkv.distenc.toml"}, inboxOf(t, u.Desk))
	require.Equal(t, strings.ToUpper(whole), read(t, u.Desk, "inbox/film.mkv"))
}
