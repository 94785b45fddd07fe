package history

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// months reads no more than a month's beginning where that tells all.
func TestALongHistoryIsNotReadWhole(t *testing.T) {
	f := share(t)
	synctest.Test(t, func(*testing.T) {
		k := NewFolder(f)
		films(t, f, 300)
		for range 3 {
			require.NoError(t, k.Fold(noon.Add(24*time.Hour)))
			time.Sleep(2 * time.Minute)
		}
	})
	bytes := 0
	hooked := sharefs.New(f.Root(), sharefstest.WithHook(sharefs.OS(f.Root()), func(op, _ string) error {
		if op == "read" {
			bytes += 4096 // what bufio asks for
		}
		return nil
	}))
	require.Equal(t, int64(300), NewReader(hooked).Read(noon).All.Films)
	require.Less(t, bytes, 10*4096)
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

// alter changes the only month's file and returns its name and what it was.
func alter(t *testing.T, f *sharefs.FS, change func(lines []string) []string) (string, []byte) {
	t.Helper()
	found, err := filepath.Glob(f.Path(pipeline.HistoryDir) + "/*.jsonl")
	require.NoError(t, err)
	require.Len(t, found, 1)
	b, err := os.ReadFile(found[0])
	require.NoError(t, err)
	lines := change(strings.SplitAfter(string(b), "\n"))
	require.NoError(t, os.WriteFile(found[0], []byte(strings.Join(lines, "")), 0o644))
	return filepath.Base(found[0]), b
}

// line puts a text in the place of a line.
func line(n int, text string) func([]string) []string {
	return func(lines []string) []string {
		lines[n] = text + "\n"
		return lines
	}
}

// What a person or a disk has broken is told, and what can be read of it counts, also after it is removed as the
// trouble says.
func TestABrokenMonth(t *testing.T) {
	for name, c := range map[string]struct {
		change func(lines []string) []string
		films  int64
	}{
		"no sums":            {func(l []string) []string { return l[1:] }, 4},
		"other sums":         {line(0, `{"month":"2026-11","films":-1}`), 5},
		"of another month":   {line(0, `{"month":"2026-10"}`), 5},
		"a day of no time":   {line(1, `{"yesterday":{}}`), 5},
		"a host of no name":  {line(1, `{"2026-11-28":{"nodes":{"<b>":{}}}}`), 5},
		"cut in its sums":    {func(l []string) []string { return []string{l[0], l[1][:9]} }, 0},
		"empty":              {func([]string) []string { return nil }, 0},
		"something else":     {func([]string) []string { return []string{"hello"} }, 0},
		"a line of its days": {func(l []string) []string { return []string{l[0], "{\n"} }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := share(t)
				for i := range 5 {
					require.NoError(t, film(i, noon.Add(-24*time.Hour)).Publish(f))
				}
				k := NewFolder(f)
				for range 3 {
					require.NoError(t, k.Fold(noon))
					time.Sleep(2 * time.Minute)
				}
				broken, mended := alter(t, f, c.change)
				require.NoError(t, film(9, noon.Add(-24*time.Hour)).Publish(f))
				r := NewReader(f)
				h := r.Read(noon)
				require.Len(t, h.Trouble, 1)
				require.Contains(t, h.Trouble[0], ".distenc/history/"+broken+" is not as it was written")
				require.Equal(t, c.films+1, h.All.Films)
				require.Equal(t, h, r.Read(noon))
				whole := must(f.Read(pipeline.HistoryFile(broken), maxMonth))
				require.NoError(t, os.WriteFile(f.Path(pipeline.HistoryFile(broken)), mended, 0o644))
				require.Empty(t, r.Read(noon).Trouble, "put back from a backup")
				require.Equal(t, int64(6), r.Read(noon).All.Films)
				require.NoError(t, os.WriteFile(f.Path(pipeline.HistoryFile(broken)), whole, 0o644))
				for range 3 {
					require.NoError(t, k.Fold(noon))
					time.Sleep(2 * time.Minute)
				}
				require.Equal(t, c.films+1, read(f).All.Films)
				require.Len(t, names(t, f), 2, "it stays, beside one with all that can be read")
				require.NoError(t, os.Remove(f.Path(pipeline.HistoryFile(broken))))
				require.Empty(t, read(f).Trouble)
				require.Equal(t, c.films+1, read(f).All.Films)
			})
		})
	}
}

