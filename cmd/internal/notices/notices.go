// Package notices sends people short messages of what happens to their films: to ntfy, Discord, a mail server and all
// else that shoutrrr knows. Nothing here ever holds up the farm. An event is crossed off when every address has it.
// What a server does not take is tried again, ever less often, and given up after a day.
package notices

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// Receiver is the notices' name among those who are told of events.
const Receiver = "notice"

const (
	// waiting is how many events are on their way, and how many wait for that; the log tells of more, and the next master
	// has them.
	waiting = 1000
	// sendTimeout is how long a server may take for a message.
	sendTimeout = 30 * time.Second
	// firstRetry is the wait after a message that was not taken. It doubles up to lastRetry.
	firstRetry = 15 * time.Second
	lastRetry  = time.Hour
	// farewell bounds the last round of messages, when the master ends.
	farewell = 10 * time.Second
)

// Settings say who is told of what. The zero value: nobody.
type Settings struct {
	URLs   []Address
	On     []pipeline.EventKind
	Digest time.Duration // how long events are gathered for one message; failures are told at once
}

// Sender sends notices. Wants and Tell may be called from any goroutine.
type Sender struct {
	settings func() Settings
	log      *slog.Logger
	queue    chan *pipeline.Untold
	post     func(to Address, title, text string) error // how a message is sent
}

// New returns a sender that asks for its settings each time.
func New(settings func() Settings, log *slog.Logger) *Sender {
	return &Sender{settings: settings, log: log, queue: make(chan *pipeline.Untold, waiting), post: Address.send}
}

// Wants reports whether somebody is told of events of that kind.
func (s *Sender) Wants(kind pipeline.EventKind) bool {
	now := s.settings()
	return len(now.URLs) > 0 && slices.Contains(now.On, kind)
}

// Tell has people told of an event. It never waits. Where nobody wants that any more the event stands.
func (s *Sender) Tell(u *pipeline.Untold) {
	if !s.Wants(u.Kind) {
		return
	}
	select {
	case s.queue <- u:
	default:
		s.log.Error("too many notices are waiting: this one is left to the next master", "job", u.Job.ID, "event", u.Kind)
	}
}

// Run sends notices until ctx ends, and then what is left, once.
func (s *Sender) Run(ctx context.Context) {
	r := round{Sender: s, outlets: map[Address]*outlet{}, answers: make(chan answer), over: make(chan struct{})}
	defer close(r.over)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case u := <-r.room():
			r.take(u)
		case a := <-r.answers:
			r.apply(a)
		case <-timer.C:
		case <-ctx.Done():
		}
		r.forgetOld()
		r.settle()
		timer.Reset(r.deliver(time.Now()))
	}
	r.leave()
}

// letter is an event on its way to all addresses.
type letter struct {
	*pipeline.Untold
	due  time.Time
	sent map[Address]bool
}

// outlet is one address.
type outlet struct {
	busy     bool
	failures int           // in a row
	next     time.Time     // no message before
	hanging  chan struct{} // closed when the last message has come to its end; nil: there was none
}

// answer is what became of a message.
type answer struct {
	to      Address
	letters []*letter
	err     error
}

// round is what the sender's own goroutine knows.
type round struct {
	*Sender
	letters []*letter
	outlets map[Address]*outlet
	answers chan answer
	over    chan struct{} // closed when nobody waits for answers any more
}

// room is the queue while more events can be on their way.
func (r *round) room() <-chan *pipeline.Untold {
	if len(r.letters) >= waiting {
		return nil
	}
	return r.queue
}

// take takes up an event. All that is gathered goes with the first of it.
func (r *round) take(u *pipeline.Untold) {
	same := func(l *letter) bool { return l.Name() == u.Name() }
	if slices.ContainsFunc(r.letters, same) {
		return
	}
	due := time.Now()
	if u.Kind != pipeline.EventFailed {
		due = due.Add(r.settings().Digest)
		for _, l := range r.letters {
			if l.Kind != pipeline.EventFailed && l.due.After(time.Now()) {
				due = earlier(due, l.due)
			}
		}
	}
	r.letters = append(r.letters, &letter{Untold: u, due: due, sent: map[Address]bool{}})
}

