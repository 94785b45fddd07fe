package web

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// maxConns bounds the connections that are open, 640 streams of events among them.
const maxConns = 1024

// door lets clients in while there is room. Where there is none, the connection that has been open the longest without
// a whole request on it makes room: who sends slowly, or nothing, keeps nobody out.
type door struct {
	net.Listener
	most int

	mu    sync.Mutex
	count int
	idle  []*visit // those without a request in work, the oldest first
}

// visit is one connection.
type visit struct {
	net.Conn
	door   *door
	closed bool // for who has the door's lock
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		v := &visit{Conn: c, door: d}
		if d.enter(v) {
			return v, nil
		}
		_ = c.Close() // all others are being answered
	}
}

// enter makes room where none is; false if nobody can be sent away.
func (d *door) enter(v *visit) bool {
	d.mu.Lock()
	var oldest *visit
	if d.count >= d.most {
		if len(d.idle) == 0 {
			d.mu.Unlock()
			return false
		}
		oldest = d.idle[0]
	}
	d.count++
	d.idle = append(d.idle, v)
	d.mu.Unlock()
	if oldest != nil {
		_ = oldest.Close()
	}
	return true
}

// Close implements net.Conn.
func (v *visit) Close() error {
	err := v.Conn.Close()
	v.door.mu.Lock()
	defer v.door.mu.Unlock()
	if !v.closed {
		v.closed = true
		v.door.count--
		v.door.drop(v)
	}
	return err
}

// drop takes a visit off the idle ones. The caller has the lock.
func (d *door) drop(v *visit) {
	for i, one := range d.idle {
		if one == v {
			d.idle = append(d.idle[:i], d.idle[i+1:]...)
			return
		}
	}
}

// visitKey is the key of a connection in its requests' contexts.
type visitKey struct{}

// remember is a server's ConnContext.
func remember(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
		c = t.NetConn()
	}
	return context.WithValue(ctx, visitKey{}, c)
}

// serving keeps a connection while a request of its is answered.
func serving(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := r.Context().Value(visitKey{}).(*visit)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		v.door.begin(v)
		defer v.door.end(v)
		next.ServeHTTP(w, r)
	})
}

// reading keeps no connection while it reads what anybody may send: its request is not whole yet.
func reading(r *http.Request, read func()) {
	if v, ok := r.Context().Value(visitKey{}).(*visit); ok {
		v.door.end(v)
		defer v.door.begin(v)
	}
	read()
}

func (d *door) begin(v *visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.drop(v)
}

// end has a connection wait for its next request as if it was new.
func (d *door) end(v *visit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !v.closed {
		d.idle = append(d.idle, v)
	}
}
