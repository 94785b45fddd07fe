package watcher

import (
	"context"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// rewatch is how often all folders are watched anew. It repairs watches that vanished with a folder that
// was removed and made again, and those that an overflow kept from being set.
const rewatch = 30 * time.Second

// Notify returns a channel that receives a value soon after a new name appeared in one of the folders,
// absolute paths, or below; several at once are one value. It wakes scans and promises nothing: other
// machines' changes are not seen, and where watching is impossible the channel stays silent, which is
// logged once. It ends with ctx, without closing the channel.
func Notify(ctx context.Context, log *slog.Logger, dirs ...string) <-chan struct{} {
	n := &notifier{log: log, dirs: dirs, wake: make(chan struct{}, 1)}
	watches, err := fsnotify.NewWatcher()
	if err != nil { // no inotify instance left: inotify(7), max_user_instances
		n.complain(err)
		return n.wake
	}
	n.watches = watches
	n.watchAll()
	go n.run(ctx)
	return n.wake
}

// notifier belongs to its goroutine.
type notifier struct {
	log        *slog.Logger
	dirs       []string
	wake       chan struct{}
	watches    *fsnotify.Watcher
	complained bool
}

func (n *notifier) run(ctx context.Context) {
	defer func() { _ = n.watches.Close() }()
	again := time.NewTicker(rewatch)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			n.watchAll()
		case event := <-n.watches.Events:
			n.handle(event)
		case err := <-n.watches.Errors: // mostly ErrEventOverflow: names were missed, perhaps folders
			n.log.Debug("missed changes in watched folders", "error", err)
			n.watchAll()
			n.ring()
		}
	}
}

// handle looks at new names only, which a rename makes too. Writes would wake a scan thousands of times
// during one copy, and no write says that a file is complete.
func (n *notifier) handle(event fsnotify.Event) {
	if !event.Has(fsnotify.Create) || Ignored(filepath.Base(event.Name)) {
		return
	}
	n.watch(event.Name) // before the wake, so that the scan sees what came before the watch
	n.ring()
}

func (n *notifier) ring() {
	select {
	case n.wake <- struct{}{}:
	default: // one is waiting already
	}
}

func (n *notifier) watchAll() {
	for _, dir := range n.dirs {
		n.watch(dir)
	}
}

// watch adds a folder and those below it; inotify is not recursive. A watch that exists stays as it is.
// What is no folder is passed over, and links are not followed.
func (n *notifier) watch(root string) {
	_ = filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || !e.IsDir(): // gone meanwhile, or closed to us: the scan says so
			return nil
		case name != root && Ignored(e.Name()):
			return filepath.SkipDir
		}
		if err := n.watches.Add(name); err != nil {
			n.complain(err)
		}
		return nil
	})
}

func (n *notifier) complain(err error) {
	if !n.complained {
		n.complained = true
		n.log.Info("cannot watch all folders, new files are found by scanning", "error", err)
	}
}
