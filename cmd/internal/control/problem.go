package control

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/pipeline/upload"
)

// Problem is an answer that something could not be done, as RFC 9457 has it.
type Problem struct {
	Title  string   `json:"title"`
	Status int      `json:"status"`
	Detail string   `json:"detail"`          // the sentence that the command line says
	Kind   string   `json:"kind,omitempty"`  // for programs: one of the kinds
	Meant  []string `json:"meant,omitempty"` // what an ambiguous word means; each of them names one
}

func (p *Problem) Error() string { return p.Detail }

// The kinds of problems with a wish.
const (
	KindUnknown   = "unknown"
	KindAmbiguous = "ambiguous"
	KindNotNow    = "not_now"
	KindBusy      = "busy"
	KindWrong     = "wrong"
	KindNoRoom    = "no_room"
	KindMany      = "many"
	KindDamaged   = "damaged"
	KindOffset    = "offset" // a part of a film that does not begin where those before it end
)

// Refuse returns a problem of that HTTP status.
func Refuse(status int, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail}
}

// ServeHTTP answers with the problem.
func (p *Problem) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	body, _ := json.Marshal(p) // texts and numbers alone
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(append(body, '\n')) // the client is gone
}

// wishes are the answers to wishes that can't be fulfilled.
var wishes = map[steer.Kind]struct {
	status int
	kind   string
}{
	steer.Unknown:   {http.StatusNotFound, KindUnknown},
	steer.Ambiguous: {http.StatusConflict, KindAmbiguous},
	steer.NotNow:    {http.StatusConflict, KindNotNow},
	steer.Busy:      {http.StatusConflict, KindBusy},
	steer.Wrong:     {http.StatusUnprocessableEntity, KindWrong},
	steer.NoRoom:    {http.StatusInsufficientStorage, KindNoRoom},
	steer.Many:      {http.StatusTooManyRequests, KindMany},
	steer.Damaged:   {http.StatusUnprocessableEntity, KindDamaged},
}

// inVain answers a wish or a file with what came of it. What may go well in a moment is asked again then.
func inVain(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.Kind == KindBusy || p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	p.ServeHTTP(w, r)
}

// problemOf says to a client what steer says of a wish.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*handin.Refusal](err); ok {
		p := Refuse(r.Status, r.Detail)
		if r.Status == http.StatusUnprocessableEntity {
			p.Kind = KindWrong
		}
		return p
	}
	if o, ok := errors.AsType[*upload.OffsetError](err); ok {
		p := Refuse(http.StatusConflict, o.Error())
		p.Kind = KindOffset
		return p
	}
	wish, ok := errors.AsType[*steer.Error](err)
	if !ok && sharefs.System(err) {
		return Refuse(http.StatusServiceUnavailable, err.Error())
	} else if !ok { // a mistake in the settings beside the film, which a person has to mend
		return Refuse(http.StatusUnprocessableEntity, err.Error())
	}
	said := wishes[wish.Kind]
	p := Refuse(said.status, err.Error())
	p.Kind = said.kind
	for _, t := range wish.Meant {
		p.Meant = append(p.Meant, t.Word())
	}
	return p
}
