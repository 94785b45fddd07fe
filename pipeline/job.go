package pipeline

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
	"unique"

	"github.com/distenc/distenc/lease/sharefs"
)

// Names of the small texts in a job's folder. Each is written once, by O_EXCL or by a link, and never
// changed, so whoever reads one can go by it.
const (
	jobName  = "job.json"
	planName = "plan.json"
	// DecisionName says how the job ends.
	DecisionName = "decision"
	// PublishedName says where the output went.
	PublishedName = "published"
	// ClosedName says that nothing is left to do for the job.
	ClosedName = "closed"
	// CertificateName is how the output was checked.
	CertificateName = "certificate.json"
	// ReportName is the job's page for people.
	ReportName = "report.txt"
)

// Limits for what is read back from the share: anyone may have written there.
const (
	maxSmall = 1 << 20  // bytes of a job, decision, record or node file
	maxPlan  = 64 << 20 // bytes of a plan: 10,000 chunks with their timestamps take a tenth of it
)

// Job is job.json: what was dropped and how it is to be encoded, written before the source is moved in.
type Job struct {
	ID       string    `json:"id"`
	Inbox    RawName   `json:"inbox"`  // path of the source below inbox/, as it was dropped
	Source   string    `json:"source"` // its name in the job's folder: source.<ext>
	Size     int64     `json:"size"`
	ModTime  time.Time `json:"mtime"`
	CRC32    string    `json:"crc32"`         // 8 upper-case hex digits
	Tag      string    `json:"tag,omitempty"` // the CRC-32 tag in the name, upper case
	Settings Settings  `json:"settings"`
	Priority int       `json:"priority,omitempty"`
	Nonce    string    `json:"nonce,omitempty"` // of the `distenc add` that dropped it
	Master   string    `json:"master"`
	Created  time.Time `json:"created"`
}

// Name is the source's file name as it was dropped.
func (j *Job) Name() string { return path.Base(string(j.Inbox)) }

// Folder is the folder of a path below inbox/ for people, "" where it lies in inbox/ itself.
func (n RawName) Folder() string {
	if dir := path.Dir(string(n)); dir != "." {
		return RawName(dir).String()
	}
	return ""
}

// Act is what a decision does with a job.
type Act string

// The acts: the output is published, or the source is put aside because the job failed or was cancelled.
const (
	ActPublish   Act = "publish"
	ActFailed    Act = "failed"
	ActCancelled Act = "cancelled"
)

// Decision is how a job ends; the first one published holds (T12).
type Decision struct {
	Act    Act    `json:"act"`
	Out    string `json:"out,omitempty"`
	CRC32  string `json:"crc32,omitempty"` // of the output
	Reason string `json:"reason,omitempty"`
	Return bool   `json:"return,omitempty"` // the source goes back to the inbox: it was not whole yet
	By     string `json:"by"`
	Nonce  string `json:"nonce"`
}

// Published says where the output went: a path below outbox/.
type Published struct {
	Output RawName   `json:"output"`
	CRC32  string    `json:"crc32"`
	Size   int64     `json:"size"`
	Time   time.Time `json:"time"`
}

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

// LoadJob reads a job's job.json.
func LoadJob(f *sharefs.FS, id string) (*Job, error) {
	j := &Job{}
	if err := ReadJSON(f, JobFile(id, jobName), maxSmall, j); err != nil {
		return nil, err
	}
	if j.ID != id || !originalName.MatchString(j.Source) || j.Name() == "." || !word.MatchString(j.Settings.Container) {
		return nil, fmt.Errorf("%s does not describe the job %s", JobFile(id, jobName), id)
	}
	return j, nil
}

// Create makes the job's folder and its job.json, and fails if there is one.
func (j *Job) Create(f *sharefs.FS) error {
	created, err := f.Mkdir(JobDir(j.ID))
	if err == nil && !created {
		err = fs.ErrExist
	}
	if err != nil {
		return fmt.Errorf("cannot make the job %s: %w", j.ID, err)
	}
	for _, dir := range JobFolders(j.ID) {
		if err := f.MkdirAll(dir); err != nil {
			return err
		}
	}
	b, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	_, _, err = f.PublishData(JobFile(j.ID, jobName), append(b, '\n'))
	return err
}

// planFormat grows when a plan means something else than before. Whoever meets a later one leaves the job alone; the source
// of an earlier one is given back, to be planned anew. 3: the settings name an encoder and its options.
const planFormat = 3

// FormatError is the error for a plan of another version of distenc.
type FormatError struct {
	Name    string
	Format  int
	Earlier bool // than this version's
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("%s was written by another version of distenc (format %d, this one reads %d): let that version finish the job, or "+
		"cancel it and add its file again", e.Name, e.Format, planFormat)
}

// LoadPlan reads a job's plan.json; fs.ErrNotExist while there is none.
func LoadPlan(f *sharefs.FS, id string) (*Plan, error) {
	p := &Plan{}
	if err := ReadJSON(f, JobFile(id, planName), maxPlan, p); err != nil {
		return nil, err
	}
	if p.Format != planFormat {
		return nil, &FormatError{Name: JobFile(id, planName), Format: p.Format, Earlier: p.Format < planFormat}
	}
	if err := p.check(id); err != nil {
		return nil, fmt.Errorf("%s: %w", JobFile(id, planName), err)
	}
	return p, nil
}

