package remote

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/cmd/internal/reread"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/pipeline/upload"
)

const token = "0123456789abcdef"

type plain struct{}

func (plain) Amend(string, []byte, steer.Wishes) ([]byte, error) { return []byte("x"), nil }
func (plain) Nonce([]byte) string                                { return "" }

// testMaster serves a share. cut is asked for each request after how many bytes of it, or of its answer, the connection
// breaks; below zero: not at all.
func testMaster(t *testing.T, cut func(*http.Request) int64) (*Master, *sharefs.FS) {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	name := filepath.Join(t.TempDir(), "tokens")
	require.NoError(t, os.WriteFile(name, []byte(token+" anna\n"), 0o600))
	log := slog.New(slog.DiscardHandler)
	tokens, err := reread.New(log, func() (control.Tokens, error) { return control.ReadTokens(name) }, name)
	require.NoError(t, err)
	latest := func() *status.Status { return &status.Status{} }
	c := control.New(control.Options{Tokens: tokens, Log: log, Asked: func() {}, Latest: latest,
		Desk: func(string) steer.Desk { return steer.Desk{} },
		Files: &handin.Files{Share: share, Latest: latest,
			Wishes:  func(q url.Values) (steer.Wishes, error) { return steer.Wishes{Profile: q.Get("profile")}, nil },
			Uploads: &upload.Store{Desk: steer.Desk{Share: share, Settings: plain{}}, MinFree: func() int64 { return 0 }},
		}})
	handler := c.Handler()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := cut(r); n >= 0 {
			b := &broken{w, n}
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(r.Body, n), &end{}), r.Body}
			handler.ServeHTTP(b, r)
			panic(http.ErrAbortHandler)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(site.Close)
	m, err := New(site.URL, token)
	require.NoError(t, err)
	return m, share
}

type end struct{}

func (*end) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// broken is an answer of which so many bytes come.
type broken struct {
	http.ResponseWriter
	left int64
}

func (b *broken) Write(p []byte) (int, error) {
	n, err := b.ResponseWriter.Write(p[:min(int64(len(p)), b.left)])
	if b.left -= int64(n); err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	_ = http.NewResponseController(b.ResponseWriter).Flush()
	return n, err
}

// heard notes what a watch is told.
func heard(first *int64, broke *int) Watch {
	*first = -1
	return Watch{Moved: func(done, _ int64) {
		if *first < 0 {
			*first = done
		}
	}, Broken: func(error) { *broke++ }}
}

var film = bytes.Repeat([]byte("0123456789"), 500_000)

func filmFile(t *testing.T, name string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(name, film, 0o600))
	return name
}

// A film that another client sends just now is waited for, and is not sent once more when that one has come to its end.
func TestSendWaitsForWhoSendsTheSame(t *testing.T) {
	here, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	m, share := testMaster(t, func(r *http.Request) int64 {
		if r.Header.Get("Authorization") != "" && r.URL.Query().Get("profile") == "slow" && r.ContentLength > 0 {
			body := r.Body
			r.Body = struct {
				io.Reader
				io.Closer
			}{&held{Reader: body, here: here, goOn: goOn, once: &once}, body}
		}
		return -1
	})
	f := Film{File: filmFile(t, "film.mkv"), Path: "film.mkv"}
	slow := f
	slow.Wishes = url.Values{"profile": {"slow"}}
	ended := make(chan error, 1)
	go func() {
		_, err := m.Send(t.Context(), slow, Watch{Moved: func(int64, int64) {}, Broken: func(error) {}})
		ended <- err
	}()
	<-here
	u, err := m.Send(t.Context(), f, Watch{Moved: func(int64, int64) {}, Broken: func(err error) {
		require.ErrorContains(t, err, "by somebody else")
		once.Do(func() { close(goOn) })
	}})
	require.NoError(t, err)
	require.NoError(t, <-ended)
	require.Equal(t, "inbox/film.mkv", u.Name)
	names, err := share.List("inbox")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"film.mkv", "film.mkv.distenc.toml"}, names)
}

