//go:build linux

package handin

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/distenc/distenc/pipeline"
)

// A browser is never shown what lies in the outbox, but for a video that is to be played.
func TestFetch(t *testing.T) {
	s := newSite(t, t.TempDir())
	const script = "<script>alert(1)</script>"
	put := func(name, content string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(s.Share.Path("outbox/"+name)), 0o755))
		require.NoError(t, os.WriteFile(s.Share.Path("outbox/"+name), []byte(content), 0o600))
	}
	put("page.html", script)
	put(`a/"<b>é.mkv`, "0123456789")
	for path, disposition := range map[string]string{
		"page.html":                         `attachment; filename=page.html`,
		"page.html?inline=1":                `attachment; filename=page.html`,
		"a/%22%3Cb%3E%C3%A9.mkv":            `attachment; filename="_<b>_.mkv"; filename*=UTF-8''%22%3Cb%3E%C3%A9.mkv`,
		"a%2F%22%3Cb%3E%C3%A9.mkv?inline=1": `inline; filename="_<b>_.mkv"; filename*=UTF-8''%22%3Cb%3E%C3%A9.mkv`,
	} {
		code, h, _ := s.send("GET", "/outbox/"+path, "")
		require.Equal(t, 200, code)
		require.Equal(t, disposition, h.Get("Content-Disposition"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Contains(t, h.Get("Content-Security-Policy"), "sandbox")
		kind := "application/octet-stream"
		if strings.HasPrefix(disposition, "inline") {
			kind = "video/x-matroska"
		}
		require.Equal(t, kind, h.Get("Content-Type"))
	}
	code, h, text := s.send("GET", "/outbox/a/%22%3Cb%3E%C3%A9.mkv", "", "Range", "bytes=4-")
	require.Equal(t, 206, code)
	require.Equal(t, "456789", text)
	require.Equal(t, "bytes 4-9/10", h.Get("Content-Range"))
	_, h, _ = s.send("HEAD", "/outbox/page.html", "")
	require.NotEmpty(t, h.Get("ETag"))
	code, _, text = s.send("GET", "/outbox/page.html", "", "Range", "bytes=1-", "If-Range", h.Get("ETag"))
	require.Equal(t, 206, code)
	require.Equal(t, script[1:], text)
	code, _, text = s.send("GET", "/outbox/page.html", "", "Range", "bytes=1-", "If-Range", `"other"`)
	require.Equal(t, 200, code)
	require.Equal(t, script, text)
	code, _, _ = s.send("GET", "/outbox/page.html", "", "Range", "bytes=0-0,1-1,2-2,3-3")
	require.Equal(t, 206, code)
	for _, bomb := range [][]string{
		{"Range", "bytes=0-0" + strings.Repeat(",0-0", 1000)},
		{"Range", "bytes=0-0,1-1,2-2,3-3,4-4"},
		{"Range", "bytes=0-0,1-1,2-2", "Range", "3-3,4-4"},
	} {
		code, _, _ = s.send("GET", "/outbox/page.html", "", bomb...)
		require.Equal(t, 416, code)
	}
}

// A client that takes longer for a film than a short answer may take gets all of it.
func TestASlowFetch(t *testing.T) {
	s := newSite(t, t.TempDir())
	const size = 64 << 20 // more than the kernel keeps on the way
	require.NoError(t, os.WriteFile(s.Share.Path("outbox/film.mkv"), nil, 0o600))
	require.NoError(t, os.Truncate(s.Share.Path("outbox/film.mkv"), size))
	answer, err := http.Get(s.URL + "/outbox/film.mkv")
	require.NoError(t, err)
	defer answer.Body.Close()
	time.Sleep(s.Config.WriteTimeout * 3 / 2)
	n, err := io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)
	require.EqualValues(t, size, n)
}

