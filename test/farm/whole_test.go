//go:build linux

package farm_test

import (
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// tagged copies a source under a name that carries its CRC-32.
func tagged(t *testing.T, source string) string {
	t.Helper()
	b, err := os.ReadFile(source)
	require.NoError(t, err)
	name := filepath.Join(t.TempDir(), fmt.Sprintf("Show - 01 [%08X].mkv", crc32.ChecksumIEEE(b)))
	require.NoError(t, os.WriteFile(name, b, 0o644))
	return name
}

// ownTag checks that an output carries its own CRC-32 in its name.
func ownTag(t *testing.T, output string) {
	t.Helper()
	b, err := os.ReadFile(output)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%08X", crc32.ChecksumIEEE(b)), pipeline.Tag(filepath.Base(output)), output)
}

func TestAFileGoesThroughTheFarm(t *testing.T) {
	t.Parallel()
	source := tagged(t, corpus.Make(t, "hi10p-fansub.mkv"))
	for _, pieces := range []string{"copy", "range"} {
		t.Run(pieces, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms+`pieces = "`+pieces+`"
[profiles.default]
x264 = "--preset veryfast --profile high --crf 20"
`)
			f.start("master")
			for range 3 {
				f.start("worker", "--slots", "1")
			}
			f.drop(source, filepath.Base(source))
			j := f.job(pipeline.Done, pipeline.JobFailed)
			require.Equal(t, pipeline.Done, j.State, j.Error)
			out := filepath.Join(f.dir, j.Output)
			exact(t, source, out)
			ownTag(t, out)
			verified := f.must("verify", source, out)
			require.NotContains(t, verified, "FAIL")
			verified = f.must("verify", "--quality", "--certificate", filepath.Join(f.dir, "jobs", j.ID, "certificate.json"),
				source, out)
			require.Regexp(t, `worst: chunk 0000[0-9], .* SSIM 0\.[89]`, verified)
			probe, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
				"stream=profile,pix_fmt", "-of", "csv=p=0", out).Output()
			require.NoError(t, err)
			require.Equal(t, "High,yuv420p", strings.TrimSpace(string(probe)))
			f.nothingLeft()
			require.FileExists(t, filepath.Join(f.dir, "archive", j.ID, filepath.Base(source)))
			require.FileExists(t, filepath.Join(f.dir, "jobs", j.ID, "certificate.json"))
			require.FileExists(t, filepath.Join(f.dir, "jobs", j.ID, "report.txt"))
		})
	}
}

func TestEncodeLeavesOnlyTheOutput(t *testing.T) {
	t.Parallel()
	source := tagged(t, corpus.Make(t, "hi10p-fansub.mkv"))
	dir := t.TempDir()
	out := filepath.Join(dir, "out.mkv")
	f := &farm{t: t}
	f.must("encode", source, "-o", out, "--", "--preset", "veryfast", "--profile", "high", "--crf", "20")
	exact(t, source, out)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing is left beside the output")
	require.Contains(t, f.fails(1, "encode", source, "-o", out), "exists")
	f.must("encode", source, "--", "--preset", "ultrafast")
	beside, err := filepath.Glob(filepath.Join(filepath.Dir(source), "*"))
	require.NoError(t, err)
	require.Len(t, beside, 2)
	for _, b := range beside {
		ownTag(t, b)
	}
}

// Every source of which all frames can be had comes out with exactly those, whatever is nasty about it.
func TestTheCorpusIsExact(t *testing.T) {
	t.Parallel()
	for _, name := range corpus.Whole() {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			t.Parallel()
			f, source := &farm{t: t}, corpus.Make(t, name)
			for _, container := range []string{"mkv", "mp4"} {
				out := filepath.Join(t.TempDir(), "out."+container)
				f.must("encode", source, "-o", out, "--", "--preset", "ultrafast", "--crf", "24")
				exact(t, source, out)
			}
		})
	}
}

func TestBadFilesAreExplained(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms)
	f.start("run", "--slots", "1")
	good := corpus.Make(t, "two-frames.mkv")
	f.drop(good, "damaged [00000000].mkv")
	f.drop(good, "settings.mkv")
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "inbox", "settings.mkv.distenc.toml"),
		[]byte(`x264 = "--output /etc/passwd"`), 0o644))
	for name, content := range map[string]string{"empty.mkv": "", "text.mkv": strings.Repeat("hello\n", 100)} {
		require.NoError(t, os.WriteFile(filepath.Join(f.dir, "inbox", name), []byte(content), 0o644))
	}
	f.drop(corpus.Make(t, "audio-only.mka"), "audio.mkv")
	f.drop(good, "good.mkv")
	j := f.job(pipeline.Done)
	require.Equal(t, "good.mkv", j.Name)
	for name, word := range map[string]string{
		"damaged [00000000].mkv": "CRC-32", "settings.mkv": "output", "empty.mkv": "empty", "text.mkv": "video",
		"audio.mkv": "video",
	} {
		reason := filepath.Join(f.dir, "failed", name, "reason.txt")
		f.eventually("a reason for "+name, func() bool {
			_, err := os.Stat(filepath.Join(filepath.Dir(reason), name))
			return err == nil
		})
		text, err := os.ReadFile(reason)
		require.NoError(t, err)
		require.Contains(t, string(text), word, name)
		require.Equal(t, 1, strings.Count(string(text), "\n"), "one sentence: %s", text)
	}
}

func TestTheSameContentIsEncodedOnce(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	f.start("run", "--slots", "1")
	source := corpus.Make(t, "two-frames.mkv")
	f.must("add", source, "--wait")
	require.Contains(t, f.must("add", source, "--wait"), "outbox/two-frames.mkv", "a duplicate is no failure")
	out := f.must("add", "--again", source, "--wait")
	require.Contains(t, out, "two-frames (2).mkv", "an output is never overwritten")
	f.must("add", source, "--wait", "--", "--preset", "ultrafast", "--crf", "30")
	outs, err := filepath.Glob(filepath.Join(f.dir, "outbox", "*"))
	require.NoError(t, err)
	require.Len(t, outs, 3)
}

func TestWorkersEndWhenTheyShould(t *testing.T) {
	t.Parallel()
	f := newFarm(t, strings.Replace(calmTerms, `chunk = "2s"`, `chunk = "1s"`, 1)+
		fast)
	f.start("master")
	f.must("add", corpus.Make(t, "h264-closed.mkv"))
	f.job(pipeline.Splitting, pipeline.InWork)
	total := f.status().Jobs[0].Chunks.Total
	require.Greater(t, total, 2)
	f.must("worker", "--slots", "2", "--max-chunks", "2")
	f.chunksDone(2)
	require.Equal(t, 2, f.status().Jobs[0].Chunks.Done)
	f.must("worker", "--slots", "2", "--until-idle")
	j := f.job(pipeline.Done)
	require.Equal(t, total, j.Chunks.Done)
}
