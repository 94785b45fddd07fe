package stages

import (
	"context"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Measures says why a metric can't be measured here, nil if it can.
func (b *Builds) Measures(ctx context.Context, m pipeline.Metric) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.look()
	why, known := b.metrics[m]
	if known {
		return why
	}
	why = b.tools.CanMeasure(ctx, m)
	if why == nil || media.Settles(why) {
		if b.metrics == nil {
			b.metrics = map[pipeline.Metric]error{}
		}
		b.metrics[m] = why
	}
	return why
}

// Metrics returns those that can be measured here; where only what was asked for is tried, of those.
func (b *Builds) Metrics(ctx context.Context) (all []pipeline.Metric) {
	for _, m := range pipeline.Metrics() {
		if !b.asked {
			_ = b.Measures(ctx, m) // what was found is read below
		}
		b.mu.Lock()
		if why, known := b.metrics[m]; known && why == nil {
			all = append(all, m)
		}
		b.mu.Unlock()
	}
	return all
}
