package farm

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/worker"
)

// usualFPS is the mean speed of a node: 1080p at a slow preset on two or three cores.
const usualFPS = 6

// terms are the product's defaults.
var terms = lease.Terms{Heartbeat: 10 * time.Second, Expiry: 2 * time.Minute}

// scenario is one farm and one film.
type scenario struct {
	name    string
	nodes   int
	spread  float64       // the fastest node is that many times as fast as the slowest; 1: all alike
	seconds int           // of film
	pieces  string        // copy | range
	varied  bool          // the film's bytes tell less of the work
	cold    bool          // no node has ever encoded anything
	dies    time.Duration // after the plan the middle node loses its power; 0: none does
}

// outcome is what came of it.
type outcome struct {
	chunks     int
	makespan   time.Duration // from the plan to the beginning of the merge
	efficiency float64       // the time that the nodes' speeds allow, of that
	traffic    *traffic
}

// fps is a node's speed. The mean of all is usualFPS.
func (s scenario) fps(node int) float64 {
	if s.nodes == 1 {
		return usualFPS
	}
	slowest := 2 * usualFPS / (1 + s.spread)
	return slowest * (1 + (s.spread-1)*float64(node)/float64(s.nodes-1))
}

// firstFilm is for how many seconds a node has a film to encode before the one that is measured.
const firstFilm = 30

// noise is how far scenes are off what their bytes tell of them. Eleven clips of all kinds were off by a fifth;
// scenes of one film are more alike.
func (s scenario) noise() float64 {
	if s.varied {
		return 0.2
	}
	return 0.1
}

// idleFor is how long the farm has had nothing to do when the film is dropped.
const idleFor = 5 * time.Minute

// play runs a scenario.
func (s scenario) play(t *testing.T) (o outcome) {
	t.Helper()
	dir := newShare(t)
	synctest.Test(t, func(t *testing.T) { o = s.run(t, dir) })
	return o
}

func (s scenario) run(t *testing.T, dir string) outcome {
	f := &farm{scenario: s, dir: dir, traffic: newTraffic(), stages: &stages{}}
	ctx, stop := context.WithCancel(t.Context())
	f.start(ctx)
	if !s.cold {
		f.show(t, "first", newFilm(firstFilm*s.nodes, s.noise(), 2))
		for f.stages.merged.Load() == nil {
			time.Sleep(time.Second)
		}
	}
	time.Sleep(idleFor)
	f.show(t, "film", newFilm(s.seconds, s.noise(), 1))
	var died time.Time
	for f.stages.merged.Load() == nil {
		if p := f.stages.planned.Load(); s.dies > 0 && died.IsZero() && p != nil && time.Since(*p) >= s.dies {
			died = time.Now()
			f.mounts[s.nodes/2].dead.Store(true)
			f.power[s.nodes/2]()
		}
		time.Sleep(100 * time.Millisecond)
	}
	f.awaitSweep(t)
	stop()
	f.wg.Wait()
	planned, merged := *f.stages.planned.Load(), *f.stages.merged.Load()
	o := outcome{chunks: int(f.stages.chunks.Load()), makespan: merged.Sub(planned), traffic: f.traffic}
	o.efficiency = f.bound(died.Sub(planned)).Seconds() / o.makespan.Seconds()
	return o
}

// awaitSweep waits until nothing is left of the chunks: their removal is a part of what they cost.
func (f *farm) awaitSweep(t *testing.T) {
	for left := true; left; time.Sleep(time.Second) {
		jobs, err := os.ReadDir(path.Join(f.dir, pipeline.DoneDir))
		if err != nil {
			t.Fatal(err)
		}
		left = len(jobs) > 0
	}
}

// bound is the shortest time that the nodes' speeds allow. A node that died counts until then.
func (f *farm) bound(died time.Duration) time.Duration {
	sum, work := 0.0, f.stages.film.total()
	for n := range f.nodes {
		if f.dies > 0 && n == f.nodes/2 {
			work -= f.fps(n) * died.Seconds()
			continue
		}
		sum += f.fps(n)
	}
	return time.Duration(work / sum * float64(time.Second))
}

