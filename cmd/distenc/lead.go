package main

import (
	"context"
	"sync"

	"github.com/distenc/distenc/cmd/internal/hooks"
	"github.com/distenc/distenc/cmd/internal/metrics"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// lead runs this process's master, and beside it what shows people the share's state and tells them how
// jobs have ended. None of that can hold the master up. worker is this process's own, "" if it has none.
func (f *farm) lead(ctx context.Context, worker string, untilIdle bool) error {
	node := pipeline.NewNode("m")
	if f.private { // nobody looks at it but the command that made it
		return f.master(ctx, node, worker, untilIdle, f.told, nil).Run(ctx)
	}
	log := f.log.With("role", "master")
	counts, asked := metrics.New(), make(chan struct{}, 1)
	keeper := &view.Keeper{
		FS: f.fs, Node: node, Log: log, Sidecars: wishes, MinFree: f.cfg().Disk.MinFree, Seen: counts.Observe, Wake: asked,
	}
	site, listener, err := f.site(keeper, asked, log)
	if err != nil {
		return err
	}
	site.Metrics = counts.Handler()
	if site.Steering != nil {
		keeper.Seen = func(s *status.Status) { counts.Observe(s); site.Steering.Publish(s) }
	}
	told := newTellers(f, log)

	beside, stop := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	wg.Go(func() { keeper.Run(beside) })
	wg.Go(func() { told.hooks.Run(beside) })
	wg.Go(func() { told.notices.Run(beside) })
	if listener != nil {
		wg.Go(func() {
			if err := site.Serve(beside, listener); err != nil {
				log.Error("the status page is not served any more", "error", err)
			}
		})
	}
	err = f.master(ctx, node, worker, untilIdle, told, counts.Took).Run(ctx)
	stop()
	wg.Wait()
	return err
}

func (f *farm) hooks() hooks.Hooks {
	h := f.cfg().Hooks
	return hooks.Hooks{Started: h.Started, Done: h.Done, Failed: h.Failed, Timeout: h.Timeout}
}
