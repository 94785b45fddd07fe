//go:build linux

package farm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/test/corpus"
)

// A share that goes away is one line in a daemon's log, and another one when it is back, however long that takes.
func TestAnOutageIsTwoLines(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+slow)
	f.must("add", corpus.Make(t, "hi10p-fansub.mkv"))
	daemons := []*daemon{f.start("master"), f.start("worker", "--slots", "2")}
	f.chunksDone(1)
	away := f.dir + ".away"
	require.NoError(t, os.Rename(f.dir, away))
	for _, d := range daemons {
		until(t, "it is told", func() bool { return strings.Contains(d.log.String(), "the share does not answer") })
	}
	began := time.Now()
	until(t, "many looks", func() bool { return time.Since(began) > 8*time.Second })
	require.NoError(t, os.Rename(away, f.dir))
	f.eventually("the output", func() bool {
		out, _ := filepath.Glob(filepath.Join(f.dir, "outbox", "*.mkv"))
		return len(out) == 1
	})
	for _, d := range daemons {
		var lines []string
		for line := range strings.Lines(d.log.String()) {
			for _, word := range []string{"the share", "heartbeat", "election", "claim, trying again", "work goes on",
				"work is paused"} {
				if strings.Contains(line, word) {
					lines = append(lines, line)
					break
				}
			}
		}
		t.Log(strings.Join(lines, ""))
		require.Equal(t, 1, strings.Count(strings.Join(lines, ""), "the share does not answer"))
		require.Equal(t, 1, strings.Count(strings.Join(lines, ""), "the share answers again"))
		require.Len(t, lines, 2)
	}
}
