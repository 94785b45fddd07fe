package media

import (
	"context"
	"io"
	"os"
	"os/exec"
)

// startInto starts cmd and copies its stdout to out. When cmd has been waited for, copied waits for the rest,
// for as long as out takes: what compares two files side by side waits for the slower one, as long as the
// share hangs. (exec.Cmd's own copying ends WaitDelay after the child.) It ends with ctx.
func startInto(cmd *exec.Cmd, out *pulse) (copied func(ctx context.Context) error, err error) {
	if out.w == nil {
		return func(context.Context) error { return nil }, cmd.Start()
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout = w
	err = cmd.Start()
	_ = w.Close() // the child has its own
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	done := make(chan error, 1)
	go func() {
		_, err := io.Copy(out, r)
		_ = r.Close() // ends a child whose reader has had enough
		done <- err
	}()
	return func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = r.Close() })
		defer stop()
		return <-done
	}, nil
}
