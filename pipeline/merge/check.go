package merge

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Sum identifies a result's video packets, payload for payload, in file order.
type Sum struct {
	Packets int
	Digest  [sha256.Size]byte
	Extra   string // hash of the codec's private data
}

// SumOf takes from a reading of a result what the merge compares with.
func SumOf(c *media.Clip) Sum { return Sum{len(c.PTS), c.Digest, c.Extradata} }

// blame finds out whether a merge failed because of a result that went bad after it was accepted: it reads
// them all again. Otherwise the merge's error stays what it is.
func blame(ctx context.Context, tools media.Tools, req Request, failed error) error {
	req.Sums = nil
	var bad *pipeline.BadChunk
	if _, err := checkResults(ctx, tools, req); errors.As(err, &bad) {
		return err
	}
	return failed
}

// checkResults reads every result whose sum is not known: a file cut short or in the wrong place would
// merge without a complaint.
func checkResults(ctx context.Context, tools media.Tools, req Request) ([]Sum, error) {
	sums := make([]Sum, len(req.Results))
	copy(sums, req.Sums)
	reads, reading := errgroup.WithContext(ctx)
	reads.SetLimit(media.Cores())
	for i := range req.Results {
		if sums[i].Packets > 0 {
			continue
		}
		reads.Go(func() (err error) {
			if reading.Err() == nil {
				sums[i], err = checkResult(reading, tools, req, i)
			}
			return err
		})
	}
	if err := cmp.Or(reads.Wait(), context.Cause(ctx)); err != nil {
		return nil, err
	}
	return sums, sameParameters(sums)
}

func checkResult(ctx context.Context, tools media.Tools, req Request, i int) (Sum, error) {
	chunk := &req.Plan.Chunks[i]
	f, err := os.Open(req.Results[i])
	if err != nil {
		return Sum{}, unreadable(ctx, i, err)
	}
	defer func() { _ = f.Close() }()
	clip, err := tools.Clip(ctx, f, req.Results[i])
	if err != nil {
		return Sum{}, unreadable(ctx, i, err)
	}
	if req.CRCs != nil && !strings.EqualFold(clip.CRC32, req.CRCs[i]) {
		return Sum{}, &pipeline.BadChunk{Index: i, Reason: fmt.Sprintf("its CRC-32 is %s, its record says %s", clip.CRC32,
			req.CRCs[i])}
	}
	if len(clip.PTS) != chunk.PTS.Len() {
		return Sum{}, &pipeline.BadChunk{Index: i, Reason: fmt.Sprintf("it has %d frames, planned are %d", len(clip.PTS),
			chunk.PTS.Len())}
	}
	slices.Sort(clip.PTS)
	if _, exact := compareTimes(chunk.PTS.All(), req.Plan.Video.TimeBase, clip.PTS, clip.TimeBase); !exact {
		return Sum{}, &pipeline.BadChunk{Index: i, Reason: "its timestamps are not the planned ones"}
	}
	return SumOf(clip), nil
}

// unreadable tells a file that can't be read as what it should be, which is the chunk's fault, from being
// stopped and from a share that does not answer.
func unreadable(ctx context.Context, i int, err error) error {
	var path *fs.PathError
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist) || sharefs.Unreadable(err):
		return &pipeline.BadChunk{Index: i, Reason: fmt.Sprintf("it can't be read any more: %v", err)}
	case errors.As(err, &path) || sharefs.Trouble(err):
		return fmt.Errorf("cannot read the result: %w", err)
	}
	return &pipeline.BadChunk{Index: i, Reason: err.Error()}
}

// sameParameters compares the streams' headers, such as SPS and PPS: a container has one set for all of a track's
// frames, and the tools join chunks with different ones without a word. The odd ones out are the fewer ones.
func sameParameters(sums []Sum) error {
	count := map[string]int{}
	for _, s := range sums {
		count[s.Extra]++
	}
	if len(count) == 1 {
		return nil
	}
	usual := sums[0].Extra
	for extra, n := range count {
		if n > count[usual] {
			usual = extra
		}
	}
	var odd []string
	first := -1
	for i, s := range sums {
		if s.Extra != usual {
			if odd = append(odd, fmt.Sprintf("%05d", i)); first < 0 {
				first = i
			}
		}
	}
	if len(odd) > 10 {
		odd = append(odd[:10], "…")
	}
	return &pipeline.BadChunk{Index: first, Reason: "stream parameters differ from the other chunks' in " +
		strings.Join(odd, ", ")}
}

func checksum(r io.Reader) (size int64, crc string, err error) {
	h := crc32.NewIEEE()
	size, err = io.CopyBuffer(h, struct{ io.Reader }{r}, make([]byte, 1<<20))
	return size, fmt.Sprintf("%08X", h.Sum32()), err
}
