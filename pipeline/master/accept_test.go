package master

import (
	"encoding/json"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A machine would judge itself, so only what other nodes have encoded is decoded whole.
func TestResultsOfTheOwnWorkerAreLookedAtQuickly(t *testing.T) {
	root := t.TempDir()
	m := New(Options{FS: sharefs.New(root, sharefs.OS(root)), Log: slog.New(slog.DiscardHandler), Worker: "pc1-w12345"})
	job := "abcdef01-k3f9z"
	require.NoError(t, m.FS.MkdirAll(pipeline.DoneOf(job)))
	for i, node := range []string{"pc1-w12345", "pc2-w12345", "pc1-w54321"} {
		claim := pipeline.ChunkFile{Job: job, Chunk: i, Kind: pipeline.KindRange}.AsPending(1).AsClaimed(node)
		c := claim.In(pipeline.Committed)
		record, err := json.Marshal(pipeline.Record{
			Attempted: pipeline.Attempted{Chunk: c.ID(), Attempt: c.Attempt, Node: node}, CRC32: "1",
		})
		require.NoError(t, err)
		require.NoError(t, m.FS.Create(c.Record(), record))
		require.NoError(t, m.FS.Create(c.Result(), []byte("a result")))
		require.NoError(t, m.FS.Create(c.Path(), nil))
		did := &checks{}
		m.Stages = did
		task := &jobTask{Master: m, job: &pipeline.Job{ID: job}, plan: &pipeline.Plan{}}
		verdicts := task.acceptAll(t.Context(), []pipeline.ChunkFile{c}, nil)
		require.NoError(t, verdicts[0].err)
		require.Equal(t, node == m.Worker, did.quick == 1)
		require.Equal(t, node != m.Worker, did.whole == 1)
	}
}
