package steer

import (
	"cmp"
	"context"

	"github.com/distenc/distenc/pipeline"
)

// Cancel ends a job without an output, or takes a film out of the inbox. The source goes to failed/, where nothing is
// lost and Retry finds it. Who cancels stands in the reason.
func (d Desk) Cancel(ctx context.Context, word string) (Outcome, error) {
	who := cmp.Or(d.By, "somebody")
	t, err := d.findLive(ctx, word)
	if err != nil {
		return Outcome{}, err
	}
	if t.waiting != "" {
		return d.putAside(ctx, t, "Cancelled by "+who+" before it was taken in.")
	}
	// The decision itself, not a wish: the first one holds, and a master carries it out.
	held, err := pipeline.Decide(d.Share, t.Job.ID, pipeline.Decision{
		Act: pipeline.ActCancelled, Reason: "Cancelled by " + who + ".", By: pipeline.NewNode("c"),
	})
	if err != nil {
		return Outcome{}, err
	}
	if held.Act != pipeline.ActCancelled {
		return Outcome{}, Refuse(NotNow, "too late: job %s is decided already (%s)", t.Job.ID, held.Act)
	}
	d.note(t, "cancel")
	return t.outcome(Cancelled), nil
}

// putAside moves a film that waits to failed/, as a cancelled job's source is. Once begun it is not interrupted.
func (d Desk) putAside(ctx context.Context, t Target, reason string) (Outcome, error) {
	source, err := pipeline.Reject{
		Source: t.waiting, Sidecar: pipeline.SidecarBeside(t.waiting), Inbox: pipeline.RawName(below(t.waiting)),
		Reason: reason, Log: reason,
	}.PutAside(context.WithoutCancel(ctx), d.Share)
	if err != nil && source == "" {
		if taken := d.taken(t.waiting); taken != nil {
			err = taken
		}
	}
	if err != nil {
		return Outcome{}, err
	}
	o := t.outcome(PutAside)
	o.Path = string(source)
	return o, nil
}
