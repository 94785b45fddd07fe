package master

import (
	"context"
	"fmt"
	"io/fs"
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

// Another user's film that was skipped may have a name in the outbox that does not outlast a power loss.
func TestASkippedSourceThatNobodyMayWriteToIsNotRemoved(t *testing.T) {
	for name, others := range map[string]bool{"removed": false, "kept": true} {
		t.Run(name, func(t *testing.T) {
			decided := false
			m := leading(t, func(root string) sharefs.Ops { return readOnly{sharefs.OS(root), "source.mkv", &decided} })
			j := planted(t, m, "film")
			j.Settings.Disposal = pipeline.DeleteSource
			skipped(t, m, j)
			decided = others // by a master of the source's own user, which has died since
			_, err := m.taskFor(j).carryOut(t.Context(), false)
			require.NoError(t, err)
			require.Equal(t, "film", text(t, m, "outbox/film.mkv"))
			names, err := m.FS.List(pipeline.Archive)
			require.NoError(t, err)
			require.Equal(t, others, len(names) == 1)
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

// sizes are stages that find so many bytes of video in each result, whatever its record says.
type sizes struct {
	textsAlone
	video int64
}

func (s sizes) Check(_ context.Context, _ *pipeline.Plan, _ pipeline.ChunkFile, r *pipeline.Record, _ bool) error {
	r.Video = s.video
	return nil
}

// A new master knows the results of the one before it by their records alone, and a digit of one may be rotten.
func TestAFilmIsNotSkippedForARecordThatIsNotTrue(t *testing.T) {
	for _, video := range []int64{10, 600} {
		m := leading(t, sharefs.OS)
		j := planted(t, m, "film")
		m.Stages = sizes{video: video}
		j.plan = &pipeline.Plan{Job: j.ID, Input: pipeline.Input{SourceSize: 1000}, Chunks: make([]pipeline.Chunk, 3),
			Settings: pipeline.Settings{MaxSize: 95}}
		require.NoError(t, m.FS.MkdirAll(pipeline.DoneOf(j.ID)))
		state := make([]pipeline.ChunkFile, 3)
		for i := range 2 {
			free := pipeline.ChunkFile{Job: j.ID, Chunk: i, Attempt: 1, Kind: pipeline.KindRange}
			c := free.AsClaimed("pc1-w12345").In(pipeline.Accepted)
			require.NoError(t, m.FS.Create(c.Path(), []byte("x")))
			record := fmt.Appendf(nil, `{"chunk": %q, "attempt": 1, "node": %q, "video": 7000, "extradata": "x"}`,
				c.ID(), c.Node)
			require.NoError(t, m.FS.Create(c.Record(), record))
			state[i] = c
		}
		for range 3 { // the records are read, then proven, then known
			m.skipOutgrowing(j, state)
			for !m.tasks.idle() {
				(<-m.tasks.results)()
			}
		}
		require.Len(t, j.results.verified, 2)
		d, err := pipeline.LoadDecision(m.FS, j.ID)
		if video == 10 {
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.False(t, m.skipOutgrowing(j, state))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, pipeline.ActSkipped, d.Act)
		require.Contains(t, d.Reason, "at least 120.0% of its source's bytes")
	}
}
