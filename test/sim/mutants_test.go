package sim

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// maxMutantSeeds is how many seeds a mutant may survive.
const maxMutantSeeds = 500

// TestMutants breaks the protocol in ways that were once thought of as good enough, and wants each noticed.
func TestMutants(t *testing.T) {
	for name, m := range map[string]mutant{
		"a fixed result name":                   fixedName,
		"no decision record":                    privateDecision,
		"the lease after the claim":             leaseAfterClaim,
		"a Move that believes the return code":  believingMove,
		"a heartbeat by Chtimes, judged by age": chtimesBeat,
		"a worker that claims whatever build":   anyBuild,
		"a master that joins unequal headers":   unequalHeaders,
		"a plan made of results not accepted":   hastyPlan,
		"a plan that the last one makes":        lastPlan,
		"an analysis of an earlier attempt":     staleLook,
		"a month under one name, replaced":      oneMonth,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= maxMutantSeeds; seed++ {
				if r := run(t, seed, m, nil); len(r.wrong) > 0 {
					t.Logf("noticed after %d seeds: %s: %s", seed, r.wrong[0].rule, r.wrong[0].what)
					return
				}
			}
			t.Errorf("not noticed in %d seeds", maxMutantSeeds)
		})
	}
}

// renamer gives names of the share other ones, both ways.
type renamer struct {
	sharefs.Ops
	to    func(name string) string
	names func(dir string, entries []fs.DirEntry) []fs.DirEntry
}

func (r renamer) Rename(src, dst string) error { return r.Ops.Rename(r.to(src), r.to(dst)) }
func (r renamer) Link(src, dst string) error   { return r.Ops.Link(r.to(src), r.to(dst)) }
func (r renamer) Unlink(name string) error     { return r.Ops.Unlink(r.to(name)) }
func (r renamer) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	return r.Ops.OpenFile(r.to(name), flag, perm)
}
func (r renamer) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := r.Ops.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	entries = r.names(dir, entries)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func listed(name string) fs.DirEntry { return fs.FileInfoToDirEntry(info{name: name}) }

var resultName = regexp.MustCompile(`^(chunks/done/.*/[0-9a-f]{8}-[a-z0-9]{5}\.[0-9]{5})\.a[0-9]+\.[^.]+\.[^.]+\.(enc|json|tmp)$`)

// fixedName is a result whose name has neither attempt nor node nor nonce.
func fixedName(_ *world, c *client) sharefs.Ops {
	return renamer{
		Ops: c,
		to:  func(name string) string { return resultName.ReplaceAllString(name, "$1.$2") },
		names: func(dir string, entries []fs.DirEntry) []fs.DirEntry {
			if !strings.HasPrefix(dir, pipeline.DoneDir+"/") {
				return entries
			}
			for _, e := range slices.Clone(entries) {
				if chunk, ok := pipeline.ParseDone(e.Name()); ok {
					entries = append(entries, listed(path.Base(chunk.Result())), listed(path.Base(chunk.Record())))
				}
			}
			return entries
		},
	}
}

var lookName = regexp.MustCompile(`^(chunks/done/.*/[0-9a-f]{8}-[a-z0-9]{5}\.[0-9]{5}-bars)\.a[0-9]+\.[^.]+\.[^.]+\.(enc|json|tmp)$`)

// staleLook measures under a name that has neither attempt nor node nor nonce: what an earlier attempt found is there.
func staleLook(_ *world, c *client) sharefs.Ops {
	fixed := fixedName(nil, c).(renamer)
	fixed.to = func(name string) string { return lookName.ReplaceAllString(name, "$1.$2") }
	return fixed
}

// hastyPlan is a master that takes results of analyses for accepted as soon as they are committed.
func hastyPlan(_ *world, c *client) sharefs.Ops {
	if !strings.Contains(c.node, "-m") {
		return c
	}
	return renamer{
		Ops: c, to: func(name string) string { return name },
		names: func(dir string, entries []fs.DirEntry) []fs.DirEntry {
			for i, e := range entries {
				chunk, ok := pipeline.ParseDone(e.Name())
				if ok && chunk.Analysis != "" && strings.HasPrefix(dir, pipeline.DoneDir) {
					entries[i] = listed(path.Base(chunk.In(pipeline.Accepted).Path()))
				}
			}
			return entries
		},
	}
}

// lastPlan is a master whose plan holds, whoever was first.
func lastPlan(_ *world, c *client) sharefs.Ops { return relinker{c} }

type relinker struct{ sharefs.Ops }

func (r relinker) Link(src, dst string) error {
	err := r.Ops.Link(src, dst)
	if errors.Is(err, fs.ErrExist) && isPlan(dst) {
		_ = r.Unlink(dst)
		err = r.Ops.Link(src, dst)
	}
	return err
}

// rereader shows some files in other words.
type rereader struct {
	*client
	words func(name string, data []byte) []byte
}

func (r rereader) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	f, err := r.client.OpenFile(name, flag, perm)
	if opened, ok := f.(*file); err == nil && ok {
		opened.data = r.words(name, opened.data)
	}
	return f, err
}

var planBuild = regexp.MustCompile(`"build":\{[^}]*\},`)

// anyBuild is a worker that knows of no build that a film is encoded with.
func anyBuild(_ *world, c *client) sharefs.Ops {
	if !strings.Contains(c.node, "-w") {
		return c
	}
	return rereader{c, func(name string, data []byte) []byte {
		if path.Base(name) != "plan.json" {
			return data
		}
		return planBuild.ReplaceAll(data, nil)
	}}
}

