package doctor

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline/media"
)

// tool is a program that distenc starts.
type tool struct {
	name, flag, debian string
	path               func(*media.Tools) *string
}

var tools = []tool{
	{"ffmpeg", "-version", "ffmpeg", func(t *media.Tools) *string { return &t.FFmpeg }},
	{"ffprobe", "-version", "ffmpeg", func(t *media.Tools) *string { return &t.FFprobe }},
	{"mkvmerge", "--version", "mkvtoolnix", func(t *media.Tools) *string { return &t.MKVMerge }},
	{"mkvpropedit", "--version", "mkvtoolnix", func(t *media.Tools) *string { return &t.MKVPropEdit }},
	{"mkvextract", "--version", "mkvtoolnix", func(t *media.Tools) *string { return &t.MKVExtract }},
}

// findTools looks for every tool, and returns the paths of those that can be used.
func findTools(ctx context.Context, tell Tell) (found media.Tools) {
	for _, t := range tools {
		path, err := exec.LookPath(t.name)
		if err != nil {
			tell(failed(t.name, "not found in PATH").because("nothing can be encoded without it", "on Debian: apt install "+t.debian))
			continue
		}
		said, err := found.Output(ctx, maxSaid, path, t.flag)
		if err != nil {
			tell(failed(t.name, "%s: %v", path, err).because("it does not start", "install it again"))
			continue
		}
		f := judgeVersion(t, path, string(said))
		if f.Level != Fail {
			*t.path(&found) = path
		}
		tell(f)
	}
	return found
}

// maxSaid bounds what a tool prints of itself, in bytes.
const maxSaid = 1 << 20

var release = regexp.MustCompile(`^ff(?:mpeg|probe) version n?(\d+)\.(\d+)`)

// judgeVersion refuses an ffmpeg that lacks options that are used. A build without a release number, such
// as N-109000-g1a2b3c4, is taken for a new one.
func judgeVersion(t tool, path, said string) Finding {
	line, _, _ := strings.Cut(said, "\n")
	line, _, _ = strings.Cut(line, " Copyright")
	line = strings.TrimSpace(line)
	if m := release.FindStringSubmatch(line); m != nil {
		major, _ := strconv.Atoi(m[1])
		minor, _ := strconv.Atoi(m[2])
		if major < 5 || major == 5 && minor < 1 {
			return failed(t.name, "%s: %s", path, line).because("versions before 5.1 lack -fps_mode, without which frames can be repeated or lost", "install ffmpeg 5.1 or later")
		}
	}
	return ok(t.name, "%s: %s", path, line)
}

// hasEncoder tells whether this ffmpeg was built with x264.
func hasEncoder(ctx context.Context, t media.Tools, tell Tell) bool {
	said, err := t.Output(ctx, maxSaid, t.FFmpeg, "-hide_banner", "-encoders")
	if err == nil && strings.Contains(string(said), " libx264 ") {
		tell(ok("encoder", "libx264"))
		return true
	}
	tell(failed("encoder", "%s has no libx264", t.FFmpeg).because("it is what encodes", "install an ffmpeg that was built with it (Debian's was)"))
	return false
}

// tryProfile encodes one picture with a profile's settings.
func tryProfile(ctx context.Context, t media.Tools, p Profile) Finding {
	check := "profile " + p.Name
	x264, err := media.ParseX264(p.X264)
	if err != nil {
		return failed(check, "%q: %v", p.X264, err).because("each file with this profile is refused", "mend x264 in [profiles."+p.Name+"]")
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	began := time.Now()
	args := append(media.Quiet(), "-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", "1280x720", "-i", "file:/dev/zero",
		"-frames:v", "1", "-pix_fmt", x264.PixFmt("yuv420p"))
	args = append(args, x264.FFmpegArgs(media.Param{Key: "stitchable", Value: "1"})...)
	out := &counter{}
	said, err := t.Run(ctx, media.Command{Program: t.FFmpeg, Args: append(args, "-f", "matroska", "pipe:1"), Stdout: out})
	// libx264 goes on without an option that it can't read.
	if err != nil || strings.Contains(said, "Error parsing option") || out.n == 0 {
		return failed(check, "%q: %s", p.X264, refusal(said, err)).because("each file with this profile is refused", "mend x264 in [profiles."+p.Name+"], or install a newer x264")
	}
	return ok(check, "one 720p picture encoded with %q in %s", p.X264, short(time.Since(began)))
}

// refusal is the encoder's own word, else the error.
func refusal(said string, err error) string {
	for line := range strings.Lines(said) {
		if strings.Contains(line, "x264") || strings.Contains(line, "Error") {
			return strings.TrimSpace(line)
		}
	}
	if err != nil {
		return err.Error()
	}
	return "nothing came out"
}

// counter counts what is written to it.
type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	return len(p), nil
}

// short writes a duration in two digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
