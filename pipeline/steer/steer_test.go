package steer

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// asJSON writes the settings beside a film as JSON; in the program they are TOML.
type asJSON struct{}

func (asJSON) Amend(_ string, data []byte, w Wishes) ([]byte, error) {
	all := Wishes{}
	if len(data) > 0 {
		if err := json.Unmarshal(data, &all); err != nil {
			return nil, err
		}
	}
	if w.Priority != nil {
		if *w.Priority > 1000 {
			return nil, errors.New("priority: must be between -1000 and 1000")
		}
		all.Priority = w.Priority
	}
	if w.Paused != nil {
		all.Paused = w.Paused
	}
	if w.Nonce != "" {
		all.Nonce, all.Size = w.Nonce, w.Size
	}
	return json.Marshal(all)
}

func (asJSON) Nonce(data []byte) string {
	w := Wishes{}
	_ = json.Unmarshal(data, &w)
	return w.Nonce
}

// testDesk is a desk of a new share.
func testDesk(t *testing.T) Desk {
	t.Helper()
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	return Desk{Share: share, Settings: asJSON{}, By: "anna"}
}

const job = "0badcafe-aaaaa"

// scenes put film.mkv on the share in each state that it can be in.
var scenes = map[string]func(t *testing.T, d Desk){
	"nothing": func(*testing.T, Desk) {},
	"waiting": func(t *testing.T, d Desk) {
		require.NoError(t, d.Share.Create("inbox/film.mkv", []byte("film")))
		require.NoError(t, d.Share.Create("inbox/film.mkv.distenc.toml", []byte(`{"Profile":"tablet"}`)))
	},
	"live": live,
	"paused": func(t *testing.T, d Desk) {
		live(t, d)
		require.NoError(t, pipeline.Ask(d.Share, job, pipeline.ControlPause, ""))
	},
	"chunk set aside": func(t *testing.T, d Desk) {
		live(t, d)
		c := pipeline.ChunkFile{Job: job, Attempt: 3, Kind: pipeline.KindRange}.In(pipeline.Failed)
		require.NoError(t, d.Share.MkdirAll(pipeline.SetAsideOf(job)))
		require.NoError(t, d.Share.Create(c.Path(), nil))
	},
	"decided": func(t *testing.T, d Desk) {
		live(t, d)
		decide(t, d, pipeline.Decision{Act: pipeline.ActFailed, Reason: "r"})
	},
	"failed":    func(t *testing.T, d Desk) { over(t, d, pipeline.ActFailed) },
	"cancelled": func(t *testing.T, d Desk) { over(t, d, pipeline.ActCancelled) },
	"steered and cancelled": func(t *testing.T, d Desk) {
		over(t, d, pipeline.ActCancelled, func() {
			require.NoError(t, d.Share.Create("jobs/"+job+"/source.mkv.distenc.toml",
				[]byte(`{"Profile":"tablet","Paused":true,"Priority":3}`)))
			require.NoError(t, pipeline.Ask(d.Share, job, pipeline.ControlPriority, "7\n"))
		})
	},
	"source lost": func(t *testing.T, d Desk) {
		over(t, d, pipeline.ActFailed)
		require.NoError(t, os.RemoveAll(d.Share.Path("failed/film.mkv")))
	},
	"done": func(t *testing.T, d Desk) {
		live(t, d)
		decide(t, d, pipeline.Decision{Act: pipeline.ActPublish, Out: "abcdefghijkl"})
		require.NoError(t, d.Share.Create(pipeline.JobFile(job, pipeline.PublishedName), []byte(`{"output":"film.mkv"}`)))
		require.NoError(t, pipeline.Closed{Act: pipeline.ActPublish}.Publish(d.Share, job))
	},
	"rejected": func(t *testing.T, d Desk) {
		require.NoError(t, d.Share.Create("inbox/film.mkv", []byte("film")))
		putAside(t, d, "inbox/film.mkv")
	},
	"two": func(t *testing.T, d Desk) {
		require.NoError(t, d.Share.Create("inbox/film.mkv", nil))
		require.NoError(t, d.Share.MkdirAll("inbox/tablet"))
		require.NoError(t, d.Share.Create("inbox/tablet/film.mkv", nil))
	},
}

// live is a job with a plan of one chunk.
func live(t *testing.T, d Desk) {
	t.Helper()
	j := pipeline.Job{ID: job, Inbox: "film.mkv", Source: "source.mkv", CRC32: "0BADCAFE"}
	j.Settings.Container = "mkv"
	require.NoError(t, j.Create(d.Share))
	require.NoError(t, d.Share.Create(pipeline.JobFile(job, j.Source), []byte("film")))
	plan := &pipeline.Plan{
		Job: job, Input: pipeline.Input{Source: "source.mkv", Original: "source.mkv"}, Frames: 1,
		Video:  pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1000}},
		Chunks: []pipeline.Chunk{{PTS: pipeline.NewTimestamps(0)}},
	}
	_, err := plan.Publish(d.Share)
	require.NoError(t, err)
}

