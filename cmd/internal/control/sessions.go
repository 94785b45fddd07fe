package control

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

const (
	// sessionTime is how long a login holds; it ends with the process, too.
	sessionTime = 30 * 24 * time.Hour
	// maxSessions bounds the logins that are remembered; the oldest is forgotten for a new one.
	maxSessions = 1000
	cookieName  = "distenc_session"
)

// session is one login in a browser.
type session struct {
	hash  [sha256.Size]byte // of the token that it began with: it ends when that is withdrawn
	until time.Time
}

// sessions are those that are open, by the hashes of their ids.
type sessions struct {
	mu   sync.Mutex
	open map[[sha256.Size]byte]session
}

// begin opens a session and returns its id, which the browser keeps. It says nothing of the token.
func (s *sessions) begin(h holder) string {
	id := rand.Text() + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) >= maxSessions {
		s.forget()
	}
	s.open[sha256.Sum256([]byte(id))] = session{h.hash, time.Now().Add(sessionTime)}
	return id
}

// forget drops the session that ends first.
func (s *sessions) forget() {
	var first [sha256.Size]byte
	var at time.Time
	for id, one := range s.open {
		if at.IsZero() || one.until.Before(at) {
			first, at = id, one.until
		}
	}
	delete(s.open, first)
}

// find returns the hash of the token that the session of this request began with.
func (s *sessions) find(r *http.Request) (hash [sha256.Size]byte, ok bool) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return hash, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.open[sha256.Sum256([]byte(c.Value))]
	return one.hash, ok && time.Now().Before(one.until)
}

// end closes the session of this request.
func (s *sessions) end(r *http.Request) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(c.Value)))
}

// cookie is what a browser is given. A proxy that speaks TLS says so in X-Forwarded-Proto.
func cookie(r *http.Request, id string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: cookieName, Value: id, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}
