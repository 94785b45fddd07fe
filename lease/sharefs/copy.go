package sharefs

import (
	"context"
	"fmt"
	"io"
	"os"
)

// CreateFrom makes a new file with all that r gives, synced and closed, and returns its size in bytes. It ends with
// ctx. A name that exists is fs.ErrExist; after any other error the file was removed again, as far as that was
// possible.
func (f *FS) CreateFrom(ctx context.Context, name string, r io.Reader) (int64, error) {
	file, err := f.ops.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
	if err != nil {
		return 0, fmt.Errorf("cannot create %q: %w", name, err)
	}
	n, err := io.CopyBuffer(onlyWriter{file}, UntilDone(ctx, r), make([]byte, copyBlock))
	if err = finish(file, err); err != nil {
		_ = f.ops.Unlink(name) // ours: O_EXCL made it. What stays is swept
		return n, fmt.Errorf("cannot write %q: %w", name, err)
	}
	return n, nil
}

// copyBlock is copied at a time; 1 MiB is what an NFS or SMB client sends at once.
const copyBlock = 1 << 20

// onlyWriter hides the file's other methods from io.Copy.
type onlyWriter struct{ io.Writer }

// UntilDone returns a reader of r that ends with ctx, with its cause as the error.
func UntilDone(ctx context.Context, r io.Reader) io.Reader { return untilDone{ctx, r} }

type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(b)
}
