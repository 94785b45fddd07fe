package history

import (
	"encoding/json"
	"flag"
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

var everyFlag = flag.Int("every", 17, "TestEveryStepMayFail lets every nth step fail")

var (
	noon  = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	hosts = []string{"pc-2", "nas-1", "desk"}
)

func share(t *testing.T) *sharefs.FS {
	t.Helper()
	f, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, f.MkdirAll(".distenc"))
	return f
}

// film is the nth of many: a GiB of a thousand frames that became a quarter of it, on one of three hosts.
func film(n int, when time.Time) *Entry {
	return &Entry{
		Job: fmt.Sprintf("%08x-aaaaa", n), Time: when, Source: 1 << 30, Output: 1 << 28, Frames: 1000, Seconds: 40,
		Nodes: map[string]Work{hosts[n%3]: {1000, 50}},
	}
}

// films come out one after the other, three a day, the last one at noon.
func films(t *testing.T, f *sharefs.FS, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, film(i, noon.Add(-8*time.Hour*time.Duration(i))).Publish(f))
	}
}

func names(t *testing.T, f *sharefs.FS) []string {
	t.Helper()
	all, err := f.List(pipeline.HistoryDir)
	require.NoError(t, err)
	return all
}

func read(f *sharefs.FS) *History { return NewReader(f).Read(noon) }

func TestNothingHasComeOutYet(t *testing.T) {
	f := share(t)
	h := read(f)
	require.Empty(t, h.Trouble)
	require.Zero(t, h.All)
	require.Len(t, h.Days, 30)
	require.NoError(t, NewFolder(f).Fold(noon))
	_, err := f.List(pipeline.HistoryDir)
	require.Error(t, err, "the first film makes it")
}

// A film counts once, however often its entry is written, and stays as it was written first.
func TestAnEntryIsWrittenOnce(t *testing.T) {
	f := share(t)
	again := film(1, noon)
	again.Output = 7
	require.NoError(t, film(1, noon).Publish(f))
	require.NoError(t, again.Publish(f))
	require.Equal(t, Sum{Films: 1, Seconds: 40, Source: 1 << 30, Output: 1 << 28, Frames: 1000}, read(f).All)
}

func TestTheNumbers(t *testing.T) {
	f := share(t)
	films(t, f, 300) // a hundred days
	skipped := film(1000, noon)
	skipped.Skipped, skipped.Output, skipped.Frames, skipped.Seconds = true, skipped.Source, 0, 0
	require.NoError(t, skipped.Publish(f))
	check := func() {
		t.Helper()
		h := read(f)
		require.Empty(t, h.Trouble)
		require.Equal(t, "2026-08", h.Since)
		require.Equal(t, int64(301), h.All.Films)
		require.Equal(t, int64(1), h.All.Skipped)
		require.Equal(t, int64(300*3<<28), h.All.Saved())
		require.Equal(t, int64(29*3), h.Month.Films, "of the 29th two, none being later than noon, and the skipped one")
		require.Equal(t, int64(30*3), h.Recent.Films)
		require.Equal(t, int64(89*1000), h.Recent.Frames)
		require.InDelta(t, 89*40, h.Recent.Seconds, 1e-6)
		require.Equal(t, "2026-10-31", h.Days[0].Day)
		require.Equal(t, "2026-11-29", h.Days[29].Day)
		require.Equal(t, int64(3), h.Days[29].Films)
		require.Len(t, h.Nodes, 3)
		require.InDelta(t, 20, h.Nodes[0].FPS, 1e-6)
		require.InDelta(t, 20, h.Nodes[0].Daily[3], 1e-6)
		require.Equal(t, int64(90*1000), h.Nodes[0].Frames+h.Nodes[1].Frames+h.Nodes[2].Frames)
	}
	check()
	synctest.Test(t, func(*testing.T) {
		k := NewFolder(f)
		for range 3 {
			require.NoError(t, k.Fold(noon))
			check()
			time.Sleep(2 * time.Minute)
		}
	})
	require.Len(t, names(t, f), 4+3, "four months, and what is of today: %v", names(t, f))
	check()
}

