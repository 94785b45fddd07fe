package watcher

import (
	"slices"
	"strings"
)

var (
	// Names of hidden files (also .nfs…, ._… of macOS, rsync's and our own staging names) and of editors'.
	ignoredPrefixes = []string{".", "~"}
	// Endings that copying and downloading programs give to what is not finished: browsers, WinSCP, wget
	// and curl wrappers, BitTorrent clients; and settings for a file.
	ignoredSuffixes = []string{
		".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".opdownload", ".download",
		".aria2", ".!ut", ".!qb", ".bc!", ".swp", ".distenc.toml",
	}
	// What file managers, NAS systems and file systems keep in every folder.
	ignoredNames = []string{
		"thumbs.db", "desktop.ini", "@eadir", "#recycle", "#snapshot", "@recycle", "@tmp",
		"$recycle.bin", "system volume information", "lost+found",
	}
)

// Ignored tells whether a name, of a file or a folder, is nobody's finished file: hidden, partial or a
// system's own. Case does not matter.
func Ignored(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(ignoredNames, lower) ||
		slices.ContainsFunc(ignoredPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }) ||
		slices.ContainsFunc(ignoredSuffixes, func(s string) bool { return strings.HasSuffix(lower, s) })
}
