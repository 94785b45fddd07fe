package merge

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Request names what is merged. All paths are absolute.
type Request struct {
	Plan    *pipeline.Plan
	Results []string // one accepted result per chunk, in the plan's order
	// CRCs are the results' CRC-32 as their records have them, 8 hex digits, in the same order. Nil
	// where there are no records.
	CRCs []string
	// Sums are of the results as they were when they were accepted; a zero one is not known, and that
	// result is read again before the merge. May be nil.
	Sums []Sum
	// Prepared is what Prepare gave for this source and WorkDir; nil: Merge prepares.
	Prepared *Prepared
	// Joined says that Out is what Ahead has written of the same results: it is only verified.
	Joined bool
	// Source is the file the plan was made for (the normalised one, if there is one): all but the video
	// is taken from it.
	Source string
	File   *media.File // what ffprobe says of Source; nil: it is asked
	Out    string      // written or replaced; its name says nothing of the container
	// WorkDir takes temporary files: small texts, and for Matroska a copy of the source without its video. The caller
	// makes and removes it.
	WorkDir string
}

// limits are those of a child that reads the source and all results and writes the output.
func (r Request) limits() media.Limits {
	return media.Copying(media.Size(r.Source) + media.Size(r.Results...))
}

// Output says what Merge has written.
type Output struct {
	Size   int64
	CRC32  string            // 8 upper-case hex digits
	Tools  map[string]string // version lines of the programs that took part
	Report *Report
}

// Merge writes the output, makes it durable and verifies it against the plan, the results and the source. A
// result that is not as it was accepted is a *pipeline.BadChunk. An output that does not verify otherwise is an error
// too, with the Output and its report beside it; any other error leaves an unfinished file that the caller
// sweeps.
func Merge(ctx context.Context, tools media.Tools, req Request) (*Output, error) {
	if len(req.Results) != len(req.Plan.Chunks) || len(req.Results) == 0 {
		return nil, fmt.Errorf("cannot merge %d results: the plan has %d chunks", len(req.Results), len(req.Plan.Chunks))
	}
	sums, err := checkResults(ctx, tools, req)
	if err != nil {
		return nil, err
	}
	if req.Prepared == nil {
		if req.Prepared, err = Prepare(ctx, tools, req); err != nil {
			return nil, err
		}
	}
	out, err := produce(ctx, tools, req, sums)
	if err != nil && ctx.Err() == nil && req.Prepared.withoutRest(req.Source) { // the source itself is what counts
		req.Joined = false
		out, err = produce(ctx, tools, req, sums)
	}
	if err != nil && ctx.Err() == nil {
		err = blame(ctx, tools, req, err)
	}
	return out, err
}

// Ahead writes the output of results that are not all accepted yet, to Out. A Merge of the same results may take it,
// which compares it with what the results were when they were accepted. Prepared must be set.
func Ahead(ctx context.Context, tools media.Tools, req Request) error {
	if err := join(ctx, tools, req); err != nil {
		return err
	}
	req.Prepared.joined = slices.Clone(req.Results)
	return nil
}

// Joined reports whether Ahead has written the output of these results.
func (p *Prepared) Joined(results []string) bool { return p != nil && slices.Equal(p.joined, results) }

// join writes the output.
func join(ctx context.Context, tools media.Tools, req Request) error {
	mux := writeMatroska
	if req.Plan.Settings.Container == containerMP4 {
		mux = writeMP4
	}
	if err := mux(ctx, tools, req); err != nil {
		return fmt.Errorf("cannot merge %d chunks into %q: %w", len(req.Results), req.Out, err)
	}
	return nil
}

// produce makes the output of results whose sums are known.
func produce(ctx context.Context, tools media.Tools, req Request, sums []Sum) (*Output, error) {
	if !req.Joined {
		if err := join(ctx, tools, req); err != nil {
			return nil, err
		}
	}
	out := &Output{Tools: req.Prepared.tools}
	// One reads while the other looks: what lies in the page cache is read once from the disk.
	settled := make(chan error, 1)
	go func() {
		var err error
		out.Size, out.CRC32, err = settle(req.Out)
		settled <- err
	}()
	report, err := verify(ctx, tools, verification{source: req.Source, output: req.Out, plan: req.Plan, sums: sums,
		prepared: req.Prepared})
	if serr := <-settled; serr != nil {
		return nil, fmt.Errorf("cannot make %q durable: %w", req.Out, serr)
	}
	if out.Report = report; err != nil {
		return out, err
	}
	if !out.Report.OK() {
		return out, fmt.Errorf("cannot accept the merged file: %s", out.Report.firstFailure())
	}
	return out, nil
}

// settle makes a child's file durable, and reads it once for its CRC while the disk writes.
func settle(path string) (size int64, crc string, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0) // fsync through a read-only descriptor writes nothing back on SMB
	if err != nil {
		return 0, "", err
	}
	synced := make(chan error, 1)
	go func() { synced <- f.Sync() }()
	size, crc, err = checksum(f)
	if serr := <-synced; err == nil {
		err = serr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return size, crc, err
}
