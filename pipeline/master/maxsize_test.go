package master

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// textsAlone are the stages of a job that is skipped.
type textsAlone struct{ Stages }

func (textsAlone) Skip(*pipeline.Job, *pipeline.Plan, []*pipeline.Record, string) (*Merged, error) {
	return &Merged{Certificate: []byte("{}\n"), Report: "why\n"}, nil
}

// skipped decides for a job's source.
func skipped(t *testing.T, m *term, j *job) {
	t.Helper()
	m.Stages = textsAlone{}
	j.plan = &pipeline.Plan{Job: j.ID}
	require.NoError(t, m.taskFor(j).skip(t.Context(), nil, "too large"))
	d, err := pipeline.LoadDecision(m.FS, j.ID)
	require.NoError(t, err)
	require.Equal(t, []any{pipeline.ActSkipped, "too large", j.CRC32}, []any{d.Act, d.Reason, d.CRC32})
}

// Another user's film may not be linked (protected_hardlinks): a copy comes out then.
func TestASourceThatCanNotBeLinkedIsCopied(t *testing.T) {
	for name, denied := range map[string]string{"linked": "none", "copied": "source.mkv -> "} {
		t.Run(name, func(t *testing.T) {
			m := leading(t, func(root string) sharefs.Ops {
				return sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
					if op == "link" && strings.Contains(name, denied) {
						return syscall.EPERM
					}
					return nil
				})
			})
			j := planted(t, m, "film")
			skipped(t, m, j)
			for range 3 { // whoever does it again
				act, err := m.taskFor(j).carryOut(t.Context(), false)
				require.NoError(t, err)
				require.Equal(t, pipeline.ActSkipped, act)
			}
			names, err := m.FS.List(pipeline.Outbox)
			require.NoError(t, err)
			require.Equal(t, []string{"film.mkv"}, names)
			require.Equal(t, "film", text(t, m, "outbox/film.mkv"))
			require.Equal(t, "film", text(t, m, "archive/"+j.ID+"/film.mkv"))
			require.Equal(t, "why\n", text(t, m, pipeline.JobFile(j.ID, pipeline.ReportName)))
			out, err := m.FS.Stat("outbox/film.mkv")
			require.NoError(t, err)
			source, err := m.FS.Stat("archive/" + j.ID + "/film.mkv")
			require.NoError(t, err)
			require.Equal(t, name == "linked", sharefs.SameFile(out, source))
			names, err = m.FS.List(pipeline.JobDir(j.ID))
			require.NoError(t, err)
			require.NotContains(t, names, "out")
		})
	}
}

// A copy that was still going on when its job was skipped is no output. It is given back.
func TestASourceThatHasChangedIsNotPublished(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	skipped(t, m, j)
	time.Sleep(2 * time.Millisecond)
	require.NoError(t, os.WriteFile(m.FS.Path(pipeline.JobFile(j.ID, j.Source)), []byte("gilm"), 0o644))
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, "gilm", text(t, m, "inbox/film.mkv"))
	names, err := m.FS.List(pipeline.Outbox)
	require.NoError(t, err)
	require.Empty(t, names)
	closed, err := pipeline.LoadClosed(m.FS, j.ID)
	require.NoError(t, err)
	require.Equal(t, pipeline.ActCancelled, closed.Act)
	st, err := m.FS.Stat("inbox/film.mkv")
	require.NoError(t, err)
	require.EqualValues(t, 1, sharefs.Links(st), "it can be taken again")
}
