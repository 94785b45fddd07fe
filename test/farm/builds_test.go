//go:build linux

package farm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/test/corpus"
)

// otherX264 is this machine's ffmpeg with an x264 of another version, which writes other headers: the level.
const otherX264 = `#!/bin/sh
case " $* " in *" libx264 "*) ;; *) exec '%[1]s' "$@";; esac
n=$# i=0
for arg do
  i=$((i + 1))
  [ $i != 1 ] || set --
  [ $i != $n ] || set -- "$@" -bsf:v 'filter_units=remove_types=6,h264_metadata=level=6.2:sei_user_data=%[2]s'
  set -- "$@" "$arg"
done
exec '%[1]s' "$@"
`

const (
	otherVersion = "x264 core 999 r1"
	otherSEI     = "dc45e9bd-e6d9-48b7-962c-d820d923eeef+x264 - core 999 r1 "
)

// machine is a folder with an ffmpeg of its own, for DISTENC_TOOLS.
type machine struct {
	t   *testing.T
	dir string
}

// newMachine makes one with this machine's ffmpeg.
func newMachine(t *testing.T) machine {
	m := machine{t, t.TempDir()}
	real, err := exec.LookPath("ffmpeg")
	require.NoError(t, err)
	require.NoError(t, os.Symlink(real, filepath.Join(m.dir, "ffmpeg")))
	return m
}

// upgrade replaces its ffmpeg by one with the other x264.
func (m machine) upgrade() machine {
	real, err := exec.LookPath("ffmpeg")
	require.NoError(m.t, err)
	tmp := filepath.Join(m.dir, "new")
	require.NoError(m.t, os.WriteFile(tmp, fmt.Appendf(nil, otherX264, real, otherSEI), 0o755))
	require.NoError(m.t, os.Rename(tmp, filepath.Join(m.dir, "ffmpeg")))
	return m
}

// worker starts one on the machine.
func (f *farm) worker(m machine) *daemon {
	d := f.prepare("worker", "--slots", "1")
	d.Env = append(d.Env, "DISTENC_TOOLS="+m.dir)
	f.launch(d)
	return d
}

// nodes waits until so many are there, with their builds.
func (f *farm) nodes(n int) {
	f.eventually(fmt.Sprintf("%d nodes with their builds", n), func() bool {
		ready := 0
		for _, node := range f.status().Nodes {
			if len(node.Builds) > 0 {
				ready++
			}
		}
		return ready == n
	})
}

// rests reports whether a node says that it has another build than the films in work.
func (f *farm) rests(with string) bool {
	for _, n := range f.status().Nodes {
		if n.State == pipeline.NodeResting && strings.Contains(n.Why, with+", and the films in work are encoded with ") {
			return true
		}
	}
	return false
}

// records are those of the results of a share's only job that are accepted.
func (f *farm) records() (all []pipeline.Record) {
	names, err := filepath.Glob(filepath.Join(f.dir, "chunks", "done", "*", "*.ok.*"))
	require.NoError(f.t, err)
	share, err := sharefs.Open(f.dir)
	require.NoError(f.t, err)
	for _, name := range names {
		if c, ok := pipeline.ParseDone(filepath.Base(name)); ok {
			if r, err := pipeline.LoadRecord(share, c); err == nil {
				all = append(all, *r)
			}
		}
	}
	return all
}

// ended waits for the film's end, and returns its report.
func (f *farm) ended(source string) (report string) {
	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(f.t, pipeline.Done, j.State, j.Error)
	require.Zero(f.t, j.Chunks.Failed)
	exact(f.t, source, filepath.Join(f.dir, j.Output))
	b, err := os.ReadFile(filepath.Join(f.dir, "jobs", j.ID, "report.txt"))
	require.NoError(f.t, err)
	return string(b)
}

// A machine that is upgraded in the middle of a film encodes nothing of it any more, and the film stays as it was.
func TestAnUpgradeChangesNoFilm(t *testing.T) {
	f := newFarm(t, shortTerms+slow)
	f.start("master")
	upgraded := newMachine(t)
	f.worker(newMachine(t))
	f.worker(upgraded)
	f.nodes(2)
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.chunksDone(1)
	upgraded.upgrade()
	f.eventually("the upgraded node rests, or all is done", func() bool {
		return f.rests(otherVersion) || f.status().Jobs[0].State == pipeline.Done
	})
	report := f.ended(source)
	require.NotContains(t, report, otherVersion)
	require.NotContains(t, report, "which build encoded it")
	require.Zero(t, f.status().Jobs[0].Retries)
}

