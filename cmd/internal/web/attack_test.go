package web

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

// What an attacker tries. Each is refused, nothing on the share has changed, and the site answers others.

// tree lists all that is on a share.
func tree(t *testing.T, share *sharefs.FS) (all []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(share.Root(), func(name string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		all = append(all, fmt.Sprint(name, " ", info.Size(), info.Mode()))
		return nil
	}))
	return all
}

// A page elsewhere has the browser of one who has logged in send what it likes, with the cookie.
func TestAnotherSitesPageCantSteer(t *testing.T) {
	s, share := steered(t, "film.mkv")
	address := serve(t, s)
	c, before := browser(t, address), tree(t, share)
	for _, headers := range []map[string]string{
		{"Origin": "http://evil.example"},
		{"Origin": "null"},
		{"Origin": strings.Replace(address, "http:", "https:", 1) + ".evil.example"},
		{"Origin": "http://127.0.0.1:1"}, // another port of this host is another site
		{"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"},
		{"Sec-Fetch-Site": "cross-site", "Origin": address},
		{"Content-Type": "text/plain"},
		{"Content-Type": "application/x-www-form-urlencoded"},
		{"Content-Type": "multipart/form-data; boundary=x"},
	} {
		for _, verb := range []string{"pause", "cancel", "retry", "resume", "priority"} {
			r := post(t, address, "/api/v1/jobs/"+job+"/"+verb, `{"priority": 5}`)
			for name, value := range headers {
				r.Header.Set(name, value)
			}
			code, body := send(t, c, r)
			require.Contains(t, []int{403, 415}, code, "%v: %s", headers, body)
		}
		if headers["Content-Type"] == "" {
			r := post(t, address, "/logout", "")
			for name, value := range headers {
				r.Header.Set(name, value)
			}
			code, _ := send(t, c, r)
			require.Equal(t, 403, code)
		}
	}
	for _, verb := range []string{"pause", "cancel", "logout"} { // an image's address
		answer, err := c.Get(address + "/api/v1/jobs/" + job + "/" + verb)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.GreaterOrEqual(t, answer.StatusCode, 400)
	}
	require.Equal(t, before, tree(t, share))
	r := post(t, address, "/api/v1/jobs/"+job+"/pause", "")
	r.Header.Set("Origin", address)
	code, _ := send(t, c, r)
	require.Equal(t, 200, code, "its own page may")
}

// A page elsewhere has its own name lead to this address, and is the same site then.
func TestAnotherNameForThisAddressIsRefused(t *testing.T) {
	s, share := steered(t, "film.mkv")
	address := serve(t, s)
	before := tree(t, share)
	for _, path := range []string{"/", "/events", "/page.js", "/login", "/api/v1/status", "/api/v1/events",
		"/api/v1/openapi.yaml", "/api/v1/jobs/" + job + "/cancel"} {
		for _, method := range []string{"GET", "POST"} {
			r, err := http.NewRequest(method, address+path, nil)
			require.NoError(t, err)
			r.Host = "evil.example:8470"
			r.Header.Set("Origin", "http://evil.example:8470")
			r.Header.Set("Authorization", "Bearer "+token)
			code, _ := send(t, http.DefaultClient, r)
			require.Equal(t, 421, code, path)
		}
	}
	require.Equal(t, before, tree(t, share))
}

// Three thousand connections that send a header without an end, or a login without its form, keep nobody out.
func TestSlowClientsKeepNobodyOut(t *testing.T) {
	for what, text := range map[string]string{
		"header": "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"login": "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Content-Length: 100\r\n\r\ntoken=",
	} {
		t.Run(what, func(t *testing.T) { keepNobodyOut(t, text) })
	}
}

// A login's form has less time than a header, and both have less than the rest of a request.
func TestALoginThatIsSentSlowlyEnds(t *testing.T) {
	t.Parallel()
	s, _ := steered(t, "film.mkv")
	address := serve(t, s)
	ended := make(chan string, 2)
	for what, text := range map[string]string{
		"header": "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"login": "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Content-Length: 100\r\n\r\ntoken=" + token,
	} {
		c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, text)
		require.NoError(t, err)
		go func() {
			answer, _ := io.ReadAll(c)
			line, _, _ := strings.Cut(string(answer), "\r\n")
			ended <- what + ": " + line
		}()
	}
	require.Equal(t, "login: HTTP/1.1 400 Bad Request", <-ended, "half a form is no login")
	require.Equal(t, "header: ", <-ended, "closed without a word")
}

