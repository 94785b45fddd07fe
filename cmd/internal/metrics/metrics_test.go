package metrics

import (
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
	"github.com/distenc/distenc/pipeline/status"
)

func state1() *status.Status {
	return &status.Status{
		History: &history.History{All: history.Sum{Films: 3, Source: 900, Output: 1000}},
		Free:    5, Saved: 7, Master: &status.Master{Seen: 3}, Inbox: []status.Waiting{{}, {}},
		Jobs: []pipeline.JobStatus{
			{ID: "a", State: pipeline.InWork, Course: pipeline.Course{Frames: pipeline.Progress{Done: 100},
				Chunks: pipeline.Counts{Total: 4, Pending: 2, Claimed: 1, Done: 1}}, Setbacks: pipeline.Setbacks{Retries: 1}},
			{ID: "b", State: pipeline.Done, Decided: true, Course: pipeline.Course{Frames: pipeline.Progress{Done: 1000},
				Chunks: pipeline.Counts{Total: 9, Done: 9}}},
		},
		Nodes: []status.Node{{Node: "n1", FPS: 12.5, Slots: 2, Chunks: []string{"x"}, State: pipeline.NodeEncoding},
			{Node: "n1"}, {Node: "n2", State: pipeline.NodeSilent, Load: 1}},
	}
}

func TestTheNamesAndHelpsAreGood(t *testing.T) {
	m := New()
	m.Took("merge", time.Second)
	m.Observe(state1())
	problems, err := testutil.GatherAndLint(m.registry)
	require.NoError(t, err)
	require.Empty(t, problems)
}

func TestOnlyWhatIsNewIsCounted(t *testing.T) {
	m := New()
	m.Observe(state1())
	require.Zero(t, testutil.ToFloat64(m.frames), "what was there before is not this master's")
	s := state1()
	s.Jobs[0].Frames.Done, s.Jobs[0].Retries, s.Jobs[0].Expiries = 150, 4, 1
	s.Jobs[0].Failures = []pipeline.Failure{{Attempted: pipeline.Attempted{Chunk: "a.1"}, Retry: true}} // a person's wish
	s.Rejected = []status.Rejected{{Name: "film.mkv", Time: time.Now()}}
	s.Jobs = append(s.Jobs, pipeline.JobStatus{ID: "c", State: pipeline.InWork,
		Course: pipeline.Course{Frames: pipeline.Progress{Done: 7}}})
	m.Observe(s)
	again := *s
	again.Jobs[0].Frames.Done = 120 // a chunk was lost: it is encoded again, and was counted already
	m.Observe(&again)
	require.InDelta(t, 57, testutil.ToFloat64(m.frames), 0)
	require.InDelta(t, 3, testutil.ToFloat64(m.retries), 0)
	require.InDelta(t, 2, testutil.ToFloat64(m.failures), 0)
	require.InDelta(t, 1, testutil.ToFloat64(m.expiries), 0)
	require.InDelta(t, 1, testutil.ToFloat64(m.rejected), 0)
}

func TestTheStateIsTold(t *testing.T) {
	m := New()
	require.Equal(t, 200, ask(m).Code, "before the first look")
	m.Observe(state1())
	body := ask(m).Body.String()
	for _, line := range []string{
		`distenc_jobs{state="encoding"} 1`, `distenc_jobs{state="merging"} 0`, `distenc_chunks{state="pending"} 2`,
		`distenc_chunks{state="done"} 1`,
		`distenc_inbox_files 2`, `distenc_free_bytes 5`, `distenc_saved_bytes 7`, `distenc_node_frames_per_second{node="n1"} 12.5`,
		`distenc_nodes{state="silent"} 1`,
	} {
		require.Contains(t, body, line+"\n")
	}
}

func ask(m *Metrics) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w
}

// Every master counts what the share's history has. While a part of that can't be read none does: to Prometheus a
// counter that has fallen has begun anew.
func TestTheHistoryIsCounted(t *testing.T) {
	m, s := New(), state1()
	m.Observe(s)
	for _, line := range []string{
		"distenc_films_total 3", "distenc_source_bytes_total 900", "distenc_output_bytes_total 1000",
	} {
		require.Contains(t, ask(m).Body.String(), line+"\n")
	}
	s.History.Trouble = []string{"a file of it was cut short"}
	m.Observe(s)
	require.NotContains(t, ask(m).Body.String(), "distenc_films_total")
	s.History = nil
	m.Observe(s)
	require.NotContains(t, ask(m).Body.String(), "distenc_films_total")
}

// The README's table has every metric, and no other.
func TestTheManualListsTheMetrics(t *testing.T) {
	m := New()
	m.Took("merge", time.Second)
	m.Observe(state1())
	families, err := m.registry.Gather()
	require.NoError(t, err)
	have := map[string]bool{}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "distenc_") {
			have[f.GetName()] = true
		}
	}
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	listed := map[string]bool{}
	for _, name := range regexp.MustCompile("`(distenc_[a-z_]+)[{`]").FindAllStringSubmatch(string(readme), -1) {
		listed[name[1]] = true
	}
	require.Equal(t, have, listed)
}
