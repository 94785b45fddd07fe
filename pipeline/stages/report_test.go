package stages

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestTheReportTellsWhatWasDoneAgain(t *testing.T) {
	attempt := func(chunk string, number int, node string) pipeline.Attempted {
		return pipeline.Attempted{Chunk: chunk, Attempt: number, Node: node}
	}
	require.Equal(t, "nothing\n", retries([]pipeline.Record{{Attempted: attempt("j.00000", 1, "")}}, nil))
	then := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	require.Equal(t, `00001  attempt 1  pc-2-waaaaa  2026-11-22T10:00:00Z  the worker's heartbeat stopped
00001  attempt 2  pc-3-wbbbbb  2026-11-22T10:00:00Z  ffmpeg: exit status 187
00001  attempt 2  by request   2026-11-22T10:00:00Z  tried again on request
00002  handed back or made anew, 2 times
`, retries([]pipeline.Record{
		{Attempted: attempt("j.00000", 1, "")}, {Attempted: attempt("j.00001", 3, "")},
		{Attempted: attempt("j.00002", 3, "")},
	}, []pipeline.Failure{
		{Attempted: attempt("j.00001", 1, "pc-2-waaaaa"), Reason: "the worker's heartbeat stopped", Reported: then},
		{Attempted: attempt("j.00001", 2, "pc-3-wbbbbb"), Reason: "ffmpeg: exit status 187\nmore", Reported: then},
		{Attempted: attempt("j.00001", 2, "pc-3-wbbbbb"), Retry: true, Reason: "tried again on request", Reported: then},
	}))
}
