package master

import "github.com/distenc/distenc/pipeline"

const (
	// filmLanes limits the films of which a stage reads, plans or cuts several at once: planning takes a core now and
	// then, and a disk bears few readers of whole films.
	filmLanes = 4
	// mergeLanes limits those that are merged at once, which read and write whole films.
	mergeLanes = 3
	// smallFile is the size in bytes up to which a film may use every lane: it is read within seconds.
	smallFile = 256 << 20
)

// lane is what a task waits for: that fewer than all of its stage run, and where it is for a large film, fewer than
// large for such.
type lane struct{ all, large int }

// lanes is the lane of a film, of all that a stage has. Large films leave one to urgent ones, and those leave one to
// small ones, so that whatever is slow keeps neither waiting.
func lanes(all int, size int64, priority int) lane {
	switch {
	case size <= smallFile:
		return lane{all: all}
	case priority > 0:
		return lane{all, all - 1}
	}
	return lane{all, all - 2}
}

// laneOf is the lane of a job's task.
func laneOf(stage string, j *pipeline.Job) lane {
	switch stage {
	case "plan", "split":
		return lanes(filmLanes, j.Size, j.Priority)
	case "prepare", "ahead", "merge":
		return lanes(mergeLanes, j.Size, j.Priority)
	}
	return lane{all: limits[stage]}
}

// limits is how many tasks of each other stage run at once.
var limits = map[string]int{
	"conclude": 2, "skip": 1, "accept": 2, "reject": 2, "changed": 1, "decide": sideBySide, "finish": filmLanes,
	"tell": 2, "build": 2, "records": 2, "budget": 2, "buffer": 2,
}
