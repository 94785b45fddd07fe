package sim

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/worker"
)

// people is the node that stands for those who drop files and delete things.
const people = "people"

// terms are the product's defaults.
var terms = lease.Terms{Heartbeat: 10 * time.Second, Expiry: 2 * time.Minute}

const settle = 20 * time.Second

// mutant changes the calls that a node makes, to see whether the judge notices.
type mutant func(w *world, c *client) sharefs.Ops

// world is one run.
type world struct {
	seed    uint64
	flavour flavour
	plan    plan
	server  *server
	judge   *judge
	history *history
	mutant  mutant
	door    gate // the server's
	ctx     context.Context
	stop    context.CancelFunc
	wg      sync.WaitGroup
	over    chan struct{} // closed when all daemons have ended

	mu       sync.Mutex
	began    time.Time
	clients  map[string]*client   // by node, also dead ones
	troubled map[string]time.Time // nodes, when something was first wrong with them
	struck   int                  // faults at a time or a step that there were
	films    map[string]*film
	deeds
	relieved bool                 // the masters were restarted at the end
	inbox    int                  // films that are still to be dropped
	kinds    map[string]int       // the build that is installed, by machine
	off      map[string]time.Time // machines that are switched off, until when
}

// deeds is what people have done.
type deeds struct {
	altered   map[string]bool      // files that a person or a failing disk has changed
	gonejobs  map[string]bool      // job folders that were removed
	cancelled bool                 // a job was cancelled
	helped    map[string]time.Time // jobs that were tried again, when
	resting   map[string]time.Time // machines that were asked to rest, since when
}

// result is what came of a run.
type result struct {
	seed    uint64
	wrong   []violation
	report  string // for people, if something is wrong
	sum     uint64 // of the history
	history *history
	virtual time.Duration
	calls   int
	count   map[string]int // see judge
	slowest time.Duration
	struck  int
	chunks  int // of all films
}

// run plays one seed, with the plan that it gives unless adjust, which may be nil, changes it.
func run(t *testing.T, seed uint64, m mutant, adjust func(p *plan)) (r result) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, m)
		if adjust != nil {
			adjust(&w.plan)
		}
		r = w.play()
	})
	return r
}

func newWorld(seed uint64, m mutant) *world {
	w := &world{
		seed: seed, mutant: m, began: time.Now(), clients: map[string]*client{}, troubled: map[string]time.Time{},
		films: map[string]*film{}, kinds: map[string]int{}, off: map[string]time.Time{}, over: make(chan struct{}),
		deeds: deeds{altered: map[string]bool{}, gonejobs: map[string]bool{}, helped: map[string]time.Time{},
			resting: map[string]time.Time{}},
	}
	w.flavour = []flavour{nfs, smb}[w.pick("flavour", 2)]
	w.plan = w.drawPlan()
	w.history = &history{began: w.began}
	w.server = newServer(w.flavour)
	w.judge = newJudge(w)
	w.server.judge = w.judge
	w.ctx, w.stop = context.WithCancel(context.Background())
	return w
}

func (w *world) calm() bool { return time.Since(w.began) >= w.plan.calm }

func (w *world) full() bool {
	t := time.Since(w.began)
	return w.plan.full > 0 && t >= w.plan.full && t < w.plan.full+3*time.Minute
}

func (w *world) play() result {
	w.initShare()
	w.dropFilms()
	for n := range w.plan.masters {
		w.daemon(fmt.Sprintf("nas%d", n), "m", n, w.master)
	}
	for n, kind := range w.plan.kinds {
		w.kinds[hostOf(n)] = kind
	}
	for n := range w.plan.workers {
		w.daemon(hostOf(n), "w", n, w.worker)
	}
	for _, t := range w.plan.events {
		w.later(t.at, func() { w.strike(t) })
	}
	w.watch()
	return w.end(w.ctx.Err() == nil)
}

// end stops all daemons, looks at what has come out if they had their time, and reports.
func (w *world) end(whole bool) result {
	w.stop()
	w.healAll()
	w.wg.Wait()
	close(w.over)
	if whole {
		w.verdict()
	}
	r := result{seed: w.seed, wrong: w.judge.violations(), sum: w.history.sum, history: w.history,
		virtual: time.Since(w.began), calls: w.history.calls,
		count: w.judge.count, slowest: w.judge.slowest, struck: w.struck}
	for _, f := range w.films {
		r.chunks += (f.frames + framesPerChunk - 1) / framesPerChunk
	}
	if len(r.wrong) > 0 {
		v := r.wrong[0]
		r.report = fmt.Sprintf("seed %d on %s: %s: %s\n%s%s\nagain: go test ./test/sim -run TestSeed -seed=%d\n",
			w.seed, w.flavour, v.rule, v.what, w.plan.String(), w.history.about(v.words...), w.seed)
	}
	return r
}