// deliver sends what is due to who can be sent something now, and returns how long until the next time.
func (r *round) deliver(now time.Time) time.Duration {
	next := now.Add(lastRetry)
	for _, to := range r.settings().URLs {
		o := r.outlets[to]
		if o == nil {
			o = &outlet{}
			r.outlets[to] = o
		}
		var due []*letter
		for _, l := range r.letters {
			switch at := later(l.due, o.next); {
			case l.sent[to] || o.busy:
			case at.After(now):
				next = earlier(next, at)
			default:
				due = append(due, l)
			}
		}
		if due = r.standing(due); len(due) > 0 {
			o.busy = true
			go r.send(o, answer{to: to, letters: due})
		}
	}
	return time.Until(next)
}

// standing leaves out what another master has told.
func (r *round) standing(letters []*letter) []*letter {
	return slices.DeleteFunc(letters, func(l *letter) bool {
		gone := !l.Stands()
		if gone {
			r.letters = slices.DeleteFunc(r.letters, func(other *letter) bool { return other == l })
		}
		return gone
	})
}

// errHangs is for a server that took a message and says nothing.
var errHangs = errors.New("the server does not answer")

// send sends a message and brings the answer, or none in time. Of an address that hangs no second message waits.
func (r *round) send(o *outlet, a answer) {
	select {
	case <-o.hanging:
	default:
		if o.hanging != nil {
			a.err = errHangs
		}
	}
	if a.err == nil {
		a.err = r.attempt(o, a)
	}
	select {
	case r.answers <- a:
	case <-r.over:
	}
}

func (r *round) attempt(o *outlet, a answer) error {
	var events []pipeline.Event
	for _, l := range a.letters {
		events = append(events, l.Event)
	}
	title, text := compose(events)
	came, ended := make(chan error, 1), make(chan struct{})
	o.hanging = ended
	go func() {
		defer close(ended)
		came <- r.post(a.to, title, text)
	}()
	select {
	case err := <-came:
		return err
	case <-time.After(sendTimeout):
		return errHangs
	}
}

// apply notes what became of a message.
func (r *round) apply(a answer) {
	o := r.outlets[a.to]
	o.busy = false
	if a.err != nil {
		wait := min(lastRetry, firstRetry<<min(o.failures, 20))
		o.failures++
		o.next = time.Now().Add(wait)
		r.log.Warn("cannot send a notice, trying again", "service", a.to.service(), "events", len(a.letters),
			"error", a.err, "seconds", int(wait.Seconds()))
		return
	}
	o.failures, o.next = 0, time.Time{}
	r.log.Debug("a notice was sent", "service", a.to.service(), "events", len(a.letters))
	for _, l := range a.letters {
		l.sent[a.to] = true
	}
}

// settle crosses off what every address has.
func (r *round) settle() {
	urls := r.settings().URLs
	r.letters = slices.DeleteFunc(r.letters, func(l *letter) bool {
		if slices.ContainsFunc(urls, func(a Address) bool { return !l.sent[a] }) {
			return false
		}
		r.crossOff(l)
		return true
	})
}

// forgetOld gives up what is a day old.
func (r *round) forgetOld() {
	r.letters = slices.DeleteFunc(r.letters, func(l *letter) bool {
		if l.Old() {
			r.log.Error("a notice is given up: it could not be sent for a day", "job", l.Job.ID, "event", l.Kind)
			r.crossOff(l)
		}
		return l.Old()
	})
}

func (r *round) crossOff(l *letter) {
	if err := l.Told(); err != nil {
		r.log.Warn("cannot write down that people were told: the next master tells them again", "error", err)
	}
}

// leave sends all that is left, once, whatever it was gathered for. What can't be sent stands for the next master.
func (r *round) leave() {
	for len(r.queue) > 0 {
		r.take(<-r.queue)
	}
	for _, o := range r.outlets {
		o.next = time.Time{}
	}
	for _, l := range r.letters {
		l.due = time.Time{}
	}
	end := time.After(farewell)
	r.deliver(time.Now())
	for r.busy() {
		select {
		case a := <-r.answers:
			r.apply(a)
			r.settle()
			r.deliver(time.Now())
		case <-end:
			return
		}
	}
}

func (r *round) busy() bool {
	for _, o := range r.outlets {
		if o.busy {
			return true
		}
	}
	return false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
