package view

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

//go:embed page.html
var pageHTML string

//go:embed page.css
var pageCSS string

//go:embed page.js
var pageJS string

const (
	// pageRefresh is how often a browser reads the page again.
	pageRefresh = 10 * time.Second
	// pageStale is the age at which the page says that nobody keeps it any more. It is written once in
	// keepAlive at least; the rest is for clocks that differ.
	pageStale = 4 * keepAlive
	// pageEnded is how many jobs that have ended are on the page.
	pageEnded = 50
)

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"word": word, "advice": func(j pipeline.JobStatus) template.HTML { return marked(advice(j)) }, "marked": marked,
	"note":    note,
	"size":    func(n int64) string { return humanize.IBytes(uint64(max(0, n))) },
	"stamp":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"utc":     func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"percent": func(j pipeline.JobStatus) string { return fmt.Sprintf("%.0f%%", 100*done(j)) },
	"left":    left,
	"retries": retries,
	"waits":   waits,
	"ago":     seenAgo,
	"bad":     func(j pipeline.JobStatus) bool { return j.Error != "" && j.State != pipeline.Done },
	"seen":    func(n status.Node) string { return seconds(n.Seen) + " ago" },
	"tone":    tone,
	"plot":    plotOf,
	"past":    pastOf,
	"job":     jobVerbs, "file": fileVerbs, "rejected": rejectedVerbs,
	"absent": absent, "rests": rests,
}).Parse(pageHTML + historyHTML + filesHTML))

// marked writes what stands between two backticks as code, and everything as text.
func marked(s string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(s, "`") {
		if part = template.HTMLEscapeString(part); i%2 == 1 {
			part = "<code>" + part + "</code>"
		}
		b.WriteString(part)
	}
	return template.HTML(b.String())
}

// note is what is to be said of a node. A narrow page has no column for when it was seen.
func note(n status.Node) string {
	if ago := seenAgo(n.Seen, n.State == pipeline.NodeSilent); ago != "" {
		return ago + ": " + n.Why
	}
	if n.Why == "" || n.MemoryLimit == "" {
		return n.Why + n.MemoryLimit
	}
	return n.Why + "; " + n.MemoryLimit
}

// tone is the class of what a job's state means to a person.
func tone(j pipeline.JobStatus) string {
	switch {
	case j.State == pipeline.JobFailed:
		return "failed"
	case j.State == pipeline.Cancelled, j.Paused && !ended(j):
		return "paused"
	}
	return "good"
}

// Page returns the state as a document of its own: nothing else is loaded, and it reads itself again.
// Whatever comes from the share is escaped: anyone may have named a file there.
func Page(s *status.Status) ([]byte, error) {
	p := newDocument(s)
	p.Style, p.Script = template.CSS(pageStyle()), template.JS(pageJS)
	var b bytes.Buffer
	err := page.Execute(&b, p)
	return b.Bytes(), err
}

// title tells in a browser's tab how things are.
func title(v view) string {
	switch {
	case len(v.Stuck) > 0:
		return "failed · distenc"
	case len(v.Active) > 0:
		return fmt.Sprintf("%.0f%% · distenc", 100*done(v.Active[0]))
	}
	return "distenc"
}

// Style is the page's, for other pages that people look at.
func Style() string { return pageCSS }

// pageStyle is all of the page's own.
func pageStyle() string { return pageCSS + historyCSS }

// PagePolicy is the Content-Security-Policy under which the page works: its own style and script, and
// nothing else from anywhere.
func PagePolicy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(pageStyle()) + "; script-src " + hash(pageJS) +
		"; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
}
