package master

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// What people do to a share while a master is at it must cost nobody a file.

const someJob = "abcdef01-k3f9z"

// leading returns a master at the beginning of its term, on a share of its own.
func leading(t *testing.T, ops func(root string) sharefs.Ops) *term {
	t.Helper()
	root := t.TempDir()
	m := newTerm(t.Context(), New(Options{
		FS: sharefs.New(root, ops(root)), Node: "host-maaaaa", Log: slog.New(slog.DiscardHandler),
		Terms: lease.Terms{Heartbeat: time.Second, Expiry: time.Minute},
		Pace:  func() Pace { return Pace{Poll: time.Second} },
	}))
	t.Cleanup(m.end)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, m.FS.MkdirAll(dir))
	}
	return m
}

func TestTheSweepGoesThroughNoLink(t *testing.T) {
	m := leading(t, sharefs.OS)
	home := t.TempDir()
	precious := filepath.Join(home, "precious")
	require.NoError(t, os.WriteFile(precious, nil, 0o600))
	links := []string{
		pipeline.PendingOf(someJob), pipeline.DoneOf(someJob), pipeline.SetAsideOf(someJob), pipeline.OutOf(someJob),
	}
	require.NoError(t, m.FS.MkdirAll(pipeline.JobDir(someJob)))
	for _, link := range links {
		require.NoError(t, os.Symlink(home, m.FS.Path(link)))
	}
	_, err := pipeline.TakeSurvey(m.FS)
	require.NoError(t, err, "one link stops nobody else's job")
	require.NoError(t, m.sweep(someJob))
	require.FileExists(t, precious)
	for _, link := range links {
		require.NoFileExists(t, m.FS.Path(link))
	}
}

// planted makes a job whose source has that text, as if it had been taken in a minute ago.
func planted(t *testing.T, m *term, text string) *job {
	t.Helper()
	j := liveJob(&pipeline.Job{
		ID: someJob, Inbox: "film.mkv", Source: "source.mkv", Size: int64(len(text)),
		CRC32: fmt.Sprintf("%08X", crc32.ChecksumIEEE([]byte(text))), Settings: pipeline.Settings{Container: "mkv"},
	})
	require.NoError(t, j.Create(m.FS))
	source := pipeline.JobFile(j.ID, j.Source)
	require.NoError(t, m.FS.Create(source, []byte(text)))
	st, err := m.FS.Stat(source)
	require.NoError(t, err)
	j.ModTime = st.ModTime()
	j.sighted = m.sight(j.Job, identityOf(st))
	m.jobs.live[j.ID] = j
	return j
}

// published makes an output and decides for it.
func published(t *testing.T, m *term, j *job) {
	t.Helper()
	require.NoError(t, m.FS.Create(pipeline.JobOut(j.ID, "abcdefghijkl"), []byte("output")))
	err := m.taskFor(j).decide(pipeline.Decision{Act: pipeline.ActPublish, Out: "abcdefghijkl", CRC32: "00000000"})
	require.NoError(t, err)
}

func text(t *testing.T, m *term, name string) string {
	t.Helper()
	b, err := m.FS.Read(name, 100)
	require.NoError(t, err)
	return string(b)
}

// A media library puts source.srt and source.nfo beside source.mkv. The film's place in the archive is the film's.
func TestWhatLiesBesideTheSourceIsNotTheSource(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	for _, name := range []string{"source", "source.nfo", "source.srt"} {
		require.NoError(t, m.FS.Create(pipeline.JobFile(j.ID, name), []byte(name)))
	}
	published(t, m, j)
	for range 4 {
		_, err := m.taskFor(j).carryOut(t.Context(), false)
		require.NoError(t, err)
	}
	require.Equal(t, "film", text(t, m, "archive/"+j.ID+"/film.mkv"))
	require.Equal(t, "source.srt", text(t, m, pipeline.JobFile(j.ID, "source.srt")))
}

// A source can come to a job that has ended, by a person or by a request that landed late.
func TestASecondSourceIsNotMovedOverTheFirst(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	published(t, m, j)
	_, err := m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.NoError(t, m.FS.Create(pipeline.JobFile(j.ID, j.Source), []byte("film")))
	_, err = m.taskFor(j).carryOut(t.Context(), false)
	require.NoError(t, err)
	require.Equal(t, "film", text(t, m, "archive/"+j.ID+"/film.mkv"))
	require.Equal(t, "film", text(t, m, "archive/"+j.ID+" (2)/film.mkv"))
}