func decide(t *testing.T, d Desk, decision pipeline.Decision) {
	t.Helper()
	_, err := pipeline.Decide(d.Share, job, decision)
	require.NoError(t, err)
}

func putAside(t *testing.T, d Desk, source string) pipeline.RawName {
	t.Helper()
	r := pipeline.Reject{Source: source, Sidecar: pipeline.SidecarBeside(source), Inbox: "film.mkv", Reason: "r"}
	dst, err := r.PutAside(t.Context(), d.Share)
	require.NoError(t, err)
	return dst
}

// over is a job that a master has put away.
func over(t *testing.T, d Desk, act pipeline.Act, before ...func()) {
	t.Helper()
	live(t, d)
	for _, do := range before {
		do()
	}
	decide(t, d, pipeline.Decision{Act: act, Reason: "r"})
	source := putAside(t, d, pipeline.JobFile(job, "source.mkv"))
	require.NoError(t, status.Close(d.Share, job, pipeline.Closed{Act: act, Reason: "r", Source: source}))
}

// Each verb, with a film in each state: what it returns, and what is on the share then.
func TestVerbs(t *testing.T) {
	verbs := map[string]func(d Desk) (Outcome, error){
		"pause":     func(d Desk) (Outcome, error) { return d.Pause(t.Context(), "film.mkv", false) },
		"pause now": func(d Desk) (Outcome, error) { return d.Pause(t.Context(), "film.mkv", true) },
		"resume":    func(d Desk) (Outcome, error) { return d.Resume(t.Context(), "film") },
		"priority":  func(d Desk) (Outcome, error) { return d.Prioritise(t.Context(), "FILM.mkv", 7) },
		"cancel":    func(d Desk) (Outcome, error) { return d.Cancel(t.Context(), "film.mkv") },
		"retry":     func(d Desk) (Outcome, error) { return d.Retry(t.Context(), "film.mkv") },
	}
	const (
		ofJob     = "jobs/" + job + "/control/"
		settings  = "inbox/film.mkv.distenc.toml"
		hasFailed = "job 0badcafe-aaaaa (film.mkv) has ended"
	)
	for _, c := range []struct {
		verb, scene string
		state       State  // what comes of it, or
		kind        Kind   // why not
		says        string // in the error
		path        string // in the outcome
		file, holds string // on the share afterwards; holds "-": it is not there
	}{
		{verb: "pause", scene: "waiting", state: Paused, file: settings, holds: `"Profile":"tablet"`},
		{verb: "pause", scene: "waiting", state: Paused, file: settings, holds: `"Paused":true`},
		{verb: "pause", scene: "live", state: Paused, file: ofJob + "pause"},
		{verb: "pause", scene: "paused", state: Paused, file: ofJob + "pause"},
		{verb: "pause", scene: "chunk set aside", state: Paused, file: ofJob + "pause"},
		{verb: "pause now", scene: "live", state: Paused, file: ofJob + "pause-now"},
		{verb: "resume", scene: "waiting", state: GoesOn, file: settings, holds: `"Paused":false`},
		{verb: "resume", scene: "live", state: GoesOn, file: ofJob + "pause", holds: "-"},
		{verb: "resume", scene: "paused", state: GoesOn, file: ofJob + "pause", holds: "-"},
		{verb: "priority", scene: "waiting", state: Prioritised, file: settings, holds: `"Priority":7`},
		{verb: "priority", scene: "live", state: Prioritised, file: ofJob + "priority", holds: "7"},
		{verb: "priority", scene: "paused", state: Prioritised, file: ofJob + "priority", holds: "7"},
		{verb: "cancel", scene: "waiting", state: PutAside, path: "failed/film.mkv/film.mkv",
			file: "failed/film.mkv/reason.txt", holds: "Cancelled by anna before"},
		{verb: "cancel", scene: "waiting", state: PutAside, path: "failed/film.mkv/film.mkv",
			file: "failed/film.mkv/film.mkv.distenc.toml", holds: "tablet"},
		{verb: "cancel", scene: "live", state: Cancelled, file: "jobs/" + job + "/decision", holds: "Cancelled by anna."},
		{verb: "cancel", scene: "paused", state: Cancelled, file: "jobs/" + job + "/decision", holds: "cancelled"},
		{verb: "cancel", scene: "chunk set aside", state: Cancelled, file: "jobs/" + job + "/decision", holds: "cancelled"},
		{verb: "retry", scene: "waiting", kind: NotNow, says: "inbox/film.mkv waits to be taken in"},
		{verb: "retry", scene: "live", kind: NotNow, says: "has no chunk that was set aside",
			file: ofJob + "retry", holds: "-"},
		{verb: "retry", scene: "chunk set aside", state: TriedAgain, file: ofJob + "retry"},
		{verb: "retry", scene: "decided", kind: Busy, says: "is just being put away"},
		{verb: "retry", scene: "failed", state: InInbox, path: "inbox/film.mkv", file: "inbox/film.mkv", holds: "film"},
		{verb: "retry", scene: "failed", state: InInbox, path: "inbox/film.mkv", file: "failed/film.mkv", holds: "-"},
		{verb: "retry", scene: "cancelled", state: InInbox, path: "inbox/film.mkv", file: "inbox/film.mkv", holds: "film"},
		{verb: "retry", scene: "cancelled", state: InInbox, path: "inbox/film.mkv", file: settings, holds: "-"},
		{verb: "retry", scene: "steered and cancelled", state: InInbox, path: "inbox/film.mkv", file: settings,
			holds: `"Profile":"tablet","Settings":null,"Priority":7,"Paused":false`},
		{verb: "retry", scene: "source lost", kind: NotNow, says: "is not where it was put"},
		{verb: "retry", scene: "done", kind: NotNow, says: "distenc add --again"},
		{verb: "retry", scene: "rejected", state: InInbox, path: "inbox/film.mkv", file: "failed/film.mkv", holds: "-"},
		{verb: "cancel", scene: "decided", kind: NotNow, says: hasFailed},
		{verb: "cancel", scene: "done", kind: NotNow, says: hasFailed},
		{verb: "pause", scene: "failed", kind: NotNow, says: hasFailed, file: ofJob + "pause", holds: "-"},
		{verb: "pause", scene: "cancelled", kind: NotNow, says: hasFailed},
		{verb: "pause", scene: "rejected", kind: NotNow, says: "`distenc retry"},
		{verb: "resume", scene: "done", kind: NotNow, says: hasFailed},
		{verb: "priority", scene: "failed", kind: NotNow, says: hasFailed, file: ofJob + "priority", holds: "-"},
		{verb: "priority", scene: "rejected", kind: NotNow, says: "`distenc retry"},
		{verb: "cancel", scene: "rejected", kind: NotNow, says: "`distenc retry"},
		{verb: "pause", scene: "nothing", kind: Unknown, says: `no job "film.mkv"`},
		{verb: "retry", scene: "nothing", kind: Unknown, says: `no job "film.mkv"`},
		{verb: "cancel", scene: "two", kind: Ambiguous, says: "inbox/tablet/film.mkv"},
	} {
		t.Run(c.verb+", "+c.scene, func(t *testing.T) {
			d := testDesk(t)
			scenes[c.scene](t, d)
			o, err := verbs[c.verb](d)
			if c.kind != 0 {
				e, ok := errors.AsType[*Error](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, c.kind, e.Kind)
				require.ErrorContains(t, err, c.says)
				require.Zero(t, o)
			} else {
				require.NoError(t, err)
				require.Equal(t, []string{string(c.state), c.path, "film.mkv"}, []string{string(o.State), o.Path, o.Name})
			}
			if c.file == "" {
				return
			}
			content, err := os.ReadFile(filepath.Join(d.Share.Root(), c.file))
			if c.holds == "-" {
				require.ErrorIs(t, err, os.ErrNotExist)
				return
			}
			require.NoError(t, err)
			require.Contains(t, string(content), c.holds)
		})
	}
}

