package merge

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// sum identifies a result's video packets, payload for payload, in file order.
type sum struct {
	packets int
	digest  [sha256.Size]byte
	extra   string // hash of the codec's private data
}

// checkResults reads every result once more: a bit that flipped since it was accepted, a file cut
// short or in the wrong place would all merge without a complaint.
func checkResults(ctx context.Context, tools media.Tools, req Request) ([]sum, error) {
	sums := make([]sum, len(req.Results))
	errs := make([]error, len(req.Results))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.NumCPU())
	for i := range req.Results {
		free <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-free }()
			if sums[i], errs[i] = checkResult(ctx, tools, req, i); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	if err := firstError(errs); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	return sums, sameParameters(sums)
}

// firstError prefers a *BadChunk: others may only tell that they were cancelled because of it.
func firstError(errs []error) error {
	var first error
	for _, err := range errs {
		if _, bad := err.(*BadChunk); bad {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

func checkResult(ctx context.Context, tools media.Tools, req Request, i int) (sum, error) {
	chunk := &req.Plan.Chunks[i]
	if req.CRCs != nil {
		got, err := fileCRC(req.Results[i])
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.EIO) {
			return sum{}, &BadChunk{i, fmt.Sprintf("it can't be read any more: %v", err)}
		}
		if err != nil {
			return sum{}, err
		}
		if !strings.EqualFold(got, req.CRCs[i]) {
			return sum{}, &BadChunk{i, fmt.Sprintf("its CRC-32 is %s, its record says %s", got, req.CRCs[i])}
		}
	}
	file, err := tools.Probe(ctx, req.Results[i])
	if err != nil {
		return sum{}, unreadable(ctx, i, err)
	}
	if len(file.Streams) == 0 || file.Streams[0].Type != "video" {
		return sum{}, &BadChunk{i, "it has no video stream"}
	}
	video := file.Streams[0]
	pts := make([]int64, 0, len(chunk.PTS))
	fold := newFold()
	err = readPackets(ctx, tools, req.Results[i], func(p packet) error {
		if p.stream == video.Index {
			pts = append(pts, p.pts)
			fold.add(p)
		}
		return nil
	})
	if err != nil {
		return sum{}, unreadable(ctx, i, err)
	}
	if len(pts) != len(chunk.PTS) {
		return sum{}, &BadChunk{i, fmt.Sprintf("it has %d frames, planned are %d", len(pts), len(chunk.PTS))}
	}
	slices.Sort(pts)
	if _, exact := compareTimes(chunk.PTS, rational(req.Plan.Video.TimeBase), pts, video.TimeBase); !exact {
		return sum{}, &BadChunk{i, "its timestamps are not the planned ones"}
	}
	return sum{len(pts), fold.digest(), video.ExtradataSHA256}, nil
}

// unreadable tells a file that ffprobe can't read, which is the chunk's fault, from being stopped.
func unreadable(ctx context.Context, i int, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &BadChunk{i, err.Error()}
}

// sameParameters compares SPS and PPS: a container has one set for all of a track's frames, and the
// tools join chunks with different ones without a word. The odd ones out are the fewer ones.
func sameParameters(sums []sum) error {
	count := map[string]int{}
	for _, s := range sums {
		count[s.extra]++
	}
	if len(count) == 1 {
		return nil
	}
	usual := sums[0].extra
	for extra, n := range count {
		if n > count[usual] {
			usual = extra
		}
	}
	var odd []string
	first := -1
	for i, s := range sums {
		if s.extra != usual {
			if odd = append(odd, fmt.Sprintf("%05d", i)); first < 0 {
				first = i
			}
		}
	}
	if len(odd) > 10 {
		odd = append(odd[:10], "…")
	}
	return &BadChunk{first, "stream parameters (SPS, PPS) differ from the other chunks' in " + strings.Join(odd, ", ")}
}

// fold makes one digest of many packets' hashes.
type fold struct {
	hash hash.Hash
	n    int
}

func newFold() *fold { return &fold{hash: sha256.New()} }

func (f *fold) add(p packet) {
	f.hash.Write(p.hash[:]) // never fails
	f.n++
}

func (f *fold) digest() (d [sha256.Size]byte) {
	f.hash.Sum(d[:0])
	return d
}

func fileCRC(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the result %q: %w", path, err)
	}
	defer func() { _ = f.Close() }()
	_, crc, err := checksum(f)
	if err != nil {
		return "", fmt.Errorf("cannot read the result %q: %w", path, err)
	}
	return crc, nil
}

func checksum(r io.Reader) (size int64, crc string, err error) {
	h := crc32.NewIEEE()
	size, err = io.CopyBuffer(h, struct{ io.Reader }{r}, make([]byte, 1<<20))
	return size, fmt.Sprintf("%08X", h.Sum32()), err
}

func rational(r pipeline.Rational) media.Rational { return media.Rational{Num: r.Num, Den: r.Den} }