// Nothing but the inode or the ctime tells that another file has the source's name.
func TestAnotherFileUnderTheSourcesName(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, file string){
		"replaced": func(t *testing.T, file string) {
			require.NoError(t, os.WriteFile(file+".new", []byte("FILM"), 0o600))
			require.NoError(t, os.Rename(file+".new", file))
		},
		"overwritten": func(t *testing.T, file string) { require.NoError(t, os.WriteFile(file, []byte("FILM"), 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			m := leading(t, sharefs.OS)
			j := planted(t, m, "film")
			file := m.FS.Path(pipeline.JobFile(j.ID, j.Source))
			changed, err := m.taskFor(j).changed(t.Context(), false)
			require.NoError(t, err)
			require.False(t, changed)
			require.NoError(t, os.Chmod(file, 0o600))
			changed, err = m.taskFor(j).changed(t.Context(), false)
			require.NoError(t, err)
			require.False(t, changed, "its content is what was taken in, whatever else moved")
			replace(t, file)
			for same := true; same; { // a kernel's clock may stand still for 10 ms
				require.NoError(t, os.Chtimes(file, j.ModTime, j.ModTime))
				st, err := os.Stat(file)
				require.NoError(t, err)
				same = identityOf(st) == *j.sighted
			}
			changed, err = m.taskFor(j).changed(t.Context(), false)
			require.NoError(t, err)
			require.True(t, changed)
		})
	}
}

// scanner reads what a file held, and then lets somebody put another file in its place.
type scanner struct {
	Stages
	then func()
}

func (s scanner) Scan(context.Context, string) (Scan, error) {
	s.then()
	return Scan{CRC32: "00000000"}, nil
}

// The same name, size and mtime can be another file by the time that the first one has been read and has settled.
func TestAFileThatWasReplacedInTheInboxIsReadAgain(t *testing.T) {
	m := leading(t, sharefs.OS)
	const name = "inbox/film.mkv"
	require.NoError(t, m.FS.Create(name, []byte("film")))
	st, err := m.FS.Stat(name)
	require.NoError(t, err)
	m.Stages = scanner{then: func() {
		require.NoError(t, os.WriteFile(m.FS.Path("other"), []byte("FILM"), 0o600))
		require.NoError(t, os.Chtimes(m.FS.Path("other"), st.ModTime(), st.ModTime()))
		require.NoError(t, os.Rename(m.FS.Path("other"), m.FS.Path(name)))
	}}
	m.Resolve = func(_, _ string, _ []byte) (Order, error) {
		return Order{Settings: pipeline.Settings{Container: "mkv"}}, nil
	}
	f := watcher.File{Name: name, Size: 4, Seen: time.Now(), ModTime: st.ModTime()}
	d := &dropped{file: f}
	m.inbox.files[name], m.pace.Settle = d, time.Hour
	r, err := m.read(t.Context(), name)
	m.afterReading(f, d, r, err)
	require.True(t, d.reading.done)
	a := arrival{id: someJob, file: f, scan: r.scan, identity: r.identity, known: m.jobs.known}
	m.afterTaking(a, d, m.takeIn(t.Context(), a))
	require.Empty(t, m.jobs.live)
	require.Equal(t, "FILM", text(t, m, name))
	require.Empty(t, m.inbox.files, "it is read anew")
}

func TestALinkWithAnotherInodeIsNotCountedOnFrom(t *testing.T) {
	m := leading(t, func(root string) sharefs.Ops { return sharefstest.Union(sharefs.OS(root)) })
	require.ErrorIs(t, m.FS.CheckLinks(pipeline.ProbeDir), sharefs.ErrInodes)
	require.NoError(t, m.FS.Create("result", nil))
	w := &jobTask{Master: m.Master}
	_, err := w.outputName(t.Context(), pipeline.Outbox, "film.mkv", "result", pipeline.ActPublish)
	require.ErrorIs(t, err, sharefs.ErrInodes)
	require.ErrorContains(t, err, "use_ino")
	names, err := m.FS.List(pipeline.Outbox)
	require.NoError(t, err)
	require.Equal(t, []string{"film.mkv"}, names)
	probes, err := m.FS.List(pipeline.ProbeDir)
	require.NoError(t, err)
	require.Empty(t, probes)
}

