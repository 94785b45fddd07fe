package web

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/reread"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

const (
	token = "0123456789abcdef"
	job   = "0badcafe-aaaaa"
)

type plain struct{}

func (plain) Amend(string, []byte, steer.Wishes) ([]byte, error) { return []byte("x"), nil }

func (plain) Nonce([]byte) string { return "" }

// steered is a site on which people steer a share with one job, whose name is name.
func steered(t *testing.T, name string) (Site, *sharefs.FS) {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	j := pipeline.Job{ID: job, Inbox: pipeline.RawName(name), Source: "source.mkv", CRC32: "0BADCAFE"}
	j.Settings.Container = "mkv"
	require.NoError(t, j.Create(share))
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(token+" anna\n"), 0o600))
	log := slog.New(slog.DiscardHandler)
	tokens, err := reread.New(log, func() (control.Tokens, error) { return control.ReadTokens(file) }, file)
	require.NoError(t, err)
	latest := func() *status.Status {
		s, err := status.Read(share, nil)
		require.NoError(t, err)
		return s
	}
	s := site(nil)
	s.Latest = latest
	s.Steering = NewSteering(control.New(control.Options{Tokens: tokens, Log: log, Asked: func() {}, Latest: latest,
		Desk: func(by string) steer.Desk { return steer.Desk{Share: share, Settings: plain{}, By: by} }}))
	s.Steering.Publish(latest())
	return s, share
}

// serve answers on the loopback until the test ends, and returns the site's address.
func serve(t *testing.T, s Site) string {
	t.Helper()
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return "http://" + l.Addr().String()
}

// browser is a client that keeps cookies and has logged in.
func browser(t *testing.T, address string) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &http.Client{Jar: jar, Transport: &http.Transport{}}
	t.Cleanup(c.CloseIdleConnections)
	answer, err := c.PostForm(address+"/login", url.Values{"token": {token}})
	require.NoError(t, err)
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, 200, answer.StatusCode)
	require.Contains(t, string(page), "Steering as <b>anna</b>")
	require.Contains(t, string(page), `class="steers"`)
	return c
}

func send(t *testing.T, c *http.Client, r *http.Request) (int, string) {
	t.Helper()
	answer, err := c.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

func post(t *testing.T, address, path, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address+path, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	return r
}

func paused(t *testing.T, share *sharefs.FS) bool {
	t.Helper()
	c, err := pipeline.ReadControl(share, job)
	require.NoError(t, err)
	return c.Paused
}

func TestALoginSteers(t *testing.T) {
	s, share := steered(t, "film.mkv")
	address := serve(t, s)
	page, err := http.Get(address + "/")
	require.NoError(t, err)
	html, err := io.ReadAll(page.Body)
	require.NoError(t, err)
	require.NoError(t, page.Body.Close())
	require.NotContains(t, string(html), `class="steers"`)
	require.NotContains(t, string(html), "<style")
	require.Equal(t, 2, strings.Count(string(html), "<script"))

	c := browser(t, address)
	code, body := send(t, c, post(t, address, "/api/v1/jobs/"+job+"/pause", "{}"))
	require.Equal(t, 200, code, body)
	require.True(t, paused(t, share))
	send(t, c, post(t, address, "/logout", ""))
	code, _ = send(t, c, post(t, address, "/api/v1/jobs/"+job+"/resume", "{}"))
	require.Equal(t, 401, code)
	require.True(t, paused(t, share))
}

func TestAWrongLoginSaysSo(t *testing.T) {
	s, _ := steered(t, "film.mkv")
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "http://localhost/login", strings.NewReader("token=wrong-token-of-16"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.Handler().ServeHTTP(w, r)
	require.Equal(t, 401, w.Code)
	require.Contains(t, w.Body.String(), "that token is not known")
	require.Empty(t, w.Header().Get("Set-Cookie"))
}

// Nothing about a site without tokens is other than before there were any.
func TestWithoutTokensNobodySteers(t *testing.T) {
	s := site(&status.Status{})
	for _, path := range []string{"/api/v1/status", "/api/v1/openapi.yaml", "/login", "/events", "/page.js", "/page.css"} {
		require.Equal(t, 404, ask(s, "GET", path).Code, path)
		require.Contains(t, []int{404, 405}, ask(s, "POST", path).Code, path)
	}
	require.NotContains(t, ask(s, "GET", "/").Body.String(), "data-verb")
	require.NotContains(t, ask(s, "GET", "/").Body.String(), "Token")
}

func TestAnAnswerOfASteeredSiteIsSafe(t *testing.T) {
	s, _ := steered(t, "film.mkv")
	for _, path := range []string{"/", "/page.js", "/page.css", "/api/v1/status", "/api/v1/x", "/login", "/status.json"} {
		h := ask(s, "GET", path).Header()
		policy := h.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.NotContains(t, policy, "unsafe")
		require.NotContains(t, policy, "sha256")
		require.Empty(t, h.Get("Access-Control-Allow-Origin"))
		require.Equal(t, "DENY", h.Get("X-Frame-Options"))
	}
}

// The first stream is sent what there is, and each one what changes.
func TestThePageIsSentAsItChanges(t *testing.T) {
	s, share := steered(t, "film.mkv")
	address := serve(t, s)
	answer, err := http.Get(address + "/events")
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, "text/event-stream", answer.Header.Get("Content-Type"))
	read := func(want string) {
		t.Helper()
		seen := ""
		for b := make([]byte, 4096); !strings.Contains(seen, want); {
			n, err := answer.Body.Read(b)
			require.NoError(t, err, seen)
			seen += string(b[:n])
		}
	}
	read("film.mkv")
	require.NoError(t, pipeline.Ask(share, job, pipeline.ControlPause, ""))
	s.Steering.Publish(s.Latest())
	read(`data-verb="resume"`)
	s.Steering.Publish(s.Latest())
	read("event: asof\ndata: 2")
}

func TestTheDoorMakesRoom(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer inner.Close()
	d := &door{Listener: inner, most: 2}
	dial := func() (client net.Conn, server *visit) {
		client, err := net.Dial("tcp", inner.Addr().String())
		require.NoError(t, err)
		t.Cleanup(func() { client.Close() })
		c, err := d.Accept()
		require.NoError(t, err)
		return client, c.(*visit)
	}
	_, a := dial()
	second, b := dial()
	d.begin(a) // it is being answered
	_, _ = dial()
	_, err = second.Read(make([]byte, 1))
	require.Error(t, err, "the oldest that has asked for nothing makes room")
	_, err = b.Write([]byte("x"))
	require.Error(t, err)
	require.Equal(t, 2, d.count)
	d.end(a)
	require.NoError(t, a.Close())
	_ = a.Close() // it counts once
	require.Equal(t, 1, d.count)
	require.Len(t, d.idle, 1)
	d.begin(a)
	d.end(a)
	require.Len(t, d.idle, 1, "a connection that is closed waits for nothing")
}
