package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline/status"
)

// Steering is what a site has more where people may steer: the page with buttons, which is sent again as it changes,
// logins, and the interface for programs.
type Steering struct {
	*control.Control

	page *control.Stream
	last []byte // what the last state had that lasts
}

// NewSteering returns one whose page has nothing to show yet.
func NewSteering(c *control.Control) *Steering {
	return &Steering{Control: c, page: control.NewStream()}
}

// Publish shows a new state to all who look. One goroutine calls it.
func (s *Steering) Publish(state *status.Status) {
	recent := view.Recent(state)
	lasting, err := view.Lasting(recent)
	changed := err != nil || string(lasting) != string(s.last)
	s.last = lasting
	s.Control.Publish(state, changed)
	if !changed {
		s.page.Holds(control.Event("asof", []byte(state.Read.UTC().Format(time.RFC3339))))
		return
	}
	fragment, err := view.Fragment(state)
	if err != nil {
		s.Log.Error("cannot show the state", "error", err)
		return
	}
	s.page.Publish(control.Event("page", fragment))
}

// add registers what is there besides the pages for reading.
func (s *Steering) add(mux *http.ServeMux) {
	mux.Handle(control.Prefix, s.Handler())
	mux.HandleFunc("GET /{$}", s.show)
	mux.HandleFunc("GET /events", s.Streaming(s.page))
	mux.HandleFunc("GET /page.css", file("text/css; charset=utf-8", view.Sheet()))
	mux.HandleFunc("GET /page.js", file("text/javascript; charset=utf-8", view.Script()))
	mux.HandleFunc("GET /files.js", file("text/javascript; charset=utf-8", view.FilesScript()))
	mux.Handle("POST /login", s.FromHere(http.HandlerFunc(s.login)))
	mux.Handle("POST /logout", s.FromHere(http.HandlerFunc(s.logout)))
}

func file(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(content) // the client is gone
	}
}

// show answers with the page as this visitor sees it.
func (s *Steering) show(w http.ResponseWriter, r *http.Request) {
	s.answer(w, view.Visitor{Name: s.Visitor(r)}, http.StatusOK)
}

func (s *Steering) answer(w http.ResponseWriter, who view.Visitor, code int) {
	state := s.Latest()
	if state == nil {
		http.Error(w, "the share was not read yet", http.StatusServiceUnavailable)
		return
	}
	html, err := view.Live(state, who)
	if err != nil {
		s.Log.Error("cannot show the state", "error", err)
		http.Error(w, "cannot show the state; the master's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(html) // the client is gone
}

// login begins a session. A browser then asks for the page anew.
func (s *Steering) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slowestForm)) // else the server's own counts
	var err error
	if reading(r, func() { err = r.ParseForm() }); err != nil {
		http.Error(w, "the form can't be read", http.StatusBadRequest)
		return
	}
	if p := s.Login(w, r, strings.TrimSpace(r.PostForm.Get("token"))); p != nil {
		s.answer(w, view.Visitor{Problem: p.Detail}, p.Status)
		return
	}
	http.Redirect(w, r, "./", http.StatusSeeOther)
}

func (s *Steering) logout(w http.ResponseWriter, r *http.Request) {
	s.Logout(w, r)
	http.Redirect(w, r, "./", http.StatusSeeOther)
}

const (
	// maxForm bounds a login's form in bytes.
	maxForm = 4 << 10
	// slowestForm bounds how long it may take.
	slowestForm = 5 * time.Second
)
