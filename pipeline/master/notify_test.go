package master

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// telling returns a master that begins to lead on the share of another one, or on one of its own, with a receiver that
// wants to be told of these kinds of events, and what that is told.
func telling(t *testing.T, share *sharefs.FS, kinds ...pipeline.EventKind) (*term, *[]*pipeline.Untold) {
	t.Helper()
	m, told := leading(t, sharefs.OS), &[]*pipeline.Untold{}
	if share != nil {
		m.FS = share
	}
	m.Receivers = func(kind pipeline.EventKind) []string {
		if pipeline.OneOf(kind, kinds...) == nil {
			return []string{"phone"}
		}
		return nil
	}
	m.Tell = func(u *pipeline.Untold) { *told = append(*told, u) }
	return m, told
}

func namesOf(all []*pipeline.Untold) (names []string) {
	for _, u := range all {
		names = append(names, u.Name())
	}
	return names
}

func untold(t *testing.T, f *sharefs.FS) []string {
	t.Helper()
	names, err := pipeline.ListUntold(f)
	require.NoError(t, err)
	return names
}

// inherit has a leader take over what it finds now.
func inherit(m *term) {
	m.takeOver()
	if m.tasks.busy(takingOver) {
		(<-m.tasks.results)()
	}
}

// A job's end is written down before it is closed, and told by the next leader if this one dies in between.
func TestAnEndIsWrittenDownBeforeAnybodyForgetsIt(t *testing.T) {
	m, told := telling(t, nil, pipeline.EventFailed)
	j := planted(t, m, "a film")
	w := m.taskFor(j)
	require.NoError(t, w.decide(pipeline.Decision{Act: pipeline.ActFailed, Reason: "It is too wild."}))
	const name = someJob + ".failed.phone.json"
	require.Len(t, w.noteEnd(j.ID, pipeline.ActFailed), 1) // and it dies
	require.Equal(t, []string{name}, untold(t, m.FS))
	require.Empty(t, w.noteEnd(j.ID, pipeline.ActFailed), "it was written down already")

	next, told2 := telling(t, m.FS, pipeline.EventFailed)
	inherit(next)
	require.Equal(t, []string{name}, namesOf(*told2))
	require.Equal(t, "It is too wild.", (*told2)[0].Job.Error)
	_, err := next.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, *told2, 1, "what stands there already is told once")
	require.NoError(t, (*told2)[0].Told())
	third, told3 := telling(t, m.FS, pipeline.EventFailed)
	inherit(third)
	require.Empty(t, *told3)
	require.Empty(t, *told)
}

// When a receiver is told, the job is closed: it may look it up.
func TestAJobThatIsToldOfHasEnded(t *testing.T) {
	m, told := telling(t, nil, pipeline.EventFailed)
	j := planted(t, m, "a film")
	require.NoError(t, m.taskFor(j).decide(pipeline.Decision{Act: pipeline.ActFailed, Reason: "No."}))
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Len(t, *told, 1)
	require.True(t, (*told)[0].Job.Closed)
	require.Equal(t, "failed/film.mkv/film.mkv", (*told)[0].Job.Source)
}

func TestNobodyIsToldWhatNobodyWantsToKnow(t *testing.T) {
	m, told := telling(t, nil, pipeline.EventDone)
	j := planted(t, m, "a film")
	require.Empty(t, m.noteEnd(j.ID, pipeline.ActFailed))
	require.Empty(t, m.noteEnd(j.ID, pipeline.ActCancelled))
	m.announceIdle(1, false)
	m.announceIdle(0, true)
	require.Empty(t, *told)
	require.NoDirExists(t, m.FS.Path(".distenc/untold"), "and nothing is written for that")
}

// What could not be told for a day is given up, and of what does not hold any more nobody is told.
func TestWhatIsNotToldAnyMore(t *testing.T) {
	m, _ := telling(t, nil, pipeline.EventFailed)
	j := planted(t, m, "a film")
	keep := func(id string, age time.Duration, st pipeline.JobStatus) {
		u := pipeline.NewUntold(m.FS, id, "phone", pipeline.Event{
			Kind: pipeline.EventFailed, Time: time.Now().Add(age - 2*pipeline.EventAge), Job: st, // by a clock that is wrong
		})
		require.NoError(t, u.Keep())
		at := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(m.FS.Path(".distenc/untold/"+u.Name()), at, at))
	}
	keep("rejected.old", pipeline.EventAge+time.Minute, pipeline.JobStatus{Name: "old.mkv", State: pipeline.JobFailed})
	keep("rejected.new", time.Hour, pipeline.JobStatus{Name: "new.mkv", State: pipeline.JobFailed})
	keep(j.ID+".aside", time.Hour, pipeline.JobStatus{ID: j.ID, State: pipeline.JobFailed})
	require.NoError(t, m.taskFor(j).decide(pipeline.Decision{Act: pipeline.ActCancelled})) // a person has had enough
	require.NoError(t, os.WriteFile(m.FS.Path(".distenc/untold/rejected.torn.phone.json"), []byte(`{"event`), 0o644))
	next, told := telling(t, m.FS, pipeline.EventFailed)
	inherit(next)
	require.Equal(t, []string{"rejected.new.phone.json"}, namesOf(*told))
	require.Equal(t, []string{"rejected.new.phone.json", "rejected.torn.phone.json"}, untold(t, m.FS))
}

