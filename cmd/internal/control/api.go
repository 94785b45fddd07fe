package control

import (
	"context"
	_ "embed" // the description
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

// What something can be asked of: the first part of a path below Prefix.
const (
	Jobs  = "jobs"
	Nodes = "nodes"
)

// Prefix begins the paths of the interface for programs.
const Prefix = "/api/v1/"

// maxBody bounds what a request may carry, in bytes.
const maxBody = 4 << 10

//go:embed openapi.yaml
var description []byte

// Answer is what came of a wish.
type Answer struct {
	Text     string      `json:"text"`  // the sentence that the command line says
	State    steer.State `json:"state"` // what it is now
	Name     string      `json:"name"`
	Word     string      `json:"word"` // names this one alone, in a path of this interface too
	Job      string      `json:"job,omitempty"`
	Path     string      `json:"path,omitempty"`     // where on the share the source lies now
	Priority *int        `json:"priority,omitempty"` // the one that was asked for
}

// route is one way to ask for something.
type route struct {
	method, path string
	open         bool // no token is wanted
	answer       http.HandlerFunc
}

func (c *Control) routes() []route {
	return []route{
		{"GET", "openapi.yaml", true, describe},
		{"GET", "status", false, c.status},
		{"GET", "events", false, c.Streaming(c.events)},
		{"POST", "jobs/{id}/pause", false, c.pause},
		{"POST", "jobs/{id}/resume", false, c.just(steer.Desk.Resume)},
		{"POST", "jobs/{id}/cancel", false, c.just(steer.Desk.Cancel)},
		{"POST", "jobs/{id}/retry", false, c.just(steer.Desk.Retry)},
		{"POST", "jobs/{id}/priority", false, c.priority},
		{"POST", "nodes/{id}/rest", false, c.rest},
		{"POST", "nodes/{id}/wake", false, c.just(steer.Desk.Wake)},
		{"GET", "jobs/{id}/certificate", false, c.file(c.Files.Certificate)},
		{"PUT", "inbox/{path...}", false, c.file(c.Files.Put)},
		{"GET", "inbox/{path...}", false, c.file(c.Files.Look)},
		{"DELETE", "inbox/{path...}", false, c.file(c.Files.Drop)},
		{"GET", "profiles", false, c.file(c.Files.ListProfiles)},
		{"GET", "outbox", false, c.file(c.Files.List)},
		{"GET", "outbox/{path...}", false, c.file(c.Files.Fetch)},
	}
}

// Handler answers what is below Prefix. All that is no answer is a problem document.
func (c *Control) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(Prefix, Refuse(http.StatusNotFound, "there is no such path; openapi.yaml lists them all"))
	methods := map[string][]string{}
	for _, r := range c.routes() {
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, wanted := range methods {
		allow := strings.Join(wanted, ", ")
		mux.HandleFunc(Prefix+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", allow)
			Refuse(http.StatusMethodNotAllowed, "this path wants "+allow).ServeHTTP(w, nil)
		})
	}
	for _, r := range c.routes() {
		answer := c.allowed(r.answer)
		if r.open {
			answer = r.answer
		}
		mux.HandleFunc(r.method+" "+Prefix+r.path, answer)
	}
	return c.FromHere(mux)
}

// by is the key of who asks in a request's context.
type by struct{}

