package master

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// checks are stages that note how results were checked.
type checks struct {
	Stages
	quick, whole int
}

func (c *checks) Check(
	_ context.Context, _ *pipeline.Plan, _ pipeline.ChunkFile, _ *pipeline.Record, quick bool,
) error {
	if quick {
		c.quick++
	} else {
		c.whole++
	}
	return nil
}

// A master that comes after another one checks all results again before it merges them; to decode a whole film
// for a second time would take too long.
func TestManyResultsOfAnotherMasterAreCheckedQuickly(t *testing.T) {
	root := t.TempDir()
	m := New(Options{FS: sharefs.New(root, sharefs.OS(root))})
	job := "abcdef01-k3f9z"
	require.NoError(t, m.FS.MkdirAll(pipeline.DoneOf(job)))
	var chunks []pipeline.ChunkFile
	for i := range manyResults + 2 {
		claim := pipeline.ChunkFile{Job: job, Chunk: i, Kind: pipeline.KindRange}.AsPending(1).AsClaimed("pc1-w12345")
		c := claim.In(pipeline.Accepted)
		record, err := json.Marshal(pipeline.Record{
			Attempted: pipeline.Attempted{Chunk: c.ID(), Attempt: c.Attempt, Node: c.Node}, CRC32: strconv.Itoa(i + 1),
		})
		require.NoError(t, err)
		require.NoError(t, m.FS.Create(c.Record(), record))
		chunks = append(chunks, c)
	}
	for _, n := range []int{len(chunks), 2} {
		did := &checks{}
		m.Stages = did
		verified := verifiedRecords{chunks[0].Stem(): &pipeline.Record{CRC32: "1"}}
		task := &jobTask{Master: m, job: &pipeline.Job{ID: job}, plan: &pipeline.Plan{}}
		records, err := task.prove(t.Context(), chunks[:n], verified)
		require.NoError(t, err)
		require.Len(t, records, n)
		require.Equal(t, n > manyResults, did.whole == 0)
		require.Equal(t, n-1, did.quick+did.whole, "what this master has accepted is not checked again")
	}
}

// What would take as much again is not tried again; a silence may have been the machine's.
func TestAMergeBeyondItsLimitsIsNotRepeated(t *testing.T) {
	beyond := func(reason string) error {
		return fmt.Errorf("cannot merge: %w", &media.LimitError{Program: "mkvmerge", Reason: reason})
	}
	require.True(t, hopeless(beyond("wrote more than 10 bytes")))
	require.True(t, hopeless(beyond("took more than 5m0s on processors")))
	require.False(t, hopeless(beyond("showed no sign of life for 10m0s")))
	require.False(t, hopeless(errors.New("cannot merge")))
	exit := &media.ExitError{Program: "mkvmerge", Err: syscall.EIO}
	require.False(t, hopeless(exit))
	require.True(t, lastingError(exit), "what a child met may be the source's own fault")
	require.False(t, lastingError(syscall.EIO), "what we met may pass")
}
