package status

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
	"github.com/distenc/distenc/watcher"
)

// maxDocument bounds what is read of the share's status.json, in bytes.
const maxDocument = 64 << 20

// Reader reads the state of a share again and again. It has one user at a time, and needs no master.
type Reader struct {
	fs       *sharefs.FS
	known    *Cache
	inbox    *watcher.Watcher
	history  *history.Reader
	sidecars SidecarReader
	minFree  int64
}

// SidecarReader takes from the settings beside a waiting file what people are told of it. Those that can't be read
// are left to a master. If nil, no settings are read.
type SidecarReader func(sidecar []byte, w *Waiting)

// NewReader returns a reader of this share. What has ended is taken from the share's own status.json: the
// history may be long. minFree is disk.min_free, in bytes.
func NewReader(fs *sharefs.FS, sidecars SidecarReader, minFree int64) *Reader {
	r := &Reader{fs: fs, sidecars: sidecars, minFree: minFree, known: NewCache(), inbox: watcher.New(fs, pipeline.Inbox),
		history: history.NewReader(fs)}
	var last Status
	if pipeline.ReadJSON(fs, pipeline.StatusJSON, maxDocument, &last) == nil {
		r.known.Seed(&last)
	}
	return r
}

// Read returns the state as it is now.
func (r *Reader) Read(ctx context.Context) (*Status, error) {
	s, err := Read(r.fs, r.known)
	if err != nil {
		return nil, err
	}
	leaders, err := lease.Leaders(r.fs, pipeline.MasterDir)
	if err != nil {
		return nil, err
	}
	if len(leaders) > 0 {
		silence := max(0, time.Since(leaders[0].Beat)) // two clocks: for display only
		quiet, _ := pipeline.SilenceLimits(r.fs)
		s.Master = &Master{
			Node: leaders[0].Node, Since: leaders[0].Since, Seen: int(silence.Seconds()), Silent: silence >= quiet,
		}
	}
	if s.Inbox, err = r.ReadInbox(ctx); err != nil {
		return nil, err
	}
	s.History = r.history.Read(time.Now())
	r.asked(s)
	if space, err := sharefs.SpaceOf(r.fs.Root()); err == nil {
		s.Free = int64(space.Free)
		s.Trouble = trouble(space, r.minFree)
	}
	return s, nil
}

// asked fills in whose machines people ask to rest. Where that can't be read, the nodes themselves still say why they
// rest.
func (r *Reader) asked(s *Status) {
	rests, err := pipeline.LoadRests(r.fs)
	if err != nil {
		return
	}
	for _, rest := range rests {
		rest.By = pipeline.RawName(rest.By).String()
	}
	for i := range s.Nodes {
		s.Nodes[i].Asked = rests[pipeline.NodeHost(s.Nodes[i].Node)]
	}
	for _, n := range s.Nodes {
		delete(rests, pipeline.NodeHost(n.Node))
	}
	byHost := func(a, b *pipeline.Rest) int { return strings.Compare(a.Host, b.Host) }
	s.Resting = slices.SortedFunc(maps.Values(rests), byHost)
}

// ReadInbox returns what lies in the inbox now.
func (r *Reader) ReadInbox(ctx context.Context) (all []Waiting, err error) {
	files, err := r.inbox.Scan(ctx)
	if err != nil {
		return nil, err
	}
	left := pipeline.LoadLeftAlone(r.fs)
	settle := settleTime(r.fs)
	for _, f := range files {
		all = append(all, r.waiting(f, left, settle))
	}
	return all, nil
}

// waiting is a file in the inbox with what the settings beside it say. What the master says of it counts before
// what is seen from here: it is the master's rights that matter.
func (r *Reader) waiting(f watcher.File, left map[string]string, settle time.Duration) Waiting {
	name := strings.TrimPrefix(f.Name, pipeline.Inbox+"/")
	w := Waiting{Name: pipeline.RawName(name).String(), Size: f.Size, Why: cmp.Or(pipeline.WhyLeft(left, name), f.Reason)}
	if w.Companion = f.Companion; w.Companion && (w.Why == "" || f.Linked) { // our own link in the outbox is no reason
		w.Why = cmp.Or(pipeline.WhyLeft(left, name), "it goes with a film of its folder")
	}
	if data, err := r.fs.Read(pipeline.SidecarBeside(f.Name), pipeline.MaxSidecar); err == nil && r.sidecars != nil {
		r.sidecars(data, &w)
	}
	if still := max(0, time.Since(f.Changed)); still < settle && w.Why == "" && !w.Whole { // two clocks: for display only
		w.Settles = int((settle - still).Seconds()) + 1
	}
	return w
}

// settleTime is how long a file stands still before the master takes it, 0 where no master has said so.
func settleTime(fs *sharefs.FS) time.Duration {
	info, err := pipeline.LoadCluster(fs)
	if err != nil {
		return 0
	}
	settle, err := time.ParseDuration(info.Settle)
	if err != nil {
		return 0
	}
	return settle
}