// keepNobodyOut sends text over three thousand connections, and nothing more.
func keepNobodyOut(t *testing.T, text string) {
	t.Helper()
	s, _ := steered(t, "film.mkv")
	address := serve(t, s)
	stream, err := http.Get(address + "/events")
	require.NoError(t, err)
	defer stream.Body.Close()
	for range 3000 {
		c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
		require.NoError(t, err)
		defer c.Close()
		_, _ = io.WriteString(c, text) // it may be sent away at once
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	for range 10 {
		answer, err := client.Get(address + "/healthz")
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, 200, answer.StatusCode)
	}
	line, err := bufio.NewReader(stream.Body).ReadString('\n')
	require.NoError(t, err, "a stream that was open stays so")
	require.Equal(t, "event: page\n", line)
}

func TestTokensCantBeGuessed(t *testing.T) {
	s, share := steered(t, "film.mkv")
	before, h, answers := tree(t, share), s.Handler(), map[int]int{}
	guess := func(token, from string) int {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "http://localhost/api/v1/jobs/"+job+"/cancel", nil)
		r.RemoteAddr = from
		r.Header.Set("Authorization", "Bearer "+token)
		h.ServeHTTP(w, r)
		return w.Code
	}
	began := time.Now()
	for n := range 100_000 {
		answers[guess(fmt.Sprintf("guess-%016d", n), "192.0.2.1:999")]++
	}
	took := int(time.Since(began).Seconds()) + 1
	require.Equal(t, 100_000, answers[401]+answers[429], "%v", answers)
	require.LessOrEqual(t, answers[401], 20+took, "how many were looked at")
	require.Equal(t, before, tree(t, share))
	require.Equal(t, 200, guess(token, "192.0.2.2:999"), "others are not locked out")
	require.Eventually(t, func() bool { return guess(token, "192.0.2.1:999") == 409 }, time.Minute, 100*time.Millisecond,
		"nor is who has guessed, for long")
}

