//go:build linux

package farm_test

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// cutter passes connections on and counts their bytes. It breaks one that brings so many bytes in, once, and one that
// brings so many out, once.
type cutter struct {
	to      string
	after   int64       // bytes in
	broken  atomic.Bool // the one that brings bytes in
	cuts    atomic.Int32
	in, out atomic.Int64
	answer  atomic.Int64 // bytes out, since that was set; 0: none is broken
}

func (c *cutter) listen(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(client)
		}
	}()
	return "http://" + l.Addr().String()
}

// cutAnswer breaks the next connection that brings so many bytes out, which are counted anew.
func (c *cutter) cutAnswer(after int64) {
	c.out.Store(0)
	c.answer.Store(after)
}

func (c *cutter) pass(client net.Conn) {
	defer client.Close()
	master, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer master.Close()
	go func() {
		_, _ = io.Copy(&answering{c: c, to: client}, master)
		_ = client.Close()
	}()
	in := io.TeeReader(client, counter{&c.in})
	n, _ := io.CopyN(master, in, c.after)
	if n == c.after && c.broken.CompareAndSwap(false, true) {
		c.cuts.Add(1)
		return
	}
	_, _ = io.Copy(master, in)
}

// counter counts what is written.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}

// answering is what one connection brings out.
type answering struct {
	c     *cutter
	to    io.Writer
	limit int64 // that was set when sent began to be counted
	sent  int64
}

func (a *answering) Write(b []byte) (int, error) {
	if limit := a.c.answer.Load(); limit != a.limit {
		a.limit, a.sent = limit, 0
	}
	a.c.out.Add(int64(len(b)))
	a.sent += int64(len(b))
	if a.limit > 0 && a.sent > a.limit && a.c.answer.CompareAndSwap(a.limit, 0) {
		a.c.cuts.Add(1)
		return 0, errors.New("cut")
	}
	return a.to.Write(b)
}