// Whoever removes a folder of the share removes what is in it, and no more than that.
func TestFoldersThatAreRemovedAreMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := leading(t, sharefs.OS)
		require.NoError(t, (&pipeline.ClusterInfo{Share: "abcdefghijkl"}).Write(m.FS))
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		time.Sleep(time.Minute)
		folders := []string{
			pipeline.Leases, pipeline.MasterDir, pipeline.Inbox, pipeline.Jobs, pipeline.FailedDir, pipeline.Nodes,
		}
		for _, folder := range folders {
			require.NoError(t, os.RemoveAll(m.FS.Path(folder)))
		}
		time.Sleep(5 * time.Minute)
		for _, folder := range pipeline.Folders() {
			require.DirExists(t, m.FS.Path(folder))
		}
		leaders, err := lease.Leaders(m.FS, pipeline.MasterDir)
		require.NoError(t, err)
		require.Len(t, leaders, 1, "it leads again")
		cancel()
		require.NoError(t, <-ended)
	})
}

// A share that was put back as it was in a snapshot: the job that had ended has not, and its chunks are no leftovers.
func TestWhatLiesOnTheShareIsTheTruth(t *testing.T) {
	m := leading(t, sharefs.OS)
	j := planted(t, m, "film")
	delete(m.jobs.live, j.ID)
	m.jobs.closed[j.ID], m.jobs.recent = true, []string{j.ID}
	chunk := pipeline.ChunkFile{Job: j.ID, Kind: pipeline.KindRange}.AsPending(1)
	require.NoError(t, m.FS.MkdirAll(pipeline.PendingOf(j.ID)))
	require.NoError(t, m.FS.Create(chunk.Path(), nil))
	survey, err := pipeline.TakeSurvey(m.FS)
	require.NoError(t, err)
	require.NoError(t, m.findJobs())
	m.sweepOrphans(survey)
	require.FileExists(t, m.FS.Path(chunk.Path()))
	require.NoError(t, m.findJobs())
	require.Contains(t, m.jobs.live, j.ID)

	delete(m.jobs.live, j.ID)
	m.jobs.closed[j.ID] = true
	m.lookBack() // as well where no chunk tells
	require.NoError(t, m.findJobs())
	require.Contains(t, m.jobs.live, j.ID)

	delete(m.jobs.live, j.ID)
	require.NoError(t, m.FS.Create(pipeline.JobFile(j.ID, pipeline.ClosedName), nil))
	m.jobs.closed[j.ID] = true
	m.sweepOrphans(survey)
	require.NoFileExists(t, m.FS.Path(chunk.Path()), "what a job left behind that has ended")
}

// A listing that fails says nothing of a job that has ended: it is asked of again.
func TestAListingThatFailsForgetsNoJob(t *testing.T) {
	away := false
	m := leading(t, func(root string) sharefs.Ops {
		return sharefstest.WithHook(sharefs.OS(root), func(op, name string) error {
			if away && op == "readdir" && strings.HasPrefix(name, pipeline.Jobs) {
				return syscall.EIO
			}
			return nil
		})
	})
	j := planted(t, m, "film") // it was put back as it was before it ended
	delete(m.jobs.live, j.ID)
	m.jobs.closed[j.ID], m.jobs.recent = true, []string{j.ID}
	away = true
	m.lookBack()
	away = false
	m.lookBack()
	require.NoError(t, m.findJobs())
	require.Contains(t, m.jobs.live, j.ID)
}

// A share that goes away in the middle of a round is told of as one, and not as heartbeats that can't be read.
func TestAnOutageInTheMiddleOfARoundIsOne(t *testing.T) {
	var said bytes.Buffer
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	m := newTerm(t.Context(), New(Options{FS: share, Node: "host-maaaaa", Log: slog.New(slog.NewTextHandler(&said, nil)),
		Terms: lease.Terms{Heartbeat: time.Second, Expiry: time.Minute},
		Pace:  func() Pace { return Pace{Poll: time.Second} }}))
	t.Cleanup(m.end)
	m.expire(t.Context(), &pipeline.Survey{}) // of a moment before
	require.Contains(t, said.String(), "the share does not answer")
	require.NotContains(t, said.String(), "heartbeats can't be read")
}

func TestAnInterruptedStatusPageIsSwept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := leading(t, sharefs.OS)
		require.NoError(t, (&pipeline.ClusterInfo{Share: "abcdefghijkl"}).Write(m.FS))
		left := []string{"status.html.ABCDEFGHIJ.tmp", "status.json.ABCDEFGHIJ.tmp"}
		kept := []string{"notes.txt.tmp", "status.html", "status.html.bak"}
		for _, name := range append(left, kept...) {
			require.NoError(t, m.FS.Create(name, nil))
		}
		for range 15 {
			m.sweepDead()
			time.Sleep(time.Minute)
		}
		for _, name := range left {
			require.NoFileExists(t, m.FS.Path(name))
		}
		for _, name := range kept {
			require.FileExists(t, m.FS.Path(name))
		}
	})
}
