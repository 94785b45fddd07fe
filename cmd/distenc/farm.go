package main

import (
	"cmp"
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/service"
	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/stages"
	"github.com/distenc/distenc/pipeline/worker"
	"github.com/distenc/distenc/watcher"
)

// farm is what the commands that work on a share stand on.
type farm struct {
	log   *slog.Logger
	fs    *sharefs.FS
	tools media.Tools
	// builds are those of this machine's encoders.
	builds *stages.Builds
	live   *atomic.Pointer[config.Config] // replaced as a whole by a reload
	// private: nobody else can drop files on the share, so that a hard link is no trap.
	private bool
	told    teller // of what happens to the private share's job
}

// finder looks for the tools that a daemon needs.
type finder func(*slog.Logger) (media.Tools, error)

// farm reads the configuration, opens the share and finds the tools.
func (g *global) farm(cmd *cobra.Command, find finder) (*farm, error) {
	cfg, log, fs, err := g.open(cmd)
	if err != nil {
		return nil, err
	}
	if err := mayWork(fs); err != nil {
		return nil, err
	}
	tools, err := find(log)
	if err != nil {
		return nil, err
	}
	tools.Answers, tools.Facts = answers(fs), facts()
	return &farm{log: log, fs: fs, tools: tools, builds: stages.NewBuilds(tools, false), live: holding(cfg)}, nil
}

func holding(cfg config.Config) *atomic.Pointer[config.Config] {
	var live atomic.Pointer[config.Config]
	live.Store(&cfg)
	return &live
}

// cfg is the configuration as it is now.
func (f *farm) cfg() config.Config { return *f.live.Load() }

// master makes this process's master, of that name, beside a worker of its own if that has a name.
func (f *farm) master(ctx context.Context, node, worker string, untilIdle bool, told teller,
	took func(string, time.Duration)) *master.Master {
	cfg := f.cfg()
	return master.New(master.Options{
		FS: f.fs, Node: node, Worker: worker, Log: f.log.With("role", "master"),
		Terms:    lease.Terms{Heartbeat: cfg.Lease.Heartbeat, Expiry: cfg.Lease.Expiry},
		Attempts: cfg.Lease.Attempts,
		Pace:     f.pace,
		Resolve:  f.resolve, Stages: f.stages(),
		Wake: f.wake(ctx, pipeline.Inbox, pipeline.DoneDir),
		Hooks: master.Hooks{
			Status: service.Status, Full: f.full, Receivers: told.Receivers, Tell: told.Tell, Took: took,
		},
		UntilIdle: untilIdle, Trusted: f.private,
	})
}

// pace is that of the configuration as it is now.
func (f *farm) pace() master.Pace {
	p := master.Pace{Settle: f.cfg().Watch.Settle, Poll: f.cfg().Watch.Poll}
	if f.private {
		p.Together = privateTogether
	}
	return p
}

// stages are those of this process's master. Where its own worker is the only one, what does not fit here is refused.
func (f *farm) stages() *stages.Media {
	m := &stages.Media{FS: f.fs, Tools: f.tools, Private: f.private, Builds: f.builds}
	if f.private {
		m.Slots, m.Threads = divide(f.cfg().Worker.Slots, media.Cores())
		m.Memory = media.Memory
	}
	return m
}

// worker makes this process's worker.
func (f *farm) worker(ctx context.Context, maxChunks int, untilIdle bool) (*worker.Worker, error) {
	slots, threads := divide(f.cfg().Worker.Slots, media.Cores())
	tools := f.tools
	tools.IdleIO = f.cfg().Worker.IOClass == "idle"
	encoder, err := stages.NewEncoder(ctx, f.fs, tools, f.builds, f.cfg().Worker.Nice)
	if err != nil {
		return nil, err
	}
	return worker.New(worker.Options{
		FS: f.fs, Node: pipeline.NewNode("w"), Log: f.log.With("role", "worker"), Slots: slots, Encoder: encoder,
		Poll: idlePoll, MaxChunks: maxChunks, UntilIdle: untilIdle,
		Wake: f.wake(ctx, pipeline.PendingDir), Status: service.Status, Version: version(),
		Machine: worker.Machine{
			Cores: media.Cores(), Threads: threads, Memory: media.Memory, Rest: f.rest, Load: load,
		},
	}), nil
}

