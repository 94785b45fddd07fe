//go:build linux

package farm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/test/corpus"
)

const wanted = "[profiles.default]\nx264 = \"--preset ultrafast --profile high\"\nquality = "

// Each chunk gets a CRF of its own, also of one whose worker is killed on the way; certificate, report and status say
// the same of it.
func TestAFilmOfOneQuality(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+wanted+"\"ssim 0.97\"\n")
	f.start("master")
	victim := f.worker(newMachine(t))
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.chunksDone(1)
	victim.kill()
	f.worker(newMachine(t))
	report := f.ended(source)
	require.Contains(t, report, "quality   SSIM 0.97 asked for: mean 0.9")
	require.Contains(t, report, "how near it came to the quality\nchunk  score   CRF")

	j := f.status().Jobs[0]
	text, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, "certificate.json"))
	require.NoError(t, err)
	var made merge.Certificate
	require.NoError(t, json.Unmarshal(text, &made))
	require.Equal(t, pipeline.Quality{Metric: pipeline.SSIM, Target: 0.97}, made.Settings.Quality)
	require.Equal(t, made.Quality, j.Quality)
	require.Len(t, made.Quality.Chunks, len(made.Chunks))
	for i, c := range made.Chunks {
		require.InDelta(t, 0.97, c.Quality.Score, 0.006, "chunk %d", i)
		require.InDelta(t, c.Quality.Score, made.Quality.Chunks[i], 1e-4)
		require.Positive(t, c.Quality.CRF)
	}
	require.Contains(t, f.must("status", j.ID), made.Quality.Text())
	require.Contains(t, f.must("nodes"), "can measure SSIM")
	said := f.must("verify", "--quality", "--certificate", filepath.Join(f.dir, "jobs", j.ID, "certificate.json"), source,
		filepath.Join(f.dir, j.Output))
	require.Contains(t, said, "SSIM: mean 0.97")
	require.Contains(t, said, made.Quality.Text())
	f.eventually("the page has the plot", func() bool {
		page, err := os.ReadFile(filepath.Join(f.dir, pipeline.StatusPage))
		return err == nil && strings.Contains(string(page), made.Quality.Text())
	})
	f.nothingLeft()
}

// A film whose quality nobody can measure waits for a node that can, and says so.
func TestAFilmWaitsForANodeThatCanMeasure(t *testing.T) {
	t.Parallel()
	able := newest(t)
	tools, err := media.Find(nil)
	require.NoError(t, err)
	if tools.CanMeasure(t.Context(), pipeline.VMAF) == nil {
		t.Skip("this machine's ffmpeg has VMAF")
	}
	f := newFarm(t, shortTerms+wanted+"\"vmaf 90\"\n")
	f.start("master")
	f.worker(newMachine(t))
	f.nodes(1)
	source := corpus.Make(t, "h264-closed.mkv")
	f.must("add", source)
	f.eventually("the job says what it waits for", func() bool {
		jobs := f.status().Jobs
		return len(jobs) > 0 && strings.Contains(jobs[0].Waits, "no node that is there can measure VMAF")
	})
	f.eventually("the node says why it rests", func() bool {
		return strings.Contains(f.must("nodes"), "its ffmpeg can't measure VMAF")
	})
	f.worker(able)
	require.Contains(t, f.ended(source), "VMAF 90 asked for: mean ")
	f.nothingLeft()
}

// One machine alone has nobody to wait for.
func TestAnEncodeRefusesWhatItCannotMeasure(t *testing.T) {
	t.Parallel()
	o := newOneShots(t)
	said := o.run(2, o.args(o.source, "out.mkv", "--quality", "ssim 0.97"))
	require.Contains(t, said, "quality can't be set beside --crf among the encoder's options")
	said = o.run(2, o.args(o.source, "out.mkv", "--quality", "psnr 40"))
	require.Contains(t, said, `quality must be "none", or a metric and a score`)
	tools, err := media.Find(nil)
	require.NoError(t, err)
	if tools.CanMeasure(t.Context(), pipeline.VMAF) == nil {
		t.Skip("this machine's ffmpeg has VMAF")
	}
	said = o.run(3, []string{"encode", o.source, "-o", filepath.Join(o.dir, "out.mkv"), "--quality", "vmaf 95"})
	require.Contains(t, said, "This machine's ffmpeg can't measure VMAF: install an ffmpeg that was built with libvmaf")
	require.Empty(t, o.left())
}
