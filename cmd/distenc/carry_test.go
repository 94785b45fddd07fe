package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/remote"
)

// An output that is too old for the list is found by its whole path.
func TestAnOutputThatIsNotListed(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/outbox", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"outputs": [{"name": "new.mkv", "href": "outbox/new.mkv"}]}`)
	})
	mux.HandleFunc("HEAD /api/v1/outbox/a/old.mkv", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"1"`)
		w.Header().Set("Content-Length", "9")
	})
	site := httptest.NewServer(mux)
	t.Cleanup(site.Close)
	m, err := remote.New(site.URL, "0123456789abcdef")
	require.NoError(t, err)
	for word, href := range map[string]string{"new": "outbox/new.mkv", "a/old.mkv": "outbox/a/old.mkv"} {
		o, err := outputOf(t.Context(), m, word)
		require.NoError(t, err)
		require.Equal(t, href, o.Href)
	}
	_, err = outputOf(t.Context(), m, "old.mkv")
	require.ErrorContains(t, err, `no file "old.mkv" in the outbox`)
}