// One reader that goes on reads what is new, and forgets what is gone.
func TestAReaderThatGoesOn(t *testing.T) {
	f, r := share(t), (*Reader)(nil)
	r = NewReader(f)
	synctest.Test(t, func(*testing.T) {
		k := NewFolder(f)
		for i := range 40 {
			require.NoError(t, film(i, noon.Add(-time.Duration(i)*24*time.Hour)).Publish(f))
			require.NoError(t, k.Fold(noon))
			require.Equal(t, int64(i+1), r.Read(noon).All.Films)
			time.Sleep(45 * time.Second)
		}
	})
	require.NoError(t, os.RemoveAll(f.Path(pipeline.HistoryDir)))
	require.Zero(t, r.Read(noon).All.Films)
	require.Empty(t, r.months)
	require.Empty(t, r.loose.read)
}

// A master dies at any step of all that is done to the history, or one step fails; others go on. Nothing is lost and
// nothing counted twice, at no time.
func TestEveryStepMayFail(t *testing.T) {
	const today = 24 * time.Hour
	life := func(f *sharefs.FS) {
		k := NewFolder(f)
		for i := range 6 {
			_ = film(i, noon.Add(-time.Duration(i)*13*24*time.Hour)).Publish(f)
			_ = k.Fold(noon.Add(today))
			time.Sleep(40 * time.Second)
		}
	}
	for _, dies := range []bool{false, true} {
		for i, fault := range []error{syscall.EIO, syscall.EACCES, sharefstest.AnswerLost(syscall.EIO)} {
			for n, more := 1+i, true; more; n += *everyFlag {
				synctest.Test(t, func(*testing.T) {
					f := share(t)
					steps := 0
					ops := sharefstest.WithHook(sharefs.OS(f.Root()), func(string, string) error {
						if steps++; steps == n || dies && steps > n {
							return fault
						}
						return nil
					})
					life(sharefs.New(f.Root(), ops))
					more = steps >= n
					require.LessOrEqual(t, read(f).All.Films, int64(6))
					var wg = make(chan struct{})
					go func() { life(f); close(wg) }() // two that have seen nothing of that, at once
					life(f)
					<-wg
					h := read(f)
					require.Empty(t, h.Trouble)
					require.Equal(t, int64(6), h.All.Films, "after step %d: %v", n, names(t, f))
					require.Equal(t, int64(6*1000), h.All.Frames)
					for range 6 { // all comes to one file for each month
						k := NewFolder(f)
						require.NoError(t, k.Fold(noon.Add(today)))
						time.Sleep(11 * time.Minute)
						require.NoError(t, k.Fold(noon.Add(today)))
					}
					require.Len(t, names(t, f), 3, "%v", names(t, f))
					require.Equal(t, int64(6), read(f).All.Films)
				})
			}
		}
	}
}

// A cloud has ever new hosts.
func TestManyHosts(t *testing.T) {
	f := share(t)
	for i := range 70 {
		e := film(i, noon)
		e.Nodes = map[string]Work{fmt.Sprintf("cloud-%d", i): {int64(i), 1}}
		require.NoError(t, e.Publish(f))
	}
	h := read(f)
	require.Len(t, h.Nodes, maxNodes)
	require.Equal(t, 20, h.Others)
	require.Equal(t, "cloud-69", h.Nodes[0].Host)
	b, err := json.Marshal(h)
	require.NoError(t, err)
	require.Less(t, len(b), 20_000)
}

// For a minute others may still list the entries, and not the file that they were folded into.
func TestAnEntryStaysForAMinute(t *testing.T) {
	synctest.Test(t, func(*testing.T) {
		f := share(t)
		require.NoError(t, film(1, noon).Publish(f))
		k := NewFolder(f)
		for range 2 { // makes the file, sees it
			require.NoError(t, k.Fold(noon.Add(24*time.Hour)))
		}
		time.Sleep(sharefs.StaleNames - time.Second)
		require.NoError(t, k.Fold(noon.Add(24*time.Hour)))
		require.Len(t, names(t, f), 2)
		require.Equal(t, int64(1), read(f).All.Films)
		time.Sleep(2 * time.Second)
		require.NoError(t, k.Fold(noon.Add(24*time.Hour)))
		require.Len(t, names(t, f), 1)
	})
}
