package films

import (
	"bytes"
	"context"
	_ "embed" // the page
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/encoder"
)

//go:embed players.html
var playerPage []byte

// What people play the outputs with finds nothing to complain of, and shows the right picture at each seam. Chromium
// and mpv are not there on every machine; with DISTENC_TEST_BROWSER they must be.
func TestPlayers(t *testing.T) {
	if os.Getenv("DISTENC_TEST_BROWSER") == "" {
		t.Skip("DISTENC_TEST_BROWSER is not set")
	}
	outputs := farmed(t, 12)
	decoders := []string{"ffmpeg"}
	if other := os.Getenv("DISTENC_TOOLS"); other != "" {
		decoders = append(decoders, filepath.Join(other, "ffmpeg"))
	}
	for _, ffmpeg := range decoders {
		for name, p := range outputs {
			said := tool(t, ffmpeg, "-nostdin", "-hide_banner", "-v", "warning", "-i", p.file, "-map", "0:v", "-fps_mode",
				"passthrough", "-enc_time_base", "1:90000", "-f", "null", "-")
			require.Empty(t, said, "%s, %s", ffmpeg, name)
		}
	}
	t.Run("mpv", func(t *testing.T) {
		for name, p := range outputs {
			for _, half := range []string{"--aid=no", "--vid=no"} { // both at once, it complains of a machine that is slow
				said := tool(t, "mpv", "--no-config", "--vo=null", "--ao=null", "--untimed", "--ao-null-untimed",
					"--msg-level=all=warn", half, p.file)
				require.Empty(t, said, "%s, %s", name, half)
			}
		}
	})
	t.Run("chromium", func(t *testing.T) {
		for _, e := range encoder.All() {
			t.Run(e.Name(), func(t *testing.T) { played(t, outputs[e.Name()+".mp4"]) })
		}
	})
}

// codecs are the names that a browser knows the outputs' video by (RFC 6381).
var codecs = map[string]string{"x264": "avc1.64001f", "x265": "hvc1.1.6.L93.B0", "svtav1": "av01.0.00M.08"}

// played plays an output in a headless Chromium, by a page that goes through each seam and to each seam.
func played(t *testing.T, p published) {
	name := strings.TrimPrefix(t.Name(), "TestPlayers/chromium/")
	answer := make(chan []byte, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(playerPage) })
	mux.HandleFunc("GET /film.mp4", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, p.file) })
	mux.HandleFunc("GET /film.json", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"codec": codecs[name], "seams": p.seams, "rate": 24000.0 / 1001})
	})
	mux.HandleFunc("POST /answer", func(_ http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		_, _ = b.ReadFrom(r.Body)
		answer <- b.Bytes()
	})
	server := httptest.NewServer(mux) // on 127.0.0.1
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--disable-quic", "--mute-audio", "--autoplay-policy=no-user-gesture-required", "--user-data-dir="+t.TempDir(),
		"--remote-debugging-port=0", server.URL)
	var stderr bytes.Buffer
	cmd.Stderr, cmd.WaitDelay = &stderr, 10*time.Second
	require.NoError(t, cmd.Start())
	defer func() { cancel(); _ = cmd.Wait() }()
	var got struct {
		CanPlay string
		Error   string
		Through []float64 // where the picture stood when it had been played through each seam
		Shown   []int     // the number on the picture after seeking to each seam
	}
	select {
	case data := <-answer:
		require.NoError(t, json.Unmarshal(data, &got), "%s", data)
	case <-ctx.Done():
		t.Fatalf("Chromium answers nothing: %s", &stderr)
	}
	if got.CanPlay == "" {
		t.Skipf("this Chromium has no decoder for %s (canPlayType)", codecs[name])
	}
	require.Empty(t, got.Error)
	require.Len(t, got.Through, len(p.seams))
	require.Equal(t, p.seams, got.Shown)
}
