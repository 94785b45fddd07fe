package master

import (
	"context"

	"github.com/distenc/distenc/pipeline"
)

// Scan is the result of reading a file once.
type Scan struct {
	CRC32   string // 8 upper-case hex digits
	Kept    any    // belongs to the stages: Plan gets it back
	Size    int64  // about how many bytes of memory that takes
	Refused error  // why the file can't be encoded; nil if it can
}

// Stages are the steps that read or write video. Names are names on the share. The error of a source
// that can never be encoded is a *pipeline.Refusal.
type Stages interface {
	// Scan reads a file once: CRC-32 and packets.
	Scan(ctx context.Context, name string) (Scan, error)
	// Plan plans a job whose source is in its folder; scan may be the zero Scan.
	Plan(ctx context.Context, j *pipeline.Job, scan Scan) (*pipeline.Plan, error)
	// Conclude makes the plan that follows an analysis from its accepted results, one for each of the plan's chunks. A
	// result that turned out to be bad is a *pipeline.BadChunk.
	Conclude(
		ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record,
	) (*pipeline.Plan, error)
	// Pieces cuts the given chunks, in ascending order, out of the job's source. It calls ready for each: as soon as
	// the piece is there, synced, with its temporary name, from which ready moves it away, or with the error that
	// kept it from being cut. An error of ready ends Pieces, which returns it.
	Pieces(ctx context.Context, p *pipeline.Plan, chunks []int, ready func(chunk int, tmp string, err error) error) error
	// Check reads a result, of an analysis too, through this machine's mount and compares it with record and plan, and its
	// pictures with the source's: only the first one if it has to be quick.
	Check(ctx context.Context, p *pipeline.Plan, c pipeline.ChunkFile, r *pipeline.Record, quick bool) error
	// Prepare does in advance what the merge into dst needs of the source alone. It may write into the merge's
	// folder, pipeline.WorkOf(dst). What it returns belongs to the stages: Merge into the same dst gets it back.
	Prepare(ctx context.Context, j *pipeline.Job, p *pipeline.Plan, dst string) (prepared any, err error)
	// Ahead writes dst of results that are not all accepted yet, so that Merge of the same ones has only to verify it. If
	// it fails, Merge does all of it. prepared is what Prepare returned, which Merge into the same dst gets next.
	Ahead(
		ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, dst string, prepared any,
	) error
	// Merge merges the results in order into dst, durably, and verifies it. A result that turned out
	// to be bad is a *pipeline.BadChunk. If prepared is nil, nothing was prepared.
	Merge(
		ctx context.Context, j *pipeline.Job, p *pipeline.Plan, chunks []pipeline.ChunkFile, records []pipeline.Record,
		dst string, prepared any,
	) (*Merged, error)
	// Skip writes the texts of a job whose source is published in place of an output, for the reason why. records are
	// those of the chunks that are encoded, nil for the others.
	Skip(j *pipeline.Job, p *pipeline.Plan, records []*pipeline.Record, why string) (*Merged, error)
}

// childError is the error of a child process that a stage has run.
type childError interface {
	error
	// Lasting reports whether the child would fail again for the same reason.
	Lasting() bool
}

// Merged is what became of a merge, or of a job that needs none.
type Merged struct {
	CRC32       string   // of the output
	Size        int64    // of the output, in bytes
	Certificate []byte   // JSON for certificate.json
	Report      string   // text for report.txt
	Notes       []string // what a person should know beside what the plan says
}
