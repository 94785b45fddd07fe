package master

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

// scans are stages of which each reading ends when the test says so, or with its context.
type scans struct {
	Stages
	began chan string
	ended chan string
	let   chan struct{}
}

func (s scans) Scan(ctx context.Context, name string) (Scan, error) {
	s.began <- name
	defer func() { s.ended <- name }()
	select {
	case <-ctx.Done():
		return Scan{}, ctx.Err()
	case <-s.let:
		return Scan{CRC32: "ABCDEF01"}, nil
	}
}

// newMaster returns a leading master of an empty share, for tests that look at the inbox themselves.
func newMaster(t *testing.T, stages Stages) *term {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	m := newTerm(t.Context(), New(Options{
		FS: share, Log: slog.New(slog.DiscardHandler), Stages: stages,
		Resolve: func(folder, _ string, sidecar []byte) (Order, error) {
			return Order{Settings: pipeline.Settings{Profile: folder, Container: "mkv"}, Priority: len(sidecar)}, nil
		},
		Pace: func() Pace { return Pace{} },
	}))
	t.Cleanup(m.end)
	return m
}

// sparse makes a file of a size in the inbox.
func sparse(t *testing.T, m *term, name string, size int64) {
	t.Helper()
	file := m.FS.Path(filepath.Join(pipeline.Inbox, name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	require.NoError(t, os.Truncate(file, size))
}

// Of many files that take hours to read two are read at once; an urgent one and a small one are read all the same, and
// one that is taken away is not read to its end.
func TestASlowFileKeepsNobodyWaiting(t *testing.T) {
	s := scans{began: make(chan string, 9), ended: make(chan string, 9), let: make(chan struct{})}
	m := newMaster(t, s)
	look := func() {
		t.Helper()
		_, err := m.lookAtInbox(t.Context())
		require.NoError(t, err)
	}
	for _, name := range []string{"a.mkv", "b.mkv", "c.mkv"} {
		sparse(t, m, name, 1<<40)
	}
	look()
	large := []string{<-s.began, <-s.began}
	require.Equal(t, 2, m.tasks.count("intake").all, "a third one waits")
	sparse(t, m, "urgent.mkv", 1<<40)
	require.NoError(t, os.WriteFile(m.FS.Path("inbox/urgent.mkv.distenc.toml"), []byte("!"), 0o644))
	look()
	require.Equal(t, "inbox/urgent.mkv", <-s.began)
	sparse(t, m, "small.mkv", 1)
	look()
	require.Equal(t, "inbox/small.mkv", <-s.began)
	require.Equal(t, filmLanes, m.tasks.count("intake").all)

	require.NoError(t, m.FS.Remove(large[0]))
	look()
	require.Equal(t, large[0], <-s.ended, "nobody reads on in what is gone")
}

// Files with one content that are read side by side make one job.
func TestSameContentReadAtOnceIsOneJob(t *testing.T) {
	s := scans{began: make(chan string, 9), ended: make(chan string, 9), let: make(chan struct{})}
	m := newMaster(t, s)
	sparse(t, m, "a.mkv", 1)
	sparse(t, m, "b.mkv", 1)
	close(s.let)
	for m.failed == 0 { // the second one is rejected
		_, err := m.lookAtInbox(t.Context())
		require.NoError(t, err)
		(<-m.tasks.results)()
	}
	require.Len(t, m.jobs.live, 1)
}

// A film beside which stands something that never becomes settings is rejected: it would wait for ever.
func TestWhatIsNoSettingsIsToldAtOnce(t *testing.T) {
	for _, lay := range []func(path string) error{
		func(path string) error { return os.WriteFile(path, make([]byte, pipeline.MaxSidecar+1), 0o644) },
		func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		s := scans{began: make(chan string, 9), ended: make(chan string, 9), let: make(chan struct{})}
		m := newMaster(t, s)
		require.NoError(t, m.FS.MkdirAll(pipeline.Inbox))
		require.NoError(t, lay(m.FS.Path("inbox/a.mkv.distenc.toml")))
		sparse(t, m, "a.mkv", 1)
		close(s.let)
		for m.failed == 0 {
			_, err := m.lookAtInbox(t.Context())
			require.NoError(t, err)
			select {
			case done := <-m.tasks.results:
				done()
			case <-time.After(10 * time.Second):
				require.Positive(t, m.failed, "it waits")
			}
		}
		reasons, err := filepath.Glob(m.FS.Path("failed/a.mkv/reason.txt"))
		require.NoError(t, err)
		require.Len(t, reasons, 1)
		reason, err := os.ReadFile(reasons[0])
		require.NoError(t, err)
		require.Contains(t, string(reason), "The settings beside the file can't be used: ")
		require.NoFileExists(t, m.FS.Path("inbox/a.mkv"))
	}
}

// Where the move itself is denied for a reason that could not be foreseen, a job is made for each try: the tries
// become rare, and status has the reason.
func TestAMoveThatIsDeniedIsNotTriedAgainAndAgain(t *testing.T) {
	s := scans{began: make(chan string, 9), ended: make(chan string, 9), let: make(chan struct{})}
	m := newMaster(t, s)
	root := m.FS.Root()
	m.FS = sharefs.New(root, sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
		if op == "rename" && strings.HasPrefix(name, "inbox/a.mkv ") {
			return syscall.EACCES
		}
		return nil
	}))
	m.inbox = newInbox(m.FS)
	sparse(t, m, "a.mkv", 1)
	close(s.let)
	look := func() *dropped {
		waiting, err := m.lookAtInbox(t.Context())
		require.NoError(t, err)
		d := m.inbox.files["inbox/a.mkv"]
		require.Equal(t, d.unmoved == 0, waiting == 1, "with --until-idle nobody waits for it")
		return d
	}
	for tries := 1; tries <= 3; tries++ {
		for d := look(); d.unmoved < tries; d = look() {
			(<-m.tasks.results)()
		}
		require.True(t, m.tasks.idle(), "it rests")
		d := look()
		require.Contains(t, pipeline.LoadLeftAlone(m.FS)["a.mkv"], "it can't be moved out of its folder")
		require.Greater(t, time.Until(d.rest), errRest<<(tries-1)-time.Minute/10)
		d.rest = time.Time{} // as if that time had passed
	}
	ids, err := m.FS.List(pipeline.Jobs)
	require.NoError(t, err)
	require.Len(t, ids, 3)
}

// Others can see that a master takes nothing before there is room, and that it does again, also after another's term.
func TestAMasterTellsThatItTakesNothing(t *testing.T) {
	m := leading(t, sharefs.OS)
	told := func() string {
		_, err := m.lookAtInbox(t.Context())
		require.NoError(t, err)
		return pipeline.NothingTaken(m.FS)
	}
	m.full = "the disk is full"
	require.Equal(t, m.full, told())
	require.Empty(t, pipeline.WhyLeft(pipeline.LoadLeftAlone(m.FS), "film.mkv"), "the film is as it should be")
	m.full = ""
	require.Empty(t, told())

	require.NoError(t, pipeline.WriteLeftAlone(m.FS, []pipeline.LeftAlone{pipeline.TakeNothing("the disk was full")}))
	m = newTerm(t.Context(), m.Master)
	t.Cleanup(m.end)
	require.Empty(t, told())
}
