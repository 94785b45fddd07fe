package status

import (
	"cmp"
	"slices"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// work is what is left of one job that is being analysed or encoded.
type work struct {
	job    string
	effort string  // Plan.Effort
	pixels float64 // of one picture
	paused bool
	able   map[string]bool // the nodes that have its build. If nil, all have
	open   []openChunk     // in the order in which they are claimed
}

// openChunk is a chunk that is not encoded yet.
type openChunk struct {
	frames, done int
	node         string // who has it in work; "": nobody
}

// slot is one place for an encode on a node.
type slot struct {
	node string
	free float64 // seconds from now
}

func freeFirst(a, b slot) int { return cmp.Compare(a.free, b.free) }

// forecast foretells when each job's last chunk is encoded, if the nodes that are there go on as they
// were measured: it plays out who takes which chunk, in the given order of jobs, which is that of the
// claims. A job for which nobody there can be counted on is missing from the answer.
//
// What a node has in work that is not there is encoded again.
func forecast(jobs []work, present []pipeline.SeenNode) map[string]time.Duration {
	here := map[string]pipeline.SeenNode{}
	for _, n := range present {
		here[n.Node.Node] = n
	}
	p := play{speeds: measure(present, jobs), here: here, ends: map[string]float64{}}
	p.finish(jobs)
	p.begin(jobs)
	answer := map[string]time.Duration{}
	for job, seconds := range p.ends {
		answer[job] = time.Duration(min(seconds, farthest) * float64(time.Second))
	}
	return answer
}

// farthest is what a forecast says at most, in seconds: thirty years, which a time.Duration still holds.
const farthest = 1e9

// play is one forecast being made.
type play struct {
	speeds speeds
	here   map[string]pipeline.SeenNode
	crew   []slot             // the one that is free first comes first
	ends   map[string]float64 // by job, in seconds from now
}

// finish ends the chunks that are in work, and puts the slots of all who go on claiming into the crew.
func (p *play) finish(jobs []work) {
	busy := map[string]int{}
	for _, j := range jobs {
		for _, c := range j.open {
			if fps := p.speeds.fps(c.node, j); p.has(c) && fps > 0 {
				p.end(j.job, slot{node: c.node, free: float64(c.frames-c.done) / fps})
				busy[c.node]++
			}
		}
	}
	for name, n := range p.here {
		for range n.Slots - busy[name] {
			p.add(slot{node: name})
		}
	}
	slices.SortFunc(p.crew, freeFirst)
}

// has reports whether a chunk is in the hands of a node that is there.
func (p *play) has(c openChunk) bool {
	_, here := p.here[c.node]
	return here
}

// end notes when a chunk is done, and that its slot is free then.
func (p *play) end(job string, s slot) {
	p.ends[job] = max(p.ends[job], s.free)
	p.add(s)
}

// add puts a slot into the crew unless its node claims nothing at present.
func (p *play) add(s slot) {
	if n := p.here[s.node]; n.Why == "" {
		p.crew = append(p.crew, s)
	}
}

// begin hands out the chunks that nobody has. After a job whose end can't be told none can be.
func (p *play) begin(jobs []work) {
	for i, j := range jobs {
		for _, c := range j.open {
			if p.has(c) {
				continue
			}
			if j.paused || !p.take(j, c) {
				delete(p.ends, j.job)
				break
			}
		}
		if _, known := p.ends[j.job]; !known && !j.paused && len(j.open) > 0 {
			for _, later := range jobs[i:] {
				delete(p.ends, later.job)
			}
			return
		}
	}
}

// take gives a chunk to the able slot that is free first; false where there is none or its speed is unknown.
func (p *play) take(j work, c openChunk) bool {
	first := slices.IndexFunc(p.crew, func(s slot) bool { return j.able == nil || j.able[s.node] })
	if first < 0 {
		return false
	}
	s := p.crew[first]
	fps := p.speeds.fps(s.node, j)
	if fps <= 0 {
		return false
	}
	s.free += float64(c.frames) / fps
	p.ends[j.job] = max(p.ends[j.job], s.free)
	later := p.crew[first+1:]
	at, _ := slices.BinarySearchFunc(later, s, freeFirst)
	copy(p.crew[first:], later[:at])
	p.crew[first+at] = s
	return true
}
