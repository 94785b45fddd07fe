package pipeline

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// Build is one build of an encoder, such as a distribution's or a newer one. A film keeps its build: what two of them
// write in front of all pictures may differ, and then their chunks can't be joined. The zero Build is none.
type Build struct {
	Encoder string `json:"encoder"` // its name, as in Settings
	Version string `json:"version"` // as the encoder tells it
	// Headers is a hash of the parameter sets that it writes for made-up pictures: they come from ffmpeg as well, which
	// may be another one around the same encoder.
	Headers string `json:"headers"`
}

// Known reports whether it is a build at all.
func (b Build) Known() bool { return b != Build{} }

func (b Build) String() string { return cmp.Or(b.Version, b.Encoder) }

// Unlike says for a person how the build b differs from another one of the same encoder.
func (b Build) Unlike(other Build) string {
	if b.Version == other.Version {
		return b.Version + " in another ffmpeg"
	}
	return b.String()
}

// Offer is a build that a node has.
type Offer struct {
	Build // without a version where the node can't use this encoder at all
	// Lacks are the pixel formats that it could not encode when they were tried, and why.
	Lacks map[string]string `json:"lacks,omitempty"`
}

// Fault is why the node can't encode pictures of a format; empty if it can, or if that was not tried yet.
func (o Offer) Fault(format string) string {
	if why := o.Lacks[format]; why != "" || o.Version != "" {
		return why
	}
	for _, format := range slices.Sorted(maps.Keys(o.Lacks)) {
		return o.Lacks[format]
	}
	return "it was not tried"
}

// Demand is what a plan asks of a node, besides the build.
type Demand struct {
	Encoder, Format string // the encoder and the pixel format
	Metric          Metric // of the wanted quality; empty: none is wanted
}

// Demand is what the plan asks of those who encode its chunks.
func (p *Plan) Demand() Demand {
	d := p.Settings.Demand(p.Out.PixFmt)
	if p.Analysis != "" {
		d.Metric = ""
	}
	return d
}

// Demand is what the settings ask of those who encode pictures of a format.
func (s Settings) Demand(format string) Demand {
	return Demand{Encoder: s.Encoder, Format: format, Metric: s.Quality.Metric}
}

// Measures reports whether the node can measure a metric; it always can where none is asked for.
func (n *Node) Measures(m Metric) bool { return m == "" || slices.Contains(n.Metrics, m) }

// Encodes reports whether the node has a build that does what a plan demands. With the zero Build of a plan that has
// none, any will do.
func (n *Node) Encodes(b Build, d Demand) bool {
	return n.Measures(d.Metric) && (!b.Known() ||
		slices.ContainsFunc(n.Builds, func(o Offer) bool { return o.Build == b && o.Fault(d.Format) == "" }))
}

// MostSlots returns the build that most slots of these nodes have, of those that do what a plan demands, and how many
// slots have it. Without any it is the zero Build.
func MostSlots(nodes []SeenNode, d Demand) (best Build, slots int) {
	sum := map[Build]int{}
	for _, n := range nodes {
		for _, o := range n.Builds {
			if o.Encoder == d.Encoder && o.Fault(d.Format) == "" && n.Measures(d.Metric) {
				sum[o.Build] += n.Slots
			}
		}
	}
	for b, n := range sum {
		later := cmp.Or(cmp.Compare(b.Version, best.Version), cmp.Compare(b.Headers, best.Headers)) > 0
		if n > slots || n == slots && later {
			best, slots = b, n
		}
	}
	return best, slots
}

// Pin is the build that a job is encoded with from some time on: jobs/<job>/build-<n> has the nth one after the
// plan's.
type Pin struct {
	Build
	Why  string    `json:"why,omitempty"` // it is not the one before, for people
	By   string    `json:"by,omitempty"`
	Time time.Time `json:"time,omitzero"` // the master's wall clock, for people
}

// BuildPatience is how long a film waits until a node that has its build is there again, in expiries.
const BuildPatience = 3

// pinName begins the names of pins.
const pinName = "build-"

// maxPins bounds how often a job can change its build. A farm that comes so far has other troubles.
const maxPins = 99

// Pins counts the pins after the plan's.
func (d Folder) Pins() int { return d.numbered(pinName, maxPins) }

// Pins are a job's, the plan's first; the last one holds. A plan without a build has none.
type Pins []Pin

// LoadPins reads those of a plan's job that a listing of its folder has.
func LoadPins(f *sharefs.FS, p *Plan, dir Folder) (Pins, error) {
	if !p.Build.Known() {
		return nil, nil
	}
	pins := Pins{{Build: p.Build}}
	for n := 1; n <= dir.Pins(); n++ {
		var pin Pin
		name := pinFile(p.Job, n)
		if err := ReadJSON(f, name, maxSmall, &pin); err != nil {
			return nil, err
		}
		if pin.Encoder != p.Build.Encoder || pin.Version == "" {
			return nil, fmt.Errorf("%s is no build of the plan's encoder", name)
		}
		pins = append(pins, pin)
	}
	return pins, nil
}

func pinFile(job string, n int) string { return path.Join(JobDir(job), pinName+strconv.Itoa(n)) }

// Publish publishes the nth pin after a plan's, durably. That another one was first is as good.
func (p Pin) Publish(f *sharefs.FS, job string, n int) error {
	if n > maxPins {
		return errors.New("the film has changed its encoder too often")
	}
	return publishJSON(f, pinFile(job, n), p)
}

// Now is the build that holds; the zero one if there is none.
func (p Pins) Now() Build {
	if len(p) == 0 {
		return Build{}
	}
	return p[len(p)-1].Build
}

// Rank is the place of a build in the order in which they came to hold, from 0; -1 if it never did.
func (p Pins) Rank(b Build) int {
	for i, pin := range slices.Backward(p) {
		if pin.Build == b {
			return i
		}
	}
	return -1
}

// Admit reports whether results of a build may be merged, as far as the build goes: it holds, or once did.
func (p Pins) Admit(b Build) bool { return len(p) == 0 || p.Rank(b) >= 0 }

// Waiting says for a person that none of the nodes that are there can measure what is wanted, or has the build that
// holds; empty if one has. after is how long the film waits for one.
func (p Pins) Waiting(d Demand, here []SeenNode, after time.Duration) string {
	now := p.Now()
	if len(here) == 0 || slices.ContainsFunc(here, func(n SeenNode) bool { return n.Encodes(now, d) }) {
		return ""
	}
	if !slices.ContainsFunc(here, func(n SeenNode) bool { return n.Measures(d.Metric) }) {
		return fmt.Sprintf("no node that is there can measure %s, by which its film is encoded: %s", d.Metric.Title(),
			d.Metric.Remedy())
	}
	said := "no node that is there has " + now.String() + ", which its film is encoded with"
	if next, _ := MostSlots(here, d); next.Known() {
		return said + fmt.Sprintf("; it goes on with %s when none has been there for %s", next.Unlike(now), after)
	}
	return said + ", nor another " + now.Encoder + " that can encode it"
}