// Publish publishes the plan, durably; ours is false when another one was there first, and that one holds.
func (p *Plan) Publish(f *sharefs.FS) (ours bool, err error) {
	p.Format, p.Nonce = planFormat, Nonce(12)
	b, err := json.Marshal(p)
	if err != nil {
		return false, err
	}
	_, ours, err = f.PublishData(JobFile(p.Job, planName), b)
	return ours, err
}

// LoadDecision reads a job's decision; fs.ErrNotExist while there is none.
func LoadDecision(f *sharefs.FS, id string) (*Decision, error) {
	d := &Decision{}
	if err := ReadJSON(f, JobFile(id, DecisionName), maxSmall, d); err != nil {
		return nil, err
	}
	switch d.Act {
	case ActPublish, ActFailed, ActCancelled:
		if outName.MatchString(d.Out) {
			return d, nil
		}
	}
	return nil, fmt.Errorf("%s is not a decision", JobFile(id, DecisionName))
}

// Decide publishes a decision, durably, and returns the one that holds: ours only if it was first (T12).
func Decide(f *sharefs.FS, id string, d Decision) (*Decision, error) {
	d.Nonce = Nonce(12)
	b, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	if _, _, err := f.PublishData(JobFile(id, DecisionName), append(b, '\n')); err != nil {
		return nil, err
	}
	return LoadDecision(f, id)
}

// LoadPublished reads where a job's output went; fs.ErrNotExist while it went nowhere.
func LoadPublished(f *sharefs.FS, id string) (*Published, error) {
	p := &Published{}
	return p, ReadJSON(f, JobFile(id, PublishedName), maxSmall, p)
}

// LoadRecord reads the record beside a chunk's result.
func LoadRecord(f *sharefs.FS, c ChunkFile) (*Record, error) {
	r := &Record{}
	if err := ReadJSON(f, c.Record(), maxSmall, r); err != nil {
		return nil, err
	}
	if r.Chunk != c.ID() || r.Attempt != c.Attempt || r.Node != c.Node {
		return nil, fmt.Errorf("%s is the record of another chunk", c.Record())
	}
	// A master keeps ten thousand of them, and in these they are all alike.
	for _, s := range []*string{&r.Node, &r.Extradata, &r.Encoder, &r.Method} {
		*s = unique.Make(*s).Value()
	}
	return r, nil
}

// ReadJSON reads a file of at most limit bytes into v.
func ReadJSON(f *sharefs.FS, name string, limit int64, v any) error {
	b, err := f.Read(name, limit)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("cannot read %s: %w", name, err)
	}
	return nil
}

// tagPattern is a CRC-32 in square brackets, the habit of fansub releases.
var tagPattern = regexp.MustCompile(`\[([0-9A-Fa-f]{8})\]`)

// Tag returns the CRC-32 tag in a file's name in upper case, the last one if there are several, or "".
func Tag(name string) string {
	m := tagPattern.FindAllStringSubmatch(name, -1)
	if m == nil {
		return ""
	}
	return strings.ToUpper(m[len(m)-1][1])
}

// OutputName is the output's file name: the source's, with the container's ending, and with the
// output's own CRC-32 in the place of the tag where the source had one.
func OutputName(source, container, crc string) string {
	base, _ := cutExt(source)
	if loc := tagPattern.FindAllStringIndex(base, -1); loc != nil {
		last := loc[len(loc)-1]
		base = base[:last[0]] + "[" + strings.ToUpper(crc) + "]" + base[last[1]:]
	}
	return fit(base, "."+container)
}

// Marked returns "name (job).ext", which nobody else ever uses.
func Marked(name, job string) string {
	base, ext := cutExt(name)
	return fit(base, fmt.Sprintf(" (%s)%s", job, ext))
}

// maxName is the longest name that a file system takes, in bytes: NAME_MAX, limits.h(0p).
const maxName = 255

// maxExt is the longest ending of a file's name, in bytes. What stands behind a name's last dot can be half a
// sentence, and is no ending then.
const maxExt = 16

func cutExt(name string) (base, ext string) {
	if ext = path.Ext(name); len(ext) > maxExt {
		ext = ""
	}
	return strings.TrimSuffix(name, ext), ext
}

// fit shortens the beginning of a name, at a whole character, until the end fits behind it.
func fit(base, end string) string {
	for len(base) > 0 && len(base)+len(end) > maxName {
		_, size := utf8.DecodeLastRuneInString(base)
		base = base[:len(base)-size]
	}
	return base + end
}

// Numbered returns name, then "name (2).ext", "name (3).ext", … for n = 1, 2, 3.
func Numbered(name string, n int) string {
	if n <= 1 {
		return name
	}
	base, ext := cutExt(name)
	return fit(base, fmt.Sprintf(" (%d)%s", n, ext))
}

// AsNumbered returns what tells whether Numbered may have made a name of this one: it cuts long ones.
func AsNumbered(name string) func(other string) bool {
	base, _ := cutExt(name)
	return func(other string) bool { return strings.HasPrefix(other, base[:min(len(base), 100)]) }
}

// NumberedFolder is Numbered for a folder, whose name has no ending.
func NumberedFolder(name string, n int) string {
	if n <= 1 {
		return name
	}
	return fit(name, fmt.Sprintf(" (%d)", n))
}
