package lease

import (
	"context"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(holderRoot); root != "" {
		holdUntilKilled(root)
	}
	goleak.VerifyTestMain(m)
}

var terms = Terms{Heartbeat: 10 * time.Second, Expiry: 2 * time.Minute}

// newShare returns a share with the folders that leases need, and one through which hook is called.
func newShare(t *testing.T, hook sharefstest.Hook) (plain, hooked *sharefs.FS) {
	t.Helper()
	dir := t.TempDir()
	plain, err := sharefs.Open(dir)
	require.NoError(t, err)
	for _, d := range []string{"leases", "master", "probe"} {
		require.NoError(t, plain.MkdirAll(d))
	}
	if hook == nil {
		return plain, plain
	}
	return plain, sharefs.New(dir, sharefstest.WithHook(sharefs.OS(dir), hook))
}

// bubbleClock is boottime for a synctest bubble, where only package time's clock runs.
func bubbleClock() Option {
	began := time.Now()
	return WithBoottime(func() time.Duration { return time.Since(began) })
}

// outage is a share that fails or hangs for all whose operations start with prefix, while it is set.
type outage struct {
	prefix string

	mu   sync.Mutex
	err  error
	hang chan struct{}
}

func (o *outage) hook(op, name string) error {
	o.mu.Lock()
	err, hang := o.err, o.hang
	o.mu.Unlock()
	if !strings.HasPrefix(op+" "+name, o.prefix) {
		return nil
	}
	if hang != nil {
		<-hang
	}
	return err
}

func (o *outage) fail(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.err = err
}

// stall lets operations hang until the returned function is called.
func (o *outage) stall() (heal func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	hang := make(chan struct{})
	o.hang = hang
	return func() {
		o.mu.Lock()
		o.hang = nil
		o.mu.Unlock()
		close(hang)
	}
}

// fakeLocker answers as told.
type fakeLocker struct {
	mu    sync.Mutex
	err   error
	hang  chan struct{}
	calls int
	held  int
}

func (f *fakeLocker) TryLock(string) (func() error, error) {
	f.mu.Lock()
	f.calls++
	hang := f.hang
	f.mu.Unlock()
	if hang != nil {
		<-hang
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	f.held++
	return func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.held--
		return nil
	}, nil
}

func (f *fakeLocker) set(err error, hang chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err, f.hang = err, hang
}

func (f *fakeLocker) state() (calls, held int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls, f.held
}

func list(t *testing.T, share *sharefs.FS, dir string) []string {
	t.Helper()
	names, err := share.List(dir)
	require.NoError(t, err)
	return names
}

func read(t *testing.T, share *sharefs.FS, name string) string {
	t.Helper()
	data, err := share.Read(name, textLimit)
	require.NoError(t, err)
	return string(data)
}

// work is a Guard that remembers what was done to it.
type work struct {
	mu     sync.Mutex
	dead   bool
	gone   bool
	err    error // of Owned
	looks  int
	events []string // pause and resume, with the time since the work began
	began  time.Time
}

func newWork() *work { return &work{began: time.Now()} }

func (w *work) guard() Guard {
	event := func(what string) func() {
		return func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.events = append(w.events, what+" "+time.Since(w.began).String())
		}
	}
	return Guard{
		Alive: func() bool { w.mu.Lock(); defer w.mu.Unlock(); return !w.dead },
		Owned: func(context.Context) (bool, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.looks++
			return !w.gone && w.err == nil, w.err
		},
		Pause: event("pause"), Resume: event("resume"),
	}
}

func (w *work) set(f func(*work)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

func (w *work) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.events...)
}