// What the share does not give at first is told later, and nothing is told twice for that.
func TestWhatTheShareDoesNotGiveAtFirst(t *testing.T) {
	m, _ := telling(t, nil)
	for _, id := range []string{"rejected.one", "rejected.two"} {
		e := pipeline.Event{Kind: pipeline.EventFailed, Time: time.Now()}
		require.NoError(t, pipeline.NewUntold(m.FS, id, "phone", e).Keep())
	}
	for _, failing := range []string{".distenc/untold", ".distenc/untold/rejected.two.phone.json"} {
		synctest.Test(t, func(t *testing.T) {
			away := true
			next, told := telling(t, sharefs.New(m.FS.Root(), sharefstest.WithHook(sharefs.OS(m.FS.Root()),
				func(_, name string) error {
					if away && name == failing {
						return syscall.EIO
					}
					return nil
				})), pipeline.EventFailed)
			inherit(next)
			require.Less(t, len(*told), 2)
			away = false
			inherit(next)
			require.Less(t, len(*told), 2, "it waits a little")
			time.Sleep(errRest)
			inherit(next)
			inherit(next)
			require.ElementsMatch(t, []string{"rejected.one.phone.json", "rejected.two.phone.json"}, namesOf(*told))
			next.end()
		})
	}
}

// What was cut off, and what nobody wants to be told any more, goes in time.
func TestTheUntoldAreSwept(t *testing.T) {
	m, _ := telling(t, nil)
	for id, age := range map[string]time.Duration{
		"rejected.old": agedBy, "rejected.new": pipeline.EventAge - time.Hour, idlePrefix + "old": 2 * agedBy,
	} {
		u := pipeline.NewUntold(m.FS, id, "phone", pipeline.Event{Kind: pipeline.EventFailed})
		require.NoError(t, u.Keep())
		at := time.Now().Add(-age - time.Second)
		require.NoError(t, os.Chtimes(m.FS.Path(pipeline.UntoldDir+"/"+u.Name()), at, at))
	}
	for _, name := range []string{"/mine.txt", "/x.abc.tmp"} {
		require.NoError(t, m.FS.Create(pipeline.UntoldDir+name, nil))
	}
	synctest.Test(t, func(t *testing.T) {
		next, _ := telling(t, m.FS)
		for range 15 {
			next.sweepDead()
			time.Sleep(time.Minute)
		}
		next.end()
	})
	names, err := m.FS.List(pipeline.UntoldDir)
	require.NoError(t, err)
	require.Equal(t, []string{idlePrefix + "old.phone.json", "mine.txt", "rejected.new.phone.json"}, names)
}

// However much there is to be told, the farm goes on meanwhile.
func TestMuchToBeToldHoldsNobodyUp(t *testing.T) {
	m, _ := telling(t, nil)
	for i := range tellInOneGo + 1 {
		e := pipeline.Event{Kind: pipeline.EventFailed, Time: time.Now()}
		require.NoError(t, pipeline.NewUntold(m.FS, fmt.Sprint("rejected.", i), "phone", e).Keep())
	}
	next, told := telling(t, m.FS, pipeline.EventFailed)
	inherit(next)
	require.Len(t, *told, tellInOneGo)
	inherit(next)
	require.Len(t, *told, tellInOneGo+1)
}

// That a plan or a decision can't be read is no sign that a job goes on.
func TestAFailureIsToldWhereItsJobCannotBeRead(t *testing.T) {
	for id, name := range map[string]string{
		someJob + ".failed": pipeline.DecisionName, someJob + "-chunk.aside": "plan.json",
	} {
		m, told := telling(t, nil, pipeline.EventFailed)
		j := planted(t, m, "a film")
		require.NoError(t, m.FS.Create(pipeline.JobFile(j.ID, name), []byte(`{"torn`)))
		e := pipeline.Event{Kind: pipeline.EventFailed, Job: pipeline.JobStatus{
			ID: j.ID, State: pipeline.JobFailed, Error: "It is too wild.",
		}}
		m.tell(m.note(id, e))
		require.Len(t, *told, 1, id)
		require.Equal(t, pipeline.JobFailed, (*told)[0].Job.State)
		require.Equal(t, "It is too wild.", (*told)[0].Job.Error)
		require.Len(t, untold(t, m.FS), 1)
	}
}

// All jobs have ended: once for each time that one was in work, also when the master dies meanwhile.
func TestIdleIsToldOnceForEachTimeThatThereWasWork(t *testing.T) {
	m, told := telling(t, nil, pipeline.EventIdle)
	m.announceIdle(0, true)
	require.Empty(t, *told, "there was no work")
	m.announceIdle(2, false)
	m.announceIdle(1, false)
	m.announceIdle(0, false) // a file waits in the inbox
	require.Empty(t, *told)
	require.Len(t, untold(t, m.FS), 1)
	m.announceIdle(0, true)
	m.announceIdle(0, true)
	require.Len(t, *told, 1)

	m.announceIdle(1, false) // before the first one was told: and it dies
	require.Len(t, untold(t, m.FS), 2)
	require.NoError(t, (*told)[0].Told())
	next, again := telling(t, m.FS, pipeline.EventIdle)
	inherit(next)
	require.Empty(t, *again)
	next.announceIdle(0, true)
	require.Len(t, *again, 1)
	require.NoError(t, (*again)[0].Told())
	require.Empty(t, untold(t, m.FS))
}
