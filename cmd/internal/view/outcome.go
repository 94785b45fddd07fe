package view

import (
	"fmt"
	"path"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// Outcome says in a sentence what came of a wish. root is where the share is on the machine that fulfilled it.
func Outcome(root string, o steer.Outcome) string {
	shown := func(name string) string { return pipeline.RawName(path.Join(root, name)).String() }
	switch o.State {
	case steer.Paused:
		return fmt.Sprintf("%s is paused; `distenc resume %q` goes on", o.Name, o.Word)
	case steer.Cancelled:
		return fmt.Sprintf("%s is cancelled; a master puts its source into %s", o.Name, shown(pipeline.FailedDir))
	case steer.PutAside:
		return fmt.Sprintf("%s is out of the inbox, and lies in %s", o.Name, shown(path.Dir(o.Path)))
	case steer.TriedAgain:
		return o.Name + " is tried again"
	case steer.InInbox:
		return fmt.Sprintf("%s is back in the inbox: %s", o.Name, shown(o.Path))
	case steer.Prioritised:
		return fmt.Sprintf("%s has priority %d", o.Name, o.Priority)
	case steer.Rests:
		return fmt.Sprintf("%s claims nothing more as soon as it hears of it; `distenc nodes wake %s` ends that",
			o.Name, o.Word)
	case steer.Awake:
		return o.Name + " is not asked to rest any more"
	case steer.GoesOn:
	}
	return o.Name + " goes on"
}