// What lies elsewhere, or is no file, is not in the outbox.
func TestFetchLeadsNowhere(t *testing.T) {
	s := newSite(t, t.TempDir())
	secret := filepath.Join(t.TempDir(), "secret.mkv")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(secret, s.Share.Path("outbox/link.mkv")))
	require.NoError(t, os.Symlink(filepath.Dir(secret), s.Share.Path("outbox/folder")))
	require.NoError(t, os.Symlink("../inbox/film.mkv", s.Share.Path("outbox/inner.mkv")))
	require.NoError(t, unix.Mkfifo(s.Share.Path("outbox/fifo.mkv"), 0o600))
	for _, name := range []string{"inbox/film.mkv", "outbox/.hidden.mkv", "outbox/film.mkv.part"} {
		require.NoError(t, os.WriteFile(s.Share.Path(name), []byte("secret"), 0o600))
	}
	require.NoError(t, os.Mkdir(s.Share.Path("outbox/dir"), 0o755))
	for _, path := range []string{
		"link.mkv", "folder/secret.mkv", "inner.mkv", "fifo.mkv", "dir", "dir/", "", ".hidden.mkv", "film.mkv.part",
		"none.mkv",
		"..%2Finbox%2Ffilm.mkv", "%2e%2e/inbox/film.mkv", "dir%2F..%2F..%2Finbox%2Ffilm.mkv", "%00", "film.mkv%00",
		"%2Fetc%2Fpasswd", strings.Repeat("x", 300), strings.Repeat("x%2F", 3000),
	} {
		code, text := s.answer(s.raw("GET /outbox/" + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
		require.NotContains(t, text, "secret\n", path)
		require.Contains(t, []int{404, 301, 307}, code, "%s: %s", path, text)
	}
	_, _, text := s.send("GET", "/outbox", "")
	require.JSONEq(t, `{"outputs":[]}`, text)
}

// However many pages are open, the outbox is walked through once in a while, and when a job has published something.
func TestTheListIsShared(t *testing.T) {
	s := newSite(t, t.TempDir())
	count := func() int {
		_, _, text := s.send("GET", "/outbox", "")
		return strings.Count(text, `"href"`)
	}
	put := func(name string) { require.NoError(t, os.WriteFile(s.Share.Path("outbox/"+name), nil, 0o600)) }
	put("one.mkv")
	require.Equal(t, 1, count())
	put("two.mkv")
	require.Equal(t, 1, count())
	s.state.Jobs = []pipeline.JobStatus{{ID: "0badcafe-aaaaa", Output: "outbox/two.mkv"}}
	require.Equal(t, 2, count())
	put("three.mkv")
	require.Equal(t, 2, count())
	s.listing.made = s.listing.made.Add(-listingAge)
	require.Equal(t, 3, count())
}

// The list knows of which job an output is, and where its certificate is.
func TestList(t *testing.T) {
	s := newSite(t, t.TempDir())
	require.NoError(t, os.WriteFile(s.Share.Path("outbox/a 100%.mp4"), []byte("film"), 0o600))
	require.NoError(t, os.WriteFile(s.Share.Path("outbox/\xff.srt"), nil, 0o600))
	const id = "0badcafe-aaaaa"
	ended := time.Now().Add(time.Hour).UTC()
	s.state.Jobs = []pipeline.JobStatus{{ID: id, Output: "outbox/a 100%.mp4", Size: 10, Ended: ended}}
	require.NoError(t, s.Share.MkdirAll(pipeline.JobDir(id)))
	require.NoError(t, s.Share.Create(pipeline.JobFile(id, pipeline.CertificateName), []byte(`{"frames": 5}`)))
	_, _, text := s.send("GET", "/outbox", "")
	var list struct{ Outputs []Output }
	require.NoError(t, json.Unmarshal([]byte(text), &list), text)
	require.Len(t, list.Outputs, 2)
	o := list.Outputs[0]
	require.Equal(t, []any{"a 100%.mp4", "outbox/a%20100%25.mp4", int64(4), int64(10), int64(6), "video/mp4"},
		[]any{string(o.Name), o.Href, o.Size, o.SourceSize, o.Saved, o.Plays}, text)
	require.Contains(t, text, `"name":"a 100%25.mp4"`)
	_, _, text = s.send("GET", "/"+o.Certificate, "")
	require.JSONEq(t, `{"frames":5}`, text)
	for _, o := range list.Outputs {
		code, _, _ := s.send("GET", "/"+o.Href, "")
		require.Equal(t, 200, code, o.Href)
	}
	for _, none := range []string{"0badcafe-bbbbb", "..", "x%2F..%2F0badcafe-aaaaa"} {
		code, _, _ := s.send("GET", "/jobs/"+none+"/certificate", "")
		require.Contains(t, []int{404, 301, 307}, code, none)
	}
}
