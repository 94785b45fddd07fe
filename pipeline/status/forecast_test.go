package status

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// What the simulated farm keeps to, in seconds.
const (
	simBeat   = 10
	simExpiry = 120
	simQuiet  = 4 * simBeat // lease.Terms.SuspectAfter
	simPoll   = 3           // until an idle slot looks again
	simAccept = 6           // until a result counts as done
	simLag    = 40          // frames that x264 looks ahead before the first one comes out
)

// simChunk is one chunk of the simulated film; hard scenes take longer than their frames tell.
type simChunk struct {
	frames int
	cost   float64 // 1: an average scene
	done   bool
	holder *simNode // nil: free
	again  float64  // when it is free again after its holder died
}

// simNode is a machine that encodes fps average frames a second in each slot.
type simNode struct {
	pipeline.SeenNode
	fps   float64
	dead  bool
	slots []*simSlot
}

type simSlot struct {
	chunk   *simChunk
	id      string
	began   float64
	encoded float64 // frames
	wait    float64 // no look before
}

// simFarm encodes one film with nodes of unequal speed.
type simFarm struct {
	job    string
	chunks []*simChunk
	nodes  []*simNode
	random *rand.Rand
	now    float64
}

func newSimFarm(seed uint64) *simFarm {
	f := &simFarm{job: "0badcafe-aaaaa", random: rand.New(rand.NewPCG(seed, 1))}
	for range 240 {
		f.chunks = append(f.chunks, &simChunk{frames: 350 + f.random.IntN(250), cost: 0.6 + 0.8*f.random.Float64()})
	}
	for i, n := range []struct {
		slots int
		fps   float64
	}{{4, 11}, {2, 19}, {2, 6}, {1, 24}} {
		node := &simNode{fps: n.fps, SeenNode: pipeline.SeenNode{Node: pipeline.Node{Node: fmt.Sprint("n", i),
			Hardware: pipeline.Hardware{Slots: n.slots}, Speed: map[string]pipeline.Speed{}}}}
		for range n.slots {
			node.slots = append(node.slots, &simSlot{wait: 3 * f.random.Float64()})
		}
		f.nodes = append(f.nodes, node)
	}
	return f
}

// second lets one second pass.
func (f *simFarm) second() {
	f.now++
	for _, c := range f.chunks {
		if c.again > 0 && f.now >= c.again {
			c.holder, c.again = nil, 0
		}
	}
	for _, n := range f.nodes {
		if n.dead {
			continue
		}
		for _, s := range n.slots {
			n.encode(f, s)
		}
		if math.Mod(f.now, simBeat) == 0 {
			n.beat(f)
		}
	}
}

func (n *simNode) encode(f *simFarm, s *simSlot) {
	if s.chunk == nil {
		if f.now >= s.wait {
			s.wait = f.now + simPoll
			n.claim(f, s)
		}
		return
	}
	s.encoded += n.fps / s.chunk.cost
	if int(s.encoded) >= s.chunk.frames {
		n.Speed[f.job] = n.Speed[f.job].Add(float64(s.chunk.frames), 1, f.now-s.began)
		s.chunk.done, s.chunk = true, nil
	}
}

// claim takes one of the first free chunks.
func (n *simNode) claim(f *simFarm, s *simSlot) {
	var free []int
	for i, c := range f.chunks {
		if !c.done && c.holder == nil && len(free) < 16 {
			free = append(free, i)
		}
	}
	if len(free) > 0 {
		i := free[f.random.IntN(len(free))]
		s.chunk, s.id, s.began, s.encoded = f.chunks[i], fmt.Sprintf("%s.%05d", f.job, i), f.now, 0
		s.chunk.holder = n
	}
}

// beat tells the others what the node does.
func (n *simNode) beat(f *simFarm) {
	n.Chunks, n.State, n.Seen = map[string]pipeline.Encoding{}, pipeline.NodeIdle, 0
	for _, s := range n.slots {
		if s.chunk != nil {
			frames := max(0, int(s.encoded)-simLag)
			n.State = pipeline.NodeEncoding
			n.Chunks[s.id] = pipeline.Encoding{Frames: frames, Total: s.chunk.frames,
				FPS: float64(frames) / max(0.001, f.now-s.began)}
		}
	}
}

