//go:build linux

package media_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/stages"
	"github.com/distenc/distenc/pipeline/worker"
	"github.com/distenc/distenc/watcher"
)

// long is twenty minutes of film, some 60 chunks.
func long(t *testing.T) string { return small.again(t, 8) }

// share is a folder with a job of the long film in it.
type share struct {
	*sharefs.FS
	stages *stages.Media
	job    *pipeline.Job
	scan   master.Scan
	plan   *pipeline.Plan
}

func newShare(t *testing.T) *share {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	fs, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, folder := range pipeline.Folders() {
		require.NoError(t, fs.MkdirAll(folder))
	}
	return &share{FS: fs, stages: &stages.Media{FS: fs, Tools: tools}}
}

func settings() pipeline.Settings {
	return pipeline.Settings{Encoder: "x264", Options: "--preset veryfast --profile high", Container: "mkv", Chunk: 20,
		Pieces: "copy", Disposal: "archive"}
}

// planned puts the source into a job's folder and plans it.
func (s *share) planned(t *testing.T, source string) {
	t.Helper()
	name := pipeline.Inbox + "/source.mkv"
	require.NoError(t, os.Link(source, s.Path(name)))
	var err error
	s.scan, err = s.stages.Scan(t.Context(), name)
	require.NoError(t, err)
	s.job = &pipeline.Job{ID: pipeline.NewJobID(s.scan.CRC32), Inbox: "source.mkv", Source: "source.mkv",
		CRC32: s.scan.CRC32, Settings: settings()}
	require.NoError(t, s.job.Create(s.FS))
	require.NoError(t, os.Link(source, s.Path(pipeline.JobFile(s.job.ID, "source.mkv"))))
	s.plan, err = s.stages.Plan(t.Context(), s.job, s.scan)
	require.NoError(t, err)
	require.NoError(t, s.MkdirAll(pipeline.PendingOf(s.job.ID)))
}

// TestScan: CRC and packet list of a source against cat. A scan's two looks at the file's beginning take as long
// for any film: the list alone has its own row, and the film of two hours is what people have.
func TestScan(t *testing.T) {
	only(t)
	for _, source := range []string{long(t), small.again(t, 48)} {
		s := newShare(t)
		name := pipeline.Inbox + "/source.mkv"
		require.NoError(t, os.Link(source, s.Path(name)))
		cat := func() { run(t, "sh", "-c", `cat "$1" > /dev/null`, "sh", source) }
		scan := func() {
			_, err := s.stages.Scan(t.Context(), name)
			require.NoError(t, err)
		}
		head(fmt.Sprintf("Scan and CRC of %s", size(t, source)))
		cat()
		compare(times(t, 5), func() { list(t, source) }, cat).tell(t, "CRC and packets alone, in the page cache", "cat")
		compare(times(t, 5), scan, cat).tell(t, "in the page cache", "cat")
		cold := func(work func()) func() {
			return func() { forget(t, source); work() }
		}
		compare(times(t, 5), cold(scan), cold(cat)).tell(t, "from the disk", "cat")
	}
}

// list reads a source once, as a scan does.
func list(t *testing.T, source string) {
	t.Helper()
	f, err := os.Open(source)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	listed := make(chan *media.Listing, 1)
	_, err = media.ReadOnce(t.Context(), f, listed)
	require.NoError(t, err)
	require.NotNil(t, <-listed)
}

// TestSplit: all pieces of a source against a copy of it.
func TestSplit(t *testing.T) {
	only(t)
	source, s := long(t), newShare(t)
	s.planned(t, source)
	var all []int
	for i := range s.plan.Chunks {
		all = append(all, i)
	}
	pieces := func() {
		require.NoError(t, s.stages.Pieces(t.Context(), s.plan, all, func(_ int, tmp string, err error) error {
			require.NoError(t, err)
			return os.Remove(s.Path(tmp))
		}))
	}
	head(fmt.Sprintf("%d pieces of %s", len(all), size(t, source)))
	compare(times(t, 5), pieces, cp(t, source)).tell(t, "cut, checked and synced", "cp and sync")
}

// cp copies a file and brings it to the disk, as all is that the master writes.
func cp(t *testing.T, path string) func() {
	out := filepath.Join(t.TempDir(), "copy")
	return func() {
		run(t, "cp", path, out)
		run(t, "sync", out)
		require.NoError(t, os.Remove(out))
	}
}

func size(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return fmt.Sprintf("%d MB", info.Size()/1e6)
}

// forget drops a file from the page cache.
func forget(t *testing.T, path string) {
	t.Helper()
	run(t, "sync", path)
	run(t, "dd", "of="+path, "oflag=nocache", "conv=notrunc,fdatasync", "count=0")
}

// TestPublish: the time from the last chunk to the published file against a copy of that. Master and worker
// are real; what the worker encodes is copied from the source, whose pieces are as good a chunk as any.
func TestPublish(t *testing.T) {
	only(t)
	for _, film := range []struct {
		source string
		rounds int
	}{{long(t), times(t, 5)}, {small.again(t, 84), times(t, 3)}} {
		var s sides
		var told string
		for range film.rounds {
			where := newShare(t)
			out, c := publish(t, where, film.source)
			s.ours, told = append(s.ours, c), size(t, out)
			s.theirs = append(s.theirs, measure(cp(t, out)))
			require.NoError(t, os.RemoveAll(where.Root())) // some of them would fill a disk
		}
		head(fmt.Sprintf("From the last chunk to the published file of %s", told))
		s.tell(t, "accepted, merged, verified, published", "cp and sync")
	}
}