// A login's form is no way around that.
func TestTokensCantBeGuessedOnThePage(t *testing.T) {
	s, _ := steered(t, "film.mkv")
	h, looked := s.Handler(), 0
	for n := range 1000 {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "http://localhost/login", strings.NewReader(fmt.Sprintf("token=guess-%016d", n)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		h.ServeHTTP(w, r)
		if w.Code == 401 {
			looked++
		}
	}
	require.Less(t, looked, 100)
}

// endless is a body that never ends.
type endless struct{ sent atomic.Int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.sent.Add(int64(len(p)))
	return len(p), nil
}

func TestHugeBodiesAreNotRead(t *testing.T) {
	s, share := steered(t, "film.mkv")
	address := serve(t, s)
	before := tree(t, share)
	for _, path := range []string{"/api/v1/jobs/" + job + "/pause", "/login", "/logout", "/api/v1/status", "/"} {
		body := &endless{}
		r, err := http.NewRequest(http.MethodPost, address+path, io.LimitReader(body, 1<<40))
		require.NoError(t, err)
		r.ContentLength = 1 << 40
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		if path == "/login" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		if answer, err := http.DefaultTransport.RoundTrip(r); err == nil { // the connection may be gone
			require.NoError(t, answer.Body.Close())
			require.NotEqual(t, 200, answer.StatusCode, path)
		}
		require.Less(t, body.sent.Load(), int64(64<<20), path)
	}
	require.Equal(t, before, tree(t, share))
}

func TestStreamsAreBounded(t *testing.T) {
	s, _ := steered(t, "film.mkv")
	address := serve(t, s)
	stranger, steers := &http.Client{Transport: &http.Transport{}}, browser(t, address)
	open := func(client *http.Client, path, from string) *http.Response {
		r := get(t, address+path)
		r.Header.Set("X-Forwarded-For", from) // as a proxy on this machine says it
		if path != "/events" {                // a page has a cookie alone
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(r)
		require.NoError(t, err)
		return answer
	}
	var streams []*http.Response
	codes := map[int]int{}
	many := func(client *http.Client, froms int, paths ...string) {
		for n := range 350 {
			answer := open(client, paths[n%len(paths)], fmt.Sprintf("192.0.2.%d", 1+n%froms))
			codes[answer.StatusCode]++
			streams = append(streams, answer)
		}
	}
	many(stranger, 1, "/events")
	require.Equal(t, map[int]int{200: 32, 429: 318}, codes, "from one address, without a token")
	many(stranger, 50, "/events")
	require.Equal(t, map[int]int{200: 320, 429: 380}, codes, "from many; those of the first keep nobody out")
	many(steers, 1, "/events", "/api/v1/events")
	require.Equal(t, map[int]int{200: 640, 429: 410}, codes)
	code, _ := send(t, http.DefaultClient, get(t, address+"/healthz"))
	require.Equal(t, 200, code)
	for _, answer := range streams {
		require.NoError(t, answer.Body.Close())
	}
	require.Eventually(t, func() bool {
		answer := open(stranger, "/events", "192.0.2.1")
		defer answer.Body.Close()
		return answer.StatusCode == 200
	}, time.Minute, 100*time.Millisecond, "there is room again")
}

func get(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	require.NoError(t, err)
	return r
}

// What stands for a job never becomes a part of a path.
func TestAJobsPlaceCantLeadElsewhere(t *testing.T) {
	s, share := steered(t, "film.mkv")
	address := serve(t, s)
	secret := filepath.Join(filepath.Dir(share.Root()), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("x"), 0o600))
	before := tree(t, share)
	for _, id := range []string{"..", "%2e%2e", "..%2f..%2fsecret", "%2e%2e%2f%2e%2e%2fsecret", "%2fetc%2fpasswd",
		"..%5c..%5csecret",
		"inbox%2f..%2f..%2fsecret", "failed%2f..%2f..%2fsecret", "%00", job + "%00", "%0a", "%0d%0aX-Evil:%201", "%ff%fe",
		"%252e%252e%252f", ".", "%20", "*", strings.Repeat("a", 8000), strings.Repeat("%2e%2e%2f", 500) + "secret",
		"{id}", "$(id)", "%3Cscript%3E"} {
		for _, verb := range []string{"pause", "resume", "cancel", "retry", "priority"} {
			r, err := http.NewRequest(http.MethodPost, address+"/api/v1/jobs/"+id+"/"+verb, strings.NewReader(`{"priority": 1}`))
			require.NoError(t, err)
			if verb != "priority" {
				r.Body = http.NoBody
				r.ContentLength = 0
			}
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", "application/json")
			answer, err := http.DefaultTransport.RoundTrip(r)
			require.NoError(t, err, id)
			require.NoError(t, answer.Body.Close())
			require.Contains(t, []int{307, 404, 431}, answer.StatusCode, "%s %s", verb, id)
			require.Empty(t, answer.Header.Get("X-Evil"))
		}
	}
	require.Equal(t, before, tree(t, share))
	require.FileExists(t, secret)
}

// A film's name is text and nothing else, wherever it is shown.
func TestANameIsText(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>` + "\n\nevent: page\ndata: <b>evil</b>\n\n" + `.mkv`
	s, _ := steered(t, evil)
	require.NoError(t, os.WriteFile(filepath.Join(s.Steering.Desk("x").Share.Root(), "inbox", "<script>.mkv"), nil, 0o600))
	address := serve(t, s)
	stream, err := http.Get(address + "/events")
	require.NoError(t, err)
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() && lines.Text() != "" {
		require.NotContains(t, lines.Text(), "<script")
		require.NotContains(t, lines.Text(), "<img")
		require.Regexp(t, "^(event: page|data: )", lines.Text())
	}
	_, page := send(t, http.DefaultClient, get(t, address+"/"))
	require.Equal(t, 2, strings.Count(page, "<script"), "its own")
	require.NotContains(t, page, "<img")
}
