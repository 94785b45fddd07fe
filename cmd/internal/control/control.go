// Package control lets people with a token steer a share over HTTP: who may, and the interface for programs below
// /api/v1/, which openapi.yaml describes. What is asked is done by the same functions as the command line's, in
// pipeline/steer, and answered with the same sentences.
package control

import (
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/cmd/internal/reread"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

// Options are what a Control stands on.
type Options struct {
	Tokens *reread.Value[Tokens]
	Desk   func(by string) steer.Desk // where the wishes of a person of that name are fulfilled
	Latest func() *status.Status      // the last state that was read, nil before the first
	Files  *handin.Files              // what is handed in and taken out
	Asked  func()                     // is told that something may have changed; it must not wait
	Log    *slog.Logger
}

// Control lets people steer. Any number of goroutines may use it.
type Control struct {
	Options

	guesses   *guesses
	sessions  *sessions
	events    *Stream
	streams   *places       // of those who may steer
	strangers *places       // of others
	wishes    chan struct{} // one place for each wish that is being fulfilled
	files     chan struct{} // one place for each file that is on its way
	same      *http.CrossOriginProtection
}

const (
	// maxStreams bounds the streams of events, the page's and the interface's together, of those who may steer. Those
	// without a token can have as many, and so keep none of the others out.
	maxStreams = 320
	// maxStrangers bounds those from one address without a token, which so keeps no other address's out: a whole house
	// behind one address is fewer.
	maxStrangers = 32
	// maxWishes bounds the wishes that are fulfilled at the same time: on a share that hangs each holds a thread.
	maxWishes = 8
	// patience is how long a wish waits for those before it.
	patience = 10 * time.Second
)

// New returns a Control whose events have nothing to tell yet.
func New(o Options) *Control {
	return &Control{
		Options: o, guesses: newGuesses(), sessions: &sessions{open: map[[sha256.Size]byte]session{}}, events: NewStream(),
		streams: newPlaces(maxStreams, maxStreams), strangers: newPlaces(maxStreams, maxStrangers),
		wishes: make(chan struct{}, maxWishes), files: make(chan struct{}, maxFiles),
		same: http.NewCrossOriginProtection(),
	}
}

// Who returns the name of the person who asks: by a token in the header, or by a session that began with one. A problem
// says why nobody may.
func (c *Control) Who(r *http.Request) (string, *Problem) {
	if given := r.Header.Get("Authorization"); given != "" {
		scheme, token, _ := strings.Cut(given, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", Refuse(http.StatusUnauthorized, "a token is wanted: Authorization: Bearer TOKEN")
		}
		h, p := c.try(r, strings.TrimSpace(token))
		return h.name, p
	}
	if who := c.Visitor(r); who != "" {
		return who, nil
	}
	return "", Refuse(http.StatusUnauthorized, "a token is wanted, or a login on the page")
}

// Visitor returns the name of the person who has logged in with this browser, "" for none.
func (c *Control) Visitor(r *http.Request) string {
	if hash, ok := c.sessions.find(r); ok {
		if tokens, err := c.Tokens.Get(); err == nil {
			h, _ := tokens.find(hash)
			return h.name
		}
	}
	return ""
}

// try looks at a token, if not too many wrong ones came before it.
func (c *Control) try(r *http.Request, token string) (holder, *Problem) {
	from := addressOf(r)
	if !c.guesses.may(from) {
		return holder{}, Refuse(http.StatusTooManyRequests, "too many wrong tokens; try again in a second")
	}
	tokens, err := c.Tokens.Get()
	if err != nil {
		return holder{}, Refuse(http.StatusServiceUnavailable,
			"nobody can steer until the file of tokens is mended; the master's log says what is wrong with it")
	}
	if len(token) <= mostToken {
		if h, ok := tokens.find(sha256.Sum256([]byte(token))); ok {
			c.guesses.right(from)
			return h, nil
		}
	}
	c.guesses.wrong(from)
	c.Log.Warn("a wrong token was given", "from", from.String())
	return holder{}, Refuse(http.StatusUnauthorized, "that token is not known")
}

// Login opens a session for who gives a token, and hands its cookie out.
func (c *Control) Login(w http.ResponseWriter, r *http.Request, token string) *Problem {
	h, p := c.try(r, token)
	if p != nil {
		return p
	}
	http.SetCookie(w, cookie(r, c.sessions.begin(h), sessionTime))
	c.Log.Info("logged in", "by", h.name, "from", addressOf(r).String())
	return nil
}

// Logout ends the session of this request.
func (c *Control) Logout(w http.ResponseWriter, r *http.Request) {
	c.sessions.end(r)
	http.SetCookie(w, cookie(r, "", -time.Second))
}

// FromHere answers only what does not come from another site's page: a browser says so in Sec-Fetch-Site or Origin.
// Whatever reads alone passes.
func (c *Control) FromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.same.Check(r) != nil {
			Refuse(http.StatusForbidden, "this comes from another site's page, which may not steer here").ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Streaming answers with a stream while there is room for one more.
func (c *Control) Streaming(s *Stream) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		room := c.strangers
		if r.Context().Value(by{}) != nil || c.Visitor(r) != "" {
			room = c.streams
		}
		from := addressOf(r)
		if !room.enter(from) {
			w.Header().Set("Retry-After", "10")
			Refuse(http.StatusTooManyRequests, "too many streams are open; try again later").ServeHTTP(w, r)
			return
		}
		defer room.leave(from)
		s.ServeHTTP(w, r)
	}
}