// die ends a node without a word.
func (f *simFarm) die(n *simNode) {
	n.dead = true
	for _, s := range n.slots {
		if s.chunk != nil {
			s.chunk.again = f.now + simExpiry
		}
	}
}

// eta is what people are told now.
func (f *simFarm) eta() (seconds float64, known bool) {
	w := work{job: f.job, pixels: 1}
	var nodes []pipeline.SeenNode
	for _, n := range f.nodes {
		if n.dead {
			n.Seen += simBeat * time.Second
		}
		if n.Seen < simQuiet*time.Second {
			nodes = append(nodes, n.SeenNode)
		}
	}
	for i, c := range f.chunks {
		if c.done {
			continue
		}
		o := openChunk{frames: c.frames}
		if c.holder != nil {
			o.node, o.done = c.holder.Node.Node, c.holder.Chunks[fmt.Sprintf("%s.%05d", f.job, i)].Frames
		}
		w.open = append(w.open, o)
	}
	if len(w.open) == 0 {
		return 0, true
	}
	d, known := forecast([]work{w}, nodes)[f.job]
	return d.Seconds(), known
}

func (f *simFarm) done() float64 {
	all, done := 0, 0
	for _, c := range f.chunks {
		all += c.frames
		if c.done {
			done += c.frames
		}
	}
	return float64(done) / float64(all)
}

// told is one forecast: made when, for when, at what part of the work, and whether all nodes were known.
type told struct {
	at, end, part float64
	settled       bool // no node is dead without the others knowing
}

// encode runs the film to its end and returns it with what was foretold meanwhile.
func (f *simFarm) encode(t *testing.T, dying *simNode) (end float64, all []told) {
	died := math.Inf(1)
	for f.done() < 1 {
		f.second()
		if dying != nil && !dying.dead && f.done() >= 0.5 {
			f.die(dying)
			died = f.now
		}
		if math.Mod(f.now, simBeat) == 0 {
			eta, known := f.eta()
			require.True(t, known || f.done() < 0.05, "nothing is foretold at %.0f s", f.now)
			if known {
				all = append(all, told{at: f.now, end: f.now + eta, part: f.done(), settled: f.now < died || f.now > died+simQuiet+
					simBeat})
			}
		}
		require.Less(t, f.now, 1e5)
	}
	return f.now, all
}

// Four nodes of unequal speed, one of which dies at half; each seed is another film and another death.
// Until then the forecast must be right for a farm in which nobody dies, and for what became of it once
// the others know.
func TestForecastWithUnequalNodes(t *testing.T) {
	worst := 0.0
	for seed := range uint64(12) {
		healthy, _ := newSimFarm(seed).encode(t, nil)
		f := newSimFarm(seed)
		end, all := f.encode(t, f.nodes[seed%4])
		for _, a := range all {
			if a.part < 1.0/3 || !a.settled {
				continue
			}
			want := end
			if a.part < 0.5 {
				want = healthy
			}
			miss := math.Abs(a.end-want) / want
			worst = max(worst, miss)
			require.LessOrEqual(t, miss, 0.1, "seed %d: at %.0f s (%.0f%%) the end was foretold for %.0f s, it was %.0f s", seed,
				a.at, 100*a.part, a.end, want)
		}
	}
	t.Logf("at worst %.1f%% of the whole time off", 100*worst)
}

const first, second, third = "00000001-aaaaa", "00000002-aaaaa", "00000003-aaaaa"

func chunks(n, frames int, node string) (all []openChunk) {
	for range n {
		all = append(all, openChunk{frames: frames, node: node})
	}
	return all
}

// simple is a node that encodes 10 frames a second of pictures of 100 pixels in each slot.
func simple(name string, slots int) pipeline.SeenNode {
	return pipeline.SeenNode{Node: pipeline.Node{Node: name, Hardware: pipeline.Hardware{Slots: slots},
		Speed: map[string]pipeline.Speed{first: pipeline.Speed{}.Add(1000, 100, 100)}}}
}