// publish runs a whole job and measures from the last commit on.
func publish(t *testing.T, s *share, source string) (out string, c cost) {
	t.Helper()
	require.NoError(t, s.Create(pipeline.Cluster,
		[]byte(`{"share":"bench","heartbeat":"2s","expiry":"30s","attempts":3}`)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	prepared := make(chan struct{})
	log := &told{cancel: cancel, changed: make(chan struct{}, 1)}
	m := master.New(master.Options{
		FS: s.FS, Node: pipeline.NewNode("m"), Log: slog.New(log), Stages: s.stages, Attempts: 3, Trusted: true,
		Terms:   lease.Terms{Heartbeat: 2 * time.Second, Expiry: 30 * time.Second},
		Pace:    func() master.Pace { return master.Pace{Poll: 500 * time.Millisecond} },
		Wake:    watcher.Notify(ctx, slog.New(slog.DiscardHandler), s.Path(pipeline.Inbox), s.Path(pipeline.DoneDir)),
		Resolve: func(_, _ string, _ []byte) (master.Order, error) { return master.Order{Settings: settings()}, nil },
		Hooks: master.Hooks{Took: func(stage string, _ time.Duration) {
			if stage == "prepare" {
				close(prepared)
			}
		}},
	})
	w := worker.New(worker.Options{
		FS: s.FS, Node: pipeline.NewNode("w"), Log: slog.New(log), Slots: 2,
		Encoder: &copier{share: s, log: log, prepared: prepared}, Poll: 500 * time.Millisecond,
		Wake: watcher.Notify(ctx, slog.New(slog.DiscardHandler), s.Path(pipeline.PendingDir)),
	})
	require.NoError(t, os.Link(source, s.Path(pipeline.Inbox+"/source.mkv")))
	var both sync.WaitGroup
	both.Go(func() { _ = m.Run(ctx) })
	both.Go(func() { _ = w.Run(ctx) })
	both.Wait()
	require.False(t, log.published.IsZero())
	return s.Path(pipeline.Outbox + "/source.mkv"), cost{log.published.Sub(log.committed), log.after - log.before}
}

// told is a log that notes when the last chunk was committed and when the output was out.
type told struct {
	mu                   sync.Mutex
	committed, published time.Time
	before, after        time.Duration // on processors
	accepted             int
	changed              chan struct{}
	cancel               func()
}

func (l *told) Enabled(context.Context, slog.Level) bool { return true }
func (l *told) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *told) WithGroup(string) slog.Handler            { return l }
func (l *told) Handle(_ context.Context, r slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch r.Message {
	case "committed":
		l.committed, l.before = time.Now(), processors()
	case "accepted":
		l.accepted++
		select {
		case l.changed <- struct{}{}:
		default:
		}
	case "published":
		l.published, l.after = time.Now(), processors()
		l.cancel()
	}
	if os.Getenv("DISTENC_BENCH_LOG") != "" && !strings.HasPrefix(r.Message, "claim") {
		var b bytes.Buffer
		_ = slog.NewTextHandler(&b, nil).Handle(context.Background(), r)
		_, _ = io.Copy(os.Stderr, &b)
	}
	return nil
}

// copier takes a chunk's piece for its result. The last one takes as long as all before it need to be accepted
// and the merge to be prepared, as an encode of some seconds would.
type copier struct {
	*share
	log      *told
	prepared <-chan struct{}
	begun    atomic.Int64
}

func (*copier) Version() string { return "cp" }
func (*copier) Build(context.Context, string, string) (pipeline.Build, error) {
	return pipeline.Build{}, nil
}
func (*copier) Builds(context.Context) []pipeline.Offer         { return nil }
func (*copier) Measures(context.Context, pipeline.Metric) error { return nil }
func (*copier) Metrics(context.Context) []pipeline.Metric       { return nil }

func (c *copier) Encode(ctx context.Context, task *worker.Task) (*pipeline.Record, error) {
	if all := len(task.Plan.Chunks); c.begun.Add(1) == int64(all) {
		<-c.prepared
		for c.log.count() < all-1 && ctx.Err() == nil {
			select {
			case <-c.log.changed:
			case <-ctx.Done():
			}
		}
	}
	in, err := os.Open(c.Path(task.File.Path()))
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	out := task.File.Partial()
	if _, err := c.CreateFrom(ctx, out, in); err != nil {
		return nil, err
	}
	f, err := c.OpenRead(out)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	clip, err := c.stages.Tools.Clip(ctx, f, c.Path(out))
	if err != nil {
		return nil, err
	}
	return &pipeline.Record{Size: clip.Size, CRC32: clip.CRC32, Frames: len(clip.PTS), Extradata: clip.Extradata,
		Encoder: "cp", Method: "cp", Seconds: 1}, nil
}

func (l *told) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}
