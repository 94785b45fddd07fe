//go:build linux

package farm_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/test/corpus"
)

// freeAddress is one on this machine that nobody listens on, nor will: all of 127.0.0.0/8 is its own.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.%d.%d.%d:0", 1+rand.IntN(254), rand.IntN(254), 1+rand.IntN(254)))
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// hoursElsewhen are a worker's hours that are not now.
func hoursElsewhen() string {
	later := time.Now().Add(12 * time.Hour)
	return later.Format("15:04") + "-" + later.Add(time.Minute).Format("15:04")
}

func fetch(url string) string { return fetchAs("", url) }

// fetchAs names another host than that of the address.
func fetchAs(host, url string) string {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	request.Host = host
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	return answer.Status + "\n" + string(body)
}

// People see a job on the share and over HTTP, are told how it ended, and a new setting counts at once.
func TestWhatPeopleSee(t *testing.T) {
	t.Parallel()
	address, told := freeAddress(t), filepath.Join(t.TempDir(), "told")
	hours := hoursElsewhen()
	f := newFarm(t, calmTerms+"[worker]\nhours = \""+hours+"\"\n")
	own := filepath.Join(t.TempDir(), "machine.toml") // what the share's own file can't hold
	require.NoError(t, os.WriteFile(own, fmt.Appendf(nil, `
[http]
listen = %q
hosts = ["nas"]
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
	f.eventually("a node that rests, and a job for it, on the page", func() bool {
		page, err := os.ReadFile(filepath.Join(f.dir, pipeline.StatusPage))
		return err == nil && strings.Contains(string(page), "film.mkv") &&
			strings.Contains(string(page), "outside its hours") && strings.Contains(string(page), "encoding")
	})
	require.Contains(t, fetch("http://"+address+"/"), "film.mkv")
	require.Contains(t, fetch("http://"+address+"/healthz"), "200 OK\nok")
	require.Contains(t, fetchAs("nas", "http://"+address+"/healthz"), "200 OK\nok")
	require.Contains(t, fetchAs("evil.example", "http://"+address+"/healthz"), "421 ")
	f.eventually("the job in the metrics", func() bool {
		return strings.Contains(fetch("http://"+address+"/metrics"), `distenc_jobs{state="encoding"} 1`)
	})

	require.NoError(t, os.WriteFile(conf, []byte(strings.ReplaceAll(string(text), hours, "")), 0o644))
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
	f.eventually("nothing of it changes any more", func() bool { return f.status().Jobs[0].Closed })
	var printed status.Status
	require.NoError(t, json.Unmarshal([]byte(f.must("status", "--json")), &printed))
	require.Equal(t, f.status().Jobs, printed.Jobs)
}
