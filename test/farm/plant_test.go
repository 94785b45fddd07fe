//go:build linux

package farm_test

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// planter puts wrong results in the place of a job's own, each with a record that fits it.
type planter struct {
	*farm
	fs    *sharefs.FS
	plan  *pipeline.Plan
	found map[int]pipeline.ChunkFile // committed and accepted
}

func (f *farm) planter(job string) *planter {
	f.t.Helper()
	fs, err := sharefs.Open(f.dir)
	require.NoError(f.t, err)
	p := &planter{farm: f, fs: fs, found: map[int]pipeline.ChunkFile{}}
	p.plan, err = pipeline.LoadPlan(fs, job)
	require.NoError(f.t, err)
	names, err := fs.List(pipeline.DoneOf(job))
	require.NoError(f.t, err)
	for _, n := range names {
		if c, ok := pipeline.ParseDone(n); ok {
			p.found[c.Chunk] = c
		}
	}
	return p
}

// write replaces a result's record.
func (p *planter) write(chunk int, r *pipeline.Record) {
	c := p.found[chunk]
	require.NotEmpty(p.t, c.Job, "chunk %d has no result", chunk)
	r.Chunk, r.Attempt, r.Node = c.ID(), c.Attempt, c.Node
	b, err := json.Marshal(r)
	require.NoError(p.t, err)
	require.NoError(p.t, os.WriteFile(p.fs.Path(c.Record()), b, 0o644))
}

// another puts the pictures of one chunk in the place of another one's: at its timestamps, encoded as the plan
// says.
func (p *planter) another(chunk, from int) {
	p.t.Helper()
	source := p.fs.Path(pipeline.JobFile(p.plan.Job, p.plan.Source))
	shift := fmt.Sprintf("%.6f", p.plan.Video.TimeBase.Seconds(p.plan.Chunks[chunk].Start-p.plan.Chunks[from].Start))
	other := filepath.Join(p.t.TempDir(), "other.mkv")
	out, err := exec.Command("ffmpeg", "-nostdin", "-v", "error", "-copyts", "-i", source, "-itsoffset", shift, "-i",
		source,
		"-filter_complex", "[0:v][1:v]overlay", "-an", "-fps_mode", "passthrough", "-enc_time_base", "1:1000",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "24", "-bf", "0", "-avoid_negative_ts", "disabled",
		other).CombinedOutput()
	require.NoError(p.t, err, string(out))
	tools, err := media.Find(nil)
	require.NoError(p.t, err)
	rec, err := encode.Chunk(p.t.Context(), tools, encode.Request{
		Plan: p.plan, Chunk: &p.plan.Chunks[chunk], Source: other, Out: p.fs.Path(p.found[chunk].Result()), Threads: 1,
	})
	require.NoError(p.t, err)
	was, err := pipeline.LoadRecord(p.fs, p.found[chunk])
	require.NoError(p.t, err)
	rec.Build = was.Build // the worker's stage notes it
	p.write(chunk, rec)
}

// garble flips bits in the second half of a result, in the second half of each packet, as bad memory does before the
// CRC is taken. The container stays whole.
func (p *planter) garble(chunk int) {
	p.t.Helper()
	c := p.found[chunk]
	result := p.fs.Path(c.Result())
	data, err := os.ReadFile(result)
	require.NoError(p.t, err)
	list, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "packet=pos,size", "-of", "csv=p=0",
		result).Output()
	require.NoError(p.t, err)
	packets := strings.Fields(string(list))
	random := rand.New(rand.NewPCG(1, 2))
	for _, line := range packets[len(packets)/2:] {
		var size, pos int
		_, err := fmt.Sscanf(line, "%d,%d", &size, &pos)
		require.NoError(p.t, err)
		for n := size / 2; n < size; n += 40 {
			data[pos+n] ^= 1 << random.IntN(8)
		}
	}
	require.NoError(p.t, os.WriteFile(result, data, 0o644))
	rec, err := pipeline.LoadRecord(p.fs, c)
	require.NoError(p.t, err)
	rec.CRC32 = fmt.Sprintf("%08X", crc32.ChecksumIEEE(data))
	p.write(chunk, rec)
}

// complaints are the reports of what went wrong with single attempts.
func (p *planter) complaints() string {
	var all []string
	logs, err := filepath.Glob(filepath.Join(p.fs.Path(pipeline.LogDir(p.plan.Job)), "*"))
	require.NoError(p.t, err)
	for _, l := range logs {
		b, err := os.ReadFile(l)
		require.NoError(p.t, err)
		all = append(all, filepath.Base(l)+": "+string(b))
	}
	return strings.Join(all, "\n")
}

// Wrong results, each with a record that fits, at three times: before any master has seen them, after another
// one has accepted them, after this one has. None gets into the output.
func TestPlantedResultsAreNoticed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		accepted bool                           // before they are planted
		killed   bool                           // the master that accepted them
		plant    func(p *planter, one, two int) // chunks that have results
		planted  int
		reason   string
	}{
		{"a repeated chunk before it is accepted", false, true, func(p *planter, one, two int) { p.another(two, one) }, 1,
			"pictures are not the source's: frame"},
		{"two exchanged chunks after they were accepted", true, true, func(p *planter, one, two int) {
			p.another(one, two)
			p.another(two, one)
		}, 2, "pictures are not the source's: frame"},
		{"a garbled chunk under the master's eyes", true, false, func(p *planter, one, _ int) { p.garble(one) }, 1,
			"its CRC-32 is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms+"[profiles.default]\nx264 = \"--preset veryfast --crf 22\"\n")
			source := corpus.Make(t, "h264-closed.mkv")
			master := f.start("master")
			f.must("add", source)
			f.eventually("all three chunks are there", func() bool {
				pending, _ := filepath.Glob(filepath.Join(f.dir, pipeline.PendingDir, "*", "*.mkv"))
				return len(pending) == 3
			})
			job := f.status().Jobs[0].ID
			if !c.accepted {
				master.kill()
			}
			f.must("worker", "--slots", "1", "--max-chunks", "2")
			if c.accepted {
				f.eventually("two accepted chunks", func() bool {
					ok, _ := filepath.Glob(filepath.Join(f.dir, pipeline.DoneOf(job), "*.ok.*"))
					return len(ok) == 2
				})
			}
			if c.accepted && c.killed {
				master.kill()
			}
			p := f.planter(job)
			results := slices.Sorted(maps.Keys(p.found))
			require.Len(t, results, 2)
			c.plant(p, results[0], results[1])
			if c.killed {
				f.start("master")
			}
			f.start("worker", "--slots", "1")
			j := f.job(pipeline.Done, pipeline.JobFailed)
			require.Equal(t, pipeline.Done, j.State, j.Error)
			exact(t, source, filepath.Join(f.dir, j.Output))
			complaints := p.complaints()
			require.Equal(t, c.planted, strings.Count(complaints, c.reason), complaints)
			f.nothingLeft()
		})
	}
}