// held is a body that waits in its middle.
type held struct {
	io.Reader
	here, goOn chan struct{}
	once       *sync.Once
	waited     bool
}

func (h *held) Read(b []byte) (int, error) {
	if !h.waited {
		h.waited = true
		close(h.here)
		<-h.goOn
	}
	return h.Reader.Read(b)
}

// A connection that breaks at 40% is gone on with, by the same call and by a later one, and an answer that was lost
// makes no second film.
func TestSendGoesOn(t *testing.T) {
	var parts atomic.Int32
	lost := false
	m, share := testMaster(t, func(r *http.Request) int64 {
		part := r.Method == http.MethodPut && r.ContentLength > 0
		switch {
		case part && parts.Add(1) == 1:
			return 2_000_000
		case part && lost: // it comes whole, and the answer does not
			return r.ContentLength
		}
		return -1
	})
	var first int64
	var broke int
	f := Film{File: filmFile(t, "film.mkv"), Path: "new/film.mkv"}
	u, err := m.Send(t.Context(), f, heard(&first, &broke))
	require.NoError(t, err)
	require.Equal(t, 1, broke)
	require.Equal(t, "inbox/new/film.mkv", u.Name)
	content, err := os.ReadFile(share.Path(u.Name))
	require.NoError(t, err)
	require.True(t, bytes.Equal(film, content))

	parts.Store(1)
	lost = true
	f.Path = "lost.mkv"
	u, err = m.Send(t.Context(), f, heard(&first, &broke))
	require.NoError(t, err)
	require.Equal(t, "inbox/lost.mkv", u.Name)
	names, err := share.List("inbox")
	require.NoError(t, err)
	require.Equal(t, []string{"lost.mkv", "lost.mkv.distenc.toml", "new"}, names)
}

// What has no use is not tried again.
func TestSendGivesUp(t *testing.T) {
	m, _ := testMaster(t, func(*http.Request) int64 { return -1 })
	none := Watch{Moved: func(int64, int64) {}, Broken: func(err error) { require.Fail(t, "tried again", "%s", err) }}
	_, err := m.Send(t.Context(), Film{File: filmFile(t, "film [ABCDEF01].mkv"), Path: "film [ABCDEF01].mkv"}, none)
	p, ok := errors.AsType[*control.Problem](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, control.KindDamaged, p.Kind)
	_, err = m.Send(t.Context(), Film{File: filmFile(t, "x.mkv"), Path: "../x.mkv"}, none)
	require.Error(t, err)
	_, err = m.Send(t.Context(), Film{File: filepath.Join(t.TempDir(), "none.mkv"), Path: "x.mkv"}, none)
	require.ErrorIs(t, err, os.ErrNotExist)
	wrong, err := New("http://127.0.0.1:1", token)
	require.NoError(t, err)
	_, err = wrong.Send(t.Context(), Film{File: filmFile(t, "x.mkv"), Path: "x.mkv"}, none)
	require.ErrorContains(t, err, "cannot ask the master")
	bare, err := New("http://127.0.0.1:1", "")
	require.NoError(t, err)
	_, err = bare.Send(t.Context(), Film{}, none)
	require.ErrorContains(t, err, "a token is wanted")
}

