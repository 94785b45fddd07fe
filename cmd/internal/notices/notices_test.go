package notices

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// share is an empty one.
func share(t *testing.T) *sharefs.FS {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, ".distenc"), 0o755))
	f, err := sharefs.Open(dir)
	require.NoError(t, err)
	return f
}

func event(t *testing.T, f *sharefs.FS, name string, kind pipeline.EventKind) *pipeline.Untold {
	t.Helper()
	u := pipeline.NewUntold(f, "abcdef01-"+name, Receiver, pipeline.Event{
		Kind: kind, Time: time.Now(), Job: pipeline.JobStatus{Name: name + ".mkv", Size: 1 << 30, OutputSize: 1 << 29},
	})
	require.NoError(t, u.Keep())
	return u
}

func standing(t *testing.T, f *sharefs.FS) []string {
	t.Helper()
	names, err := pipeline.ListUntold(f)
	require.NoError(t, err)
	return names
}

// logs is a log that can be read while it is written.
type logs struct{ inbox }

func (l *logs) Write(p []byte) (int, error) { l.put(string(p)); return len(p), nil }

func (l *logs) String() string { return strings.Join(l.all(), "") }

// running runs a sender until the test ends.
func running(t *testing.T, now Settings) (*Sender, *logs) {
	t.Helper()
	log := &logs{}
	s := New(func() Settings { return now }, slog.New(slog.NewTextHandler(log, nil)))
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return s, log
}

var everything = pipeline.EventKinds()

// What is no failure is gathered, and a failure is not.
func TestADigest(t *testing.T) {
	server, at := web(t)
	f := share(t)
	s, log := running(t, Settings{
		On: everything, Digest: time.Hour, URLs: parsed(t, "ntfy://"+at+"/films?scheme=http"),
	})
	s.Tell(event(t, f, "one", pipeline.EventDone))
	s.Tell(event(t, f, "two", pipeline.EventFailed))
	require.Eventually(t, func() bool { return len(server.all()) == 1 }, time.Minute, 20*time.Millisecond, log.String())
	require.Contains(t, server.all()[0], "distenc: 1 failed|two.mkv failed: ")
	require.NotContains(t, server.all()[0], "one.mkv")
	require.Eventually(t, func() bool { return len(standing(t, f)) == 1 }, time.Minute, 20*time.Millisecond)
}

