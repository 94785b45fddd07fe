package watcher

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	// Names of hidden files (also .nfs…, ._… of macOS, rsync's, Syncthing's, Nextcloud's and our own staging
	// names), of editors' and µTorrent's, and of what SABnzbd still unpacks.
	ignoredPrefixes = []string{".", "~", "_unpack_", "_failed_"}
	// Endings that copying and downloading programs give to what is not finished, and to the notes they keep
	// beside it: browsers, WinSCP, wget and curl wrappers, yt-dlp, rsync, download managers, BitTorrent and
	// Usenet clients, synchronising folders, MEGA; "~" is an editor's, Sonarr's (.partial~) and a backup's.
	// And settings for a file, and what NTFS notes of a download.
	ignoredSuffixes = []string{
		".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload", ".opdownload", ".fdmdownload", ".download",
		".incomplete", ".unfinished", ".aria2", ".aria2__temp", ".lftp-pget-status", ".ytdl", ".part.met", ".rsync", ".mega",
		".dashtmp",
		".!ut", ".!qb", ".!bt", ".!sync", ".bc!", ".az!", ".jc!", ".dtapart", ".swp", "~", "~tmp", ".distenc.toml",
		":zone.identifier",
	}
	// Names in which such a mark is followed by something else: yt-dlp's fragments and the file that it joins
	// them in, old Edge's and ownCloud's parts.
	ignoredPattern = regexp.MustCompile(`\.part-frag[0-9]*|\.temp\.[a-z0-9]{2,4}$|\.octransferid[0-9]+`)
	// What file managers, NAS systems and file systems keep in every folder.
	ignoredNames = []string{
		"thumbs.db", "desktop.ini", "@eadir", "#recycle", "#snapshot", "@recycle", "@tmp", "__admin__",
		"$recycle.bin", "system volume information", "lost+found",
	}
	// Endings of the notes that a downloader keeps beside a file as long as that is not whole, though it has
	// its final name and size: aria2, lftp, axel.
	noteSuffixes = []string{".aria2", ".lftp-pget-status", ".st"}
	// What goes with a film and is not one: subtitles and their fonts, sound alone, pictures, texts and checksums.
	companionEndings = []string{
		".srt", ".ass", ".ssa", ".vtt", ".sub", ".idx", ".sup", ".smi", ".ttml", ".mks", ".mka", ".ac3", ".eac3", ".dts",
		".nfo", ".txt", ".xml", ".json", ".html", ".htm", ".url", ".md5", ".sfv", ".sha1", ".sha256",
		".jpg", ".jpeg", ".png", ".webp", ".tbn", ".pdf",
		".ttf", ".otf", ".ttc", ".woff", ".woff2",
	}
)

// Ignored reports whether a name, of a file or a folder, is nobody's finished file: hidden, partial or a
// system's own. Case does not matter.
func Ignored(name string) bool {
	lower := strings.ToLower(name)
	return slices.Contains(ignoredNames, lower) || ignoredPattern.MatchString(lower) ||
		slices.ContainsFunc(ignoredPrefixes, func(p string) bool { return strings.HasPrefix(lower, p) }) ||
		slices.ContainsFunc(ignoredSuffixes, func(s string) bool { return strings.HasSuffix(lower, s) })
}

// Companion reports whether a file of this name goes with a film and is not one itself. Case does not matter.
func Companion(name string) bool {
	return slices.Contains(companionEndings, strings.ToLower(path.Ext(name)))
}

// note returns the name, among those in a folder, of a downloader's note that the file is not whole yet; "" if there
// is none.
func note(name string, listed map[string]bool) string {
	for _, suffix := range noteSuffixes {
		if listed[name+suffix] {
			return name + suffix
		}
	}
	return ""
}

// isNote reports whether a name is such a note, of a file beside it.
func isNote(name string, listed map[string]bool) bool {
	return slices.ContainsFunc(noteSuffixes, func(suffix string) bool {
		file, ok := strings.CutSuffix(name, suffix)
		return ok && listed[file]
	})
}
