package master

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
)

// twoFrames is a plan of two frames that last two seconds.
const twoFrames = `{"format":3,"job":"abcdef01-k3f9z","source":"source.mkv","original":"source.mkv",` +
	`"video":{"time_base":{"num":1,"den":1}},"frames":2,"chunks":[{"end":1,"pts":"AA"},{"index":1,"start":1,"end":2,` +
	`"first":1,"pts":"Ag"}]}`

// twoChunks is what its certificate says of who encoded them.
const twoChunks = `{"chunks":[{"index":0,"node":"pc-2-wabcde","frames":1,"seconds":0.5},` +
	`{"index":1,"node":"pc-2-w12345","frames":1,"seconds":1.5}]}`

// encoded is a job of two chunks whose output is decided for. certificate is what the job's says.
func encoded(t *testing.T, m *term, certificate string) *job {
	t.Helper()
	j := planted(t, m, "a film")
	require.NoError(t, m.FS.Create(pipeline.JobFile(j.ID, "plan.json"), []byte(twoFrames)))
	require.NoError(t, m.FS.Create(pipeline.JobOut(j.ID, "abcdefghijkl")+certificateExt, []byte(certificate)))
	published(t, m, j)
	return j
}

func counted(t *testing.T, f *sharefs.FS) *history.History {
	t.Helper()
	h := history.NewReader(f).Read(time.Now())
	require.Empty(t, h.Trouble)
	return h
}

// A master dies at any step of a job's end, or that step fails, and another one goes on. The film counts once, also
// when its job's folder, its output and its source are gone.
func TestAFilmIsCountedOnce(t *testing.T) {
	for _, dies := range []bool{false, true} {
		for n, more := 1, true; more; n += 5 {
			steps, armed := 0, false
			m := leading(t, func(root string) sharefs.Ops {
				return sharefstest.WithHook(sharefs.OS(root), func(string, string) error {
					if !armed {
						return nil
					}
					if steps++; steps == n || dies && steps > n {
						return syscall.EIO
					}
					return nil
				})
			})
			j := encoded(t, m, twoChunks)
			armed = true
			_, _ = m.taskFor(j).carryOut(t.Context(), false)
			armed, more = false, steps >= n
			for range 2 {
				_, err := m.taskFor(j).carryOut(t.Context(), false)
				require.NoError(t, err, "after step %d", n)
			}
			for _, dir := range []string{pipeline.Jobs, pipeline.Outbox, pipeline.Archive} {
				require.NoError(t, os.RemoveAll(m.FS.Path(dir)))
			}
			h := counted(t, m.FS)
			require.Equal(t, history.Sum{Films: 1, Frames: 2, Seconds: 2, Source: 6, Output: 6}, h.All, "after step %d", n)
			require.Len(t, h.Nodes, 1)
			require.Equal(t, "pc-2", h.Nodes[0].Host)
			require.Equal(t, history.Work{Frames: 2, Seconds: 2}, h.Nodes[0].Work)
		}
	}
}

// The job is not closed before it counts: nobody would come back to it.
func TestAJobIsCountedBeforeItIsClosed(t *testing.T) {
	broken := true
	m := leading(t, func(root string) sharefs.Ops {
		return sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
			if broken && op == "link" && strings.Contains(name, pipeline.HistoryDir) {
				return syscall.ENOSPC
			}
			return nil
		})
	})
	j := encoded(t, m, twoChunks)
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.ErrorIs(t, err, errUncounted)
	dir, err := pipeline.ListFolder(m.FS, j.ID)
	require.NoError(t, err)
	require.False(t, dir.Closed())
	broken = false
	_, err = m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, int64(1), counted(t, m.FS).All.Films)
}

// A certificate that was altered by hand, or is gone, says nothing of who encoded the film, which counts all the same.
func TestAnAlteredCertificate(t *testing.T) {
	for name, text := range map[string]string{
		"too many frames": strings.Replace(twoChunks, `"frames":1`, `"frames":100`, 1),
		"fewer than none": strings.Replace(twoChunks, `"frames":1`, `"frames":-1`, 1),
		"no time":         strings.Replace(twoChunks, `0.5`, `-0.5`, 1),
		"a host no host":  strings.Replace(twoChunks, `pc-2-wabcde`, `../<b>-w`, 1),
		"cut short":       twoChunks[:40],
		"something else":  "7",
	} {
		t.Run(name, func(t *testing.T) {
			m := leading(t, sharefs.OS)
			j := encoded(t, m, text)
			_, err := m.taskFor(j).carryOut(t.Context(), false)
			require.NoError(t, err)
			h := counted(t, m.FS)
			require.Equal(t, history.Sum{Films: 1, Frames: 2, Seconds: 2, Source: 6, Output: 6}, h.All)
			require.Empty(t, h.Nodes)
		})
	}
}

// A film that was skipped counts, and saved nothing; one that failed does not count.
func TestWhatCounts(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	skipped(t, m, j)
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, history.Sum{Films: 1, Skipped: 1, Source: 4, Output: 4}, counted(t, m.FS).All)

	m = leading(t, sharefs.OS)
	j = planted(t, m, "film")
	require.NoError(t, m.taskFor(j).decide(pipeline.Decision{Act: pipeline.ActFailed, Reason: "why"}))
	_, err = m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Zero(t, counted(t, m.FS).All)
}

// Something in the place of the history's folder, or in that of an entry, keeps no job from ending.
func TestSomethingInThePlaceOfTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := leading(t, sharefs.OS)
		require.NoError(t, os.WriteFile(m.FS.Path(pipeline.HistoryDir), nil, 0o600))
		j := encoded(t, m, twoChunks)
		tries := 0
		for {
			_, err := m.taskFor(j).carryOut(t.Context(), false)
			if err == nil {
				break
			}
			require.ErrorIs(t, err, errUncounted)
			m.giveUpCounting(j, err)
			tries++
			time.Sleep(2 * time.Second)
		}
		require.Greater(t, tries, 30)
		dir, err := pipeline.ListFolder(m.FS, j.ID)
		require.NoError(t, err)
		require.True(t, dir.Closed())
	})
}

// A full disk is no reason to leave a film out, however long it lasts.
func TestTroubleLeavesNoFilmOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := leading(t, sharefs.OS)
		j := encoded(t, m, twoChunks)
		for range 100 {
			m.giveUpCounting(j, fmt.Errorf("%w: %w", errUncounted, syscall.ENOSPC))
			time.Sleep(2 * time.Second)
		}
		require.False(t, j.ending.uncounted)
	})
}

// The leading master folds what days that are over have added.
func TestAMasterFoldsTheHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := leading(t, sharefs.OS)
		m.Today = func() time.Time { return time.Now().Add(48 * time.Hour) }
		j := encoded(t, m, twoChunks)
		_, err := m.taskFor(j).carryOut(t.Context(), false)
		require.NoError(t, err)
		for range 10 {
			time.Sleep(foldEvery)
			m.foldHistory()
			synctest.Wait()
			m.tasks.drain()
		}
		names, err := m.FS.List(pipeline.HistoryDir)
		require.NoError(t, err)
		require.Len(t, names, 1)
		require.Regexp(t, `^2000-01\.[a-z0-9]{8}\.jsonl$`, names[0])
		require.Equal(t, int64(1), counted(t, m.FS).All.Films)
		m.end()
	})
}
