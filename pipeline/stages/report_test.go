package stages

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestTheReportTellsWhatWasDoneAgain(t *testing.T) {
	require.Equal(t, "nothing\n", retries([]pipeline.Record{{Chunk: "j.00000", Attempt: 1}}, nil))
	then := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	require.Equal(t, `00001  attempt 1  pc-2-waaaaa  2026-11-22T10:00:00Z  the worker's heartbeat stopped
00001  attempt 2  pc-3-wbbbbb  2026-11-22T10:00:00Z  ffmpeg: exit status 187
00001  attempt 2  by request   2026-11-22T10:00:00Z  tried again on request
00002  handed back or made anew, 2 times
`, retries([]pipeline.Record{
		{Chunk: "j.00000", Attempt: 1}, {Chunk: "j.00001", Attempt: 3}, {Chunk: "j.00002", Attempt: 3},
	}, []pipeline.Failure{
		{Chunk: "j.00001", Attempt: 1, Node: "pc-2-waaaaa", Reason: "the worker's heartbeat stopped", Reported: then},
		{Chunk: "j.00001", Attempt: 2, Node: "pc-3-wbbbbb", Reason: "ffmpeg: exit status 187\nmore", Reported: then},
		{Chunk: "j.00001", Attempt: 2, Node: "pc-3-wbbbbb", Retry: true, Reason: "tried again on request", Reported: then},
	}))
}
