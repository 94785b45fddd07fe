//go:build linux

package farm_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// people do with a share what people do who know nothing of it. All but the folder of their own is on the share.
type people struct {
	*farm
	random  *rand.Rand
	own     string            // their folder, elsewhere
	texts   map[string]string // what they left beside sources, by name: it is theirs
	job     string            // of which they have a snapshot, "" while of none
	daemons []*daemon
}

const holidayText = "a photo of the holidays"

func newPeople(f *farm, random *rand.Rand, daemons []*daemon) *people {
	p := &people{farm: f, random: random, own: f.t.TempDir(), texts: map[string]string{}, daemons: daemons}
	require.NoError(f.t, os.MkdirAll(filepath.Join(p.own, "holidays", "2026"), 0o755))
	for _, name := range []string{"a.jpg", "00000.a1.abcdefgh.mkv", "2026/b.tmp"} {
		require.NoError(f.t, os.WriteFile(filepath.Join(p.own, "holidays", name), []byte(holidayText), 0o644))
	}
	return p
}

// act does one thing, if there is what it takes, and says which.
func (p *people) act() string {
	acts := []struct {
		name string
		do   func() bool
	}{
		{"removed a chunk's file", func() bool {
			name := p.any("chunks/*/*", "chunks/*/*/*")
			return name != "" &&
				os.Remove(name) == nil
		}},
		{"moved a chunk's file away and back", p.moveAwayAndBack},
		{"copied a chunk's file", p.copyChunk},
		{"put a link in place", p.link},
		{"put a text beside a source", p.text},
		{"removed a folder", p.removeFolder},
		{"took a snapshot", p.snapshot},
		{"put a snapshot back", p.restore},
	}
	a := acts[p.random.IntN(len(acts))]
	if !a.do() {
		return "found nothing to do"
	}
	return a.name
}

// any is one of the names that fit the patterns, a folder never; "" where there is none.
func (p *people) any(patterns ...string) string {
	var files []string
	for _, pattern := range patterns {
		names, err := filepath.Glob(filepath.Join(p.dir, pattern))
		require.NoError(p.t, err)
		for _, n := range names {
			if info, err := os.Lstat(n); err == nil && !info.IsDir() {
				files = append(files, n)
			}
		}
	}
	if len(files) == 0 {
		return ""
	}
	return files[p.random.IntN(len(files))]
}

func (p *people) moveAwayAndBack() bool {
	name := p.any("chunks/*/*", "chunks/*/*/*")
	away := filepath.Join(p.dir, "outbox", ".moved")
	if name == "" || os.Rename(name, away) != nil {
		return false
	}
	time.Sleep(time.Duration(p.random.IntN(2000)) * time.Millisecond)
	if os.Rename(away, name) != nil { // its folder may be gone
		_ = os.Remove(away)
	}
	return true
}

func (p *people) copyChunk() bool {
	name := p.any("chunks/*/*/*")
	b, err := os.ReadFile(name)
	if err != nil {
		return false
	}
	return os.WriteFile(filepath.Join(filepath.Dir(name), "copy of "+filepath.Base(name)), b, 0o644) == nil
}

// link puts a link to their own folder where a sweep comes.
func (p *people) link() bool {
	job := p.live()
	if job == "" {
		return false
	}
	places := []string{"chunks/pending/" + job, "chunks/done/" + job, "jobs/" + job + "/out", "jobs/" + job + "/log"}
	name := filepath.Join(p.dir, places[p.random.IntN(len(places))], "holidays")
	return os.Symlink(filepath.Join(p.own, "holidays"), name) == nil
}

// text puts what a media library writes beside a source.
func (p *people) text() bool {
	job := p.live()
	if job == "" {
		return false
	}
	name := filepath.Join(p.dir, "jobs", job, []string{"source.srt", "source.nfo", "source"}[p.random.IntN(3)])
	p.texts[name] = "the text of " + name
	return os.WriteFile(name, []byte(p.texts[name]), 0o644) == nil
}

