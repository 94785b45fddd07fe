package web

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/status"
)

func site(s *status.Status) Site {
	return Site{Latest: func() *status.Status { return s }, Log: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") })}
}

func ask(s Site, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, nil)
	r.Host = "localhost:8470"
	s.Handler().ServeHTTP(w, r)
	return w
}

// A page elsewhere can make its own name lead here, and then read what its visitor's browser is given.
func TestOnlyItsOwnNamesAreAnswered(t *testing.T) {
	s := site(&status.Status{Read: time.Now()})
	s.Hosts = []string{"nas", "Nas.lan", "192.168.1.5", "[fd00::5]:8470"}
	for host, code := range map[string]int{
		"localhost": 200, "127.0.0.1:8470": 200, "[::1]:8470": 200, "LOCALHOST.:80": 200, "nas:8470": 200, "nas.LAN": 200,
		"192.168.1.5:8470": 200, "[fd00::5]": 200,
		"": 421, "evil.example": 421, "evil.example:8470": 421, "nas.evil.example": 421, "192.168.1.6": 421,
		"localhost.evil.example": 421,
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/status.json", nil)
		r.Host = host
		s.Handler().ServeHTTP(w, r)
		require.Equal(t, code, w.Code, host)
	}
}

func TestWhatIsServed(t *testing.T) {
	s := site(&status.Status{Share: "/mnt/<share>", Read: time.Now()})
	page := ask(s, "GET", "/")
	require.Equal(t, 200, page.Code)
	require.Contains(t, page.Body.String(), "/mnt/&lt;share&gt;")
	require.Equal(t, "text/html; charset=utf-8", page.Header().Get("Content-Type"))
	var got status.Status
	require.NoError(t, json.Unmarshal(ask(s, "GET", "/status.json").Body.Bytes(), &got))
	require.Equal(t, "/mnt/<share>", got.Share)
	require.Equal(t, "metrics", ask(s, "GET", "/metrics").Body.String())
	require.Equal(t, "ok\n", ask(s, "GET", "/healthz").Body.String())
	require.Equal(t, 200, ask(s, "HEAD", "/").Code)
}

func TestNothingCanBeChanged(t *testing.T) {
	s := site(&status.Status{Read: time.Now()})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		for _, path := range []string{"/", "/status.json", "/metrics", "/healthz"} {
			require.Equal(t, 405, ask(s, method, path).Code, "%s %s", method, path)
		}
	}
	for _, path := range []string{"/x", "/index.html", "/inbox/", "/distenc.toml"} {
		require.Equal(t, 404, ask(s, "GET", path).Code, path)
	}
}

func TestEveryAnswerIsSafe(t *testing.T) {
	s := site(&status.Status{Read: time.Now()})
	for _, path := range []string{"/", "/status.json", "/metrics", "/healthz", "/x"} {
		h := ask(s, "GET", path).Header()
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
		require.NotContains(t, h.Get("Content-Security-Policy"), "unsafe")
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Equal(t, "DENY", h.Get("X-Frame-Options"))
		require.Empty(t, h.Get("Access-Control-Allow-Origin"))
	}
}

func TestHealthGoesByTheShare(t *testing.T) {
	require.Equal(t, 503, ask(site(nil), "GET", "/healthz").Code)
	require.Equal(t, 503, ask(site(nil), "GET", "/").Code)
	require.Equal(t, 503, ask(site(&status.Status{Read: time.Now().Add(-time.Hour)}), "GET", "/healthz").Code)
}

func TestServeEndsWithItsContext(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	require.NoError(t, err)
	_, err = Listen(l.Addr().String())
	require.ErrorContains(t, err, "cannot serve the status page: listen tcp 127.0.0.1")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- site(&status.Status{Read: time.Now()}).Serve(ctx, l) }()
	answer, err := http.Get("http://" + l.Addr().String() + "/healthz")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, 200, answer.StatusCode)
	cancel()
	require.NoError(t, <-ended)
	_, err = net.Dial("tcp", l.Addr().String())
	require.Error(t, err)
}
