package master

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

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

// A source that became another file between its reading and its plan is not planned by what was read.
func TestAReplacedSourceIsNotPlanned(t *testing.T) {
	m := leading(t, sharefs.OS)
	p := &planner{}
	m.Stages = p
	j := planted(t, m, "film")
	j.scan = Scan{Kept: "packets"}
	file := m.FS.Path(pipeline.JobFile(j.ID, j.Source))
	require.NoError(t, os.Remove(file))
	require.NoError(t, os.WriteFile(file, []byte("FILM"), 0o600))
	m.startPlan(j)
	for !m.tasks.idle() {
		(<-m.tasks.results)()
	}
	require.Nil(t, p.got)
	d, err := pipeline.LoadDecision(m.FS, j.ID)
	require.NoError(t, err)
	require.Equal(t, changedDecision.Act, d.Act)
	require.Equal(t, changedDecision.Reason, d.Reason)
}

// A master that dies between the two moves of T1 leaves a film's settings in the inbox, where the next film of its name
// would be given them. Settings that came after the job are another film's, as are those beside a film.
func TestSettingsFollowAFilmWhoseMasterDied(t *testing.T) {
	for name, c := range map[string]struct {
		late, film bool
		goes       bool
	}{"left behind": {goes: true}, "of another film": {late: true}, "beside another film": {film: true}} {
		t.Run(name, func(t *testing.T) {
			m := leading(t, sharefs.OS)
			m.Stages = &planner{}
			write := func() { require.NoError(t, m.FS.Create(pipeline.SidecarBeside("inbox/film.mkv"), []byte("x264 = ''"))) }
			if !c.late {
				write()
			}
			j := planted(t, m, "film")
			if c.late {
				time.Sleep(10 * time.Millisecond) // a tick of the file system's clock
				write()
			}
			if c.film {
				require.NoError(t, m.FS.Create("inbox/film.mkv", []byte("another")))
			}
			m.taskFor(j).makePlan(t.Context(), Scan{})
			left, err := m.FS.List(pipeline.Inbox)
			require.NoError(t, err)
			require.Equal(t, !c.goes, slices.Contains(left, "film.mkv.distenc.toml"))
			if c.goes {
				require.Equal(t, "x264 = ''", text(t, m, pipeline.SidecarOf(j.ID)))
			}
		})
	}
}

// The loop drops the scan of a job, and takes over a new priority, while its plan is just being made:
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
