//go:build linux

package media_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// clipsAsked is how many clips there are, if it is said.
var clipsAsked = os.Getenv("DISTENC_BENCH_CLIPS")

// TestClips: a folder of short films through `distenc run --until-idle` against a shell loop of ffmpeg with as many at
// once. The time for which files have to stand still in the inbox is what people want, and no part of it: it is a
// second.
func TestClips(t *testing.T) {
	only(t)
	n, err := strconv.Atoi(cmp.Or(clipsAsked, "60"))
	require.NoError(t, err)
	clips, rounds := manyClips(t, n), times(t, 5)
	var shares []string
	for range rounds * len(versions()) {
		shares = append(shares, clipsShare(t, clips))
	}
	head(fmt.Sprintf("%d clips of 2 to 5 s, 720p, preset veryfast, through `distenc run --until-idle`", n))
	compareVersions(t, rounds, "from the start of the program to its end", "a shell loop of ffmpeg",
		func(program string) {
			runClips(t, program, shares[0], n)
			shares = shares[1:]
		},
		func() { loopClips(t, clips) })
}

// manyClips makes films of 2.0 to 5.0 s in a folder, no two of the same bytes, once for each number of them.
func manyClips(t *testing.T, n int) (dir string) {
	t.Helper()
	source := film{1280, 720, 8, 40}.path(t)
	dir = filepath.Join(filepath.Dir(source), fmt.Sprintf("clips-%d", n))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	const lengths = 31
	tmp := dir + ".tmp"
	require.NoError(t, os.RemoveAll(tmp))
	require.NoError(t, os.Mkdir(tmp, 0o700))
	for i := range n {
		out := filepath.Join(tmp, fmt.Sprintf("clip %04d.mkv", i))
		if i < lengths {
			run(t, "ffmpeg", "-v", "error", "-y", "-ss", strconv.Itoa(i), "-i", source, "-t",
				fmt.Sprintf("%.1f", 2+float64(i)/10), "-map", "0", "-c:a", "aac", "-c:v", "libx264", "-preset", "superfast",
				"-crf", "19", out)
			continue
		}
		run(t, "ffmpeg", "-v", "error", "-y", "-i", filepath.Join(tmp, fmt.Sprintf("clip %04d.mkv", i%lengths)), "-map", "0",
			"-c", "copy", "-metadata", fmt.Sprintf("title=%d", i), out)
	}
	require.NoError(t, os.Rename(tmp, dir))
	return dir
}

// loopClips is what people have without distenc: xargs keeps as many ffmpeg at work as there are slots.
func loopClips(t *testing.T, dir string) {
	t.Helper()
	run(t, "sh", "-c", `cd "$1" && ls | xargs -d '\n' -P "$2" -I{} ffmpeg -nostdin -v error -y -copyts -i {} \
		-map 0 -c copy -fps_mode passthrough -enc_time_base 1:1000 -pix_fmt yuv420p -c:v libx264 -preset veryfast \
		-profile:v high -crf 20 "$3"/{}`,
		"sh", dir, strconv.Itoa(runtime.NumCPU()), t.TempDir())
}

const clipsConfig = `
[watch]
settle = "1s"
[worker]
nice = 0
[profiles.default]
x264 = "--preset veryfast --profile high --crf 20"
`

// clipsShare is a share with all of them in its inbox.
func clipsShare(t *testing.T, clips string) (share string) {
	t.Helper()
	share = filepath.Join(t.TempDir(), "share")
	run(t, binary, "init", share)
	require.NoError(t, os.WriteFile(filepath.Join(share, "distenc.toml"), []byte(clipsConfig), 0o600))
	run(t, "sh", "-c", `cp "$1"/* "$2"/inbox/`, "sh", clips, share)
	return share
}

// runClips has one process take, encode and publish all of them.
func runClips(t *testing.T, program, share string, n int) {
	t.Helper()
	run(t, program, "run", "--until-idle", "--share", share, "--log-level", "warn")
	outputs, err := filepath.Glob(filepath.Join(share, "outbox", "*.mkv"))
	require.NoError(t, err)
	require.Len(t, outputs, n)
}