// allowed answers only who may.
func (c *Control) allowed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, p := c.Who(r)
		if p == nil {
			next(w, r.WithContext(context.WithValue(r.Context(), by{}, who)))
			return
		}
		if p.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="distenc"`)
		} else {
			w.Header().Set("Retry-After", "1")
		}
		p.ServeHTTP(w, r)
	}
}

func describe(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(description) // the client is gone
}

func (c *Control) status(w http.ResponseWriter, r *http.Request) {
	s := c.Latest()
	if s == nil {
		Refuse(http.StatusServiceUnavailable, "the share was not read yet").ServeHTTP(w, r)
		return
	}
	answerJSON(w, s)
}

func answerJSON(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(document) // the client is gone
}

// Publish sends a state to all who listen, or a sign that it is as it was.
func (c *Control) Publish(s *status.Status, changed bool) {
	if !changed {
		c.events.Holds([]byte(": as it was\n\n"))
		return
	}
	body, err := json.Marshal(view.Recent(s))
	if err != nil {
		c.Log.Error("cannot tell the state", "error", err)
		return
	}
	c.events.Publish(Event("status", body))
}

func (c *Control) pause(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Now bool `json:"now"`
	}
	c.fulfil(w, r, &body, func(d steer.Desk, ctx context.Context, word string) (steer.Outcome, error) {
		return d.Pause(ctx, word, body.Now)
	})
}

// just answers a wish that has no more to it than its name.
func (c *Control) just(ask steer.Wish) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { c.fulfil(w, r, &struct{}{}, ask) }
}

func (c *Control) priority(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Priority *int `json:"priority"`
	}
	c.fulfil(w, r, &body, func(d steer.Desk, ctx context.Context, word string) (steer.Outcome, error) {
		if body.Priority == nil {
			return steer.Outcome{}, Refuse(http.StatusUnprocessableEntity, `a priority is wanted: {"priority": 5}`)
		}
		return d.Prioritise(ctx, word, *body.Priority)
	})
}

func (c *Control) rest(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Now bool `json:"now"`
	}
	c.fulfil(w, r, &body, func(d steer.Desk, ctx context.Context, word string) (steer.Outcome, error) {
		return d.Rest(ctx, word, body.Now)
	})
}

// fulfil reads a request's body, asks, and answers with what came of it.
func (c *Control) fulfil(w http.ResponseWriter, r *http.Request, body any, ask steer.Wish) {
	who, word := r.Context().Value(by{}).(string), r.PathValue("id")
	verb := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	if p := bodyOf(w, r, body); p != nil {
		p.ServeHTTP(w, r)
		return
	}
	o, root, err := c.ask(r.Context(), who, word, ask)
	log := c.Log.With("verb", verb, "of", word, "by", who, "from", addressOf(r).String())
	if err != nil {
		log.Warn("asked in vain", "error", err)
		inVain(w, r, err)
		return
	}
	log.Info("asked", "state", o.State, "name", o.Name)
	c.Asked()
	answer := Answer{Text: view.Outcome(root, o), State: o.State, Name: o.Name, Word: o.Word, Job: o.Job, Path: o.Path}
	if o.State == steer.Prioritised {
		answer.Priority = &o.Priority
	}
	answerJSON(w, answer)
}

// ask fulfils a wish when those before it are done. root is where the share is on this machine.
func (c *Control) ask(ctx context.Context, who, word string, ask steer.Wish) (o steer.Outcome, root string, err error) {
	select {
	case c.wishes <- struct{}{}:
		defer func() { <-c.wishes }()
	case <-time.After(patience):
		return o, "", Refuse(http.StatusServiceUnavailable, "the share does not answer; nothing was asked")
	case <-ctx.Done():
		return o, "", ctx.Err()
	}
	d := c.Desk(who)
	o, err = ask(d, ctx, word)
	return o, d.Share.Root(), err
}

// bodyOf reads what a request carries, which may be nothing. A form that another site's page can send is not read.
func bodyOf(w http.ResponseWriter, r *http.Request, into any) *Problem {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge, is := errors.AsType[*http.MaxBytesError](err); is {
		return Refuse(http.StatusRequestEntityTooLarge, fmt.Sprintf("a body is %d bytes at most", tooLarge.Limit))
	}
	if err != nil {
		return Refuse(http.StatusBadRequest, "the body can't be read")
	}
	if kind := r.Header.Get("Content-Type"); kind != "" || len(data) > 0 {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return Refuse(http.StatusUnsupportedMediaType, "a body is JSON: Content-Type: application/json")
		}
	}
	if len(data) == 0 {
		return nil
	}
	if data[0] != '{' {
		return Refuse(http.StatusBadRequest, "the body is a JSON object, or nothing")
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.DisallowUnknownFields()
	if err = d.Decode(into); err == nil && d.More() {
		err = errors.New("something follows the object")
	}
	if err != nil {
		return Refuse(http.StatusBadRequest, "the body can't be read: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}
