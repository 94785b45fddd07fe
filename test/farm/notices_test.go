//go:build linux

package farm_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// phone is a server for notices, and what it was told.
type phone struct {
	url string
	mu  sync.Mutex
	got []string
}

func newPhone(t *testing.T) *phone {
	p := &phone{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.got = append(p.got, r.Header.Get("Title")+"\n"+string(body))
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(s.Close)
	p.url = "ntfy://" + strings.TrimPrefix(s.URL, "http://") + "/films?scheme=http"
	return p
}

func (p *phone) told() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.got...)
}

// machineFile is a machine's own file with that text.
func machineFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "machine.toml")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// untold is what stands on the share to be told.
func (f *farm) untold() []string {
	f.t.Helper()
	names, err := filepath.Glob(filepath.Join(f.dir, ".distenc/untold/*.json"))
	require.NoError(f.t, err)
	for i, n := range names {
		names[i] = filepath.Base(n)
	}
	return names
}

// What a master that was killed between an event and its notice has not told, the next one tells, once; and so it is
// with each kind of event, and with a hook that was killed at its work.
func TestTheNextMasterTellsWhatADeadOneHasNot(t *testing.T) {
	t.Parallel()
	const limit = "[profiles.small]\nmax_size = \"10%\"\n"
	for name, c := range map[string]struct {
		film  string // in the inbox; without: no film
		text  string
		event string // in the name of what stands on the share
		says  string
	}{
		"done":    {"film.mkv", "", ".done.", "film.mkv is done after "},
		"skipped": {"small/film.mkv", "", ".done.", "small/film.mkv stays as it is"},
		"started": {"film.mkv", "", ".started.", "film.mkv has begun: "},
		"idle":    {"film.mkv", "", "idle.", "All jobs are done, and nothing waits in the inbox."},
		"failed":  {"bad.mkv", "no film", "rejected.", "bad.mkv failed: "},
		"aside":   {"film.mkv", "", ".aside.", "It waits for you: `distenc retry "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFarm(t, calmTerms+fast+limit)
			p := newPhone(t)
			kind := name
			switch name {
			case "skipped":
				kind = "done"
			case "aside": // a chunk of the film fails everywhere
				kind = "failed"
				broken, _ := brokenFFmpeg(t)
				f.env = []string{"PATH=" + broken + ":" + os.Getenv("PATH")}
			}
			told := filepath.Join(t.TempDir(), "told")
			hold := filepath.Join(t.TempDir(), "hold")
			require.NoError(t, os.WriteFile(hold, nil, 0o644))
			hook := ""
			if kind != "idle" {
				hook = fmt.Sprintf("[hooks]\n%s = [\"/bin/sh\", \"-c\", \"echo $DISTENC_HOOK_EVENT >> %s; "+
					"while test -e %s; do sleep 0.1; done\"]\n", kind, told, hold)
			}
			gone := httptest.NewServer(nil)
			gone.Close()
			nowhere := "ntfy://" + strings.TrimPrefix(gone.URL, "http://") + "/s3cret?scheme=http"
			before := fmt.Sprintf("[notify]\nurls = [%q]\non = [%q]\ndigest = \"0s\"\n%s", nowhere, kind, hook)
			after := strings.Replace(before, nowhere, p.url, 1)
			first := f.start("master", "--config", machineFile(t, before))
			f.start("worker", "--slots", "1")
			if c.text != "" {
				require.NoError(t, os.WriteFile(filepath.Join(f.dir, "inbox", c.film), []byte(c.text), 0o644))
			} else {
				f.drop(corpus.Make(t, "h264-open.mkv"), c.film)
			}
			f.eventually("the event is written down, and its notice was tried", func() bool {
				if hook != "" {
					if b, _ := os.ReadFile(told); string(b) != kind+"\n" {
						return false
					}
				}
				return strings.Contains(strings.Join(f.untold(), " "), c.event) &&
					strings.Contains(first.log.String(), "cannot send a notice")
			})
			if kind != "failed" && kind != "started" { // what began is not what is to be told
				f.job(pipeline.Done, pipeline.Skipped)
			}
			first.kill()
			require.NoError(t, os.Remove(hold))
			require.NotContains(t, first.log.String(), "s3cret")
			require.Empty(t, p.told())

			second := f.start("master", "--config", machineFile(t, after))
			f.eventually("it is told", func() bool { return len(p.told()) > 0 })
			f.eventually("nothing more is to be told", func() bool { return len(f.untold()) == 0 })
			second.stop(t)
			require.Len(t, p.told(), 1)
			require.Contains(t, p.told()[0], c.says)
			if hook != "" {
				b, err := os.ReadFile(told)
				require.NoError(t, err)
				require.Equal(t, strings.Repeat(kind+"\n", 2), string(b), "the hook that was killed is run once more")
			}

			third := f.start("master", "--config", machineFile(t, after))
			f.eventually("it leads", func() bool { return strings.Contains(third.log.String(), "leading") })
			third.stop(t)
			require.Len(t, p.told(), 1, "what was told is not told again")
		})
	}
}

// Failures are told at once, the rest together.
func TestNoticesOfAFarm(t *testing.T) {
	t.Parallel()
	f := newFarm(t, calmTerms+fast)
	p := newPhone(t)
	f.drop(corpus.Make(t, "h264-open.mkv"), "Show - 01.mkv")
	f.drop(corpus.Make(t, "vfr.mkv"), "Show - 02.mkv")
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "inbox", "bad.mkv"), []byte("no film"), 0o644))
	conf := fmt.Sprintf("[notify]\nurls = [%q]\non = [\"failed\", \"done\", \"idle\"]\ndigest = \"1h\"\n", p.url)
	m := f.start("run", "--until-idle", "--slots", "2", "--config", machineFile(t, conf))
	<-m.ended
	require.Len(t, f.done(), 2)
	require.Len(t, p.told(), 2)
	require.Contains(t, p.told()[0], "distenc: 1 failed\nbad.mkv failed: ")
	require.Contains(t, p.told()[0], "failed/bad.mkv/")
	require.Contains(t, p.told()[1], "distenc: 2 done, nothing left to do\n2 films are done: ")
	require.Contains(t, p.told()[1], "Show - 01.mkv is done after ")
	require.Contains(t, p.told()[1], "\nAll jobs are done, and nothing waits in the inbox.")
	require.Empty(t, f.untold())
}
