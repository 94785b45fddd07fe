package history

import (
	"encoding/json"
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