// A master that is stopped sends what it has gathered, and what it can't send stands for the next one.
func TestTheEndOfAMaster(t *testing.T) {
	server, at := web(t)
	f := share(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	log := &logs{}
	now := Settings{On: everything, Digest: time.Hour, URLs: parsed(t, "ntfy://"+at+"/films?scheme=http")}
	ctx, stop := context.WithCancel(t.Context())
	s := New(func() Settings { return now }, slog.New(slog.NewTextHandler(log, nil)))
	for _, name := range []string{"one", "two", "three"} {
		s.Tell(event(t, f, name, pipeline.EventDone))
	}
	s.Tell(event(t, f, "idle", pipeline.EventIdle))
	stop()
	s.Run(ctx)
	require.Len(t, server.all(), 1)
	require.Equal(t, "/films|distenc: 3 done, nothing left to do|3 films are done: 3.0 GiB became 1.5 GiB (50%).\n"+
		"one.mkv is done: 1.0 GiB became 512 MiB (50%).\n"+
		"two.mkv is done: 1.0 GiB became 512 MiB (50%).\n"+
		"three.mkv is done: 1.0 GiB became 512 MiB (50%).\n"+
		"All jobs are done, and nothing waits in the inbox.", server.all()[0])
	require.Empty(t, standing(t, f))

	now.URLs = append(now.URLs, parsed(t, "ntfy://"+strings.TrimPrefix(gone.URL, "http://")+"/s3cret?scheme=http")...)
	s.Tell(event(t, f, "four", pipeline.EventDone))
	s.Run(ctx)
	require.Len(t, server.all(), 2, "who can be told is")
	require.Len(t, standing(t, f), 1)
	require.Contains(t, log.String(), "connection refused")
	require.NotContains(t, log.String(), "s3cret")
}

// What another master has told meanwhile is not told again.
func TestWhatIsToldAlreadyIsNotToldAgain(t *testing.T) {
	server, at := web(t)
	f := share(t)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s := New(func() Settings {
		return Settings{On: everything, URLs: parsed(t, "ntfy://"+at+"/films?scheme=http")}
	}, slog.New(slog.DiscardHandler))
	s.Tell(event(t, f, "one", pipeline.EventFailed))
	s.Tell(event(t, f, "two", pipeline.EventFailed))
	one, err := pipeline.LoadUntold(f, standing(t, f)[0], time.Now())
	require.NoError(t, err)
	require.NoError(t, one.Told())
	s.Run(ctx)
	require.Len(t, server.all(), 1)
	require.NotContains(t, server.all()[0], "one.mkv")
	require.Empty(t, standing(t, f))
}

func TestMemoryIsBounded(t *testing.T) {
	log := &logs{}
	now := Settings{On: everything, URLs: parsed(t, "ntfy://localhost/x")}
	s := New(func() Settings { return now }, slog.New(slog.NewTextHandler(log, nil)))
	r := round{Sender: s}
	for i := range 3 * waiting {
		s.Tell(pipeline.NewUntold(nil, fmt.Sprint(i), Receiver, pipeline.Event{Kind: pipeline.EventDone, Time: time.Now()}))
		select {
		case u := <-r.room():
			r.take(u)
		default:
		}
	}
	require.Len(t, s.queue, waiting)
	require.Len(t, r.letters, waiting)
	require.Equal(t, waiting, strings.Count(log.String(), "too many notices are waiting"), "the log has all others")
	require.False(t, s.Wants("banana"))
}

// Whatever a service says when it fails, nothing of what its URL holds is told but a server's name.
func TestNoServiceTellsASecret(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "no: %s %s %s", r.URL, r.Header, body)
	}))
	t.Cleanup(refusing.Close)
	host := strings.TrimPrefix(refusing.URL, "http://")
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, at := range []string{host, strings.TrimPrefix(closed.URL, "http://")} {
		post := at
		if at == host {
			post = refusingMail(t)
		}
		for _, text := range []string{
			"ntfy://s3cret-user:s3cret-word@" + at + "/s3cret-topic?scheme=http",
			"generic+http://" + at + "/s3cret-path?s3cret-key=s3cret-value&@authorization=s3cret-head",
			"generic://" + at + "/s3cret-path?disabletls=yes&$s3cret=s3cret-extra&template=json",
			"gotify://" + at + "/s3cret-Aaaaaa?disabletls=yes",
			"matrix://s3cret-user:s3cret-word@" + at + "/?disableTLS=yes&rooms=s3cret-room",
			"mattermost://s3cret-bot@" + at + "/s3cret-token/s3cret-channel?disabletls=yes",
			"rocketchat://s3cret-bot@" + at + "/s3cret-one/s3cret-two/s3cret-room",
			"signal://s3cret-user:s3cret-word@" + at + "/+4915112345678/+4915187654321?disabletls=yes",
			"smtp://s3cret-user:s3cret-word@" + post + "/?from=s3cret@b.org&to=s3cret@d.org",
			"zulip://s3cret-bot%40b.org:s3cret-key@" + at + "/?stream=s3cret-stream",
			"smtp://s3cret%2Fuser:s3cret%2Fword@" + post + "/?from=a@b.org&to=d@e.org&auth=s3cret",
		} {
			a, err := ParseAddress(text)
			if err == nil {
				err = a.send("title", "text")
			}
			require.Error(t, err, text)
			require.NotContains(t, strings.ToLower(err.Error()), "s3cret", text)
			require.NotContains(t, err.Error(), "49151", text)
			require.NotContains(t, err.Error(), "czNjcmV0", "in base64")
			u, _ := url.Parse(text)
			scheme, _, _ := strings.Cut(u.Scheme, "+")
			for _, shown := range []string{fmt.Sprint(a), fmt.Sprintf("%v %+v %#v %s", a, a, a, a)} {
				require.NotContains(t, shown, "s3cret")
				require.Contains(t, shown, scheme)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "urls", parsed(t, "ntfy://ntfy.sh/s3cret"))
	require.NotContains(t, log.String(), "s3cret")
}
