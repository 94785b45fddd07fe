package split

import (
	"context"
	"errors"
	"strings"

	"github.com/distenc/distenc/pipeline/media"
)

// normalise copies a source into Matroska, where every packet gets a timestamp and an index. What
// Matroska can't hold is converted or left out, as the notes say.
func normalise(ctx context.Context, tools media.Tools, path, norm string) (notes []string, err error) {
	base := append(append(media.Quiet(), "-fflags", "+genpts"), media.Input(path)...)
	base = append(base, "-map", "0", "-c", "copy", "-dn", "-ignore_unknown")
	for _, try := range []struct {
		args []string
		note string
	}{
		{nil, ""},
		{[]string{"-c:a", "flac"}, "Matroska can't hold the sound as it is: it was converted to FLAC, which loses nothing."},
		{[]string{"-sn"}, "Matroska can't hold the file's subtitles: they are left out."},
		{[]string{"-sn", "-c:a", "flac"}, "Matroska can't hold the sound and the subtitles as they are: sound was converted to FLAC, subtitles are left out."},
	} {
		args := append(append(base[:len(base):len(base)], try.args...), "-f", "matroska", media.URL(norm))
		_, err = tools.Run(ctx, media.Command{Program: tools.FFmpeg, Args: args})
		var exit *media.ExitError
		if err == nil {
			if try.note != "" {
				notes = append(notes, try.note)
			}
			return notes, nil
		}
		if !errors.As(err, &exit) || strings.Contains(exit.Stderr, "No space left") {
			return nil, err
		}
	}
	return nil, unreadable(err, "it can't be brought into Matroska")
}
