package pipeline

import (
	"crypto/rand"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Kind is what a chunk's file holds: the ending of its name.
type Kind string

const (
	// KindPiece is a piece of the source in Matroska, a file of its own.
	KindPiece Kind = "mkv"
	// KindRange is a short text; the chunk's frames are read from the source itself.
	KindRange Kind = "range"
)

// State is where a chunk's file lies.
type State int

// The states of a chunk, in the order of their strength: of several files of one chunk (surplus
// copies are allowed, they only waste work) the strongest speaks for it.
const (
	Nowhere State = iota
	Failed
	Pending
	Claimed
	Committed
	Accepted
)

func (s State) String() string {
	return [...]string{"nowhere", "failed", "pending", "claimed", "committed", "accepted"}[s]
}

// ChunkFile is one chunk file on the share, as its name tells. Node is empty while it is pending.
type ChunkFile struct {
	Job      string
	Chunk    int
	Analysis Analysis // what is measured of it; empty: it is encoded
	Attempt  int
	Node     string
	Nonce    string
	Kind     Kind
	State    State
}

const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"

// Nonce returns n fresh characters of [a-z0-9], for names that must never be used twice.
func Nonce(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand crashes the program instead (Go 1.24)
	for i := range b {
		b[i] = alphabet[int(b[i])%len(alphabet)]
	}
	return string(b)
}

// nonceLen gives 36^8 names for one chunk's attempt; a collision would only be a lost rename race.
const nonceLen = 8

// NewNode returns a name for one start of a daemon on this host: the host's, and fresh characters, so that no two lives
// of a daemon ever share a name.
func NewNode(role string) string { return Host() + "-" + role + Nonce(5) }

// Host is how names of nodes begin on this host: the host name's first label, made safe.
func Host() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "host"
	}
	host, _, _ = strings.Cut(host, ".")
	host = strings.Trim(regexp.MustCompile(`[^a-zA-Z0-9-]+`).ReplaceAllString(host, "-"), "-")
	if len(host) > 40 {
		host = host[:40]
	}
	if host == "" {
		host = "host"
	}
	return host
}

// NodeHost returns the host part of a node's name, to tell failures on one host from failures on two.
func NodeHost(node string) string {
	if i := strings.LastIndexByte(node, '-'); i > 0 {
		return node[:i]
	}
	return node
}

// NewJobID names a job after its source's CRC-32 (8 hex digits, any case).
func NewJobID(crc string) string { return strings.ToLower(crc) + "-" + Nonce(5) }

var (
	jobPattern  = regexp.MustCompile(`^[0-9a-f]{8}-[a-z0-9]{5}$`)
	pendingName = regexp.MustCompile(`^` + numberForm + `\.a([1-9][0-9]{0,8})\.([a-z0-9]{4,16})\.(mkv|range)$`)
	stemName    = regexp.MustCompile(`^([0-9a-f]{8}-[a-z0-9]{5})\.` + numberForm +
		`\.a([1-9][0-9]{0,8})\.([a-zA-Z0-9-]{1,64})\.([a-z0-9]{4,16})$`)
)

// numberForm is a chunk's number, and behind it what is measured of the chunk.
const numberForm = `([0-9]{5}|[1-9][0-9]{5,6})(?:-(bars|rate))?`

// ValidJob reports whether s can be a job's id. Whatever stands in a directory listing or in another
// machine's file is checked with it before it becomes part of a path.
func ValidJob(s string) bool { return jobPattern.MatchString(s) }

// Stem returns the name under which one attempt of one worker writes all its files.
func (c ChunkFile) Stem() string {
	return fmt.Sprintf("%s.a%d.%s.%s", c.ID(), c.Attempt, c.Node, c.Nonce)
}

// ID returns job.chunk, the chunk's name for people.
func (c ChunkFile) ID() string { return c.Job + "." + c.number() }

// number is the chunk's number as names have it: 00003, or 00003-bars where that is measured of it.
func (c ChunkFile) number() string {
	if c.Analysis == "" {
		return fmt.Sprintf("%05d", c.Chunk)
	}
	return fmt.Sprintf("%05d-%s", c.Chunk, c.Analysis)
}

// ParseStem reads a stem; ok is false for anything that Stem cannot have written.
func ParseStem(s string) (c ChunkFile, ok bool) {
	m := stemName.FindStringSubmatch(s)
	if m == nil {
		return c, false
	}
	chunk, err1 := strconv.Atoi(m[2])
	attempt, err2 := strconv.Atoi(m[4])
	return ChunkFile{Job: m[1], Chunk: chunk, Analysis: Analysis(m[3]), Attempt: attempt, Node: m[5], Nonce: m[6]},
		err1 == nil && err2 == nil
}

// ParsePending reads a name in chunks/pending/<job>/.
func ParsePending(job, name string) (c ChunkFile, ok bool) {
	m := pendingName.FindStringSubmatch(name)
	if m == nil || !ValidJob(job) {
		return c, false
	}
	chunk, err1 := strconv.Atoi(m[1])
	attempt, err2 := strconv.Atoi(m[3])
	return ChunkFile{
		Job: job, Chunk: chunk, Analysis: Analysis(m[2]), Attempt: attempt, Nonce: m[4], Kind: Kind(m[5]), State: Pending,
	}, err1 == nil && err2 == nil
}

// parseStemKind reads <stem><infix>.<kind>.
func parseStemKind(name, infix string, state State) (c ChunkFile, ok bool) {
	for _, k := range []Kind{KindPiece, KindRange} {
		if stem, found := strings.CutSuffix(name, infix+"."+string(k)); found {
			c, ok = ParseStem(stem)
			c.Kind, c.State = k, state
			return c, ok
		}
	}
	return c, false
}

// ParseClaimed reads a name in chunks/claimed/.
func ParseClaimed(name string) (ChunkFile, bool) { return parseStemKind(name, "", Claimed) }

// ParseFailed reads a name in chunks/failed/<job>/.
func ParseFailed(name string) (ChunkFile, bool) { return parseStemKind(name, "", Failed) }

// ParseDone reads a name in chunks/done/<job>/: a committed (.src) or an accepted (.ok) chunk file.
// Results, records and temporary files in the same folder are not chunk files: ok is false.
func ParseDone(name string) (ChunkFile, bool) {
	if c, ok := parseStemKind(name, ".ok", Accepted); ok {
		return c, true
	}
	return parseStemKind(name, ".src", Committed)
}

// AsPending returns the chunk as a free one: a next attempt under a fresh name.
func (c ChunkFile) AsPending(attempt int) ChunkFile {
	c.Attempt, c.Node, c.Nonce, c.State = attempt, "", Nonce(nonceLen), Pending
	return c
}

// AsClaimed returns the chunk as one that node claims, under a fresh name.
func (c ChunkFile) AsClaimed(node string) ChunkFile {
	c.Node, c.Nonce, c.State = node, Nonce(nonceLen), Claimed
	return c
}

// In returns the chunk in another state that keeps its stem: committed, accepted or failed.
func (c ChunkFile) In(s State) ChunkFile {
	if c.Node == "" { // a pending file that is set aside needs a whole stem
		c.Node, c.Nonce = "none", Nonce(nonceLen)
	}
	c.State = s
	return c
}
