package handin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/watcher"
)

const (
	// maxRanges bounds how many ranges one request may ask for. A player asks for one.
	maxRanges = 4
	// maxCertificate bounds a certificate in bytes: it has a line for each chunk.
	maxCertificate = 64 << 20
	// listingAge is how old the list of the outbox may be.
	listingAge = 10 * time.Second
)

// Output is one that can be had.
type Output struct {
	status.Output

	Href string `json:"href"` // where, relative to this list
	// Certificate is where what was compared before it was published can be read, relative to this list.
	Certificate string `json:"certificate,omitempty"`
	// Plays is the media type as which a browser may play it; "" for one that browsers can't.
	Plays string `json:"plays,omitempty"`
}

// listing is what the outbox held when it was looked at last, for all who ask: each look walks through all of it. Any
// number of goroutines may use it; those who come while one looks wait for what it finds.
type listing struct {
	mu        sync.Mutex
	outputs   []status.Output
	made      time.Time
	published int // how many jobs had published something
}

// get looks again when the last look is too old, or another job has published something. Nobody changes what it
// returns. s is the state that was read last.
func (l *listing) get(share *sharefs.FS, s *status.Status) ([]status.Output, error) {
	published := 0
	for _, j := range s.Jobs {
		if j.Output != "" {
			published++
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.made) < listingAge && l.published == published {
		return l.outputs, nil
	}
	outputs, err := status.Outbox(share, s)
	if err != nil {
		return nil, err
	}
	l.outputs, l.made, l.published = outputs, time.Now(), published
	return outputs, nil
}

// List lists what lies in the outbox, the latest first.
func (f *Files) List(w http.ResponseWriter, _ *http.Request) error {
	s := f.Latest()
	if s == nil {
		return refuse(http.StatusServiceUnavailable, "the share was not read yet")
	}
	found, err := f.listing.get(f.Share, s)
	if err != nil {
		return err
	}
	all := make([]Output, len(found))
	for i, o := range found {
		all[i] = Output{Output: o, Href: "outbox/" + escape(string(o.Name)), Plays: plays(string(o.Name))}
		if o.Job != "" {
			all[i].Certificate = "jobs/" + o.Job + "/certificate"
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string][]Output{"outputs": all}) // the client is gone
	return nil
}

// escape makes an address of a path, byte by byte.
func escape(name string) string {
	elements := strings.Split(name, "/")
	for i, e := range elements {
		elements[i] = url.PathEscape(e)
	}
	return strings.Join(elements, "/")
}

// Fetch gives a file of the outbox, or ranges of it. It is to be saved, unless the query says inline=1 and it is a
// video that browsers play: nothing else is ever shown by one.
func (f *Files) Fetch(w http.ResponseWriter, r *http.Request) error {
	if strings.Count(strings.Join(r.Header.Values("Range"), ","), ",") >= maxRanges {
		return refuse(http.StatusRequestedRangeNotSatisfiable, "%d ranges at most can be asked for", maxRanges)
	}
	name := r.PathValue("path")
	file, info, err := f.open(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	h := w.Header()
	kind, disposition := "application/octet-stream", "attachment"
	if video := plays(name); video != "" && r.URL.Query().Get("inline") == "1" {
		kind, disposition = video, "inline"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", named(disposition, path.Base(name)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.Size(), info.ModTime().UnixNano()))
	slow := &steady{ResponseWriter: w, control: http.NewResponseController(w), each: f.slowest()}
	http.ServeContent(slow, r, "", info.ModTime(), io.NewSectionReader(file, 0, info.Size()))
	return nil
}

// open opens a file of the outbox. No link is followed, and what lies under a hidden name is nobody's finished file.
func (f *Files) open(name string) (sharefs.File, fs.FileInfo, error) {
	none := refuse(http.StatusNotFound, "there is no file %q in the outbox", pipeline.RawName(name).String())
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || element == "." || element == ".." || watcher.Ignored(element) {
			return nil, nil, none
		}
	}
	file, err := f.Share.OpenRead(pipeline.Outbox + "/" + name)
	switch {
	case errors.Is(err, sharefs.ErrNotRegular), errors.Is(err, sharefs.ErrName), sharefs.Absent(err),
		sharefs.NotFolder(err), sharefs.TooLong(err):
		return nil, nil, none
	case err != nil:
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close() // it was only read
	}
	return file, info, err
}

// Certificate gives what was compared before a job's output was published.
func (f *Files) Certificate(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	none := refuse(http.StatusNotFound, "there is no certificate of a job %q", id)
	if !pipeline.ValidJob(id) {
		return none
	}
	text, err := f.Share.Read(pipeline.JobFile(id, pipeline.CertificateName), maxCertificate)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !json.Valid(text) {
		return none
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client is gone
	return nil
}

// plays is the media type as which a browser may play a file of that name, "" for what is no video. Chromium 156 plays
// Matroska under its own type (H.264 also in 10 bit, AV1; AAC, Opus, FLAC, AC-3), and of HEVC the sound alone, without
// an error; a browser that knows no Matroska says so of the type (canPlayType).
func plays(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".mp4", ".m4v":
		return "video/mp4"
	case ".mkv":
		return "video/x-matroska"
	case ".webm":
		return "video/webm"
	}
	return ""
}

// named is a Content-Disposition with a file's name, which may be any bytes: RFC 6266 with RFC 8187, and RFC 2183 with
// plain letters for who knows no better.
func named(disposition, name string) string {
	name = pipeline.RawName(name).String()
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%/`, r) {
			return '_'
		}
		return r
	}, name)
	text := mime.FormatMediaType(disposition, map[string]string{"filename": plain})
	if plain != name {
		text += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return text
}

// steady gives a client time for each part of an answer.
type steady struct {
	http.ResponseWriter

	control *http.ResponseController
	each    time.Duration
}

func (s *steady) Write(b []byte) (int, error) {
	_ = s.control.SetWriteDeadline(time.Now().Add(s.each))
	return s.ResponseWriter.Write(b)
}
