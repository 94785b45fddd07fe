package history

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// Whatever stands in the history's files, what is read of them can be told as JSON and has no numbers that can't be;
// what is folded of them is whole.
func FuzzHistory(f *testing.F) {
	entry, err := json.Marshal(film(1, noon))
	require.NoError(f, err)
	text, err := monthText("2026-11", map[string]*Entry{"a": film(1, noon), "b": film(2, noon)})
	require.NoError(f, err)
	f.Add(entry, text)
	f.Add([]byte(`{"job":"00000001-aaaaa","time":"2026-11-29T00:00:00+14:00","seconds":1e9,"frames":4294967296}`), text[:40])
	f.Add(entry, []byte("{\"month\":\"2026-11\",\"films\":1e18}\n{\"2026-11-30\":{\"films\":1,\"nodes\":{\"pc\":{\"frames\":1,\"seconds\":1e18}}}}\n"))
	f.Add([]byte(`null`), []byte("{\"month\":\"2026-11\"}\nnull\nnull\n"))
	f.Fuzz(func(t *testing.T, entry, month []byte) {
		one := film(1, noon).Job
		h := read(sharefstest.Files(map[string][]byte{
			pipeline.HistoryEntry(one): entry, pipeline.HistoryFile("2026-11.abcdefgh.jsonl"): month,
		}))
		b, err := json.Marshal(h)
		require.NoError(t, err)
		require.Less(t, len(b), 1<<20)
		for _, s := range []Sum{h.All, h.Month, h.Recent} {
			require.True(t, s.valid(), "%+v", s)
		}
		m := parseMonth(month, "2026-11")
		again, err := monthText("2026-11", m.entries)
		require.NoError(t, err)
		folded := parseMonth(again, "2026-11")
		require.True(t, folded.whole)
		require.Equal(t, len(m.entries), len(folded.entries))
		require.Equal(t, m.total.Films, folded.total.Films)
	})
}
