package pipeline

import "strings"

// Companions are what people keep beside a film: subtitles, pictures, texts. One whose name begins with a film's
// stem belongs to that film, as media servers and tools have it: Film.en.srt, Film-poster.jpg, Film.mkv.md5.

// OwnerOf returns which of a folder's films a companion belongs to, by the longest stem that its name begins with;
// "" where it is none's, and so the whole folder's (poster.jpg, movie.nfo). Case does not matter.
func OwnerOf(companion string, films []string) (owner string) {
	longest := 0
	for _, film := range films {
		stem, _ := cutExt(film)
		if len(stem) < longest || len(companion) <= len(stem) || !strings.EqualFold(companion[:len(stem)], stem) {
			continue
		}
		if strings.ContainsRune(".-_ ", rune(companion[len(stem)])) {
			owner, longest = film, len(stem)
		}
	}
	return owner
}

// CompanionName is a companion's name beside its film's output: as the film's stem became the output's, with
// another CRC-32 or a number, so does the companion's.
func CompanionName(companion, film, output string) string {
	was, _ := cutExt(film)
	is, _ := cutExt(output)
	return fit(is, companion[len(was):])
}
