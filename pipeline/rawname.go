package pipeline

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// RawName is a file name or path as bytes. As JSON, what is not UTF-8, control characters, what turns the
// direction of a text and the percent sign are percent-encoded, so that it comes back byte for byte.
type RawName string

// String returns the name for people: what would not print is percent-encoded.
func (n RawName) String() string { return n.escape("") }

// MarshalJSON implements json.Marshaler.
func (n RawName) MarshalJSON() ([]byte, error) { return json.Marshal(n.escape("%")) }

func (n RawName) escape(also string) string {
	var b strings.Builder
	for i, w := 0, 0; i < len(n); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(string(n[i:]))
		if r == utf8.RuneError && w == 1 || unicode.IsControl(r) || turns(r) || strings.ContainsRune(also, r) {
			for _, c := range []byte(n[i : i+w]) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
			continue
		}
		b.WriteString(string(n[i : i+w]))
	}
	return b.String()
}

// turns reports whether a character turns the direction of those that follow, so that a name reads like another
// one: the embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9). The marks, which
// right-to-left languages need, and joiners do no such thing.
func turns(r rune) bool { return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u206f' }

// UnmarshalJSON implements json.Unmarshaler.
func (n *RawName) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	raw := s
	if strings.ContainsRune(s, '%') {
		var err error
		if raw, err = url.PathUnescape(s); err != nil {
			return err
		}
	}
	if raw != "" && (path.IsAbs(raw) || path.Clean(raw) != raw || strings.HasPrefix(raw, "..")) {
		return fmt.Errorf("name %q leaves its folder", s)
	}
	*n = RawName(raw)
	return nil
}

// Folder is the folder of a path below inbox/ for people, "" where it lies in inbox/ itself.
func (n RawName) Folder() string {
	if dir := path.Dir(string(n)); dir != "." {
		return RawName(dir).String()
	}
	return ""
}

// Act is what a decision does with a job.
type Act string

// The acts: the output is published; the source is, because the output would be larger than it may be; or the source is
// put aside because the job failed or was cancelled.
const (
	ActPublish   Act = "publish"
	ActSkipped   Act = "skipped"
	ActFailed    Act = "failed"
	ActCancelled Act = "cancelled"
)

// Publishes reports whether something of the job goes into the outbox.
func (a Act) Publishes() bool { return a == ActPublish || a == ActSkipped }
