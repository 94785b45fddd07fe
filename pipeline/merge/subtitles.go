package merge

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// notUTF8 is what mkvmerge says of text that is not (in C's locale), and what ffmpeg does.
var notUTF8 = []*regexp.Regexp{
	regexp.MustCompile(`track ([0-9]+): This text subtitle track contains invalid 8-bit characters`),
	regexp.MustCompile(`#0:([0-9]+)`),
}

// refuseText refuses tracks of another encoding, which no rule can tell for sure: Latin-1 and Cyrillic text are bytes
// of the same values. said is a tool's complaint that a pattern finds the tracks in; nil: it is about something else.
func refuseText(f *media.File, said string, pattern *regexp.Regexp, err error) error {
	var tracks, options []string
	for _, m := range pattern.FindAllStringSubmatch(said, -1) {
		if !slices.Contains(tracks, m[1]) {
			tracks, options = append(tracks, m[1]), append(options, "--sub-charset "+m[1]+":WINDOWS-1252")
		}
	}
	if len(tracks) == 0 {
		return nil
	}
	way := fmt.Sprintf("`mkvmerge -o mended.mkv %s FILE`", strings.Join(options, " "))
	if !isMatroska(f) { // of which mkvmerge reads no text
		way = fmt.Sprintf("`ffmpeg -sub_charenc_mode ignore -i FILE -map 0:%s text.srt` and "+
			"`mkvmerge -o mended.mkv FILE --sub-charset 0:WINDOWS-1252 text.srt`", tracks[0])
	}
	return pipeline.Refuse("The subtitles of track %s are not in UTF-8, and in which encoding they are can't be known. "+
		"Tell mkvmerge which it is, and drop what it makes: %s for western European languages, "+
		"with WINDOWS-1251 for Cyrillic, SHIFT_JIS for Japanese, GB18030 or BIG5 for Chinese, and so on; "+
		"or leave them out with subtitles = \"none\" in the profile.", strings.Join(tracks, ", "), way).Because(err)
}

// trySubtitles converts all subtitles that are not copied, into nothing: at the merge a text that can't be read would
// be left out without a word.
func trySubtitles(ctx context.Context, tools media.Tools, path string, f *media.File, set pipeline.Settings) error {
	args := media.Input(path)
	n := len(args)
	for _, s := range f.Streams {
		if fate := fateOf(f, s, set); s.Type == "subtitle" && fate.codec != "" {
			args = append(args, "-map", fmt.Sprint("0:", s.Index), "-c:s", fate.codec)
		}
	}
	if len(args) == n {
		return nil
	}
	stderr, err := tools.RunFFmpeg(ctx, media.Reading(media.Size(path)), append(args, "-f", "null", "-")...)
	var exit *media.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	if exit != nil {
		stderr += exit.Stderr
	}
	if strings.Contains(stderr, "Invalid UTF-8 in decoded subtitles") {
		return refuseText(f, stderr, notUTF8[1], err)
	}
	return ctx.Err() // of anything else the merge will tell
}
