package media

import (
	"context"
	"io"
)

// aheadReader reads in the background what is looked at next.
type aheadReader struct {
	full, empty chan []byte // full is closed at the end
	err         error       // why it ended, nil: all was read; set before full is closed
	block, rest []byte      // the present one, and what is left of it
}

const (
	aheadBlock  = 512 << 10 // system calls are few on a network share, and the processor's cache holds it
	aheadBlocks = 3
)

// readAhead reads r until its end or ctx's. It uses r until full is closed.
func readAhead(ctx context.Context, r io.Reader) *aheadReader {
	a := &aheadReader{full: make(chan []byte), empty: make(chan []byte, aheadBlocks)}
	for range aheadBlocks {
		a.empty <- make([]byte, aheadBlock)
	}
	go func() {
		a.err = a.fill(ctx, r)
		close(a.full)
	}()
	return a
}

func (a *aheadReader) fill(ctx context.Context, r io.Reader) error {
	for {
		var b []byte
		select {
		case b = <-a.empty:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		n, err := r.Read(b[:cap(b)])
		select {
		case a.full <- b[:n]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (a *aheadReader) Read(b []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.block != nil {
			a.empty <- a.block // there is room for all
		}
		if a.block = <-a.full; a.block == nil {
			if a.err != nil {
				return 0, a.err
			}
			return 0, io.EOF
		}
		a.rest = a.block
	}
	n := copy(b, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}
