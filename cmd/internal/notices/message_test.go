package notices

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

func TestSentences(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	job := func(change func(j *pipeline.JobStatus)) pipeline.JobStatus {
		j := pipeline.JobStatus{
			ID: "abcdef01-k3f9z", Name: "Show - 01.mkv", Origin: pipeline.Origin{Profile: "tablet"},
			Size: 1 << 30, Created: began, Ended: began.Add(72 * time.Minute), Decided: true,
		}
		change(&j)
		return j
	}
	for want, e := range map[string]pipeline.Event{
		"Show - 01.mkv has begun: 1.0 GiB, profile tablet.": {
			Kind: pipeline.EventStarted, Job: job(func(*pipeline.JobStatus) {}),
		},
		"series/Show - 01.mkv is done after 1h12m: 1.0 GiB became 256 MiB (25%).": {
			Kind: pipeline.EventDone, Job: job(func(j *pipeline.JobStatus) {
				j.Folder, j.State, j.OutputSize = "series", pipeline.Done, 1<<28
			}),
		},
		"Show - 01.mkv stays as it is after 10s: the output would have at least 120%; max_size is 95%.": {
			Kind: pipeline.EventDone, Job: job(func(j *pipeline.JobStatus) {
				j.Ended, j.State = began.Add(10*time.Second), pipeline.Skipped
				j.Skipped = "the output would have at least 120%; max_size is 95%"
			}),
		},
		"Show - 01.mkv failed after 1h12m: Merging failed. Its source is in failed/Show - 01.mkv/; " +
			"`distenc retry abcdef01-k3f9z` tries again.": {
			Kind: pipeline.EventFailed, Job: job(func(j *pipeline.JobStatus) {
				j.Error, j.Source = "Merging\nfailed.", "failed/Show - 01.mkv/Show - 01.mkv"
			}),
		},
		"Show - 01.mkv failed: it crashed. It waits for you: `distenc retry abcdef01-k3f9z` tries again, " +
			"`distenc cancel abcdef01-k3f9z` gives it up.": {
			Kind: pipeline.EventFailed, Job: job(func(j *pipeline.JobStatus) {
				j.Error, j.Decided, j.Ended = "it crashed", false, time.Time{}
			}),
		},
		"bad.mkv failed: It is no film. The file and reason.txt are in failed/bad.mkv/.": {
			Kind: pipeline.EventFailed, Job: pipeline.JobStatus{
				Name: "bad.mkv", Error: "It is no film.", Origin: pipeline.Origin{Source: "failed/bad.mkv/bad.mkv"},
			},
		},
		"All jobs are done, and nothing waits in the inbox.": {Kind: pipeline.EventIdle},
		"Nothing else is left to do, but 2 films wait for you: `distenc status` says why.": {
			Kind: pipeline.EventIdle, Left: 2,
		},
	} {
		require.Equal(t, want, sentence(e))
	}
}

// Services cut long messages, or refuse them.
func TestALongMessageIsShortened(t *testing.T) {
	var events []pipeline.Event
	for i := range 200 {
		events = append(events, pipeline.Event{
			Kind: pipeline.EventDone, Time: time.Unix(int64(i), 0),
			Job: pipeline.JobStatus{Name: fmt.Sprintf("Show - %03d.mkv", i), Size: 2 << 20, OutputSize: 1 << 20},
		})
	}
	events = append(events, pipeline.Event{Kind: pipeline.EventIdle})
	title, text := compose(events)
	require.Equal(t, "distenc: 200 done, nothing left to do", title)
	require.LessOrEqual(t, len(text), maxText)
	require.Regexp(t, `^200 films are done: 400 MiB became 200 MiB \(50%\).\nShow - 000.mkv is done`, text)
	require.Regexp(t, "\nAnd 1[0-9]+ more: `distenc status` shows them.\nAll jobs are done, and nothing waits in the inbox.$", text)

	_, text = compose([]pipeline.Event{{Kind: pipeline.EventFailed, Job: pipeline.JobStatus{
		Name: strings.Repeat("ä", 1000), Error: strings.Repeat("ö", 5000),
	}}})
	require.LessOrEqual(t, len(text), maxText+len("…"))
}
