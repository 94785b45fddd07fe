package films

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Files of other kinds than containers with timestamps and an index.
func TestKindsOfFiles(t *testing.T) {
	const picture = "-f lavfi -i testsrc2=s=160x90:r=10:d=2 "
	const x264 = "-c:v libx264 -x264-params keyint=10:bframes=3 "
	for name, options := range map[string]string{
		"raw.264":     picture + x264,
		"nothing.h26": picture + x264 + "-f h264",
		"fields.264":  picture + "-vf scale=160:96 " + x264 + "-flags +ildct+ilme",
		"raw.hevc":    picture + "-c:v libx265 -x265-params log-level=error:keyint=10:bframes=3",
		"raw.m2v":     "-f lavfi -i testsrc2=s=160x90:r=25:d=0.8 -c:v mpeg2video -bf 2 -g 10",
		"raw.m1v":     "-f lavfi -i testsrc2=s=160x90:r=25:d=0.8 -c:v mpeg1video -bf 2 -g 10 -f mpeg1video",
		"raw.obu":     picture + "-c:v libsvtav1 -preset 12",
		"av1.ivf":     picture + "-c:v libsvtav1 -preset 12",
		"vp9.ivf":     picture + "-c:v libvpx-vp9 -deadline realtime -cpu-used 8",
		"tape.dv": "-f lavfi -i testsrc2=s=720x576:r=25:d=0.8 -f lavfi -i sine=r=48000:d=0.8 -c:v dvvideo -pix_fmt " +
			"yuv420p -ac 2",
		"anim.gif":  picture,
		"film.apng": picture + "-f apng",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			film := filepath.Join(t.TempDir(), name)
			ffmpeg(t, options, film)
			out, _ := encoded(t, film)
			require.Equal(t, 20, frames(t, out))
			require.Equal(t, "20", streams(t, out)[0].Packets)
		})
	}
}

// What is not taken is told to be just that.
func TestKindNotTaken(t *testing.T) {
	dir := t.TempDir()
	film := filepath.Join(dir, "film.m4v")
	ffmpeg(t, "-f lavfi -i testsrc2=s=160x90:r=10:d=2 -c:v mpeg4 -f m4v", film)
	playlist := filepath.Join(dir, "list.mp4")
	require.NoError(t, os.WriteFile(playlist, []byte("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfilm.ts\n"), 0o600))
	vc1 := filepath.Join(dir, "film.rcv") // a header is all that tells it
	header := [24]byte{3: 0xC5, 4: 4, 20: 0xC}
	require.NoError(t, os.WriteFile(vc1, append(header[:], make([]byte, 4000)...), 0o600))
	for file, kind := range map[string]string{film: "m4v", playlist: "hls", vc1: "vc1test"} {
		said, code := encode(t, file, file+".mkv")
		require.Equal(t, 3, code)
		require.Contains(t, said, "This kind of file (ffmpeg calls it "+kind+") is not taken; Matroska, MP4, ")
		require.NotContains(t, said, "not a video")
	}
}