func (w *world) initShare() {
	for _, dir := range pipeline.Folders() {
		_ = w.server.mkdir(people, dir)
	}
	share := sharefs.New("/share", newClient(w, people))
	info := &pipeline.ClusterInfo{Share: "sim", Heartbeat: terms.Heartbeat.String(), Expiry: terms.Expiry.String(),
		Attempts: 3}
	if err := info.Write(share); err != nil {
		panic(err)
	}
	w.server.changes = nil
}

// later does something after a time, unless the run is over by then.
func (w *world) later(after time.Duration, do func()) {
	w.wg.Go(func() {
		if w.sleep(after) {
			do()
		}
	})
}

// sleep returns false when the run is over.
func (w *world) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// travel is the time that a request takes; false: the run ended meanwhile. The try of a lock, for which its
// caller has stopped waiting, is the one request that can outlive all daemons. Time stands still after the
// run, so it would sleep for ever.
func (w *world) travel(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.over:
		return false
	case <-t.C:
		return true
	}
}

// daemon starts one again and again, as the service manager would.
func (w *world) daemon(host, role string, n int, life func(ctx context.Context, node string, share *sharefs.FS,
	opts []lease.Option)) {
	w.wg.Go(func() {
		if !w.sleep(time.Duration(n+1)*137*time.Millisecond + time.Duration(len(role+host))*time.Microsecond) {
			return
		}
		for start := 0; w.ctx.Err() == nil && w.powered(host); start++ {
			node := fmt.Sprintf("%s-%s%dx", host, role, start)
			w.live(node, life)
			wait := w.span("restart "+node, 5*time.Second, 5*time.Minute)
			if w.calm() {
				wait = 5 * time.Second
			}
			w.sleep(wait)
		}
	})
}

func (w *world) live(node string, life func(ctx context.Context, node string, share *sharefs.FS, opts []lease.Option)) {
	c := newClient(w, node)
	w.mu.Lock()
	w.clients[node] = c
	w.mu.Unlock()
	w.history.add(node, "fault", "starts", nil, "")
	ctx, cancel := context.WithCancel(w.ctx)
	w.wg.Go(func() {
		select {
		case <-c.dead:
		case <-ctx.Done():
		}
		cancel()
	})
	var ops sharefs.Ops = c
	if w.mutant != nil {
		ops = w.mutant(w, c)
	}
	began := time.Now()
	boottime := lease.WithBoottime(func() time.Duration { return time.Since(began) })
	life(ctx, node, sharefs.New("/share", ops), []lease.Option{boottime, lease.WithLocker(locker{c}),
		lease.WithProcesses(processes{c})})
	cancel()
	c.kill()
	w.history.add(node, "fault", "ends", nil, "")
}

func (w *world) master(ctx context.Context, node string, share *sharefs.FS, opts []lease.Option) {
	settings := pipeline.Settings{Profile: "default", Encoder: "x264", Options: "--crf 18", Container: "mkv", Chunk: 20,
		Pieces: "copy", Disposal: pipeline.SourceDisposal(w.plan.keep), Crop: pipeline.Crop{Auto: w.plan.analyse}}
	err := master.New(master.Options{
		FS: share, Node: node, Terms: terms, Attempts: 3, Log: w.log(node), Lease: opts,
		Pace: func() master.Pace { return master.Pace{Settle: settle, Poll: 5 * time.Second} },
		Resolve: func(folder, _ string, _ []byte) (master.Order, error) {
			order := master.Order{Settings: settings}
			switch {
			case folder == limited:
				order.Settings.MaxSize = 95
			case w.plan.sized:
				order.Settings.Size = simSize
			}
			return order, nil
		},
		Stages: stages{w, share}, Today: tomorrow,
	}).Run(ctx)
	w.ended(ctx, node, err)
}

func (w *world) worker(ctx context.Context, node string, share *sharefs.FS, opts []lease.Option) {
	err := worker.New(worker.Options{
		FS: share, Node: node, Slots: w.plan.slots, Poll: 2 * time.Second, Log: w.log(node), Lease: opts,
		Encoder: &encoder{world: w, share: share, host: pipeline.NodeHost(node)},
	}).Run(ctx)
	w.ended(ctx, node, err)
}

func (w *world) ended(ctx context.Context, node string, err error) {
	if err != nil && ctx.Err() == nil {
		w.history.add(node, "fault", "gives up: "+err.Error(), nil, "")
	}
}

// log puts what the daemons say into the history.
func (w *world) log(node string) *slog.Logger {
	return slog.New(slog.NewTextHandler(logWriter{w, node}, &slog.HandlerOptions{Level: slog.LevelInfo,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}}))
}

type logWriter struct {
	world *world
	node  string
}

func (l logWriter) Write(b []byte) (int, error) {
	if strings.Contains(string(b), "it rests") {
		l.world.judge.tally("host rests")
	}
	l.world.history.add(l.node, "log", strings.TrimSpace(string(b)), nil, "")
	return len(b), nil
}
