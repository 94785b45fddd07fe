package pipeline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/distenc/distenc/lease/sharefs"
)

func TestWhoseACompanionIs(t *testing.T) {
	films := []string{"Film.mkv", "Film-2.mkv", "Show - 01 [ABCDEF01].mkv", "e1.mp4"}
	for name, owner := range map[string]string{
		"Film.srt": "Film.mkv", "film.EN.srt": "Film.mkv", "Film-poster.jpg": "Film.mkv", "Film.mkv.md5": "Film.mkv",
		"Film-2.srt": "Film-2.mkv", "Film-20.srt": "Film.mkv", "Films.srt": "", "poster.jpg": "", "Film": "",
		"Show - 01 [ABCDEF01].ass": "Show - 01 [ABCDEF01].mkv", "Show - 01.ass": "", "e1.nfo": "e1.mp4", "e10.nfo": "",
	} {
		require.Equal(t, owner, OwnerOf(name, films), name)
	}
	require.Equal(t, "Show - 01 [12345678].en.ass", CompanionName("Show - 01 [ABCDEF01].en.ass",
		"Show - 01 [ABCDEF01].mkv", "Show - 01 [12345678].mkv"))
	require.Equal(t, "Film (2).srt", CompanionName("film.srt", "Film.avi", "Film (2).mkv"))
	require.Len(t, CompanionName("a.srt", "a.mkv", strings.Repeat("b", 251)+".mkv"), 255)
}

// Whatever the names are, a companion is at most the film's whose stem it begins with, and gets a name that a file can
// have.
func TestCompanionsOfAnyNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[^/\x00]{1,40}`)
		film, companion, output := name.Draw(t, "film"), name.Draw(t, "companion"), name.Draw(t, "output")
		if rapid.Bool().Draw(t, "its own") {
			companion = film + "." + companion
		}
		if OwnerOf(companion, []string{film}) == film {
			got := CompanionName(companion, film, output)
			require.NotContains(t, got, "/")
			require.LessOrEqual(t, len(got), sharefs.NameMax)
		}
	})
}
