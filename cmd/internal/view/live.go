package view

import (
	"bytes"
	_ "embed" // the page's script
	"encoding/json"
	"html/template"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

//go:embed live.js
var liveJS string

//go:embed live.css
var liveCSS string

// LivePolicy is the Content-Security-Policy of the page that steers: its own files and forms, and nothing else.
const LivePolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; media-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Script is the page's that steers.
func Script() []byte { return []byte(liveJS) }

// Sheet is the style of the page that steers.
func Sheet() []byte { return []byte(pageStyle() + liveCSS + filesCSS) }

// mostListed is how many of each list are on the page that steers, which is sent again with each change. `distenc
// status` and the interface list them all.
const mostListed = 100

// Visitor is who looks at the page that steers.
type Visitor struct {
	Name    string // of who may steer; "" for one who has not logged in
	Problem string // why a login came to nothing
}

// Live returns the page by which people steer. It is what Page shows, with buttons, and takes what Fragment returns.
func Live(s *status.Status, who Visitor) ([]byte, error) {
	return execute("page", s, &who)
}

// Fragment returns what of that page changes. It is the same for all who look.
func Fragment(s *status.Status) ([]byte, error) {
	return execute("state", s, &Visitor{})
}

func execute(name string, s *status.Status, who *Visitor) ([]byte, error) {
	p := newDocument(s)
	p.Visitor, p.First = who, first(s)
	p.Hidden, p.Machines = p.bound(), machines(s.Nodes)
	var b bytes.Buffer
	err := page.ExecuteTemplate(&b, name, p)
	return b.Bytes(), err
}

// document is what the page's template is given.
type document struct {
	view
	Title, Missing string
	Style          template.CSS
	Script         template.JS
	Refresh, Stale int
	More           int      // jobs that have ended and are not on the page
	Hidden         int      // others that are not on the page
	Visitor        *Visitor // nil: the page is for reading only
	First          int      // the priority that is before all others
	Machines       map[string]*machine
}

func newDocument(s *status.Status) document {
	v := newView(s)
	more := cut(&v.Ended, pageEnded)
	return document{view: v, More: more, Title: title(v), Missing: v.missing(), Refresh: int(pageRefresh.Seconds()),
		Stale: int(pageStale.Seconds())}
}

// bound shortens the lists and returns how many are left out.
func (p *document) bound() (hidden int) {
	p.Status = new(*p.Status)
	return cut(&p.Stuck, mostListed) + cut(&p.Active, mostListed) + cut(&p.Inbox, mostListed) +
		cut(&p.Resting, mostListed)
}

func cut[T any](list *[]T, most int) (left int) {
	left = max(0, len(*list)-most)
	*list = (*list)[:len(*list)-left]
	return left
}

// first is the priority that is before all others, as far as there is one.
func first(s *status.Status) int {
	n := 0
	for _, j := range s.Jobs {
		if !ended(j) {
			n = max(n, j.Priority)
		}
	}
	for _, f := range s.Inbox {
		n = max(n, f.Priority)
	}
	return min(n+1, pipeline.MaxPriority)
}

// verbs is what can be asked of a job or film on the page.
type verbs struct {
	Word, Name                            string
	Pause, Resume, Cancel, Retry, Ordered bool
	Priority, First, Up, Down             int
}

func verbsOf(d document, word, name string, paused bool, priority int) verbs {
	return verbs{Word: word, Name: name, Pause: !paused, Resume: paused, Cancel: true, Ordered: true, Priority: priority,
		First: d.First, Up: min(priority+1, pipeline.MaxPriority), Down: max(priority-1, -pipeline.MaxPriority)}
}

// jobVerbs is what can be asked of a job.
func jobVerbs(d document, j pipeline.JobStatus) verbs {
	if ended(j) {
		return verbs{Word: j.ID, Name: j.Name, Retry: j.State == pipeline.JobFailed || j.State == pipeline.Cancelled}
	}
	if j.Decided {
		return verbs{}
	}
	v := verbsOf(d, j.ID, j.Name, j.Paused, j.Priority)
	v.Retry = j.Chunks.Failed > 0
	return v
}

// fileVerbs is what can be asked of a film in the inbox.
func fileVerbs(d document, f status.Waiting) verbs {
	if f.Why != "" || f.Companion {
		return verbs{}
	}
	return verbsOf(d, pipeline.Inbox+"/"+f.Name, f.Name, f.Paused, f.Priority)
}

// rejectedVerbs is what can be asked of a file that was refused.
func rejectedVerbs(r status.Rejected) verbs {
	return verbs{Word: pipeline.FailedDir + "/" + r.Name, Name: r.Name, Retry: true}
}

// Recent returns a state without its history: of the jobs that have ended, the latest alone.
func Recent(s *status.Status) *status.Status {
	recent := *s
	latest := newView(s).Ended
	cut(&latest, pageEnded)
	kept := map[string]bool{}
	for _, j := range latest {
		kept[j.ID] = true
	}
	recent.Jobs = slices.DeleteFunc(slices.Clone(s.Jobs), func(j pipeline.JobStatus) bool {
		return ended(j) && !kept[j.ID]
	})
	return &recent
}

// Lasting returns what of a state stays the same while nothing happens.
func Lasting(s *status.Status) ([]byte, error) { return json.Marshal(withoutAges(*s)) }
