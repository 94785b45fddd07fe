package master

import (
	"maps"
	"path"
	"sync"

	"github.com/distenc/distenc/pipeline"
)

// films is which films of the inbox's folders are in work and which are published, for what lies beside them.
// Safe for concurrent use. Folders are below the inbox, "." is the inbox itself.
type films struct {
	mu      sync.Mutex
	live    map[string]*pipeline.Job            // by id
	done    map[string]map[string]*pipeline.Job // published ones, by folder and name; the last of a name
	settled map[string]bool                     // companions that have stood still, by name on the share
}

func newFilms() *films {
	return &films{live: map[string]*pipeline.Job{}, done: map[string]map[string]*pipeline.Job{}}
}

func (x *films) begun(j *pipeline.Job) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.live[j.ID] = j
}

func (x *films) ended(j *pipeline.Job, published bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.live, j.ID)
	if published {
		dir := path.Dir(string(j.Inbox))
		if x.done[dir] == nil {
			x.done[dir] = map[string]*pipeline.Job{}
		}
		x.done[dir][j.Name()] = &pipeline.Job{ // there are thousands of them: what nobody needs is left out
			ID: j.ID, Inbox: j.Inbox, Settings: pipeline.Settings{Dates: j.Settings.Dates},
		}
	}
}

// settle notes which companions have stood still.
func (x *films) settle(companions map[string]bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.settled = companions
}

func (x *films) hasSettled(name string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.settled[name]
}

// in returns the names of a folder's films in work, and its published ones.
func (x *films) in(dir string) (live []string, done map[string]*pipeline.Job) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, j := range x.live {
		if path.Dir(string(j.Inbox)) == dir {
			live = append(live, j.Name())
		}
	}
	return live, maps.Clone(x.done[dir])
}
