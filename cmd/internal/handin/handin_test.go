//go:build linux

package handin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/pipeline/upload"
)

// plain are settings beside a film that hold nothing but the nonce.
type plain struct{}

func (plain) Amend(_ string, _ []byte, w steer.Wishes) ([]byte, error) {
	return json.Marshal(w)
}
func (plain) Nonce([]byte) string { return "" }

// site is a share and who serves it.
type site struct {
	*Files
	*httptest.Server

	t     *testing.T
	state status.Status
}

func newSite(t *testing.T, root string) *site {
	t.Helper()
	share, err := sharefs.Open(root)
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	s := &site{t: t}
	s.Files = &Files{
		Share: share, Latest: func() *status.Status { return &s.state },
		Uploads: &upload.Store{
			Desk: steer.Desk{Share: share, Settings: plain{}}, MinFree: func() int64 { return 0 },
		},
		Wishes: func(q url.Values) (steer.Wishes, error) {
			if len(q) > 0 && q.Get("profile") == "" {
				return steer.Wishes{}, errors.New("no such wish")
			}
			return steer.Wishes{Profile: q.Get("profile")}, nil
		},
	}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(http.ResponseWriter, *http.Request) error{
		"PUT /inbox/{path...}": s.Put, "GET /inbox/{path...}": s.Look, "DELETE /inbox/{path...}": s.Drop,
		"GET /outbox": s.List, "GET /outbox/{path...}": s.Fetch, "GET /jobs/{id}/certificate": s.Files.Certificate,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			err := answer(w, r)
			code := http.StatusTeapot // whoever mounts the handlers knows better
			if refused, ok := errors.AsType[*Refusal](err); ok {
				code = refused.Status
			}
			if errors.As(err, new(*upload.OffsetError)) {
				code = http.StatusConflict
			}
			if err != nil {
				http.Error(w, err.Error(), code)
			}
		})
	}
	s.Server = httptest.NewUnstartedServer(mux)
	s.Config.ReadTimeout, s.Config.WriteTimeout = time.Second, time.Second // of requests that are short
	s.Start()
	t.Cleanup(s.Close)
	return s
}

// send sends one request and returns what is answered.
func (s *site) send(method, path, body string, header ...string) (int, http.Header, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(body))
	require.NoError(s.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(s.t, err)
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	return answer.StatusCode, answer.Header, string(text)
}

// raw sends text as it is, over a connection of its own, and returns that.
func (s *site) raw(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = c.Close() })
	_, err = io.WriteString(c, text)
	require.NoError(s.t, err)
	return c
}

func (s *site) answer(c net.Conn) (int, string) {
	s.t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(s.t, err)
	text, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	return answer.StatusCode, string(text)
}

func (s *site) there(path string) (offset string) {
	_, h, _ := s.send("HEAD", path, "")
	return h.Get("Upload-Offset")
}

// A connection that breaks after 40% keeps them, and the next request goes on.
func TestAnUploadThatIsCutOff(t *testing.T) {
	s := newSite(t, t.TempDir())
	film := strings.Repeat("0123456789", 400_000)
	const path = "/inbox/films/film%20one.mkv"
	code, h, _ := s.send("PUT", path+"?profile=tablet", "", "Content-Range", "bytes */4000000")
	require.Equal(t, 202, code)
	require.Equal(t, "0", h.Get("Upload-Offset"))
	c := s.raw("PUT " + path + "?profile=tablet HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n" +
		"Content-Range: bytes 0-3999999/4000000\r\n\r\n" + film[:1_600_000])
	require.Eventually(t, func() bool { return s.there(path) == "1048576" }, time.Minute, 10*time.Millisecond)
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { // until the server knows of it, the film is busy
		code, h, _ = s.send("PUT", path, "", "Content-Range", "bytes */4000000")
		return code == 202 && h.Get("Upload-Offset") == "1600000"
	}, time.Minute, 10*time.Millisecond)
	code, h, _ = s.send("PUT", path, film[1_200_000:], "Content-Range", "bytes 1200000-3999999/4000000")
	require.Equal(t, 409, code)
	require.Equal(t, "1600000", h.Get("Upload-Offset"))
	code, h, text := s.send("PUT", path, film[1_600_000:2_000_000], "Content-Range", "bytes 1600000-1999999/4000000")
	require.Equal(t, 202, code, text)
	require.Equal(t, []string{"2000000", "4000000", "?0"},
		[]string{h.Get("Upload-Offset"), h.Get("Upload-Length"), h.Get("Upload-Complete")})
	const last = "bytes 2000000-3999999/4000000"
	code, h, text = s.send("PUT", path+"?profile=tablet", film[2_000_000:], "Content-Range", last)
	require.Equal(t, 201, code, text)
	require.Equal(t, "?1", h.Get("Upload-Complete"))
	var u Upload
	require.NoError(t, json.Unmarshal([]byte(text), &u))
	require.Equal(t, Upload{4000000, 4000000, true, "inbox/films/film one.mkv", u.Nonce, ""}, u)
	content, err := os.ReadFile(s.Share.Path(u.Name))
	require.NoError(t, err)
	require.Equal(t, film, string(content))
	settings, err := os.ReadFile(s.Share.Path(u.Name + ".distenc.toml"))
	require.NoError(t, err)
	require.Contains(t, string(settings), `"tablet"`)
	_, h, _ = s.send("HEAD", path, "")
	require.Equal(t, "?1", h.Get("Upload-Complete"))
}

