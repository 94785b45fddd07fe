package sharefs

import (
	"crypto/rand"
	"errors"
	"path"
	"slices"
	"strings"
	"time"
)

// ErrName is the error for a name that does not lie below the share's root, or that this system would take for another.
var ErrName = errors.New("not a name on the share")

func validName(name string) bool {
	return name != "" && name[0] != '/' && !strings.ContainsRune(name, 0) &&
		!slices.Contains(strings.Split(name, "/"), "..") && kept(name)
}

// temporary returns a name beside name that nobody has used or will use. The suffix is one that
// watchers of folders skip. A name that is as long as can be loses its end.
func temporary(name string) string {
	dir, base := path.Split(name)
	return dir + base[:min(len(base), NameMax-len(".1234567890.tmp"))] + "." + rand.Text()[:10] + ".tmp"
}

// NameMax is the longest name that a file system takes, in bytes: NAME_MAX, limits.h(0p).
const NameMax = 255

// StaleNames is how long a client was seen to deny or to show a name after another one changed it.
const StaleNames = 60 * time.Second