// All machines with a film's build are killed: it goes on with the other one, and what does not fit is made anew.
func TestAFilmGoesOnWithAnotherBuild(t *testing.T) {
	f := newFarm(t, shortTerms+slow)
	f.start("master")
	pinned := []*daemon{f.worker(newMachine(t)), f.worker(newMachine(t))}
	f.worker(newMachine(t).upgrade())
	f.nodes(3)
	source := corpus.Make(t, "hi10p-fansub.mkv")
	f.must("add", source)
	f.chunksDone(2)
	require.True(t, f.rests(otherVersion), f.must("nodes"))
	for _, w := range pinned {
		w.kill()
	}
	for _, r := range f.records() {
		require.NotEqual(t, otherVersion, r.Build.Version)
	}
	f.eventually("the job says what it waits for", func() bool {
		return strings.Contains(f.status().Jobs[0].Waits, "it goes on with "+otherVersion) ||
			f.status().Jobs[0].Build == otherVersion
	})
	report := f.ended(source)
	require.Contains(t, report, "which build encoded it")
	require.Contains(t, report, "made anew: ")
	require.Contains(t, report, "encoder   "+otherVersion)
	require.Zero(t, f.status().Jobs[0].Retries-f.status().Jobs[0].Expiries, "nothing has failed")
	f.nothingLeft()
}

// newest is a machine with the static ffmpeg that test/newest-ffmpeg has fetched.
func newest(t *testing.T) machine {
	dir, err := filepath.Abs("../../bin/newest")
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(dir, "ffmpeg")); err != nil {
		t.Skip("no other ffmpeg is there: test/newest-ffmpeg bin/newest fetches one")
	}
	return machine{t, dir}
}

// quickly are options with which an encoder takes long enough for what happens meanwhile, and not longer.
var quickly = map[string]string{
	"x264": "--preset slower --crf 20", "x265": "--preset medium --crf 26", "svtav1": "--preset 8 --crf 40",
}

// The machine's ffmpeg and the newest one: a film is encoded with one of them, and goes on with the other one when all
// that had it are killed. All encoders but the first take `make test-newest`.
func TestTwoRealBuilds(t *testing.T) {
	other := newest(t)
	encoders := encoder.All()
	if os.Getenv("DISTENC_TEST_BUILDS") == "" {
		encoders = encoders[:1]
	}
	for _, e := range encoders {
		t.Run(e.Name(), func(t *testing.T) {
			f := newFarm(t, fmt.Sprintf("%s[profiles.default]\n%s = %q\n", shortTerms, e.Name(), quickly[e.Name()]))
			f.start("master")
			pinned := []*daemon{f.worker(newMachine(t)), f.worker(newMachine(t))}
			f.worker(other)
			f.nodes(3)
			source := corpus.Make(t, "hi10p-fansub.mkv")
			f.must("add", source)
			f.chunksDone(2)
			before := f.status().Jobs[0].Build
			for _, r := range f.records() {
				require.Equal(t, before, r.Build.Version)
				require.Equal(t, before, r.Encoder)
			}
			for _, w := range pinned {
				w.kill()
			}
			report := f.ended(source)
			said := regexp.MustCompile(`(?m)^encoder +(.+)$`).FindStringSubmatch(report)
			require.NotNil(t, said, report)
			after := said[1]
			require.NotEqual(t, before, after)
			require.Contains(t, report, "which build encoded it\n"+before+"\n  as planned\n")
			require.Contains(t, report, after+"\n  from ")
			same := strings.Contains(report, "kept, with the same headers: chunks ")
			require.NotEqual(t, same, strings.Contains(report, "made anew: "), report)
			t.Log(report)
			f.nothingLeft()
		})
	}
}

// The machine is upgraded between an encode and the one that goes on with it: nobody else can come, so nothing waits.
func TestAnEncodeGoesOnAfterAnUpgrade(t *testing.T) {
	o := newOneShots(t)
	args := o.args(o.source, "out.mkv")
	o.begin(args).kill()
	t.Setenv("DISTENC_TOOLS", newMachine(t).upgrade().dir)
	o.run(0, args)
	exact(t, o.source, filepath.Join(o.dir, "out.mkv"))
	out, err := exec.Command("ffprobe", "-v", "error", "-show_entries", "stream=level", "-select_streams", "v:0", "-of",
		"csv=p=0", filepath.Join(o.dir, "out.mkv")).Output()
	require.NoError(t, err)
	require.Equal(t, "62", strings.TrimSpace(string(out)), "as the new one writes it")
	require.Empty(t, o.left())
}
