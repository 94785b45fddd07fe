package farm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

// freeAddress is one on this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

func fetch(url string) string {
	answer, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return answer.Status + "\n" + string(body)
}

// People see a job on the share and over HTTP, are told how it ended, and a new setting counts at once.
func TestWhatPeopleSee(t *testing.T) {
	address, told := freeAddress(t), filepath.Join(t.TempDir(), "told")
	f := newFarm(t, shortTerms+`
[worker]
hours = "00:00-00:01,00:01-00:02"
`)
	own := filepath.Join(t.TempDir(), "machine.toml") // what the share's own file can't hold
	require.NoError(t, os.WriteFile(own, fmt.Appendf(nil, `
[http]
listen = %q
[hooks]
done = ["/bin/sh", "-c", "cat >> %s"]
failed = ["/bin/sh", "-c", "cat >> %s"]
`, address, told, told), 0o644))
	conf := filepath.Join(f.dir, "distenc.toml")
	text, err := os.ReadFile(conf)
	require.NoError(t, err)
	f.start("master", "--config", own)
	worker := f.start("worker", "--slots", "1")
	f.drop(corpus.Make(t, "h264-open.mkv"), "film.mkv")
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "inbox", "broken.mkv"), []byte("no film"), 0o644))
	f.eventually("a node that rests, on the page", func() bool {
		page, err := os.ReadFile(filepath.Join(f.dir, pipeline.StatusPage))
		return err == nil && strings.Contains(string(page), "film.mkv") &&
			(strings.Contains(string(page), "outside its hours") || strings.Contains(string(page), "encoding"))
	})
	require.Contains(t, fetch("http://"+address+"/"), "film.mkv")
	require.Contains(t, fetch("http://"+address+"/healthz"), "200 OK\nok")
	require.Contains(t, fetch("http://"+address+"/metrics"), `distenc_jobs{state="encoding"}`)

	require.NoError(t, os.WriteFile(conf, []byte(strings.ReplaceAll(string(text), "00:00-00:01,00:01-00:02", "")), 0o644))
	require.NoError(t, worker.Process.Signal(syscall.SIGHUP))
	j := f.job(pipeline.Done)
	ends := map[string]pipeline.JobState{}
	f.eventually("two hooks", func() bool {
		text, _ := os.ReadFile(told)
		for line := range strings.Lines(string(text)) {
			var j pipeline.JobStatus
			if json.Unmarshal([]byte(line), &j) == nil {
				ends[j.Name] = j.State
			}
		}
		return len(ends) == 2
	})
	require.Equal(t, map[string]pipeline.JobState{"film.mkv": pipeline.Done, "broken.mkv": pipeline.JobFailed}, ends)
	f.eventually("the output on the page", func() bool {
		page, err := os.ReadFile(filepath.Join(f.dir, pipeline.StatusPage))
		return err == nil && strings.Contains(string(page), j.Output)
	})
	require.Contains(t, f.must("status"), "broken.mkv")
	require.Contains(t, f.must("nodes"), "ffmpeg version")
}
