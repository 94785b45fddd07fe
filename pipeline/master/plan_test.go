package master

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// planner notes what it is given, and refuses it.
type planner struct {
	Stages
	got      any
	priority int
}

// Plan implements Stages.
func (p *planner) Plan(_ context.Context, j *pipeline.Job, scan Scan) (*pipeline.Plan, error) {
	p.got, p.priority = scan.Kept, j.Priority
	return nil, pipeline.Refuse("It has no frames.")
}

// The loop drops the scan of a job that has to wait, and takes over a new priority, while its plan is just being made:
// the task has copies. (Sharing them is a race, which the race detector reports.)
func TestAPlanIsMadeFromACopy(t *testing.T) {
	m := leading(t, sharefs.OS)
	p := &planner{}
	m.Stages = p
	j := planted(t, m, "film")
	record := *j.Job
	record.Settings.Encoder = "x264"
	j.Job, j.scan = &record, Scan{Kept: "packets"}
	m.startPlan(j)
	require.NoError(t, pipeline.Ask(m.FS, j.ID, pipeline.ControlPriority, "7\n"))
	m.full = "the disk is full"
	m.step(t.Context(), j, nil)
	require.Nil(t, j.scan.Kept)
	require.Equal(t, 7, j.Priority)
	for !m.tasks.idle() {
		(<-m.tasks.results)()
	}
	require.Equal(t, "packets", p.got)
	require.Zero(t, p.priority)
	d, err := pipeline.LoadDecision(m.FS, j.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.ActFailed, d.Act)
	require.Equal(t, "It has no frames.", d.Reason)
}
