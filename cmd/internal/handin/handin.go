// Package handin carries films into the inbox and outputs out of the outbox over HTTP, for who has no mount of the
// share. Its handlers return what could not be done as an error, a *Refusal or one of pipeline/steer or of the share,
// and have answered nothing then: whoever mounts them words all problems alike.
//
// A film comes whole, or in parts (RFC 9110, 14.5): `Content-Range: bytes 0-999/5000` names the place of what is sent,
// and after a connection that broke the next part begins where the bytes that are there end. `Content-Range: bytes
// */5000` without a body announces a film, so that one that can't be taken is refused before it is sent, and asks how
// much of it is there. That is told, as in the drafts for resumable uploads (draft-ietf-httpbis-resumable-upload), by
// Upload-Offset, Upload-Length and Upload-Complete.
package handin

import (
	"fmt"
	"net/url"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/pipeline/upload"
)

// Files are those of a share.
type Files struct {
	Share   *sharefs.FS
	Uploads *upload.Store
	// Latest is the last state that was read, nil before the first.
	Latest func() *status.Status
	// Wishes reads what is asked for a film from the query of its address; an error is the asker's.
	Wishes func(url.Values) (steer.Wishes, error)
	// Profiles are the names that may be wished for.
	Profiles func() []string

	listing listing
	pace    time.Duration // for tests; zero: slowest
}

const (
	// slowest is how long a client may take for leastProgress: it may take days for the whole film.
	slowest = time.Minute
	// leastProgress is how many bytes are progress.
	leastProgress = 64 << 10
	// answerTime is how long a client may take for a short answer.
	answerTime = 30 * time.Second
)

func (f *Files) slowest() time.Duration {
	if f.pace > 0 {
		return f.pace
	}
	return slowest
}

// Refusal is a request that can't be answered as it is.
type Refusal struct {
	Status int
	Detail string
}

func (r *Refusal) Error() string { return r.Detail }

func refuse(status int, format string, args ...any) error {
	return &Refusal{status, fmt.Sprintf(format, args...)}
}