// Entries are hostile too, and one that is put in the place of a file stops nobody else's.
func TestBrokenEntries(t *testing.T) {
	f := share(t)
	require.NoError(t, film(1, noon).Publish(f))
	good, err := json.Marshal(film(2, noon))
	require.NoError(t, err)
	write := func(job, text string) {
		require.NoError(t, os.WriteFile(f.Path(pipeline.HistoryEntry(job)), []byte(text), 0o644))
	}
	write("0badcafe-00000", string(good)) // of another job
	write("0badcafe-00001", `{"job":"0badcafe-00001","time":"2026-11-29T00:00:00Z","source_bytes":-1}`)
	write("0badcafe-00002", `{"job":"0badcafe-00002","time":"0001-01-01T00:00:00Z"}`)
	write("0badcafe-00003", `{"job":"0badcafe-00003","time":"2026-11-29T00:00:00Z","nodes":{"a b":{"frames":1}}}`)
	write("0badcafe-00004", `{"job":"0badcafe-00004","time":"2026-11-29T00:00:00Z","seconds":1e300}`)
	require.NoError(t, os.Symlink("/etc/passwd", f.Path(pipeline.HistoryEntry("0badcafe-00005"))))
	require.NoError(t, os.Mkdir(f.Path(pipeline.HistoryEntry("0badcafe-00006")), 0o755))
	require.NoError(t, os.Mkdir(f.Path(pipeline.HistoryDir+"/2026-11.abcdefgh.jsonl"), 0o755))
	require.NoError(t, os.WriteFile(f.Path(pipeline.HistoryDir+"/notes.txt"), nil, 0o644))
	h := read(f)
	require.Equal(t, int64(1), h.All.Films)
	require.Len(t, h.Trouble, maxTrouble+1)
	require.Equal(t, "And 5 more.", h.Trouble[maxTrouble])
	require.NoError(t, NewFolder(f).Fold(noon.Add(24*time.Hour)))
	require.Equal(t, int64(1), read(f).All.Films)
}

// A file that is broken is not read ever again, however large, until a person has mended it.
func TestABrokenFileIsReadAgainWhereItChanges(t *testing.T) {
	f := share(t)
	films(t, f, 3)
	month := pipeline.HistoryFile("2026-10.abcdefgh.jsonl")
	require.NoError(t, os.WriteFile(f.Path(month), []byte("torn"), 0o644))
	synctest.Test(t, func(t *testing.T) {
		opened := 0
		r := NewReader(sharefs.New(f.Root(), sharefstest.WithHook(sharefs.OS(f.Root()), func(op, name string) error {
			if op == "open" && name == month {
				opened++
			}
			return nil
		})))
		for range 13 {
			require.Len(t, r.Read(noon).Trouble, 1)
			time.Sleep(5 * time.Second)
		}
		opened = 0
		require.Len(t, r.Read(noon).Trouble, 1)
		require.Equal(t, 1, opened, "only looked at")
		require.NoError(t, os.WriteFile(f.Path(month), must(monthText("2026-10", nil)), 0o644))
		require.Empty(t, r.Read(noon).Trouble)
	})
}

// While the share does not give the history, the last one is told, and why.
func TestTheShareIsAway(t *testing.T) {
	f, away := share(t), false
	films(t, f, 3)
	r := NewReader(sharefs.New(f.Root(), sharefstest.WithHook(sharefs.OS(f.Root()), func(string, string) error {
		if away {
			return syscall.ETIMEDOUT
		}
		return nil
	})))
	require.Empty(t, r.Read(noon).Trouble)
	away = true
	h := r.Read(noon)
	require.Equal(t, int64(3), h.All.Films)
	require.Contains(t, h.Trouble[0], "connection timed out")
	away = false
	require.Empty(t, r.Read(noon).Trouble)
	require.Empty(t, r.last.Trouble)
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

// manyFilms is a history of ten thousand films in thirty days on twenty hosts, and as many in each of the eleven months
// before.
func manyFilms(t testing.TB, f *sharefs.FS) {
	t.Helper()
	n := 0
	for m := range 12 {
		entries := map[string]*Entry{}
		for i := range 10_000 {
			e := film(n, time.Date(2026, time.Month(12-m), -2, 23, 0, 0, 0, time.UTC).Add(-time.Duration(i)*4*time.Minute))
			e.Nodes = map[string]Work{}
			for k := range 20 {
				e.Nodes[fmt.Sprintf("pc-%d", k)] = Work{50, 2.5}
			}
			n++
			if m == 0 && i < 333 {
				e.Time = noon
				require.NoError(t, f.Create(pipeline.HistoryEntry(e.Job), must(json.Marshal(e))))
			} else if e.month() == fmt.Sprintf("2026-%02d", 11-m) {
				entries[e.Job] = e
			}
		}
		if len(entries) > 0 {
			name := fmt.Sprintf("2026-%02d", 11-m)
			require.NoError(t, f.Create(pipeline.HistoryMonth(name), must(monthText(name, entries))))
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func BenchmarkRead(b *testing.B) {
	f, err := sharefs.Open(b.TempDir())
	require.NoError(b, err)
	require.NoError(b, f.MkdirAll(pipeline.HistoryDir))
	manyFilms(b, f)
	r := NewReader(f)
	for name, reader := range map[string]func() *Reader{
		"once": func() *Reader { return NewReader(f) }, "again": func() *Reader { return r },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if h := reader().Read(noon); h.All.Films < 100_000 || h.Recent.Films < 9_000 || len(h.Trouble) > 0 {
					b.Fatalf("%d films, %d in 30 days, %v", h.All.Films, h.Recent.Films, h.Trouble)
				}
			}
		})
	}
}
