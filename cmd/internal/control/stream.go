package control

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"
)

const (
	// beat is the longest time in which a stream is silent, so that both ends notice when the other is gone.
	beat = 15 * time.Second
	// slowest bounds how long one event may take to a client: nobody holds memory by being slow.
	slowest = 10 * time.Second
)

// Stream sends the latest of something to any number of clients as server-sent events. What is sent is made once and
// shared by all; a client that was not ready for one state gets the next one instead.
type Stream struct {
	mu      sync.Mutex
	state   []byte // the event with the latest state; nil before the first
	number  uint64 // of that state
	sign    []byte // what is sent to those who have that state already: it still holds
	changed chan struct{}
}

// NewStream returns one that has nothing to send yet.
func NewStream() *Stream { return &Stream{changed: make(chan struct{})} }

// Event is the event of that name with some lines of text.
func Event(name string, data []byte) []byte {
	lines := bytes.ReplaceAll(bytes.TrimRight(data, "\n"), []byte("\n"), []byte("\ndata: "))
	return bytes.Join([][]byte{[]byte("event: " + name + "\ndata: "), lines, []byte("\n\n")}, nil)
}

// Publish has all clients get a new state.
func (s *Stream) Publish(state []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state, s.sign = state, nil
	s.number++
	s.wake()
}

// Holds tells all clients that the last state still holds.
func (s *Stream) Holds(sign []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sign = sign
	s.wake()
}

func (s *Stream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// next returns what a client that has the state of that number is to be sent, nil for nothing, and what is closed when
// there is more.
func (s *Stream) next(has uint64) (event []byte, number uint64, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if has != s.number {
		return s.state, s.number, s.changed
	}
	return s.sign, has, s.changed
}

// ServeHTTP sends until the client, or the server, ends.
func (s *Stream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if control.SetReadDeadline(time.Time{}) != nil { // the server's own is for requests that end
		Refuse(http.StatusNotImplemented, "this connection can't carry a stream").ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	s.send(r.Context(), func(event []byte) error {
		if err := control.SetWriteDeadline(time.Now().Add(slowest)); err != nil {
			return err
		}
		if _, err := w.Write(event); err != nil {
			return err
		}
		return control.Flush()
	})
}

// send gives a client one event after the other. A client that takes none within its time is left.
func (s *Stream) send(ctx context.Context, write func([]byte) error) {
	silence := time.NewTimer(beat)
	defer silence.Stop()
	event, has, more := s.next(0)
	if event == nil {
		event = []byte(": nothing was read yet\n\n")
	}
	for {
		if event != nil && write(event) != nil {
			return
		}
		silence.Reset(beat)
		select {
		case <-ctx.Done():
			return
		case <-more:
			event, has, more = s.next(has)
		case <-silence.C:
			event = []byte(": still here\n\n")
		}
	}
}