// farm is a scenario being played.
type farm struct {
	scenario
	dir     string
	traffic *traffic
	stages  *stages
	mounts  []*mount
	power   []context.CancelFunc
	wg      sync.WaitGroup
}

func (f *farm) start(ctx context.Context) {
	m := &mount{traffic: f.traffic}
	share := m.open(f.dir)
	f.stages.share = share
	info := &pipeline.ClusterInfo{Share: "bench", Heartbeat: terms.Heartbeat.String(), Expiry: terms.Expiry.String(),
		Attempts: 3}
	if err := info.Write(share); err != nil {
		panic(err)
	}
	settings := pipeline.Settings{Profile: "default", Encoder: "x264", Options: "--crf 18", Container: "mkv", Chunk: 20,
		Pieces: pipeline.Pieces(f.pieces), Disposal: "archive"}
	lead := master.New(master.Options{
		FS: share, Node: "nas-mbench", Terms: terms, Attempts: 3, Log: quietLog(), Stages: f.stages,
		Resolve: func(_, _ string, _ []byte) (master.Order, error) { return master.Order{Settings: settings}, nil },
		Lease:   []lease.Option{lease.WithLocker(nil)},
		Pace:    func() master.Pace { return master.Pace{Settle: time.Minute, Poll: 5 * time.Second} },
	})
	f.wg.Go(func() { _ = lead.Run(ctx) })
	for n := range f.nodes {
		f.worker(ctx, n)
	}
}

func (f *farm) worker(ctx context.Context, n int) {
	m := &mount{traffic: f.traffic, worker: true, own: fmt.Sprintf("%s/pc%03d-", pipeline.Nodes, n)}
	share := m.open(f.dir)
	ctx, off := context.WithCancel(ctx)
	f.mounts, f.power = append(f.mounts, m), append(f.power, off)
	w := worker.New(worker.Options{
		FS: share, Node: fmt.Sprintf("pc%03d-wbench", n), Slots: 1, Poll: 2 * time.Second, Log: quietLog(),
		Encoder: &encoder{stages: f.stages, mount: m, share: share, fps: f.fps(n)},
		Lease:   []lease.Option{lease.WithLocker(nil)},
	})
	f.wg.Go(func() {
		time.Sleep(time.Duration(n) * 37 * time.Millisecond)
		_ = w.Run(ctx)
	})
}

// show puts a film into the inbox as `distenc add` does: whole, at once, with its CRC-32 in the name.
func (f *farm) show(t *testing.T, title string, film *film) {
	f.stages.film = film
	f.stages.merged.Store(nil)
	f.stages.planned.Store(nil)
	f.traffic.clear()
	text := []byte(title)
	name := fmt.Sprintf("%s [%08X].mkv", title, crc32.ChecksumIEEE(text))
	tmp := path.Join(f.dir, pipeline.Inbox, "."+name+".part")
	err := os.WriteFile(tmp, text, 0o664)
	if err == nil {
		err = os.Rename(tmp, path.Join(f.dir, pipeline.Inbox, name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// idle returns how many calls a minute a worker makes that has nothing to do, for work and for its heartbeat.
func idle(t *testing.T) (looks, beats float64) {
	t.Helper()
	const minutes = 30
	dir := newShare(t)
	synctest.Test(t, func(t *testing.T) {
		f := &farm{scenario: scenario{nodes: 10, spread: 1}, dir: dir, traffic: newTraffic(), stages: &stages{}}
		ctx, stop := context.WithCancel(t.Context())
		f.start(ctx)
		time.Sleep(idleFor)
		f.traffic.clear()
		time.Sleep(minutes * time.Minute)
		looks = float64(f.traffic.sum(forIdle)) / minutes / 10
		beats = float64(f.traffic.sum(forOwnBeat)) / minutes / 10
		stop()
		f.wg.Wait()
	})
	return looks, beats
}
