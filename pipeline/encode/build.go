package encode

import (
	"context"
	"errors"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// madeUp is ffmpeg's source of the picture that encoders are tried with. Every encoder takes one of this size.
const madeUp = "color=s=64x64:r=24"

// Tried is what came of one made-up picture.
type Tried struct {
	Version string // as the encoder told it
	Headers string // SHA-256 of the stream's parameter sets, lower-case hex
}

// Try encodes one made-up picture of a pixel format with an encoder's default options. The picture says much of itself,
// because that is what versions of ffmpeg pass on in different ways. An error for which media.Blames is true, or that
// is a *pipeline.Refusal, says that this machine can't encode that format so.
func Try(ctx context.Context, tools media.Tools, name, format string) (Tried, error) {
	plan := &pipeline.Plan{
		Settings: pipeline.Settings{Encoder: name},
		Video: pipeline.Video{
			Width: 64, Height: 64, PixFmt: format, TimeBase: pipeline.Rational{Num: 1, Den: 24},
			SAR: pipeline.Rational{Num: 16, Den: 11}, FrameRate: pipeline.Rational{Num: 24000, Den: 1001},
			Colour: pipeline.Colour{ColorSpace: "bt709", ColorTransfer: "bt709", ColorPrimary: "bt709", ChromaLoc: "topleft"},
		},
		Out: pipeline.Picture{Width: 64, Height: 64, PixFmt: format, SAR: pipeline.Rational{Num: 16, Den: 11}},
	}
	enc, options, err := encoder.Of(plan.Settings)
	if err != nil {
		return Tried{}, err
	}
	cmd := append(args(plan, options, input{}, 1), "-frames:v", "1")
	return media.Recall(ctx, tools, tools.FFmpeg, "try "+strings.Join(cmd, " "), func() (Tried, error) {
		return tryOne(ctx, tools, enc, cmd)
	})
}

// tryOne encodes a made-up picture.
func tryOne(ctx context.Context, tools media.Tools, enc encoder.Encoder, cmd []string) (Tried, error) {
	clip, messages, err := tools.Sample(ctx, media.Reading(0), cmd...)
	if err != nil {
		if reason := enc.Complaint(messages, true); reason != "" && media.Blames(err) {
			err = pipeline.Refuse("%s", reason).Because(err)
		}
		return Tried{}, err
	}
	found := Tried{Version: enc.Version(clip.Head, messages), Headers: clip.Extradata}
	switch {
	case clip.Codec != "" && clip.Codec != enc.Codec(), found.Headers == "":
		err = pipeline.Refuse("what came out is no %s", enc.Codec()).Because(errNothing)
	case found.Version == "":
		found.Version = enc.Name() + " without a version"
	}
	return found, err
}

var errNothing = errors.New("a made-up picture was encoded, and nothing of use came out")