// What anybody has: curl sends a film whole, and goes on with one.
func TestCurl(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	s := newSite(t, t.TempDir())
	film := filepath.Join(t.TempDir(), "film.mkv")
	require.NoError(t, os.WriteFile(film, bytes.Repeat([]byte("0123456789"), 300_000), 0o600))
	out, err := exec.Command("curl", "-fsS", "-T", film, s.URL+"/inbox/?profile=tablet").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), `"name":"inbox/film.mkv"`)
	_, _, _ = s.send("PUT", "/inbox/film.mkv", "0123456789", "Content-Range", "bytes 0-9/3000000")
	there := s.there("/inbox/film.mkv")
	out, err = exec.Command("curl", "-fsS", "-C", there, "-T", film, s.URL+"/inbox/film.mkv").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), `"name":"inbox/film (2).mkv"`)
	one, err := os.ReadFile(s.Share.Path("inbox/film.mkv"))
	require.NoError(t, err)
	two, err := os.ReadFile(s.Share.Path("inbox/film (2).mkv"))
	require.NoError(t, err)
	require.Equal(t, one, two)
}

// A request that does not say what it brings is refused, and leaves nothing.
func TestUploadsThatAreRefused(t *testing.T) {
	s := newSite(t, t.TempDir())
	for _, c := range []struct {
		code   int
		header []string
	}{
		{400, []string{"Content-Range", "bytes 0-3/*"}},
		{400, []string{"Content-Range", "bytes 0-3/2"}},
		{400, []string{"Content-Range", "bytes 3-0/4"}},
		{400, []string{"Content-Range", "bytes 0-4/9"}},
		{400, []string{"Content-Range", "bytes */9"}},
		{400, []string{"Content-Range", "items 0-3/4"}},
		{400, []string{"Content-Range", "bytes 0-3/9999999999999999999"}},
		{400, []string{"Content-Range", "bytes 0-3/9", "Content-Range", "bytes 0-3/9"}},
		{415, []string{"Content-Encoding", "gzip"}},
		{409, []string{"Content-Range", "bytes 5-8/9"}},
	} {
		code, _, text := s.send("PUT", "/inbox/film.mkv", "film", c.header...)
		require.Equal(t, c.code, code, "%s %s", c.header, text)
	}
	code, _, text := s.send("PUT", "/inbox/film.mkv?profle=x", "film")
	require.Equal(t, 422, code, text)
	code, text = s.answer(s.raw("PUT /inbox/film.mkv HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfilm\r\n0\r\n\r\n"))
	require.Equal(t, 411, code, text)
	// A path that net/http does not clean reaches the handler, one that it cleans is another one.
	for _, path := range []string{
		"..%2f..%2fetc%2ffilm.mkv", "%2e%2e/%2e%2e/film.mkv", "a%00.mkv", ".hidden.mkv", "%ff.mkv", "",
	} {
		code, text := s.answer(s.raw("PUT /inbox/" + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nfilm"))
		require.NotContains(t, []int{200, 201, 202}, code, "%s %s", path, text)
	}
	names, err := s.Share.List("inbox")
	require.NoError(t, err)
	require.Empty(t, names)
}

// A client may take as long as it likes for a film, but not for the next bytes; what came is kept.
func TestASlowClient(t *testing.T) {
	s := newSite(t, t.TempDir())
	s.pace = 1500 * time.Millisecond
	const head = "PUT /inbox/film.mkv HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n"
	c := s.raw(head)
	began := time.Now()
	for range 4 { // longer than a request may take that makes no progress, and than the server's own limits
		_, err := io.WriteString(c, strings.Repeat("x", 100_000))
		require.NoError(t, err)
		time.Sleep(700 * time.Millisecond)
	}
	code, text := s.answer(c)
	require.Equal(t, 201, code, text)
	require.Greater(t, time.Since(began), s.pace)

	c = s.raw(head + "slow")
	code, text = s.answer(c)
	require.Equal(t, 408, code, text)
	require.Equal(t, "4", s.there("/inbox/film.mkv"))
}

// A film that can't fit is refused before it is sent; where the disk fills up meanwhile, what came stays.
func TestAFilmThatDoesNotFit(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "size=10m"); err != nil {
		t.Skipf("only root can make a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(root, unix.MNT_DETACH) })
	s := newSite(t, root)
	c := s.raw("PUT /inbox/film.mkv HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000000000\r\n\r\n")
	code, text := s.answer(c)
	require.Equal(t, http.StatusTeapot, code)
	require.Contains(t, text, "no room")
	code, _, text = s.send("PUT", "/inbox/film.mkv", "", "Content-Range", "bytes */1000000000000")
	require.Equal(t, http.StatusTeapot, code)
	require.Contains(t, text, "no room")
	names, err := s.Share.List("inbox")
	require.NoError(t, err)
	require.Empty(t, names)

	s.Uploads.Free = func() (int64, error) { return 1 << 40, nil } // it fills up meanwhile
	code, _, text = s.send("PUT", "/inbox/film.mkv", strings.Repeat("x", 12<<20))
	require.Equal(t, http.StatusTeapot, code)
	require.Contains(t, text, "the share is full")
	require.NotContains(t, []string{"", "0"}, s.there("/inbox/film.mkv"))
}

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
