// Package reread holds what was read from small files of this machine, and reads them again when they have changed: a
// new certificate or a withdrawn token needs no restart.
package reread

import (
	"log/slog"
	"os"
	"sync"
	"time"
)

// lookEvery is the least time between two looks at the files.
const lookEvery = time.Second

// Value is what the files hold. Any number of goroutines may use it.
type Value[T any] struct {
	read  func() (T, error)
	names []string
	log   *slog.Logger

	mu     sync.Mutex
	value  T
	err    error         // why the files can't be read as they are now
	seen   []os.FileInfo // as they were when the value was read
	looked time.Time
}

// New reads the value for the first time; the error is read's. names are the files that read reads.
func New[T any](log *slog.Logger, read func() (T, error), names ...string) (*Value[T], error) {
	v := &Value[T]{read: read, names: names, log: log, looked: time.Now()}
	v.seen = v.stat()
	var err error
	v.value, err = read()
	return v, err
}

// Get returns the value as the files have it now. With an error of read, which the log tells as well, it is the last
// one that they had: whether that counts any longer is for the caller to say.
func (v *Value[T]) Get() (T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if time.Since(v.looked) >= lookEvery {
		v.looked = time.Now()
		v.look()
	}
	return v.value, v.err
}

// look reads the files again where they have changed, or could not be read the last time.
func (v *Value[T]) look() {
	now := v.stat()
	if v.err == nil && same(v.seen, now) {
		return
	}
	value, err := v.read()
	if err != nil {
		if v.err == nil || v.err.Error() != err.Error() {
			v.log.Error("a file has changed and can't be used", "error", err)
		}
		v.err = err
		return
	}
	v.value, v.err, v.seen = value, nil, now
	v.log.Info("a file has changed and was read again", "files", v.names)
}

// stat looks at the files; one that can't be looked at is nil.
func (v *Value[T]) stat() []os.FileInfo {
	all := make([]os.FileInfo, len(v.names))
	for i, name := range v.names {
		if info, err := os.Stat(name); err == nil {
			all[i] = info
		}
	}
	return all
}

func same(a, b []os.FileInfo) bool {
	for i := range a {
		if (a[i] == nil) != (b[i] == nil) {
			return false
		}
		if a[i] != nil && (!os.SameFile(a[i], b[i]) || !a[i].ModTime().Equal(b[i].ModTime()) ||
			a[i].Size() != b[i].Size() || a[i].Mode() != b[i].Mode()) {
			return false
		}
	}
	return true
}
