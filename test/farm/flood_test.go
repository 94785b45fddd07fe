//go:build linux

package farm_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"
)

// The attacks that want more than can be given.

// ranges asks for thousands of parts of a file.
func (s *siege) ranges() {
	for _, n := range []int{5, 100, 1000, 5000} {
		header := http.Header{"Range": {"bytes=0-" + strings.Repeat(",0-", n)}}
		require.Contains(s.t, []int{0, 416, 431}, s.ask("GET", "/api/v1/outbox/there.mkv", header), "%d ranges", n)
		many := http.Header{"Range": {"bytes=0-1"}}
		for range n {
			many.Add("Range", "bytes=0-1,2-3")
		}
		require.Contains(s.t, []int{0, 416, 431}, s.ask("GET", "/api/v1/outbox/there.mkv", many), "%d headers", n)
	}
	header := http.Header{"Range": {"bytes=99999999999999999999-"}}
	require.Equal(s.t, 416, s.ask("GET", "/api/v1/outbox/there.mkv", header))
}

// forever is a text again and again.
type forever struct {
	text string
	sent *atomic.Int64
}

func (f forever) Read(b []byte) (int, error) {
	n := copy(b, f.text)
	f.sent.Add(int64(n))
	return n, nil
}

// endless sends headers and bodies that never end.
func (s *siege) endless() {
	for what, begins := range map[string]string{
		"a header":            "GET / HTTP/1.1\r\nHost: localhost\r\n",
		"a line":              "GET /",
		"a header with token": "GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + handInToken + "\r\n",
	} {
		require.Less(s.t, s.pour(begins, "X-Evil: "+strings.Repeat("evil", 1000)+"\r\n"), int64(16<<20), what)
	}
	const chunked = " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
	chunk := "1000\r\n" + strings.Repeat("e", 0x1000) + "\r\n"
	var all sync.WaitGroup
	others := [][2]string{{"POST", "/login"}, {"GET", "/api/v1/status"}, {"GET", "/"}}
	for _, c := range append(others, wishes...) {
		for who, token := range map[string]string{"a stranger": "", "anna": "Authorization: Bearer " + handInToken + "\r\n"} {
			all.Go(func() {
				if sent := s.pour(c[0]+" "+c[1]+chunked+token+"\r\n", chunk); sent > 16<<20 {
					s.t.Errorf("%d bytes were read of %v of %s", sent, c, who)
				}
			})
		}
	}
	all.Wait()
}

// pour sends a text, and then another one until the master wants no more, and returns how many bytes it has sent.
func (s *siege) pour(begins, again string) int64 {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.address, "http://"))
	if err != nil {
		s.t.Error(err)
		return 0
	}
	defer c.Close()
	_, _ = io.WriteString(c, begins) // the rest tells
	var sent atomic.Int64
	_, _ = io.Copy(c, io.LimitReader(forever{again, &sent}, 1<<30)) // it ends with an error
	return sent.Load()
}

// slow holds three thousand connections open that send their requests slowly, while honest people come and go.
func (s *siege) slow() {
	resident, goroutines := s.resident(), s.goroutines()
	stream := s.listens()
	begun := []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Content-Length: 100\r\n\r\ntoken=",
		"PUT /api/v1/inbox/evil.mkv HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nevil",
		"",
	}
	var open []net.Conn
	for n := range 3000 {
		from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 66, byte(n>>8), byte(n))}}
		c, err := from.DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.address, "http://"))
		require.NoError(s.t, err)
		open = append(open, c)
		_, _ = io.WriteString(c, begun[n%len(begun)]) // it may be sent away at once
		if n%300 == 0 {
			s.served("slow connections")
		}
	}
	most, many := s.resident(), s.goroutines()
	s.t.Logf("3,000 slow connections: %d MB resident, %d before; %d goroutines, %d before", most>>20, resident>>20, many,
		goroutines)
	require.Less(s.t, most-resident, int64(96<<20)*raceFactor)
	require.Less(s.t, many, int64(2500), "1,024 connections are open at most, with one goroutine each or two")
	stream.next("a stream that was open stays so")
	for _, c := range open {
		_ = c.Close()
	}
	stream.Close()
	until(s.t, "their goroutines are gone", func() bool { return s.goroutines() < goroutines+20 })
}

// listener is an event stream.
type listener struct {
	io.ReadCloser
	s     *siege
	lines *bufio.Reader
}

func (s *siege) listens() listener {
	r, err := http.NewRequest(http.MethodGet, s.address+"/api/v1/events", nil)
	require.NoError(s.t, err)
	r.Header.Set("Authorization", "Bearer "+handInToken)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	require.Equal(s.t, 200, answer.StatusCode)
	return listener{answer.Body, s, bufio.NewReader(answer.Body)}
}

// next waits for a line that comes from now on: what is asked of the job is told.
func (l listener) next(why string) {
	l.s.t.Helper()
	json := http.Header{"Content-Type": {"application/json"}}
	require.Equal(l.s.t, 200, l.s.ask("POST", wished+"priority", json, `{"priority": 77}`))
	for {
		line, err := l.lines.ReadString('\n')
		require.NoError(l.s.t, err, why)
		if strings.Contains(line, `"priority":77`) {
			break
		}
	}
	require.Equal(l.s.t, 200, l.s.ask("POST", wished+"priority", json, `{"priority": 0}`))
	until(l.s.t, "the priority is what it was", func() bool { return l.s.status().Jobs[0].Priority == 0 })
}

// guesses tries DISTENC_TEST_GUESSES tokens, half of them from one address and half from many.
func (s *siege) guesses() {
	n := 4000
	if text := os.Getenv("DISTENC_TEST_GUESSES"); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(s.t, err)
	}
	began := time.Now()
	var looked, refused atomic.Int64
	var all sync.WaitGroup
	const side = 16
	for g := range side {
		all.Go(func() {
			from := net.IPv4(127, 77, 0, 1)
			for i := range n / side {
				if g%2 == 1 && i%20 == 0 { // 19 guesses are fewer than are counted
					from = net.IPv4(127, 78+byte(g), byte(i/20>>8), byte(1+i/20%250))
				}
				s.guess(from, fmt.Sprintf("guess-%d-%016d", g, i), &looked, &refused)
			}
		})
	}
	for range 5 {
		s.served("guesses")
	}
	all.Wait()
	took := int64(time.Since(began).Seconds()) + 1
	s.t.Logf("%d guesses in %d s: %d were looked at", n, took, looked.Load())
	require.EqualValues(s.t, n/side*side, looked.Load()+refused.Load())
	require.LessOrEqual(s.t, looked.Load(), 520+51*took)
}

// guess sends one.
func (s *siege) guess(from net.IP, token string, looked, refused *atomic.Int64) {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	c, err := dialer.Dial("tcp", strings.TrimPrefix(s.address, "http://"))
	if err != nil {
		s.t.Error(err)
		return
	}
	defer c.Close()
	_, _ = fmt.Fprintf(c, "POST %scancel HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", wished, token)
	line, _ := bufio.NewReader(c).ReadBytes('\n')
	switch {
	case bytes.Contains(line, []byte(" 401 ")):
		looked.Add(1)
	case bytes.Contains(line, []byte(" 429 ")):
		refused.Add(1)
	default:
		s.t.Errorf("a guess was answered %q", line)
	}
}