var recordHeaders = regexp.MustCompile(`"extradata": "[ab]"`)

// unequalHeaders is a master that takes all headers for the same.
func unequalHeaders(_ *world, c *client) sharefs.Ops {
	if !strings.Contains(c.node, "-m") {
		return c
	}
	return rereader{c, func(name string, data []byte) []byte {
		if !strings.HasPrefix(name, pipeline.DoneDir+"/") || path.Ext(name) != ".json" {
			return data
		}
		return recordHeaders.ReplaceAll(data, []byte(`"extradata": "a"`))
	}}
}

// privateDecision is a master that goes by what it has decided itself.
func privateDecision(_ *world, c *client) sharefs.Ops {
	own := "decision." + c.node
	return renamer{
		Ops: c,
		to: func(name string) string {
			if strings.HasPrefix(name, "jobs/") && path.Base(name) == "decision" {
				return path.Join(path.Dir(name), own)
			}
			return name
		},
		names: func(dir string, entries []fs.DirEntry) []fs.DirEntry {
			var out []fs.DirEntry
			for _, e := range entries {
				switch {
				case e.Name() == own:
					out = append(out, listed("decision"))
				case !strings.HasPrefix(dir, "jobs/") || !strings.HasPrefix(e.Name(), "decision"):
					out = append(out, e)
				}
			}
			return out
		},
	}
}

// leaseAfterClaim makes the lease's files only when the claim is won.
func leaseAfterClaim(_ *world, c *client) sharefs.Ops {
	if !strings.Contains(c.node, "-w") {
		return c
	}
	return &lateLease{Ops: c}
}

type lateLease struct{ sharefs.Ops }

// nothing is a file that is not there yet.
type nothing struct{ sharefs.File }

func (nothing) Write(b []byte) (int, error) { return len(b), nil }
func (nothing) Sync() error                 { return nil }
func (nothing) Close() error                { return nil }

func (l *lateLease) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	if strings.HasPrefix(name, pipeline.Leases+"/") && flag&os.O_CREATE != 0 {
		return nothing{}, nil
	}
	return l.Ops.OpenFile(name, flag, perm)
}

func (l *lateLease) Rename(src, dst string) error {
	err := l.Ops.Rename(src, dst)
	if claim, ok := pipeline.ParseClaimed(path.Base(dst)); ok && strings.HasPrefix(dst, pipeline.ClaimedDir) &&
		err == nil {
		for _, name := range []string{".lock", ".hb"} {
			if f, err := l.Ops.OpenFile(path.Join(pipeline.Leases, claim.Stem()+name), os.O_WRONLY|os.O_CREATE|os.O_EXCL,
				0o664); err == nil {
				_, _ = f.Write([]byte("0000000000000001 \n"))
				_ = f.Close()
			}
		}
	}
	return err
}

// believingMove sees in every listing what the renames before have answered.
func believingMove(_ *world, c *client) sharefs.Ops {
	return &believer{Ops: c, failed: map[string]string{}}
}

type believer struct {
	sharefs.Ops
	mu     sync.Mutex
	failed map[string]string // dst -> src of renames that were answered with an error
}

func (b *believer) Rename(src, dst string) error {
	err := b.Ops.Rename(src, dst)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.failed[dst] = src
	} else {
		delete(b.failed, dst)
	}
	return err
}

func (b *believer) ReadDir(dir string) ([]fs.DirEntry, error) {
	entries, err := b.Ops.ReadDir(dir)
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		_,
			lost := b.failed[path.Join(dir, e.Name())]
		return lost
	}), err
}

// chtimesBeat stamps the heartbeat with the node's own clock, and tells a lease's age by the observer's. A
// host's clock is right, an hour ahead, or a year behind.
func chtimesBeat(w *world, c *client) sharefs.Ops {
	host := pipeline.NodeHost(c.node)
	skew := []time.Duration{0, time.Hour, -365 * 24 * time.Hour}[w.pick("skew "+host, 3)]
	return stamper{c, skew}
}

type stamper struct {
	*client
	skew time.Duration
}

func (s stamper) now() time.Time { return time.Now().Add(s.skew) }

func (s stamper) OpenFile(name string, flag int, perm fs.FileMode) (sharefs.File, error) {
	f, err := s.client.OpenFile(name, flag, perm)
	if err != nil || !strings.HasPrefix(name, pipeline.Leases+"/") || !strings.HasSuffix(name, ".hb") {
		return f, err
	}
	return stamped{f.(*file), s, flag&os.O_CREATE == 0}, nil
}

type stamped struct {
	*file
	by   stamper
	beat bool
}

func (s stamped) WriteAt(b []byte, off int64) (int, error) {
	if s.beat {
		return len(b), nil // utimes writes nothing
	}
	return s.file.WriteAt(b, off)
}

func (s stamped) Sync() error {
	err := s.file.Sync()
	if err == nil {
		srv := s.by.world.server
		srv.mu.Lock()
		defer srv.mu.Unlock()
		s.ino.mtime = s.by.now()
	}
	return err
}

// Stat tells the observer, which wants to see movement, whether the age is below the expiry.
func (s stamped) Stat() (fs.FileInfo, error) {
	st, err := s.file.Stat()
	if err != nil {
		return nil, err
	}
	i := st.(info)
	if age := s.by.now().Sub(i.mtime); age < terms.Expiry {
		i.mtime = s.by.now()
	} else {
		i.mtime = time.Unix(0, 0)
	}
	return i, nil
}
