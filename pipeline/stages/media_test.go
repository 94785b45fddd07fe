package stages

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/master"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// A result on the share is taken for no other than the one whose CRC its worker wrote down: whichever bit
// flips, and wherever it was cut off.
func TestCheckReadsEveryByte(t *testing.T) {
	root := t.TempDir()
	stages := Media{FS: sharefs.New(root, sharefs.OS(root))}
	pending := pipeline.ChunkFile{Job: "abcdef01-k3f9z", Kind: pipeline.KindRange}.AsPending(1)
	chunk := pending.AsClaimed("pc1-w12345").In(pipeline.Committed)
	require.NoError(t, stages.FS.MkdirAll(pipeline.DoneOf(chunk.Job)))
	const block = 1 << 20
	whole := slices.Repeat([]byte("an encoded chunk"), 3*block/32)
	record := &pipeline.Record{CRC32: fmt.Sprintf("%08X", crc32.ChecksumIEEE(whole)), Size: int64(len(whole))}
	plan := &pipeline.Plan{Chunks: make([]pipeline.Chunk, 1)}
	check := func(content []byte) error {
		require.NoError(t, os.WriteFile(stages.FS.Path(chunk.Result()), content, 0o600))
		return stages.Check(t.Context(), plan, chunk, record, true)
	}
	require.NotContains(t, check(whole).Error(), "CRC-32", "what is no video is found out later")
	for _, at := range []int{0, block - 1, block, len(whole) - 1} {
		flipped := slices.Clone(whole)
		flipped[at] ^= 1 << 5
		require.ErrorContains(t, check(flipped), "the result's CRC-32 is", at)
		require.ErrorContains(t, check(whole[:at]), "the result's CRC-32 is", at)
	}
	require.NoError(t, os.Remove(stages.FS.Path(chunk.Result())))
	_, ofShare := errors.AsType[*fs.PathError](stages.Check(t.Context(), plan, chunk, record, true))
	require.True(t, ofShare, "a result that is not there is not a bad one")
}

// A film that needs more memory than the one machine has is refused before work is spent.
func TestWhatDoesNotFitIsRefused(t *testing.T) {
	const gb = 1_000_000_000
	plan := &pipeline.Plan{Memory: pipeline.Memory{Fixed: 5 * gb, Thread: gb / 2}}
	m := &Media{Threads: 2, Memory: func() (free, most int64) { return 5 * gb, 8 * gb }}
	err := m.fits(plan)
	_, refused := errors.AsType[*pipeline.Refusal](err)
	require.True(t, refused)
	require.ErrorContains(t, err, "needs about 6.0 GB of memory, and this machine has 8.0 GB, of which 5.0 GB are free")
	m.Memory = func() (free, most int64) { return 6 * gb, 8 * gb }
	require.NoError(t, m.fits(plan))
	require.NoError(t, (&Media{}).fits(plan), "others may have more")
	m.Memory = func() (free, most int64) { return 0, 0 }
	require.NoError(t, m.fits(plan), "not known")
}

// It is refused when the film is planned.
func TestWhatDoesNotFitIsNotPlanned(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	j := &pipeline.Job{ID: "abcdef01-k3f9z", Source: "source.mkv", CRC32: "ABCDEF01", Settings: pipeline.Settings{
		Encoder: "x264", Options: "--preset ultrafast", Container: pipeline.MKV}}
	source := share.Path(pipeline.JobFile(j.ID, j.Source))
	require.NoError(t, os.MkdirAll(filepath.Dir(source), 0o700))
	require.NoError(t, os.Link(corpus.Make(t, "two-frames.mkv"), source))
	free := int64(1_000_000)
	m := &Media{FS: share, Tools: tools, Threads: 1, Memory: func() (int64, int64) { return free, 2_000_000_000 }}
	_, err = m.Plan(t.Context(), j, master.Scan{})
	_, refused := errors.AsType[*pipeline.Refusal](err)
	require.True(t, refused, "%v", err)
	require.ErrorContains(t, err, "and this machine has 2.0 GB, of which 0.0 GB are free")
	free = 1_000_000_000
	plan, err := m.Plan(t.Context(), j, master.Scan{})
	require.NoError(t, err)
	require.Equal(t, 2, plan.Frames)
}

// Where this process has the only worker, a film is cut for that worker's slots, which may not have told of itself yet.
func TestAFilmIsCutForTheOnlyWorker(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	j := &pipeline.Job{ID: "abcdef01-k3f9z", Source: "source.mkv", CRC32: "ABCDEF01", Settings: pipeline.Settings{
		Encoder: "x264", Options: "--preset ultrafast", Container: pipeline.MKV, Chunk: 4}}
	source := share.Path(pipeline.JobFile(j.ID, j.Source))
	require.NoError(t, os.MkdirAll(filepath.Dir(source), 0o700))
	require.NoError(t, os.Link(corpus.Make(t, "h264-closed.mkv"), source))
	chunks := func(slots int) int {
		m := &Media{FS: share, Tools: tools, Slots: slots}
		plan, err := m.Plan(t.Context(), j, master.Scan{})
		require.NoError(t, err)
		return len(plan.Chunks)
	}
	require.Greater(t, chunks(2), chunks(0))
}
