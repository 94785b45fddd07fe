package sharefs

import "strings"

// Obstacle is what would keep a file from being renamed out of its folder, and how a person mends it.
type Obstacle struct {
	What string // "the folder … is read-only for user 870"
	Mend string // a command for a shell; "" if there is none
}

func (o *Obstacle) String() string {
	if o.Mend == "" {
		return o.What
	}
	return o.What + "; mend it with: " + o.Mend
}

// Quote makes one word of a text for a shell (POSIX.1-2017, Shell Command Language, 2.2.2).
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