func TestForecasts(t *testing.T) {
	resting, fresh := simple("r", 4), simple("f", 1)
	resting.State, resting.Why = pipeline.NodeEncoding, "not in its hours"
	fresh.Speed = nil
	for name, c := range map[string]struct {
		jobs  []work
		nodes []pipeline.SeenNode
		want  map[string]time.Duration
	}{
		"nobody is there": {[]work{{job: first, pixels: 100, open: chunks(2, 100, "")}}, nil,
			map[string]time.Duration{}},
		"nothing was measured": {[]work{{job: first, pixels: 100, open: chunks(2, 100, "")}},
			[]pipeline.SeenNode{fresh}, map[string]time.Duration{}},
		"two chunks, one slot": {[]work{{job: first, pixels: 100, open: chunks(2, 100, "")}},
			[]pipeline.SeenNode{simple("a", 1)}, map[string]time.Duration{first: 20 * time.Second}},
		"three chunks, two slots": {[]work{{job: first, pixels: 100, open: chunks(3, 100, "")}},
			[]pipeline.SeenNode{simple("a", 2)}, map[string]time.Duration{first: 20 * time.Second}},
		"larger pictures": {[]work{{job: second, pixels: 400, open: chunks(1, 100, "")}},
			[]pipeline.SeenNode{simple("a", 1)}, map[string]time.Duration{second: 40 * time.Second}},
		"a new node is an average": {[]work{{job: first, pixels: 100, open: chunks(2, 100, "")}},
			[]pipeline.SeenNode{simple("a", 1), fresh}, map[string]time.Duration{first: 10 * time.Second}},
		"who rests finishes": {[]work{{job: first, pixels: 100,
			open: append(chunks(1, 100, "r"), chunks(2, 100, "")...)}}, []pipeline.SeenNode{resting, simple("a", 1)},
			map[string]time.Duration{first: 20 * time.Second}},
		"a silent node's chunk": {[]work{{job: first, pixels: 100,
			open: []openChunk{{frames: 100, done: 90, node: "g"}}}}, []pipeline.SeenNode{simple("a", 1)},
			map[string]time.Duration{first: 10 * time.Second}},
		"other settings say nothing": {[]work{{job: second, effort: "--preset slow", pixels: 100, open: chunks(1, 100, "")}},
			[]pipeline.SeenNode{simple("a", 1)}, map[string]time.Duration{}},
		"half done": {[]work{{job: first, pixels: 100,
			open: []openChunk{{frames: 100, done: 50, node: "a"}}}}, []pipeline.SeenNode{simple("a", 1)},
			map[string]time.Duration{first: 5 * time.Second}},
		"one job after the other": {[]work{{job: first, pixels: 100, open: chunks(2, 100, "")},
			{job: second, pixels: 100, open: chunks(1, 100, "")}}, []pipeline.SeenNode{simple("a", 1)},
			map[string]time.Duration{first: 20 * time.Second, second: 30 * time.Second}},
		"a paused one is left out": {[]work{{job: first, pixels: 100, paused: true, open: chunks(2, 100, "")},
			{job: second, pixels: 100, open: chunks(1, 100, "")}}, []pipeline.SeenNode{simple("a", 1)},
			map[string]time.Duration{second: 10 * time.Second}},
		"a paused one's last chunk": {[]work{{job: first, pixels: 100, paused: true, open: chunks(1, 100, "a")}},
			[]pipeline.SeenNode{simple("a", 1)}, map[string]time.Duration{first: 10 * time.Second}},
		"one that waits for a merge": {[]work{{job: third, pixels: 100},
			{job: second, pixels: 100, open: chunks(1, 100, "")}}, []pipeline.SeenNode{simple("a", 1)},
			map[string]time.Duration{second: 10 * time.Second}},
	} {
		require.Equal(t, c.want, forecast(c.jobs, c.nodes), name)
	}
}
