//go:build linux

package farm_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// siege is a master on a small disk that is at work while it is attacked.
type siege struct {
	*farm

	master  *daemon
	address string // http://127.…
	cookie  string // of anna's login
	outside string // a folder that nobody may come to
}

const wished = "/api/v1/jobs/film.mkv/"

// attacks are what is tried, one after the other. Whatever it is, it is refused, nothing is harmed, and who has a token
// is answered all the time.
var attacks = []struct {
	name string
	try  func(s *siege)
}{
	{"another site's page", (*siege).foreignPage},
	{"another name for this address", (*siege).foreignName},
	{"paths that lead elsewhere", (*siege).paths},
	{"links", (*siege).links},
	{"a film that has no room", (*siege).noRoom},
	{"thousands of ranges", (*siege).ranges},
	{"headers and bodies without an end", (*siege).endless},
	{"slow connections", (*siege).slow},
	{"tokens that are guessed", (*siege).guesses},
}

func TestAttacks(t *testing.T) {
	t.Parallel()
	s := besieged(t)
	before := s.kept()
	for _, a := range attacks {
		began := time.Now()
		a.try(s)
		s.served(a.name)
		require.Equal(t, before, s.kept(), a.name)
		t.Logf("%s: %.1f s, %d MB resident, %d goroutines", a.name, time.Since(began).Seconds(), s.resident()>>20,
			s.goroutines())
	}
	require.NotContains(t, s.master.log.String(), "panic")
	s.must("resume", "film.mkv")
	s.start("worker", "--slots", "1")
	j := s.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	exact(t, corpus.Make(t, "h264-closed.mkv"), filepath.Join(s.dir, j.Output))
}

// besieged is a share with a paused job.
func besieged(t *testing.T) *siege {
	s := &siege{farm: newFarm(t, calmTerms+fast), outside: t.TempDir()}
	s.master, s.address = s.serves()
	source := filepath.Join(t.TempDir(), "film.mkv")
	require.NoError(t, os.Link(corpus.Copy(t, "h264-closed.mkv", t.TempDir()), source))
	s.must("add", source)
	s.job(pipeline.InWork)
	s.must("pause", "film.mkv")
	require.NoError(t, os.WriteFile(filepath.Join(s.outside, "secret.mkv"), []byte("secret"), 0o600))
	for link, to := range map[string]string{"outbox/link.mkv": "secret.mkv", "outbox/folder": "", "inbox/folder": ""} {
		require.NoError(t, os.Symlink(filepath.Join(s.outside, to), filepath.Join(s.dir, link)))
	}
	require.NoError(t, os.WriteFile(filepath.Join(s.dir, "outbox", "there.mkv"), make([]byte, 1<<20), 0o600))
	form := url.Values{"token": {handInToken}}
	here := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := (&http.Client{CheckRedirect: here}).PostForm(s.address+"/login", form)
	require.NoError(t, err)
	_ = answer.Body.Close()
	s.cookie = answer.Header.Get("Set-Cookie")
	require.NotEmpty(t, s.cookie)
	return s
}

// kept is all that nobody may change: what lies in the folders of people and what is asked of the job.
func (s *siege) kept() (all []string) {
	for _, dir := range []string{s.outside, filepath.Join(s.dir, "inbox"), filepath.Join(s.dir, "outbox"),
		filepath.Join(s.dir, "failed")} {
		require.NoError(s.t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			require.NoError(s.t, err)
			info, err := e.Info()
			if err == nil && !e.IsDir() {
				all = append(all, fmt.Sprint(name, " ", info.Size()))
			}
			return nil
		}))
	}
	return append(all, fmt.Sprint(s.status().Jobs[0].Priority, s.status().Jobs[0].Paused))
}

// served is what an honest person does: ask for the state and hand a film in, of which nothing stays.
func (s *siege) served(during string) {
	s.t.Helper()
	require.Equal(s.t, 200, s.ask("GET", "/api/v1/status", nil), during)
	header := http.Header{"Content-Range": {"bytes 0-5/12"}}
	require.Equal(s.t, 202, s.ask("PUT", "/api/v1/inbox/honest.mkv", header, "honest"), during)
	require.Equal(s.t, 204, s.ask("DELETE", "/api/v1/inbox/honest.mkv", nil), during)
}

// ask sends a request with the token, on a connection of its own, and returns what it is answered.
func (s *siege) ask(method, path string, more http.Header, body ...string) int {
	s.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + handInToken}}
	for name, values := range more {
		header[name] = values
	}
	return s.send(method, path, header, strings.NewReader(strings.Join(body, "")))
}

func (s *siege) send(method, path string, header http.Header, body io.Reader) int {
	s.t.Helper()
	r, err := http.NewRequest(method, s.address+path, body)
	require.NoError(s.t, err)
	r.Header = header
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		return 0 // it was sent away before all was said
	}
	require.NoError(s.t, err, "%s %s", method, path)
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // the connection may be gone
	return answer.StatusCode
}

// figure is one of the master's own metrics.
func (s *siege) figure(name string) int64 {
	s.t.Helper()
	for line := range strings.Lines(fetch(s.address + "/metrics")) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(s.t, err)
			return int64(n)
		}
	}
	require.FailNow(s.t, "no metric "+name)
	return 0
}

func (s *siege) resident() int64   { return s.figure("process_resident_memory_bytes") }
func (s *siege) goroutines() int64 { return s.figure("go_goroutines") }

// wishes are the requests that change something.
var wishes = [][2]string{{"POST", wished + "pause"}, {"POST", wished + "resume"}, {"POST", wished + "cancel"},
	{"POST", wished + "priority"}, {"POST", wished + "retry"}, {"POST", "/api/v1/nodes/vm/rest"},
	{"POST", "/api/v1/nodes/vm/wake"},
	{"PUT", "/api/v1/inbox/evil.mkv"}, {"DELETE", "/api/v1/inbox/film.mkv"}, {"POST", "/logout"}}

