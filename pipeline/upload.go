package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Upload is a film in the inbox of which not all bytes have come yet. All that is known of it stands in its hidden
// name, so that another master can go on with it. Whoever writes to it renames it first, to a fresh nonce: then nobody
// else's writing counts.
type Upload struct {
	Key   string // of UploadKey
	Total int64  // bytes it will have
	Nonce string
}

// KeepUploads is how long what was not finished lies in the inbox untouched before the leading master removes it.
const KeepUploads = 7 * 24 * time.Hour

var uploadName = regexp.MustCompile(`^` + regexp.QuoteMeta(uploadPrefix) + `([0-9a-f]{32})\.(0|[1-9][0-9]{0,17})\.([a-z0-9]{8})$`)

// UploadKey names an upload by the path below inbox/ that it is for, and by what tells apart two films that are for the
// same path, when the file was modified for example.
func UploadKey(inbox, modified string) string {
	sum := sha256.Sum256([]byte(inbox + "\x00" + modified))
	return hex.EncodeToString(sum[:16])
}

// NewUpload returns one of which nothing is there yet.
func NewUpload(key string, total int64) Upload { return Upload{key, total, Nonce(nonceLen)} }

// Taken returns the same upload under a fresh name.
func (u Upload) Taken() Upload { return NewUpload(u.Key, u.Total) }

// ParseUpload reads a name in the inbox.
func ParseUpload(name string) (u Upload, ok bool) {
	m := uploadName.FindStringSubmatch(name)
	if m == nil {
		return u, false
	}
	total, err := strconv.ParseInt(m[2], 10, 64)
	return Upload{m[1], total, m[3]}, err == nil
}

// Staged reports whether a name in the inbox is one under which distenc keeps what is not whole.
func Staged(name string) bool {
	_, upload := ParseUpload(name)
	return upload || strings.HasPrefix(name, addedPrefix)
}
