package notices

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// inbox is what a server has been told.
type inbox struct {
	mu  sync.Mutex
	got []string
}

func (b *inbox) put(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, text)
}

func (b *inbox) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.got...)
}

// web is a server that keeps what is posted to it, path and title before the body.
func web(t *testing.T) (*inbox, string) {
	b := &inbox{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.put(r.URL.Path + "|" + r.Header.Get("Title") + "|" + string(body))
		fmt.Fprint(w, "{}")
	}))
	t.Cleanup(s.Close)
	return b, strings.TrimPrefix(s.URL, "http://")
}

// mail is a mail server that keeps what it is sent: what comes before each mail, and the mail.
func mail(t *testing.T) (*inbox, string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	b := &inbox{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go receive(c, b)
		}
	}()
	return b, l.Addr().String()
}

func receive(c net.Conn, b *inbox) {
	defer func() { _ = c.Close() }()
	fmt.Fprint(c, "220 here\r\n")
	var mail strings.Builder
	in, data := bufio.NewScanner(c), false
	for in.Scan() {
		line := in.Text()
		switch {
		case data && line == ".":
			data = false
			b.put(mail.String())
			fmt.Fprint(c, "250 ok\r\n")
		case data:
			mail.WriteString(line + "\n")
		case line == "DATA":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			mail.WriteString(line + "\n")
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

func parsed(t *testing.T, urls ...string) (all []Address) {
	t.Helper()
	for _, u := range urls {
		a, err := ParseAddress(u)
		require.NoError(t, err)
		all = append(all, a)
	}
	return all
}

func TestEveryKindOfServerIsTold(t *testing.T) {
	ntfy, ntfyAt := web(t)
	hook, hookAt := web(t)
	post, mailAt := mail(t)
	f := share(t)
	s, log := running(t, Settings{On: everything, URLs: parsed(t,
		"ntfy://me:s3cret@"+ntfyAt+"/films?scheme=http",
		"generic+http://"+hookAt+"/hook?template=json",
		"smtp://"+mailAt+"/?from=farm@example.org&to=alice@example.org,bob@example.org&usestarttls=no",
	)})
	s.Tell(event(t, f, "one", pipeline.EventDone))
	const line = "one.mkv is done: 1.0 GiB became 512 MiB (50%)."
	require.Eventually(t, func() bool {
		return len(ntfy.all()) == 1 && len(hook.all()) == 1 && len(post.all()) == 2 && len(standing(t, f)) == 0
	}, time.Minute, 20*time.Millisecond, log.String())
	require.Equal(t, "/films|distenc: 1 done|"+line, ntfy.all()[0])
	require.Equal(t, "/hook||"+`{"message":"`+line+`","title":"distenc: 1 done"}`, hook.all()[0])
	for i, to := range []string{"alice", "bob"} {
		require.Contains(t, post.all()[i], "RCPT TO:<"+to+"@example.org>")
		require.Contains(t, post.all()[i], "Subject: distenc: 1 done\n")
		require.Contains(t, post.all()[i], "\n\n"+line+"\n")
	}
	require.NotContains(t, log.String(), "s3cret")
}

// A server that is down is asked ever less often, for a day, and holds nobody up; then the log says so.
func TestAServerThatIsDown(t *testing.T) {
	f, log := share(t), &logs{}
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		s := New(func() Settings {
			return Settings{On: everything, URLs: parsed(t, "ntfy://ntfy.sh/down", "ntfy://ntfy.sh/up")}
		}, slog.New(slog.NewTextHandler(log, nil)))
		var told inbox
		s.post = func(to Address, title, _ string) error {
			if strings.HasSuffix(to.secret, "up") {
				told.put(title)
				return nil
			}
			tries++
			return errHangs
		}
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		began := time.Now()
		s.Tell(event(t, f, "one", pipeline.EventFailed))
		for len(standing(t, f)) > 0 {
			time.Sleep(time.Minute)
		}
		require.InDelta(t, pipeline.EventAge.Hours(), time.Since(began).Hours(), 1)
		require.InDelta(t, 31, tries, 2, "15 s, 30 s, 1 m, … an hour")
		require.Equal(t, []string{"distenc: 1 failed"}, told.all())
		stop()
	})
	require.Contains(t, log.String(), "a notice is given up: it could not be sent for a day")
}

// A server that takes a message and never answers gets no second one beside it, and the others their own.
func TestAServerThatHangs(t *testing.T) {
	f, log := share(t), &logs{}
	synctest.Test(t, func(t *testing.T) {
		s := New(func() Settings {
			return Settings{On: everything, URLs: parsed(t, "ntfy://ntfy.sh/hangs", "ntfy://ntfy.sh/up")}
		}, slog.New(slog.NewTextHandler(log, nil)))
		var hanging, told inbox
		let := make(chan error)
		s.post = func(to Address, title, _ string) error {
			if strings.HasSuffix(to.secret, "up") {
				told.put(title)
				return nil
			}
			hanging.put(title)
			return <-let
		}
		ctx, stop := context.WithCancel(t.Context())
		go s.Run(ctx)
		s.Tell(event(t, f, "one", pipeline.EventFailed))
		time.Sleep(time.Hour)
		s.Tell(event(t, f, "two", pipeline.EventFailed))
		time.Sleep(time.Hour)
		require.Equal(t, []string{"distenc: 1 failed", "distenc: 1 failed"}, told.all())
		require.Equal(t, []string{"distenc: 1 failed"}, hanging.all())
		let <- nil
		go func() { let <- nil }()
		time.Sleep(2 * time.Hour)
		require.Equal(t, []string{"distenc: 1 failed", "distenc: 2 failed"}, hanging.all(), "it is asked again")
		require.Empty(t, standing(t, f))
		stop()
	})
	require.Contains(t, log.String(), "the server does not answer")
}

// refusingMail is a mail server that repeats all that it is told, and wants nothing of it.
func refusingMail(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				fmt.Fprint(c, "220 here\r\n")
				for in := bufio.NewScanner(c); in.Scan(); {
					if strings.HasPrefix(in.Text(), "EHLO") {
						fmt.Fprint(c, "250-here\r\n250 AUTH PLAIN\r\n")
						continue
					}
					fmt.Fprintf(c, "535 no s3cret-user s3cret@b.org s3cret-word %s\r\n", in.Text())
				}
			}()
		}
	}()
	return l.Addr().String()
}