// What stands in front in the list of an ambiguous word is a word that names one of them.
func TestEachOfSeveralCanBeNamed(t *testing.T) {
	d := testDesk(t)
	scenes["two"](t, d)
	_, err := d.Cancel(t.Context(), "film.mkv")
	e, ok := errors.AsType[*Error](err)
	require.True(t, ok, "%v", err)
	require.Len(t, e.Meant, 2)
	for _, one := range e.Meant {
		o, err := d.Pause(t.Context(), one.Word(), false)
		require.NoError(t, err)
		require.Equal(t, one.Word(), o.Word)
	}
}

// The job's report says who asked what.
func TestWhoAskedIsNoted(t *testing.T) {
	d := testDesk(t)
	scenes["live"](t, d)
	_, err := d.Pause(t.Context(), job, true)
	require.NoError(t, err)
	_, err = d.Prioritise(t.Context(), job, 7)
	require.NoError(t, err)
	noted := strings.Join(pipeline.LoadAsked(d.Share, job), "\n")
	require.Contains(t, noted, " pause now, asked by anna")
	require.Contains(t, noted, " priority 7, asked by anna")
}

func TestAPriorityHasLimits(t *testing.T) {
	d := testDesk(t)
	scenes["live"](t, d)
	for _, n := range []int{pipeline.MaxPriority + 1, -pipeline.MaxPriority - 1} {
		_, err := d.Prioritise(t.Context(), job, n)
		e, ok := errors.AsType[*Error](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, Wrong, e.Kind)
	}
}
