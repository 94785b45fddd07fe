package merge

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Certificate says what an output is made of and how that was checked. It stays in the job's folder.
type Certificate struct {
	Job      string            `json:"job"`
	Source   CertifiedFile     `json:"source"`
	Output   CertifiedFile     `json:"output"`
	Settings pipeline.Settings `json:"settings"`
	Encoder  string            `json:"encoder"`       // version of the plan's test encode
	Crop     pipeline.Rect     `json:"crop,omitzero"` // the part of the source's pictures that was kept; else all
	Frames   CertifiedFrames   `json:"frames"`
	Chunks   []CertifiedChunk  `json:"chunks"`
	Quality  *pipeline.Scores  `json:"quality,omitempty"` // where a quality was asked for
	Tools    map[string]string `json:"tools"`             // version lines of what merged and verified
	Checked  []string          `json:"checked"`
	Report   *Report           `json:"report"`
	Notes    []string          `json:"notes,omitempty"`
	Skipped  string            `json:"skipped,omitempty"` // why the output is the source itself
	Time     time.Time         `json:"time"`              // the master's wall clock, for people
}

// CertifiedFile identifies a file by its content.
type CertifiedFile struct {
	Name  string `json:"name,omitempty"`
	Size  int64  `json:"size"`
	CRC32 string `json:"crc32"`
}

// CertifiedFrames counts the video's frames.
type CertifiedFrames struct {
	Planned int `json:"planned"`
	Found   int `json:"found"`
}

// CertifiedChunk says who encoded a chunk, and how.
type CertifiedChunk struct {
	Index   int     `json:"index"`
	Node    string  `json:"node"`
	Attempt int     `json:"attempt"`
	Encoder string  `json:"encoder"`
	Frames  int     `json:"frames"`
	Size    int64   `json:"size"`
	CRC32   string  `json:"crc32"`
	Method  string  `json:"method"`
	Seconds float64 `json:"seconds"`
	// Quality is how its pictures scored, where a quality was asked for.
	Quality pipeline.Scored `json:"quality,omitzero"`
}

// checked says how, in the certificate's own words.
var checked = []string{
	"every chunk: the decoder's frames against the plan's timestamps, by the node that encoded it and again before it " +
		"was accepted",
	"every chunk: CRC-32, number of frames, timestamps, stream parameters, read again for the merge",
	"the output: number of frames, every timestamp, every video packet's payload against the chunks'",
	"the output: payload and timestamps of every packet of the other streams against the source's, chapters, tags, " +
		"attachments (SHA-256)",
	"the output's CRC-32 was computed from the file as it lies on the share",
}

// Certify makes the certificate of a merged and verified output. records are the results' in the
// plan's order; outputName is what the output will be called, may be empty; now is for people to read.
func Certify(plan *pipeline.Plan, records []pipeline.Record, out *Output, outputName string,
	now time.Time) *Certificate {
	c := &Certificate{
		Job: plan.Job, Settings: plan.Settings, Encoder: plan.Encoder, Crop: plan.Out.Crop,
		Source: CertifiedFile{Name: plan.Original, Size: plan.SourceSize, CRC32: plan.CRC32},
		Output: CertifiedFile{Name: outputName, Size: out.Size, CRC32: out.CRC32},
		Frames: CertifiedFrames{plan.Frames, out.Report.FramesFound},
		Tools:  out.Tools, Checked: checked, Report: out.Report, Notes: plan.Notes, Time: now,
	}
	for i := range records {
		c.Chunks = append(c.Chunks, certified(i, &records[i]))
	}
	if c.Quality = pipeline.ScoresOf(plan, records); c.Quality != nil {
		c.Checked = append(slices.Clone(checked), fmt.Sprintf("every chunk: %s of its pictures against the source's as they "+
			"were handed to the encoder, by the node that encoded it", plan.Settings.Quality.Metric.Title()))
	}
	return c
}

func certified(i int, r *pipeline.Record) CertifiedChunk {
	return CertifiedChunk{i, r.Node, r.Attempt, r.Encoder, r.Frames, r.Size, r.CRC32, r.Method, r.Seconds, r.Quality}
}

// CertifySource makes the certificate of a source that is published in place of an output. records are those of the
// chunks that are encoded, nil for the others.
func CertifySource(plan *pipeline.Plan, records []*pipeline.Record, name, why string, now time.Time) *Certificate {
	source := CertifiedFile{Name: name, Size: plan.SourceSize, CRC32: plan.CRC32}
	c := &Certificate{
		Job: plan.Job, Settings: plan.Settings, Encoder: plan.Encoder, Source: source, Output: source,
		Frames: CertifiedFrames{plan.Frames, plan.Frames}, Skipped: why, Time: now,
		Checked: []string{"the output is the source's own file, or a copy with its CRC-32"},
	}
	for i, r := range records {
		if r != nil {
			c.Chunks = append(c.Chunks, certified(i, r))
		}
	}
	return c
}

// versions tells the version lines of the programs that merge and verify; ffprobe has told its own with the source.
func versions(ctx context.Context, tools media.Tools, req Request, source *media.File) (map[string]string, error) {
	lines := map[string]string{filepath.Base(tools.FFprobe): "ffprobe version " + source.Prober.Version}
	mp4 := req.Plan.Settings.Container == containerMP4
	for _, p := range media.KnownTools() {
		if p.Name != "ffmpeg" && p.Name != "mkvmerge" || mp4 && p.Name == "mkvmerge" ||
			!mp4 && isMatroska(source) && p.Name == "ffmpeg" {
			continue
		}
		line, err := tools.Version(ctx, p)
		if err != nil {
			return nil, err
		}
		lines[filepath.Base(*p.Path(&tools))] = line
	}
	return lines, nil
}
