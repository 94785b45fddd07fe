package lease

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// A leader's file is taken for one only under the very name that a leader gives it, and the next epoch is a
// higher one.
func FuzzLeaders(f *testing.F) {
	f.Add("7.nas-1-mabcde.hb", "0000000000000012 2026-11-22T10:00:00Z\n")
	f.Add("9223372036854775807.x.hb", "")
	f.Add("07.x.hb", "x")
	f.Add("-1.x.hb", strings.Repeat("9", 5000))
	f.Fuzz(func(t *testing.T, name, text string) {
		if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsAny(name, "/\x00") {
			return // no listing has it
		}
		parseSince(text)
		l, ok := parseLeader(name)
		if ok {
			require.Equal(t, name, l.stem()+beatSuffix)
			next := Leader{Node: l.Node, Epoch: l.Epoch + 1}
			require.Positive(t, next.compare(l))
			_, ok := parseLeader(next.stem() + beatSuffix)
			require.True(t, ok || l.Epoch == maxEpoch)
		}
		share := sharefstest.Files(map[string][]byte{"leases/" + name: []byte(text)})
		s, err := readStamp(share, "leases/"+name)
		require.NoError(t, err)
		require.LessOrEqual(t, len(s.text), textLimit)
		for _, stem := range orphaned([]string{name}, func(string) bool { return false }) {
			require.True(t, name == stem+beatSuffix || name == stem+lockSuffix || name == stem+lockSuffix+beatSuffix, stem)
		}
	})
}
