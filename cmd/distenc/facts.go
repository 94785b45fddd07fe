package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/distenc/distenc/pipeline/media"
)

// facts opens what earlier runs have found out of this machine's programs: in the service's cache (CACHE_DIRECTORY of
// systemd.exec(5), which may name several), else in the user's. Without either, each start asks anew.
func facts() *media.Facts {
	dir, _, _ := strings.Cut(os.Getenv("CACHE_DIRECTORY"), ":")
	if dir == "" {
		users, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(users, "distenc")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil
	}
	return media.OpenFacts(dir)
}
