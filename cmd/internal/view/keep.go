package view

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

const (
	// keepEvery is the time between two looks of who keeps the page: half of a worker's usual heartbeat.
	keepEvery = 5 * time.Second
	// keepLeast is the least time between two looks, however often one is wanted.
	keepLeast = 250 * time.Millisecond
	// keepAlive is the longest time between two writings of a page that stays as it is: the page tells by
	// its age whether a master lives.
	keepAlive = time.Minute
)

// Keeper keeps status.html and status.json on the share while its master leads, and has the latest state
// for others in this process.
type Keeper struct {
	FS   *sharefs.FS
	Node string // the master's
	Log  *slog.Logger
	// Sidecars and MinFree are for status.NewReader.
	Sidecars status.SidecarReader
	MinFree  int64
	Seen     func(*status.Status) // is told of each state that was read; may be nil
	Wake     <-chan struct{}      // somebody wants to see soon what has changed; may be nil

	latest  atomic.Pointer[status.Status]
	written []byte // the last status.json, without what changes all the time
	when    time.Time
}

// Latest returns the last state that was read, nil before the first. Nobody may change it.
func (k *Keeper) Latest() *status.Status { return k.latest.Load() }

// Run reads the share's state again and again until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	r := status.NewReader(k.FS, k.Sidecars, k.MinFree)
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		k.refresh(ctx, r)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-k.Wake:
			time.Sleep(keepLeast)
		}
	}
}

// refresh reads the state once and writes it down if this master leads. A share that does not answer is
// for those to tell who do the work.
func (k *Keeper) refresh(ctx context.Context, r *status.Reader) {
	s, err := r.Read(ctx)
	if err != nil {
		k.Log.Debug("cannot read the state", "error", err)
		return
	}
	k.latest.Store(s)
	if k.Seen != nil {
		k.Seen(s)
	}
	if s.Master == nil || s.Master.Node != k.Node {
		return
	}
	if err := k.write(s); err != nil {
		k.Log.Debug("cannot write the status page", "error", err)
	}
}

// write writes both files if something has changed, or the page would seem to be abandoned.
func (k *Keeper) write(s *status.Status) error {
	lasting, err := Lasting(s)
	if err != nil {
		return err
	}
	if bytes.Equal(lasting, k.written) && time.Since(k.when) < keepAlive {
		return nil
	}
	document, err := Document(s)
	if err != nil {
		return err
	}
	html, err := Page(s)
	if err != nil {
		return err
	}
	if err := k.FS.Replace(pipeline.StatusJSON, document); err != nil {
		return err
	}
	if err := k.FS.Replace(pipeline.StatusPage, html); err != nil {
		return err
	}
	k.written, k.when = lasting, time.Now()
	return nil
}

// Document is status.json's content.
func Document(s *status.Status) ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// withoutAges drops from a copy what is different at every read though nothing has happened.
func withoutAges(s status.Status) status.Status {
	s.Read, s.Free = time.Time{}, 0
	if s.Master != nil {
		m := *s.Master
		m.Seen = 0
		s.Master = &m
	}
	s.Inbox = slices.Clone(s.Inbox)
	for i := range s.Inbox {
		s.Inbox[i].Settles = 0
	}
	nodes := make([]status.Node, len(s.Nodes))
	for i, n := range s.Nodes {
		n.Seen, n.Load = 0, 0
		nodes[i] = n
	}
	s.Nodes = nodes
	return s
}
