package pipeline

import (
	"errors"
	"path"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

// ShareTime is what time it is by the clock that stamps files on the share: their ages are told by no other one. It
// makes a file for that and removes it.
func ShareTime(share *sharefs.FS) (time.Time, error) {
	name := path.Join(ProbeDir, "time."+Nonce(8)+".tmp")
	if err := share.Create(name, []byte{'\n'}); err != nil {
		return time.Time{}, err
	}
	info, err := share.Stat(name)
	if err = errors.Join(err, share.Remove(name)); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}