// A download goes on where it broke, by itself and in a later call; what is damaged is removed; nothing is overwritten.
func TestFetchGoesOn(t *testing.T) {
	cuts := 1
	m, share := testMaster(t, func(r *http.Request) int64 {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/outbox/") && cuts > 0 {
			cuts--
			return 2_000_000
		}
		return -1
	})
	tagged := fmt.Sprintf("film [%08X].mkv", crc32.ChecksumIEEE(film))
	for _, name := range []string{tagged, "film [ABCDEF01].mkv"} {
		require.NoError(t, os.WriteFile(share.Path("outbox/"+name), film, 0o600))
	}
	all, err := m.Outputs(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	to := filepath.Join(t.TempDir(), "out.mkv")
	for _, o := range all {
		var first int64
		var broke int
		err = m.Fetch(t.Context(), o, to, heard(&first, &broke))
		if string(o.Name) != tagged {
			require.ErrorContains(t, err, "damaged")
			require.NoFileExists(t, to)
			cuts = 1
			continue
		}
		require.NoError(t, err)
		content, err := os.ReadFile(to)
		require.NoError(t, err)
		require.True(t, bytes.Equal(film, content))
		require.Equal(t, 1, broke)
		require.ErrorContains(t, m.Fetch(t.Context(), o, to, heard(&first, &broke)), "not overwritten")
		require.NoError(t, os.Remove(to))
		cuts = 1
	}
	left, err := filepath.Glob(to + "*")
	require.NoError(t, err)
	require.Empty(t, left)
}

// A film that changes while its last part is sent is not handed in.
func TestSendAFilmThatChanges(t *testing.T) {
	m, share := testMaster(t, func(*http.Request) int64 { return -1 })
	f := Film{File: filmFile(t, "film.mkv"), Path: "film.mkv"}
	w := Watch{Broken: func(err error) { require.Fail(t, "tried again", "%s", err) }, Moved: func(done, _ int64) {
		if done > 0 {
			require.NoError(t, os.WriteFile(f.File, bytes.ToUpper(film), 0o600))
			require.NoError(t, os.Chtimes(f.File, time.Time{}, time.Unix(1e9, 0)))
		}
	}}
	_, err := m.Send(t.Context(), f, w)
	require.ErrorContains(t, err, "changes while it is sent")
	require.NoFileExists(t, share.Path("inbox/film.mkv"))
}

// What somebody puts under the name of an output while it comes is not overwritten.
func TestFetchOverwritesNothing(t *testing.T) {
	m, share := testMaster(t, func(*http.Request) int64 { return -1 })
	require.NoError(t, os.WriteFile(share.Path("outbox/film.mkv"), film, 0o600))
	all, err := m.Outputs(t.Context())
	require.NoError(t, err)
	to := filepath.Join(t.TempDir(), "out.mkv")
	w := Watch{Moved: func(done, total int64) {
		if done == total {
			require.NoError(t, os.WriteFile(to, []byte("theirs"), 0o600))
		}
	}}
	require.ErrorContains(t, m.Fetch(t.Context(), all[0], to, w), "not overwritten")
	content, err := os.ReadFile(to)
	require.NoError(t, err)
	require.Equal(t, "theirs", string(content))
	require.NoError(t, os.Remove(to))
	w.Moved = func(int64, int64) {}
	require.NoError(t, m.Fetch(t.Context(), all[0], to, w), "what came was kept")
	left, err := filepath.Glob(to + "*")
	require.NoError(t, err)
	require.Equal(t, []string{to}, left)
}

// An output that is not listed is found by its path.
func TestOutput(t *testing.T) {
	m, share := testMaster(t, func(*http.Request) int64 { return -1 })
	_, found, err := m.Output(t.Context(), "a/film 100%.mkv")
	require.NoError(t, err)
	require.False(t, found)
	require.NoError(t, share.MkdirAll("outbox/a"))
	require.NoError(t, os.WriteFile(share.Path("outbox/a/film 100%.mkv"), film, 0o600))
	o, found, err := m.Output(t.Context(), "a/film 100%.mkv")
	require.NoError(t, err)
	require.True(t, found)
	to := filepath.Join(t.TempDir(), "out.mkv")
	require.NoError(t, m.Fetch(t.Context(), o, to, Watch{Moved: func(int64, int64) {}}))
	require.FileExists(t, to)
	m.token = "wrong"
	_, _, err = m.Output(t.Context(), "a/film 100%.mkv")
	require.Error(t, err)
}
