package encode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Check compares an encoded chunk with the plan: one video stream of the planned kind, whose frames have
// exactly the planned timestamps. The error is ErrFrames if they have not. It reads the whole file, r at its
// start and path its absolute name, and decodes nothing. The Clip has the file's CRC-32 beside an error too, if all
// of it was read.
func Check(
	ctx context.Context, tools media.Tools, plan *pipeline.Plan, chunk *pipeline.Chunk, r io.Reader, path string,
) (*media.Clip, error) {
	c, err := tools.Clip(ctx, r, path)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: the result is cut off", ErrFrames)
	}
	if err != nil {
		return c, fmt.Errorf("cannot check the result: %w", err)
	}
	if c.Streams != 1 {
		return c, fmt.Errorf("%w: the result has %d streams", ErrFrames, c.Streams)
	}
	enc, err := encoder.Named(plan.Settings.Encoder)
	if err != nil {
		return c, err
	}
	if c.Width != plan.Out.Width || c.Height != plan.Out.Height || c.Codec != enc.Codec() || c.Extradata == "" {
		return c, fmt.Errorf("%w: the result is %s in %dx%d", ErrFrames, c.Codec, c.Width, c.Height)
	}
	if !sameFields(plan.Out.Fields, c.FieldOrder) {
		return c, fmt.Errorf("%w: the result's order of fields is %q, planned is %q",
			ErrFrames, c.FieldOrder, plan.Out.Fields)
	}
	return c, comparePTS(chunk.PTS.All(), plan.Video.TimeBase, c)
}

// sameFields compares the planned order of fields with what the chunk's container says.
func sameFields(planned, found string) bool {
	switch found { // ffmpeg 5.1 says tt and bb, later ones tb and bt: for Matroska both are what comes first (RFC 9559)
	case "tt", "tb":
		return planned == "tff"
	case "bb", "bt":
		return planned == "bff"
	}
	return planned == "" && (found == "" || found == "progressive")
}

// comparePTS compares without rounding: ticks of two time bases are equal only as fractions.
func comparePTS(want []int64, wantBase pipeline.Rational, c *media.Clip) error {
	if len(c.PTS) != len(want) {
		return fmt.Errorf("%w: %d came out, %d are planned", ErrFrames, len(c.PTS), len(want))
	}
	got := slices.Clone(c.PTS)
	slices.Sort(got)
	same := equalTicks(wantBase, c.TimeBase)
	for i := range want {
		if got[i] == media.NoPTS || !same(want[i], got[i]) {
			return fmt.Errorf("%w: frame %d of %d is at tick %d of %v, planned at %d of %v",
				ErrFrames, i, len(want), got[i], c.TimeBase, want[i], wantBase)
		}
	}
	return nil
}

func equalTicks(a, b pipeline.Rational) func(x, y int64) bool {
	if a == b {
		return func(x, y int64) bool { return x == y }
	}
	product := func(v, num, den int64) *big.Int {
		n := new(big.Int).Mul(big.NewInt(v), big.NewInt(num))
		return n.Mul(n, big.NewInt(den))
	}
	return func(x, y int64) bool { return product(x, a.Num, b.Den).Cmp(product(y, b.Num, a.Den)) == 0 }
}
