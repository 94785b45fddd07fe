package encode

import (
	"context"
	"fmt"
	"math/big"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Check compares an encoded chunk with the plan: one video stream of the planned kind, whose frames have
// exactly the planned timestamps. The error is ErrFrames if they have not. It reads the whole file's
// packets and decodes nothing. extradata is the SHA-256 of the stream's headers, which all chunks of a
// job must share.
func Check(ctx context.Context, tools media.Tools, plan *pipeline.Plan, chunk *pipeline.Chunk, path string) (frames int, extradata string, err error) {
	f, err := tools.Probe(ctx, path)
	if err != nil {
		return 0, "", fmt.Errorf("cannot check the result: %w", err)
	}
	if len(f.Streams) != 1 || f.Streams[0].Type != "video" {
		return 0, "", fmt.Errorf("%w: the result has %d streams", ErrFrames, len(f.Streams))
	}
	s := f.Streams[0]
	if s.Width != plan.Out.Width || s.Height != plan.Out.Height || s.Codec != "h264" || s.ExtradataSHA256 == "" {
		return 0, "", fmt.Errorf("%w: the result is %s in %dx%d", ErrFrames, s.Codec, s.Width, s.Height)
	}
	if !sameFields(plan.Out.Fields, s.FieldOrder) {
		return 0, "", fmt.Errorf("%w: the result's order of fields is %q, planned is %q", ErrFrames, s.FieldOrder, plan.Out.Fields)
	}
	p, err := tools.Packets(ctx, path, s.Index)
	if err != nil {
		return 0, "", fmt.Errorf("cannot check the result: %w", err)
	}
	if err := comparePTS(chunk.PTS, plan.Video.TimeBase, p, s.TimeBase); err != nil {
		return 0, "", err
	}
	return p.Len(), s.ExtradataSHA256, nil
}

// sameFields compares the planned order of fields with what the chunk's container says.
func sameFields(planned, found string) bool {
	switch found {
	case "tt":
		return planned == "tff"
	case "bb":
		return planned == "bff"
	}
	return planned == "" && (found == "" || found == "progressive")
}

// comparePTS compares without rounding: ticks of two time bases are equal only as fractions.
func comparePTS(want []int64, wantBase pipeline.Rational, p *media.Packets, gotBase media.Rational) error {
	if p.Len() != len(want) {
		return fmt.Errorf("%w: %d came out, %d are planned", ErrFrames, p.Len(), len(want))
	}
	got := slices.Clone(p.PTS)
	slices.Sort(got)
	same := equalTicks(wantBase, pipeline.Rational(gotBase))
	for i := range want {
		if got[i] == media.NoPTS || p.Flags[i]&media.Discard != 0 || !same(want[i], got[i]) {
			return fmt.Errorf("%w: frame %d of %d is at tick %d of %v, planned at %d of %v",
				ErrFrames, i, len(want), got[i], gotBase, want[i], wantBase)
		}
	}
	return nil
}

func equalTicks(a, b pipeline.Rational) func(x, y int64) bool {
	if a == b {
		return func(x, y int64) bool { return x == y }
	}
	scale := func(v, num, den int64) *big.Int {
		n := new(big.Int).Mul(big.NewInt(v), big.NewInt(num))
		return n.Mul(n, big.NewInt(den))
	}
	return func(x, y int64) bool { return scale(x, a.Num, b.Den).Cmp(scale(y, b.Num, a.Den)) == 0 }
}
