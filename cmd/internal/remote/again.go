package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/lease/sharefs"
)

const (
	// firstPause is the wait after a connection broke; each next one is twice as long, up to longestPause.
	firstPause   = time.Second
	longestPause = time.Minute
	// persistence is for how long it is tried again without that anything moves.
	persistence = time.Hour
	// stalled is how long a connection moves nothing until it counts as broken.
	stalled = time.Minute
)

// Watch is told how a long transfer goes. Its functions are called by one goroutine at a time.
type Watch struct {
	Moved  func(done, total int64) // bytes
	Broken func(err error)         // it is tried again
}

// again tries until it is done, or there is no use in it. try reports whether anything moved. What fails at first,
// before the master has answered, is most likely a wrong address, and an error at once.
func again(ctx context.Context, w Watch, try func(context.Context) (moved bool, err error)) error {
	pause, last, contact := firstPause, time.Now(), false
	for {
		moved, err := try(ctx)
		if moved {
			pause, last, contact = firstPause, time.Now(), true
		}
		contact = contact || busy(err)
		if err == nil || ctx.Err() != nil || !contact || !mayPass(err) || time.Since(last) > persistence {
			return err
		}
		w.Broken(err)
		if err := sharefs.Sleep(ctx, sharefs.Jitter(pause)); err != nil {
			return err
		}
		pause = min(2*pause, longestPause)
	}
}

// errMoreToCome is why another try is due although nothing failed.
var errMoreToCome = errors.New("the other end closed the connection early")

// mayPass reports whether the same may work later. An error that is no answer of the master is the network's.
func mayPass(err error) bool {
	if errors.As(err, new(*fileError)) {
		return false
	}
	p, answered := errors.AsType[*control.Problem](err)
	if !answered {
		return true
	}
	switch p.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusConflict: // but for what a person has to change
		return p.Kind == control.KindBusy || p.Kind == control.KindOffset
	}
	return false
}

// busy reports whether a master answered that another client, or an earlier call that it does not know to be gone, is
// at the same file.
func busy(err error) bool {
	p, ok := errors.AsType[*control.Problem](err)
	return ok && p.Kind == control.KindBusy
}

// cause is why a transfer broke: the watch's word rather than what follows from it.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// fileError is one of this machine's own file.
type fileError struct{ error }

func (e *fileError) Unwrap() error { return e.error }

// moving ends the context of a transfer in which nothing moves any more.
type moving struct {
	io.Reader

	timer *time.Timer
	read  func(n int)
}

// watched returns a reader that keeps its context alive as long as it is read, and tells how much of it was.
func watched(ctx context.Context, r io.Reader, read func(n int)) (context.Context, *moving, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(stalled, func() { cancel(errors.New("the connection does not move any more")) })
	return ctx, &moving{r, timer, read}, func() { timer.Stop(); cancel(nil) }
}

// Read implements io.Reader. Its end ends the watch: an answer may take its time.
func (m *moving) Read(b []byte) (int, error) {
	m.timer.Reset(stalled)
	n, err := m.Reader.Read(b)
	if err != nil {
		m.timer.Stop()
	}
	m.read(n)
	return n, err
}
