package encode

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Test encodes the source's first picture as the plan says, so that settings which the encoder does not take are told
// at submission, and returns the encoder's version. The error is a *pipeline.Refusal that names the setting.
//
// Settings that were taken for pictures of this form, from a stream of this kind, are not tried again: see media.Facts.
func Test(ctx context.Context, tools media.Tools, plan *pipeline.Plan, path string) (version string, err error) {
	enc, options, err := encoder.Of(plan.Settings)
	if err != nil {
		return "", err
	}
	cmd := args(plan, options, input{path: "/", stream: plan.Video.Index}, 1)
	question := fmt.Sprintf("test %s of %+v", strings.Join(cmd, " "), plan.Video)
	return media.Recall(ctx, tools, tools.FFmpeg, question, func() (string, error) {
		return test(ctx, tools, plan, path, enc, options)
	})
}

func test(ctx context.Context, tools media.Tools, plan *pipeline.Plan, path string, enc encoder.Encoder,
	options encoder.Options) (version string, err error) {
	refuse := func(format string, args ...any) (string, error) {
		return "", &pipeline.Refusal{Reason: fmt.Sprintf(format, args...), Err: err}
	}
	head, messages, err := firstPicture(ctx, tools, plan, options, enc.Bare(), path)
	reason := enc.Complaint(messages, err != nil)
	if fault := media.Fault(err); fault != "" {
		return refuse("Its first picture can't be encoded: %s.", fault)
	}
	if err != nil && media.LacksEncoder(messages) {
		return refuse("ffmpeg has no %s on the machine that plans, where the settings are tried: install one there that "+
			"was built with it, or use another encoder.", enc.Library())
	}
	if err != nil && !media.Blames(err) {
		return "", fmt.Errorf("cannot test the settings: %w", err)
	}
	if reason != "" {
		plain, _ := enc.Parse("")
		_, messages, err := firstPicture(ctx, tools, plan, plain, enc.Bare(), path)
		if same := enc.Complaint(messages, err != nil); same != "" { // without any settings too
			return refuse("Its first picture can't be encoded, whatever the settings: %s.", same)
		}
		return refuse("%s does not take the settings %q: %s.", enc.Name(), plan.Settings.Options, reason)
	}
	if len(head) == 0 {
		return refuse("The first picture can't be decoded: nothing came out of a test encode.")
	}
	contradiction, err := options.Contradiction(head)
	if err != nil {
		return "", fmt.Errorf("cannot test the settings: %w", err)
	}
	if contradiction != "" {
		return refuse("The settings %q contradict themselves: %s.", plan.Settings.Options, contradiction)
	}
	return enc.Version(head, messages), nil
}

// firstPicture encodes it and returns the beginning of its bare stream, and what ffmpeg said.
func firstPicture(
	ctx context.Context, tools media.Tools, plan *pipeline.Plan, options encoder.Options, format, path string,
) (stream []byte, messages string, err error) {
	head := &firstBytes{}
	cmd := args(plan, options, input{path: path, stream: plan.Video.Index}, 1)
	cmd = append(cmd, "-frames:v", "1", "-f", format, "pipe:1")
	messages, err = tools.Run(ctx, media.Command{
		Program: tools.FFmpeg, Args: cmd, Stdout: head, Limits: media.Encoding(1, 1, largest(plan)),
	})
	if err != nil {
		messages += "\n" + err.Error()
	}
	return head.buf.Bytes(), messages, err
}

// firstBytes keeps the beginning of a stream, where the encoder's version stands.
type firstBytes struct{ buf bytes.Buffer }

func (f *firstBytes) Write(p []byte) (int, error) {
	if room := 256<<10 - f.buf.Len(); room > 0 {
		f.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
