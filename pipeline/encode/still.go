package encode

import (
	"bytes"
	"context"
	"fmt"

	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// stillWidth is how wide a still is at most, in pixels.
const stillWidth = 1280

// toStill are the last filters of a picture that people are to look at: square pixels, in a size that a page holds, in
// the colours of a JPEG. swscale's default takes every second column of the colours.
var toStill = fmt.Sprintf(`scale=w=min(%d\,iw*sar):h=ow/dar:flags=lanczos+accurate_rnd+full_chroma_int`+
	`:out_range=pc:out_color_matrix=bt601,setsar=1,format=yuvj444p`, stillWidth)

// asJPEG are the options for one JPEG to stdout, in which nothing of a coarse encode is lost.
var asJPEG = []string{"-frames:v", "1", "-c:v", "mjpeg", "-q:v", "2", "-f", "mjpeg", "pipe:1"}

// SourceStill returns a picture of the request's chunk as the encoder was given it, in JPEG: the one of that number,
// counted from the chunk's first. method is how the chunk was encoded, as its record says.
func SourceStill(ctx context.Context, tools media.Tools, req Request, method string, n int) ([]byte, error) {
	_, options, err := encoder.Of(req.Plan.Settings)
	if err != nil {
		return nil, err
	}
	for _, in := range pictureWays(req, method, n) {
		args := decoding(req.Plan, in, filters(req.Plan, options.Look(), in)+","+toStill, 1)
		still, failed := jpeg(ctx, tools, args, limits(req, in))
		if failed == nil && len(still) > 0 {
			return still, nil
		}
		if err = failed; err != nil && !worthAnother(ctx, err) {
			break
		}
	}
	if err == nil {
		err = ErrFrames
	}
	return nil, fmt.Errorf("cannot show a picture of the source: %w", err)
}

// ResultStill returns a picture of the request's result, as SourceStill does.
func ResultStill(ctx context.Context, tools media.Tools, req Request, n int) ([]byte, error) {
	args := append(append(media.BaseArgs(), "-noautorotate"), media.Input(req.Out)...)
	args = append(args, "-map", "0:0", "-vf", fmt.Sprintf(`select=eq(n\,%d),`, n)+toStill, "-fps_mode", "passthrough")
	still, err := jpeg(ctx, tools, args, limits(req, input{method: "piece"}))
	if err == nil && len(still) == 0 {
		err = ErrFrames
	}
	if err != nil {
		return nil, fmt.Errorf("cannot show a picture of the result: %w", err)
	}
	return still, nil
}

func jpeg(ctx context.Context, tools media.Tools, args []string, limits media.Limits) ([]byte, error) {
	var out bytes.Buffer
	_, err := tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: append(args, asJPEG...), Stdout: &out,
		Limits: limits})
	return out.Bytes(), err
}