// removeFolder removes a folder with all that is in it, or the inbox if nothing is. It is made again.
func (p *people) removeFolder() bool {
	folder := []string{"leases", "nodes", "master", "inbox", "failed"}[p.random.IntN(5)]
	name := filepath.Join(p.dir, folder)
	remove := os.RemoveAll
	if folder == "inbox" || folder == "failed" {
		remove = os.Remove
	}
	if remove(name) != nil {
		return false
	}
	until(p.t, name+" is made again", func() bool { return exists(name) })
	return true
}

// folders are a job's.
func folders(job string) []string {
	return []string{"jobs/" + job, "chunks/pending/" + job, "chunks/done/" + job, "chunks/failed/" + job}
}

// live is a job that has its source.
func (p *people) live() string {
	source := p.any("jobs/*/source.mkv")
	if source == "" {
		return ""
	}
	return filepath.Base(filepath.Dir(source))
}

// snapshot copies a job's folders as they are at one moment.
func (p *people) snapshot() bool {
	job := p.live()
	if job == "" {
		return false
	}
	for _, d := range p.daemons {
		_ = d.Process.Signal(syscall.SIGSTOP) // it may have ended
	}
	p.copy(p.dir, filepath.Join(p.own, "snapshot"), job)
	for _, d := range p.daemons {
		_ = d.Process.Signal(syscall.SIGCONT) // it may have ended
	}
	p.job = job
	return true
}

// restore puts the snapshot in the place of what is there. Where the job has ended since, it ends once more.
func (p *people) restore() bool {
	if p.job == "" {
		return false
	}
	p.copy(filepath.Join(p.own, "snapshot"), p.dir, p.job)
	p.job = ""
	return true
}

func (p *people) copy(from, to, job string) {
	p.t.Helper()
	for _, folder := range folders(job) {
		dst := filepath.Join(to, folder)
		for os.RemoveAll(dst) != nil { // a daemon may be writing there
			time.Sleep(time.Millisecond)
		}
		if _, err := os.Stat(filepath.Join(from, folder)); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		require.NoError(p.t, os.MkdirAll(filepath.Dir(dst), 0o755))
		// An encoder's file can go while it is copied, and be of no use then.
		if out, err := exec.Command("cp", "-aT", filepath.Join(from, folder), dst).CombinedOutput(); err != nil {
			require.Contains(p.t, string(out), "No such file", fmt.Sprint(err))
		}
	}
}

// tryAgain does what status advises where a chunk was killed so often that it was set aside, and counts that. Nothing
// else may set one aside.
func (p *people) tryAgain() (times int) {
	p.t.Helper()
	for _, j := range p.status().Jobs {
		if j.State != pipeline.JobFailed || j.Decided {
			continue
		}
		require.Regexp(p.t, "heartbeat stopped|killed", j.Error)
		p.must("retry", j.ID)
		times++
	}
	return times
}

// keptAll checks that what is theirs is where they left it.
func (p *people) keptAll(t *testing.T) {
	t.Helper()
	for _, name := range []string{"a.jpg", "00000.a1.abcdefgh.mkv", "2026/b.tmp"} {
		b, err := os.ReadFile(filepath.Join(p.own, "holidays", name))
		require.NoError(t, err, "behind a link")
		require.Equal(t, holidayText, string(b))
	}
	for name, text := range p.texts {
		if b, err := os.ReadFile(name); err == nil { // else the snapshot was older
			require.Equal(t, text, string(b))
		}
	}
}

// leftOvers are files that belong to no job any more.
func (p *people) leftOvers() (left []string) {
	_ = filepath.WalkDir(p.dir, func(name string, e fs.DirEntry, err error) error {
		inside, _ := filepath.Rel(p.dir, name)
		top, _, _ := strings.Cut(inside, "/")
		ours := top == "chunks" || top == "leases" || top == "jobs" && (strings.HasSuffix(inside, ".tmp") ||
			strings.Contains(inside, "/out/") || filepath.Base(name) == "source.mkv" ||
			strings.HasPrefix(filepath.Base(name), "norm."))
		if err == nil && !e.IsDir() && ours {
			left = append(left, inside)
		}
		return nil
	})
	return left
}
