package handin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/distenc/distenc/pipeline/upload"
)

// Upload is how far a film is.
type Upload struct {
	Offset   int64  `json:"offset"` // bytes that are there; the next part begins with this one
	Total    int64  `json:"total"`  // bytes of the whole film
	Complete bool   `json:"complete"`
	Name     string `json:"name,omitempty"` // where on the share the film lies, once it is complete
	// Nonce is what the job has that the film becomes.
	Nonce string `json:"nonce,omitempty"`
	// Undated is why the film does not have its date although that was wished for.
	Undated string `json:"undated,omitempty"`
}

// Put takes a film, or a part of one: 201 once it is whole, 202 before.
func (f *Files) Put(w http.ResponseWriter, r *http.Request) error {
	p, err := f.part(r)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	p.Interrupt = func() { _ = control.SetReadDeadline(time.Now()) }
	got, err := f.Uploads.Receive(r.Context(), p, &patient{Reader: r.Body, control: control, each: f.slowest()})
	_ = control.SetWriteDeadline(time.Now().Add(answerTime)) // the server's own is long over
	if err != nil {
		return f.refused(w, err)
	}
	code := http.StatusAccepted
	if got.Film != nil {
		code = http.StatusCreated
	}
	tell(w, code, got)
	return nil
}

// refused says besides how much is there.
func (f *Files) refused(w http.ResponseWriter, err error) error {
	if wrong, ok := errors.AsType[*upload.OffsetError](err); ok {
		offer(w, upload.Received{Offset: wrong.Offset, Total: wrong.Total})
		return wrong
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "less than %d bytes came in %s; what came is kept, so go on with it",
			leastProgress, f.slowest())
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refuse(http.StatusBadRequest, "the body ended early; what came is kept, so go on with it")
	}
	return err
}

// Look tells how far a film is.
func (f *Files) Look(w http.ResponseWriter, r *http.Request) error {
	got, err := f.Uploads.Look(r.PathValue("path"), r.URL.Query().Get("modified"))
	if err != nil {
		return err
	}
	tell(w, http.StatusOK, got)
	return nil
}

// Drop forgets what came of a film that is not whole.
func (f *Files) Drop(w http.ResponseWriter, r *http.Request) error {
	if err := f.Uploads.Drop(r.Context(), r.PathValue("path"), r.URL.Query().Get("modified")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// ListProfiles lists those that may be wished for.
func (f *Files) ListProfiles(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string][]string{"profiles": f.Profiles()}) // the client is gone
	return nil
}

func tell(w http.ResponseWriter, code int, got upload.Received) {
	offer(w, got)
	u := Upload{Offset: got.Offset, Total: got.Total, Complete: got.Film != nil}
	if got.Film != nil {
		u.Name, u.Nonce = got.Film.Name, got.Film.Nonce
		if got.Film.Undated != nil {
			u.Undated = got.Film.Undated.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(u) // the client is gone
}

func offer(w http.ResponseWriter, got upload.Received) {
	h := w.Header()
	h.Set("Upload-Offset", strconv.FormatInt(got.Offset, 10))
	h.Set("Upload-Length", strconv.FormatInt(got.Total, 10))
	h.Set("Upload-Complete", map[bool]string{true: "?1", false: "?0"}[got.Film != nil]) // RFC 8941, 3.3.6
}

// part reads what a request brings.
func (f *Files) part(r *http.Request) (upload.Part, error) {
	p := upload.Part{Path: r.PathValue("path"), Modified: r.URL.Query().Get("modified")}
	if ms, err := strconv.ParseInt(p.Modified, 10, 64); err == nil {
		p.Date = time.UnixMilli(ms)
	}
	var err error
	if p.First, p.Total, err = place(r); err != nil {
		return p, err
	}
	if p.Onwards, err = onwards(r, p.First); err != nil {
		return p, err
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return p, refuse(http.StatusBadRequest, "the address can't be read: %s", err)
	}
	delete(query, "modified")
	if p.Wishes, err = f.Wishes(query); err != nil {
		err = refuse(http.StatusUnprocessableEntity, "%s", err)
	}
	return p, err
}

// contentRange is RFC 9110, 14.4, with a length that is known.
var contentRange = regexp.MustCompile(`^bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18})$`)

// place returns where in its film the body belongs, and how large that is.
func place(r *http.Request) (first, total int64, err error) {
	values := r.Header.Values("Content-Range")
	switch {
	case r.Header.Get("Content-Encoding") != "":
		return 0, 0, refuse(http.StatusUnsupportedMediaType, "a film is sent as it is, without a Content-Encoding")
	case r.ContentLength < 0:
		return 0, 0, refuse(http.StatusLengthRequired, "the size must be known before: send a Content-Length")
	case len(values) == 0:
		return 0, r.ContentLength, nil
	}
	m := contentRange.FindStringSubmatch(values[0])
	if m == nil || len(values) > 1 {
		return 0, 0, refuse(http.StatusBadRequest,
			"Content-Range is like `bytes 0-999/5000`, or `bytes */5000` without a body")
	}
	total, _ = strconv.ParseInt(m[3], 10, 64) // 18 digits
	if m[1] == "" {
		if r.ContentLength > 0 {
			return 0, 0, refuse(http.StatusBadRequest, "`Content-Range: bytes */%d` announces a film and has no body", total)
		}
		return upload.Announce, total, nil
	}
	first, _ = strconv.ParseInt(m[1], 10, 64)
	last, _ := strconv.ParseInt(m[2], 10, 64)
	if last < first || last >= total || r.ContentLength != last-first+1 {
		return 0, 0, refuse(http.StatusBadRequest, "Content-Range says %q and Content-Length %d, which can't both be right",
			values[0], r.ContentLength)
	}
	return first, total, nil
}

// onwards reports whether a part says how much is there, in Upload-Offset: then it never begins anew.
func onwards(r *http.Request, first int64) (bool, error) {
	said := r.Header.Get("Upload-Offset")
	if said == "" {
		return false, nil
	}
	if n, err := strconv.ParseInt(said, 10, 64); err != nil || n != first {
		return false, refuse(http.StatusBadRequest, "Upload-Offset is %q, but the part begins with byte %d", said, first)
	}
	return true, nil
}

// patient gives a client time for each bit of progress. Without a deadline of the connection it waits as it did before.
type patient struct {
	io.Reader

	control *http.ResponseController
	each    time.Duration
	due     int // bytes until the next progress
}

func (p *patient) Read(b []byte) (int, error) {
	if p.due <= 0 {
		_ = p.control.SetReadDeadline(time.Now().Add(p.each))
		p.due = leastProgress
	}
	n, err := p.Reader.Read(b)
	p.due -= n
	return n, err
}