// idlePoll is a worker's shortest wait between two looks at an empty share; it grows from there.
const idlePoll = 2 * time.Second

// divide shares out a machine's cores: encodes side by side, and threads for each. One thread an encode takes the least
// CPU (by 3% than two, by 4% than four) and keeps its core busy, but memory grows with every encode, so big machines
// give four: docs/performance.md, "Threads of an encode", has the figures.
func divide(slots, cores int) (int, int) {
	if slots <= 0 {
		slots = cores
		if cores > 8 {
			slots = (cores + 3) / 4
		}
	}
	return slots, max(1, (cores+slots-1)/slots)
}

// wake tells of local changes in folders of the share, which on one machine saves the wait for the poll.
func (f *farm) wake(ctx context.Context, dirs ...string) <-chan struct{} {
	paths := make([]string, len(dirs))
	for i, d := range dirs {
		paths[i] = f.fs.Path(d)
	}
	return watcher.Notify(ctx, f.log, paths...)
}

// resolve finds out how one dropped file is to be encoded, by its folder and the text of its sidecar. Its errors are
// refusals: the person who dropped the file has to mend the sidecar or the folder.
func (f *farm) resolve(folder, sidecar string, text []byte) (master.Order, error) {
	s, err := config.ParseSidecar(sidecar, text)
	if err != nil {
		reason := "The settings beside the file can't be read: " + err.Error()
		return master.Order{}, &pipeline.Refusal{Reason: reason, Err: err}
	}
	cfg := f.cfg()
	settings, found := cfg.Profile(cmp.Or(s.Profile, folder))
	if !found && s.Profile != "" {
		return master.Order{}, pipeline.Refuse("There is no profile %q; %s.", s.Profile,
			pipeline.ThereAre(cfg.ProfileNames()))
	}
	if !found {
		settings, _ = cfg.Profile(config.DefaultProfile)
	}
	settings = s.Over(settings)
	e, _, err := encoder.Of(settings)
	if err != nil {
		return master.Order{}, err
	}
	settings.Name = settings.Name.With(e.Codec())
	if settings.Chunk == 0 {
		settings.Chunk = e.Chunk().Seconds()
	}
	return master.Order{
		Settings: settings,
		Priority: s.Priority, Nonce: s.Nonce, Size: s.Size, Again: s.Again, Paused: s.Paused,
	}, nil
}

// daemon is the code of a command that runs until it is told to stop, or with untilIdle until nothing is to be done.
// start returns the work, once everything that it needs is there; its context ends gently with the first signal. The
// second one ends the process with everything that still hangs.
//
// A signal counts from the first moment: nothing is in work before it is served, so what the start still waits for, a
// share that does not answer perhaps, is not waited for.
func (g *global) daemon(cmd *cobra.Command, find finder, untilIdle bool, start func(*farm) (work, error)) (err error) {
	ended := make(chan error, 1)
	go func() { ended <- g.serve(cmd, find, start) }()
	select {
	case err = <-ended:
	case <-g.stop.gently.Done():
		if err = errInterrupted; g.serving.Load() {
			select {
			case err = <-ended:
			case <-g.stop.atOnce.Done():
			}
		}
	}
	if untilIdle && g.stop.gently.Err() != nil { // it may have ended well without having done everything
		return context.Cause(g.stop.gently)
	} else if untilIdle {
		return err
	}
	return g.stop.daemon(err)
}

// work is what a daemon does until its context ends.
type work func(ctx context.Context) error

// serve makes what a daemon stands on, tells the service manager that it is there, and does its work.
func (g *global) serve(cmd *cobra.Command, find finder, start func(*farm) (work, error)) error {
	f, err := g.farm(cmd, find)
	if err != nil {
		return err
	}
	run, err := start(f)
	if err != nil {
		return err
	}
	g.reloads(cmd, f)
	go service.Watchdog(g.stop.atOnce)
	service.Ready()
	g.serving.Store(true)
	g.stop.told(func() {
		service.Stopping()
		f.log.Info("stopping: what is in work is handed back first; " +
			"a second signal stops at once, and leaves others to find out")
	})
	return run(g.stop.gently)
}
