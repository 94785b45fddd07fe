package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Rest is .distenc/rest/<host>.json: somebody asks a machine to claim nothing. It goes by the host's name, so that it
// holds for all workers there and for those that start later. That the file is there counts, and `touch` makes one as
// well; what stands in it is for people, but for Now.
type Rest struct {
	Host string    `json:"host"`
	By   string    `json:"by,omitempty"`  // who asks, and from where: "alice on desk-5"
	At   time.Time `json:"at"`            // by the asking machine's clock, for people
	Now  bool      `json:"now,omitempty"` // what is encoded is handed back too
}

// maxAsker is the longest Rest.By that is believed, in bytes.
const maxAsker = 200

var hostPattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]{0,63}$`)

// ValidHost reports whether s can be the host's part of a node's name. It is checked before it becomes part of a path.
func ValidHost(s string) bool { return hostPattern.MatchString(s) }

// Write asks the machine to rest, or asks anew.
func (r *Rest) Write(f *sharefs.FS) error {
	if !ValidHost(r.Host) {
		return fmt.Errorf("%q is no host's name", r.Host)
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = f.MkdirAll(RestDir)
	}
	if err != nil {
		return err
	}
	return f.Replace(RestFile(r.Host), append(b, '\n'))
}

// WithdrawRest lets a machine claim again; that nobody asked it to rest is as good.
func WithdrawRest(f *sharefs.FS, host string) error {
	if !ValidHost(host) {
		return fmt.Errorf("%q is no host's name", host)
	}
	return f.Remove(RestFile(host))
}

// RestingHosts lists the machines that are asked to rest.
func RestingHosts(f *sharefs.FS) ([]string, error) {
	names, err := f.List(RestDir)
	if errors.Is(err, fs.ErrNotExist) { // nobody ever asked
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, n := range names {
		if host, ok := strings.CutSuffix(n, restSuffix); ok && ValidHost(host) {
			hosts = append(hosts, host)
		}
	}
	return hosts, nil
}

// ReadRest reads what a machine is asked; nil if nothing is.
func ReadRest(f *sharefs.FS, host string) (*Rest, error) {
	hosts, err := RestingHosts(f)
	if err != nil || !slices.Contains(hosts, host) {
		return nil, err
	}
	return readRest(f, host), nil
}

// LoadRests reads what all machines are asked, by host.
func LoadRests(f *sharefs.FS) (map[string]*Rest, error) {
	hosts, err := RestingHosts(f)
	if err != nil {
		return nil, err
	}
	all := map[string]*Rest{}
	for _, host := range hosts {
		all[host] = readRest(f, host)
	}
	return all, nil
}

// readRest reads the file of a host that is listed.
func readRest(f *sharefs.FS, host string) *Rest {
	r := &Rest{}
	if ReadJSON(f, RestFile(host), maxSmall, r) != nil || r.Host != host || len(r.By) > maxAsker {
		return &Rest{Host: host} // somebody's touch, or a client that does not see the file yet: it is listed
	}
	return r
}

// Words says for people why the machine rests.
func (r *Rest) Words(now time.Time) string {
	words := "asked to rest"
	if r.By != "" {
		words += " by " + RawName(r.By).String()
	}
	if at := r.At.Local(); !r.At.IsZero() {
		layout := "15:04"
		if now.Sub(at).Abs() > 20*time.Hour {
			layout = "2006-01-02 15:04"
		}
		words += " at " + at.Format(layout)
	}
	return fmt.Sprintf("%s; `distenc nodes wake %s` ends it", words, r.Host)
}
