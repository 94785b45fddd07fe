package sim

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// film is one of the files that people drop.
type film struct {
	title    string // what its frames are called
	frames   int
	how      string
	inode    *inode
	finished time.Time // when the last byte was written
	torn     bool      // its job had ended before that
	limit    string    // see plan.limits
	large    bool      // so much that no output is larger
}

// limited is the folder for films whose output must not be larger than a part of them.
const limited = "limited"

func (f *film) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "film %s %d%s\n", f.title, f.frames, strings.Repeat(" ", map[bool]int{true: 4096}[f.large]))
	for n := range f.frames {
		fmt.Fprintf(&b, "%s.%d\n", f.title, n)
	}
	return b.String()
}

func (w *world) dropFilms() {
	for n, how := range w.plan.drops {
		limit := ""
		if n < len(w.plan.limits) {
			limit = w.plan.limits[n]
		}
		f := &film{how: how, limit: limit, large: limit == "fits", title: fmt.Sprintf("f%dx", n),
			frames: 1 + w.pick(fmt.Sprint("frames", n), 6*framesPerChunk)}
		name := fmt.Sprintf("film %d.mkv", n)
		id := f.title
		if n > 0 && how == "same name" {
			name = "film 0.mkv"
			f.limit = w.films["f0x"].limit
			f.large = f.limit == "fits"
		}
		if n > 0 && how == "same content" {
			first := w.films["f0x"]
			f.title, f.frames, f.limit, f.large = first.title, first.frames, first.limit, first.large
		}
		if f.limit != "" {
			name = limited + "/" + name
		}
		w.films[id] = f
		w.mu.Lock()
		w.inbox++
		w.mu.Unlock()
		at := w.span(fmt.Sprint("drop at", n), time.Second, 3*time.Minute)
		if n < len(w.plan.at) {
			at = w.plan.at[n]
		}
		w.later(at, func() {
			w.dropFilm(f, id, name, how)
			w.mu.Lock()
			w.inbox--
			w.mu.Unlock()
		})
	}
}

// inPlace are the ways to drop a film under its own name, bit by bit.
var inPlace = []string{"slow", "stalls", "whole size"}

// dropFilm copies a film into the inbox, in one go or bit by bit.
func (w *world) dropFilm(f *film, id, name, how string) {
	at := pipeline.Inbox + "/" + name
	_ = w.server.mkdir(people, path.Dir(at))
	for w.server.lookup(at) != nil { // nobody copies over what still lies there
		if !w.sleep(7 * time.Second) {
			return
		}
	}
	start := at
	if !slices.Contains(inPlace, how) {
		start = pipeline.Inbox + "/." + id + ".part"
	}
	i, err := w.server.create(people, start)
	if err != nil {
		return
	}
	w.server.own(i, id)
	w.mu.Lock()
	f.inode = i
	w.mu.Unlock()
	w.history.add(people, "create", start, nil, how)
	text, parts := f.text(), 4
	if how == "whole size" {
		w.server.write(people, i, 0, make([]byte, len(text)))
	}
	for n := range parts {
		from, to := len(text)*n/parts, len(text)*(n+1)/parts
		w.server.write(people, i, from, []byte(text[from:to]))
		w.server.sync(i, true)
		switch {
		case how != "stalls" && start == at && n < parts-1:
			w.sleep(settle * 3 / 4)
		case how == "stalls" && n == 1:
			w.history.add(people, "fault", "the copy of "+name+" stalls", nil, "")
			w.sleep(settle + w.span("stall"+id, time.Second, 20*time.Second))
		}
	}
	w.mu.Lock()
	f.finished = time.Now()
	w.mu.Unlock()
	if start != at {
		w.history.add(people, "rename", start+" -> "+at, w.server.rename(people, start, at, false), how)
		w.server.sync(i, true)
	}
}

// whole tells whether all of a film has been written.
func (w *world) whole(f *film) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !f.finished.IsZero()
}

// itself tells whether an output is the whole of a film as it was dropped, and may be that.
func (w *world) itself(output []byte) error {
	title, _, _ := strings.Cut(strings.TrimPrefix(string(output), "film "), " ")
	f := w.films[title]
	if f == nil {
		return fmt.Errorf("%q is nobody's", title)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f.torn = f.torn || f.finished.IsZero()
	switch {
	case f.limit == "" || f.limit == "fits":
		return errors.New("it is the source, though its output is not too large")
	case !f.torn && string(output) != f.text():
		return errors.New("it is the source, and not as that was dropped")
	}
	return nil
}

// exact tells whether an output is the whole of one film, each frame once and in order.
func (w *world) exact(output []byte) error {
	if bytes.HasPrefix(output, []byte("film ")) {
		return w.itself(output)
	}
	var frames []string
	chunks, headers := 0, ""
	for _, l := range lines(output) {
		if rest, ok := strings.CutPrefix(l, "chunk "); ok {
			if !strings.HasPrefix(rest, fmt.Sprintf("%d ", chunks)) {
				return fmt.Errorf("%q is not chunk %d", l, chunks)
			}
			_, own, _ := strings.Cut(strings.TrimPrefix(rest, fmt.Sprint(chunks)+" "), " ")
			if headers = cmp.Or(headers, own); own != headers {
				return fmt.Errorf("chunk %d has the headers and findings %s, those before %s", chunks, own, headers)
			}
			chunks++
			continue
		}
		frames = append(frames, l)
	}
	if len(frames) == 0 {
		return fmt.Errorf("no frames in %q", output)
	}
	title, _, _ := strings.Cut(frames[0], ".")
	f := w.films[strings.ToLower(title)]
	if f == nil {
		return fmt.Errorf("%q is nobody's", title)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if f.torn = f.torn || f.finished.IsZero(); f.torn {
		return nil // its copy stalled for longer than the whole job took: nobody can know
	}
	if f.limit != "" && f.limit != "fits" {
		return errors.New("it is larger than it may be")
	}
	if len(frames) != f.frames {
		return fmt.Errorf("%d frames instead of %d", len(frames), f.frames)
	}
	for n, got := range frames {
		if want := strings.ToUpper(fmt.Sprintf("%s.%d", f.title, n)); got != want {
			return fmt.Errorf("frame %d is %q instead of %q", n, got, want)
		}
	}
	return nil
}