// foreignPage is a page elsewhere that has a visitor's browser send something, with the cookie.
func (s *siege) foreignPage() {
	for _, c := range wishes {
		for _, from := range []http.Header{
			{"Origin": {"http://evil.example"}}, {"Origin": {"null"}}, {"Origin": {"http://127.0.0.1:1"}},
			{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}},
		} {
			from.Set("Cookie", s.cookie)
			from.Set("Content-Type", "application/json")
			require.Equal(s.t, 403, s.send(c[0], c[1], from, strings.NewReader("{}")), "%v %v", c, from)
		}
	}
	for _, c := range wishes { // the address of an image
		require.GreaterOrEqual(s.t, s.send("GET", c[1], http.Header{"Cookie": {s.cookie}}, nil), 400, c)
	}
	header := http.Header{"Cookie": {s.cookie}, "Origin": {s.address}}
	require.Equal(s.t, 200, s.send("GET", "/api/v1/status", header, nil), "it is logged in still")
}

// foreignName has another name lead to this address.
func (s *siege) foreignName() {
	anna := []string{"Bearer " + handInToken}
	for _, path := range []string{"/", "/events", "/status.json", "/metrics", "/login", "/api/v1/status",
		"/api/v1/outbox/there.mkv"} {
		for _, host := range []string{"evil.example", "evil.example:8470", "localhost.evil.example",
			"127.0.0.1.evil.example"} {
			header := http.Header{"Host": {host}, "Cookie": {s.cookie}, "Authorization": anna}
			require.Equal(s.t, 421, s.send("GET", path, header, nil), "%s%s", host, path)
		}
	}
	for _, c := range wishes {
		header := http.Header{"Host": {"evil.example"}, "Origin": {"http://evil.example"}, "Authorization": anna}
		require.Equal(s.t, 421, s.send(c[0], c[1], header, nil), c)
	}
}

// raw sends a request line as it is, with the token, and returns what it is answered; 0 if the connection was closed.
func (s *siege) raw(line, more string) int {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.address, "http://"))
	require.NoError(s.t, err)
	defer c.Close()
	_, _ = fmt.Fprintf(c, "%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n%s",
		line, handInToken, more) // it may be cut off
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// paths are names that lead elsewhere, or that no file system takes.
func (s *siege) paths() {
	secret := strings.TrimPrefix(s.outside, "/") + "/secret.mkv"
	up := strings.Repeat("../", 12) + secret
	paths := []string{"..", "../evil.mkv", "a/../../evil.mkv", up, "%2e%2e/evil.mkv", "%2e%2e%2fevil.mkv", "..%2fevil.mkv",
		"%2e%2e%2f%2e%2e%2f%2e%2e%2f" + secret, "..%5cevil.mkv%2f..", "a%2f..%2f..%2fevil.mkv", "%2f" + secret, "//" + secret,
		"%00.mkv", "evil%00.mkv", "evil%0a.mkv", "evil%0d%0aX-Evil:%201.mkv", "%ff%fe.mkv", "%252e%252e%252f/..", ".", "",
		strings.Repeat("a", 300) + ".mkv", strings.Repeat("a/", 600) + "evil.mkv", strings.Repeat("a", 20000), ".hidden.mkv",
		".distenc-put-00000000000000000000000000000000.5.aaaaaaaa", "evil.mkv.part", "evil.mkv.distenc.toml",
		"lost+found/evil.mkv", "System Volume Information/evil.mkv", "Thumbs.db", "~evil.mkv", "evil.srt"}
	for _, path := range paths {
		for _, method := range []string{"PUT", "GET", "DELETE"} {
			code := s.raw(method+" /api/v1/inbox/"+path, "Content-Length: 4\r\n\r\nevil")
			require.Contains(s.t, []int{0, 307, 400, 404, 422, 431}, code, "%s inbox/%s", method, path)
		}
		require.Contains(s.t, []int{0, 307, 400, 404, 405, 431}, s.raw("GET /api/v1/outbox/"+path, "\r\n"), "outbox/%s", path)
		for _, verb := range []string{"cancel", "pause", "certificate"} {
			code := s.raw("POST /api/v1/jobs/"+path+"/"+verb, "\r\n")
			require.Contains(s.t, []int{0, 307, 400, 404, 405, 431}, code, "%s of %s", verb, path)
		}
	}
}

// links lead out of the share.
func (s *siege) links() {
	for _, path := range []string{"link.mkv", "folder/secret.mkv", "folder", "folder/"} {
		require.Equal(s.t, 404, s.raw("GET /api/v1/outbox/"+path, "\r\n"), path)
	}
	require.Equal(s.t, 409, s.ask("PUT", "/api/v1/inbox/folder/evil.mkv", nil, "evil"), "through a link to a folder")
	require.Equal(s.t, 204, s.ask("DELETE", "/api/v1/inbox/folder/evil.mkv", nil), "what came is kept until then")
}

// noRoom announces a film of a terabyte, and one that says it is small.
func (s *siege) noRoom() {
	announced := http.Header{"Content-Range": {fmt.Sprintf("bytes */%d", int64(1)<<40)}}
	require.Equal(s.t, 507, s.ask("PUT", "/api/v1/inbox/evil.mkv", announced))
	code := s.raw("PUT /api/v1/inbox/evil.mkv", fmt.Sprintf("Content-Length: %d\r\n\r\nevil", int64(1)<<40))
	require.Equal(s.t, 507, code)
}
