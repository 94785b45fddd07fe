package encode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Test encodes the source's first picture as the plan says, so that settings which x264 does not take are told
// at submission, and returns the encoder's version. The error is a *pipeline.Refusal that names the
// setting. libx264 goes on without an option it can't read, and only warns.
func Test(ctx context.Context, tools media.Tools, plan *pipeline.Plan, path string) (encoder string, err error) {
	cmd, err := args(plan, input{path: path, stream: plan.Video.Index}, 1)
	if err != nil {
		return "", err
	}
	head := &firstBytes{}
	cmd = append(cmd, "-frames:v", "1", "-f", "matroska", "pipe:1")
	stderr, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: cmd, Stdout: head})
	var exit *media.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.Code < 0) {
		return "", fmt.Errorf("cannot test the settings: %w", err)
	}
	if reason := complaint(stderr); reason != "" || err != nil {
		if reason == "" {
			reason = exit.Error()
		}
		return "", &pipeline.Refusal{Reason: fmt.Sprintf("x264 does not take the settings %q: %s.", plan.Settings.X264, reason), Err: err}
	}
	version := encoderVersion(head.buf.Bytes())
	if version == "" {
		return "", pipeline.Refuse("The first picture can't be decoded: nothing came out of a test encode.")
	}
	return version, nil
}

// complaints are what x264 and ffmpeg say of settings they don't take; the first group is the reason.
var complaints = []*regexp.Regexp{
	regexp.MustCompile(`Error parsing option '?(.+?)'?\.?$`),
	regexp.MustCompile(`x264 \[error\]: (.+)$`),
	regexp.MustCompile(`^\[libx264 @ [^]]+\] (.*(?:not divisible|invalid|doesn't support|not compatible|not supported|not allowed).*)$`),
	regexp.MustCompile(`Error setting (.+?)\.?$`),
}

func complaint(stderr string) string {
	for _, pattern := range complaints {
		for _, line := range strings.Split(stderr, "\n") {
			if m := pattern.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				return strings.TrimRight(m[1], ". ")
			}
		}
	}
	return ""
}

// firstBytes keeps the beginning of a stream, where the encoder's version stands.
type firstBytes struct{ buf bytes.Buffer }

func (f *firstBytes) Write(p []byte) (int, error) {
	if room := 256<<10 - f.buf.Len(); room > 0 {
		f.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
