package encode

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Test encodes the source's first picture as the plan says, so that settings which x264 does not take are told
// at submission, and returns the encoder's version. The error is a *pipeline.Refusal that names the
// setting. libx264 goes on without an option it can't read, and only warns.
func Test(ctx context.Context, tools media.Tools, plan *pipeline.Plan, path string) (encoder string, err error) {
	head, reason, err := firstPicture(ctx, tools, plan, path)
	if fault := media.Fault(err); fault != "" {
		return "", &pipeline.Refusal{Reason: fmt.Sprintf("Its first picture can't be encoded: %s.", fault), Err: err}
	}
	if err != nil && !media.Blames(err) {
		return "", fmt.Errorf("cannot test the settings: %w", err)
	}
	if reason != "" {
		plain := *plan
		plain.Settings.X264 = ""
		if _, same, _ := firstPicture(ctx, tools, &plain, path); same != "" { // without any settings too
			return "", &pipeline.Refusal{Reason: fmt.Sprintf("Its first picture can't be encoded, whatever the settings: %s.", same), Err: err}
		}
		return "", &pipeline.Refusal{Reason: fmt.Sprintf("x264 does not take the settings %q: %s.", plan.Settings.X264, reason), Err: err}
	}
	version := encoderVersion(head)
	if version == "" {
		return "", pipeline.Refuse("The first picture can't be decoded: nothing came out of a test encode.")
	}
	return version, checkProfile(plan, head)
}

// firstPicture encodes it and returns the stream's beginning, and why x264 did not take what it was told; empty if it
// did.
func firstPicture(ctx context.Context, tools media.Tools, plan *pipeline.Plan, path string) (stream []byte, reason string, err error) {
	cmd, err := args(plan, input{path: path, stream: plan.Video.Index}, 1)
	if err != nil {
		return nil, "", err
	}
	head := &firstBytes{}
	cmd = append(cmd, "-frames:v", "1", "-f", "h264", "pipe:1")
	stderr, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: cmd, Stdout: head, Limits: media.Encoding(1, 1, largest(plan))})
	reason = complaint(stderr, complaints)
	if err != nil && reason == "" {
		reason = complaint(stderr+"\n"+err.Error(), remarks)
	}
	return head.buf.Bytes(), reason, err
}

// profiles are the profiles in their order, each with all that those before it have, by the number that
// stands in the stream (ITU-T H.264, A.2).
var profiles = []struct {
	name string
	idc  byte
}{{"baseline", 66}, {"main", 77}, {"high", 100}, {"high10", 110}, {"high422", 122}, {"high444", 244}}

// checkProfile compares the profile that came out with the one asked for. The x264 command lets
// the profile override all else; ffmpeg lets single parameters override the profile, and a device that needs
// the profile could not play the result.
func checkProfile(plan *pipeline.Plan, stream []byte) error {
	x264, err := encoder.ParseX264(plan.Settings.X264)
	if err != nil || x264.Profile == "" {
		return err
	}
	sps := spsStart.FindIndex(stream)
	if sps == nil || sps[1] == len(stream) {
		return fmt.Errorf("cannot test the settings: the encoded picture has no sequence parameters")
	}
	got := stream[sps[1]]
	for _, p := range profiles {
		if p.idc == got {
			return nil
		}
		if p.name == x264.Profile {
			break
		}
	}
	return pipeline.Refuse("The settings %q contradict themselves: profile %s lacks something that another option asks for (such as --qp 0, which is lossless).",
		plan.Settings.X264, x264.Profile)
}

// spsStart is a start code and the type of a sequence parameter set; its profile is the next byte.
var spsStart = regexp.MustCompile(`\x00\x00\x01[\x27\x47\x67]`)

// complaints are what x264 and ffmpeg say of settings they don't take, even if they go on; the first
// group is the reason. remarks tell the reason only of an encode that failed.
var (
	complaints = []*regexp.Regexp{
		regexp.MustCompile(`Error parsing option '?(.+?)'?\.?$`),
		regexp.MustCompile(`x264 \[error\]: (.+)$`),
	}
	remarks = []*regexp.Regexp{
		regexp.MustCompile(`^\[libx264\] (.*(?:requires?d?|must|not|invalid).*)$`),
		regexp.MustCompile(`^(?:ffmpeg: )?(.+)$`),
	}
)

// complaint returns the last reason that the first matching pattern finds.
func complaint(stderr string, patterns []*regexp.Regexp) (reason string) {
	for _, pattern := range patterns {
		for _, line := range strings.Split(stderr, "\n") {
			if m := pattern.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				reason = strings.TrimRight(m[1], ". ")
			}
		}
		if reason != "" {
			break
		}
	}
	return reason
}

// firstBytes keeps the beginning of a stream, where the encoder's version stands.
type firstBytes struct{ buf bytes.Buffer }

func (f *firstBytes) Write(p []byte) (int, error) {
	if room := 256<<10 - f.buf.Len(); room > 0 {
		f.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
