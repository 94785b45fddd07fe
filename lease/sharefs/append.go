package sharefs

import (
	"context"
	"fmt"
	"io"
	"os"
)

// syncBlock is how many bytes Append writes at most before it syncs: what a power cut of the file server can take.
const syncBlock = 64 << 20

// Append writes all that r gives to the end of an existing regular file of one writer; the end must be at, in bytes. It
// returns how many bytes were written and synced. It ends with ctx. After an error of r or of ctx what r gave before it
// is in the file; after any other error the file's size says how much of it may be.
//
// What was written is synced every 64 MiB and at the end. A file server that loses power before may keep less, so the
// size that Stat finds later counts, not the sum of what was returned.
func (f *FS) Append(ctx context.Context, name string, at int64, r io.Reader) (int64, error) {
	file, info, err := f.openRegular(name, os.O_WRONLY|plainOnly)
	if err == nil && info.Size() != at {
		_ = file.Close() // nothing was written through it
		err = fmt.Errorf("it has %d bytes and not %d", info.Size(), at)
	}
	if err != nil {
		return 0, fmt.Errorf("cannot append to %q: %w", name, err)
	}
	n, err := appendBlocks(file, at, UntilDone(ctx, r))
	if synced := finish(file, nil); synced != nil {
		return 0, fmt.Errorf("cannot append to %q: %w", name, synced)
	}
	if err != nil {
		return n, fmt.Errorf("cannot append to %q: %w", name, err)
	}
	return n, nil
}

// appendBlocks writes block by block, also the one that an error of r cuts short.
func appendBlocks(file File, at int64, r io.Reader) (n int64, err error) {
	block := make([]byte, copyBlock)
	for {
		got, readErr := fill(r, block)
		wrote, err := file.WriteAt(block[:got], at+n)
		n += int64(wrote)
		switch {
		case err != nil:
			return n, err
		case readErr == io.EOF:
			return n, nil
		case readErr != nil:
			return n, readErr
		}
		if n%syncBlock == 0 {
			if err := file.Sync(); err != nil {
				return n, err
			}
		}
	}
}

// fill is io.ReadFull with r's own error: an http.Request's body that is cut off says io.ErrUnexpectedEOF, and one that
// is whole io.EOF.
func fill(r io.Reader, block []byte) (n int, err error) {
	for n < len(block) && err == nil {
		var got int
		got, err = r.Read(block[n:])
		n += got
	}
	return n, err
}
