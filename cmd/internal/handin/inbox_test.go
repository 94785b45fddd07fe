//go:build linux

package handin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

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
	code, h, _ = s.send("PUT", path, film, "Content-Range", "bytes 0-3999999/4000000", "Upload-Offset", "0")
	require.Equal(t, 409, code, "a browser sends what broke once more")
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
		{400, []string{"Content-Range", "bytes 0-3/9", "Upload-Offset", "1"}},
		{400, []string{"Content-Range", "bytes 0-3/9", "Upload-Offset", "x"}},
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
