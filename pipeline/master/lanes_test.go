package master

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// plans are stages that make each plan when the test says so.
type plans struct {
	Stages
	let sync.Map // channels, by the film's name
}

func (p *plans) gate(name string) chan struct{} {
	let, _ := p.let.LoadOrStore(name, make(chan struct{}))
	return let.(chan struct{})
}

// Plan implements Stages.
func (p *plans) Plan(ctx context.Context, j *pipeline.Job, _ Scan) (*pipeline.Plan, error) {
	select {
	case <-ctx.Done():
	case <-p.gate(j.Name()):
	}
	return nil, pipeline.Refuse("It has no frames.")
}

// waiting is a film that was taken in, of that size.
func waiting(t *testing.T, m *term, name string, size int64, priority int) *job {
	t.Helper()
	n := len(m.jobs.live)
	j := liveJob(&pipeline.Job{
		ID: pipeline.NewJobID(fmt.Sprintf("%08X", n)), Inbox: pipeline.RawName(name), Source: "source.mkv", Size: size,
		Priority: priority, Created: time.Unix(int64(n), 0), Settings: pipeline.Settings{Encoder: "x264", Container: "mkv"},
	})
	require.NoError(t, j.Create(m.FS))
	source := pipeline.JobFile(j.ID, j.Source)
	require.NoError(t, m.FS.Create(source, nil))
	require.NoError(t, os.Truncate(m.FS.Path(source), size))
	st, err := m.FS.Stat(source)
	require.NoError(t, err)
	j.ModTime, j.sighted = st.ModTime(), m.sight(j.Job, identityOf(st))
	m.jobs.adopt(j)
	return j
}

// planning lists the films whose plans are being made.
func planning(m *term) (names []string) {
	for id, j := range m.jobs.live {
		if m.tasks.busy("plan/" + id) {
			names = append(names, j.Name())
		}
	}
	slices.Sort(names)
	return names
}

// end lets a plan be made, which is a refusal.
func (p *plans) end(m *term, name string) {
	close(p.gate(name))
	for slices.Contains(planning(m), name) {
		(<-m.tasks.results)()
	}
}

// newPlanning is a leading master whose plans the test lets go on, and a look of it at the share.
func newPlanning(t *testing.T) (*term, *plans, func()) {
	p := &plans{}
	m := leading(t, sharefs.OS)
	m.Stages, m.agreed = p, true
	m.Pace = func() Pace { return Pace{Poll: time.Hour} }
	return m, p, func() {
		t.Helper()
		_, err := m.round(t.Context())
		require.NoError(t, err)
	}
}

// Films that take hours to plan delay neither small ones nor an urgent one; nor do any number of small ones keep a
// large one from its turn.
func TestASlowPlanDelaysNoOther(t *testing.T) {
	const large = 1 << 40
	m, p, look := newPlanning(t)
	for _, name := range []string{"a.mkv", "b.mkv", "c.mkv"} {
		waiting(t, m, name, large, 0)
	}
	look()
	require.Equal(t, []string{"a.mkv", "b.mkv"}, planning(m))
	for i := range 5 {
		waiting(t, m, fmt.Sprintf("small %d.mkv", i), 1, 0)
	}
	look()
	every := []string{"a.mkv", "b.mkv", "small 0.mkv", "small 1.mkv"}
	require.Equal(t, every, planning(m))
	waiting(t, m, "urgent.mkv", large, 1)
	look()
	require.Equal(t, every, planning(m), "every lane is taken")

	one := func(done, next string) {
		t.Helper()
		p.end(m, done)
		look()
		require.Contains(t, planning(m), next)
		require.Len(t, planning(m), filmLanes)
	}
	one("small 1.mkv", "urgent.mkv")
	one("small 0.mkv", "small 2.mkv")
	one("a.mkv", "small 3.mkv") // b.mkv and the urgent one are large
	one("urgent.mkv", "c.mkv")
}

// What was read of films that wait for their plans is kept as long as it does not take much memory; the rest is read
// again.
func TestFewScansAreKept(t *testing.T) {
	m, _, look := newPlanning(t)
	var all []*job
	for i := range 9 {
		j := waiting(t, m, fmt.Sprintf("%d.mkv", i), 1, 0)
		j.scan = Scan{Kept: i, Size: maxKept / 3}
		all = append(all, j)
	}
	for range 2 {
		look()
		for i, j := range all {
			require.Equal(t, i >= filmLanes && i < filmLanes+3, j.scan.Kept != nil, "%d", i)
		}
	}
}

// A film that waits for its turn is not looked at in each round, but soon enough for those who steer it.
func TestManyThatWaitAreSeldomLookedAt(t *testing.T) {
	m, p, look := newPlanning(t)
	for i := range filmLanes {
		waiting(t, m, fmt.Sprintf("%d.mkv", i), 1, 0)
	}
	last := waiting(t, m, "last.mkv", 1, 0)
	look()
	require.NoError(t, pipeline.Ask(m.FS, last.ID, pipeline.ControlPriority, "7\n"))
	look()
	require.Zero(t, last.Priority)
	last.turn.looked = time.Now().Add(-time.Hour)
	look()
	require.Equal(t, 7, last.Priority)
	p.end(m, "0.mkv")
	look()
	require.Contains(t, planning(m), "last.mkv", "there is room for it at once")
}
