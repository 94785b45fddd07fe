package media

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A playlist or a list of files under a video's name must not lead ffmpeg to another file.
func TestPlaylistsDoNotOpenOtherFiles(t *testing.T) {
	victim := clip(t, "victim.ts")
	dir := filepath.Dir(victim)
	for name, text := range map[string]string{
		"m3u8":   fmt.Sprintf("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n%s\n#EXT-X-ENDLIST\n", victim),
		"concat": fmt.Sprintf("ffconcat version 1.0\nfile %s\n", victim),
		"dash":   fmt.Sprintf(`<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>%s</BaseURL></Representation></AdaptationSet></Period></MPD>`, victim),
		"sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 " +
			"H264/90000\n",
	} {
		t.Run(name, func(t *testing.T) {
			evil := filepath.Join(dir, "evil-"+name+".mp4")
			require.NoError(t, os.WriteFile(evil, []byte(text), 0o600))
			_, err := tools(t).Probe(context.Background(), evil)
			require.Error(t, err)
			_, err = tools(t).Packets(context.Background(), evil, 0)
			require.Error(t, err)
			args := append(append(BaseArgs(), Input(evil)...), "-f", "null", "-")
			_, err = tools(t).Run(context.Background(), Command{Program: "ffmpeg", Args: args})
			require.Error(t, err)
		})
	}
}

func TestEveryAcceptedContainerOpens(t *testing.T) {
	for ext, opts := range map[string][]string{
		"mkv": {}, "webm": {"-c:v", "libvpx", "-deadline", "realtime"}, "mp4": {}, "mov": {}, "ts": {},
		"avi": {"-c:v", "mpeg4"},
		"mpg": {"-c:v", "mpeg2video"}, "vob": {"-c:v", "mpeg2video"}, "flv": {}, "ogv": {"-c:v", "libtheora"},
		"asf": {"-c:v", "mpeg4"},
		"mxf": {"-c:v", "mpeg2video"}, "nut": {}, "ivf": {"-c:v", "libvpx", "-deadline", "realtime"},
		"y4m": {"-c:v", "wrapped_avframe"},
		"rm":  {"-c:v", "rv10", "-s", "128x96"}, "3gp": {"-c:v", "mpeg4"},
	} {
		t.Run(ext, func(t *testing.T) {
			f, err := tools(t).Probe(context.Background(), clip(t, "a."+ext, append(opts, "-frames:v", "5")...))
			require.NoError(t, err)
			require.Len(t, f.Video(), 1)
		})
	}
}

func TestOtherFormatsDoNotOpen(t *testing.T) {
	still := filepath.Join(t.TempDir(), "a.png")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=d=1", "-frames:v", "1",
		still).CombinedOutput()
	require.NoError(t, err, "%s", out)
	_, err = tools(t).Probe(context.Background(), still)
	require.Error(t, err)
}

func TestOddNames(t *testing.T) {
	good := clip(t, "good.mkv", "-frames:v", "2")
	for _, name := range []string{"-dash.mkv", "a:b.mkv", "new\nline.mkv", "%d %03d.mkv", "\xe9.mkv", "file:x.mkv",
		"'q' \"d\".mkv", "[1]{2}.mkv"} {
		path := filepath.Join(filepath.Dir(good), name)
		require.NoError(t, os.Link(good, path))
		p, err := tools(t).Packets(context.Background(), path, 0)
		require.NoError(t, err, name)
		require.Equal(t, 2, p.Len(), name)
	}
}
