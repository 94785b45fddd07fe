//go:build linux

package farm_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// tries is a folder with a film and two profiles.
func tries(t *testing.T) *oneShots {
	o := newOneShots(t)
	require.NoError(t, os.WriteFile(filepath.Join(o.dir, "distenc.toml"), []byte(`[profiles.archive]
x264 = "--preset ultrafast --crf 20"
[profiles.tablet]
x264 = "--preset ultrafast --crf 30"
container = "mp4"
scale = "96x96"
`), 0o644))
	return o
}

func (o *oneShots) try(more ...string) []string {
	return append([]string{"--config", filepath.Join(o.dir, "distenc.toml"), "try", "--slots", "1", "--seconds", "1",
		"--profile", "archive", "--profile", "tablet", o.source}, more...)
}

// ls lists the folder, hidden names too.
func (o *oneShots) ls() (names []string) {
	entries, err := os.ReadDir(o.dir)
	require.NoError(o.t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A try leaves its page and nothing else, and overwrites nothing.
func TestATryLeavesItsPage(t *testing.T) {
	t.Parallel()
	o := tries(t)
	before := o.ls()
	cmd := o.command(o.try("--json")...)
	cmd.Dir = o.dir
	out, err := cmd.Output()
	require.NoError(t, err)
	var report struct {
		Page     string
		Frames   int
		Profiles []struct {
			Profile string
			SSIM    float64
			Size    struct{ Value, Low, High float64 }
		}
	}
	require.NoError(t, json.Unmarshal(out, &report))
	require.Equal(t, 288, report.Frames)
	require.Len(t, report.Profiles, 2)
	for i, name := range []string{"archive", "tablet"} {
		p := report.Profiles[i]
		require.Equal(t, name, p.Profile)
		require.Positive(t, p.SSIM)
		require.LessOrEqual(t, p.Size.Low, p.Size.Value)
		require.LessOrEqual(t, p.Size.Value, p.Size.High)
	}
	require.Equal(t, filepath.Join(o.dir, "film.try.html"), report.Page)
	require.ElementsMatch(t, append(before, "film.try.html"), o.ls())

	page, err := os.ReadFile(report.Page)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(report.Page, []byte("mine"), 0o644))
	again := o.command(o.try()...)
	again.Dir = o.dir
	table, err := again.Output()
	require.NoError(t, err)
	require.Regexp(t, `(?m)^archive +x264 `, string(table))
	second, err := os.ReadFile(filepath.Join(o.dir, "film.try (2).html"))
	require.NoError(t, err)
	require.InDelta(t, len(page), len(second), float64(len(page))/2)
	mine, err := os.ReadFile(report.Page)
	require.NoError(t, err)
	require.Equal(t, "mine", string(mine))
	require.Contains(t, o.run(1, o.try("--page", report.Page)), "nothing is overwritten")
}

// An interrupted try leaves nothing.
func TestAnInterruptedTryLeavesNothing(t *testing.T) {
	t.Parallel()
	o := tries(t)
	before := o.ls()
	d := o.begin(o.try("--page", filepath.Join(o.dir, "page.html")))
	require.NotEmpty(t, o.left())
	require.NoError(t, d.Process.Signal(syscall.SIGINT))
	<-d.ended
	require.Equal(t, 130, d.ProcessState.ExitCode())
	require.ElementsMatch(t, before, o.ls())
}

// A film that one of the profiles can't hold is tried with the others.
func TestATryWithARefusal(t *testing.T) {
	t.Parallel()
	o := tries(t)
	require.NoError(t, os.WriteFile(filepath.Join(o.dir, "distenc.toml"), []byte(`[profiles.archive]
x264 = "--preset ultrafast --crf 20"
[profiles.tablet]
svtav1 = "--preset 12"
scale = "48x48"
`), 0o644))
	said := o.run(3, o.try("--page", filepath.Join(o.dir, "page.html")))
	require.Contains(t, said, "a job failed")
	require.Contains(t, said, "svtav1 takes none below 64×64")
	require.FileExists(t, filepath.Join(o.dir, "page.html"))
}
