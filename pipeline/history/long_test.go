package history

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

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
