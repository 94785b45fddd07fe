//go:build linux

package handin

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
