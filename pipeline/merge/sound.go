package merge

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// sound is the Matroska file of the tracks that the profile wants encoded, each in one piece from its
// first packet to its last.
type sound struct {
	path   string // empty: there are none
	tracks []soundTrack
}

// soundTrack is one of them. Its id in the file is its place in the list.
type soundTrack struct {
	source media.Stream
	times  audioTimes
}

const (
	// soundAhead keeps what an encoder puts in front of the first sample above zero in the sound file.
	soundAhead = 1
	// aacPriming is how many samples ffmpeg's AAC encoder puts in front of the first one.
	aacPriming = 1024
)

// encodeSound encodes the whole tracks, with every timestamp where it was: a track that begins late, and
// a gap in it, stay.
func encodeSound(ctx context.Context, tools media.Tools, req Request, source *media.File) (sound, error) {
	args := append([]string{"-copyts"}, media.Input(req.Source)...)
	var all sound
	for _, s := range source.Streams {
		f := fateOf(source, s, req.Plan.Settings)
		if s.Type != "audio" || f.rate == "" {
			continue
		}
		args = append(args, "-map", "0:"+strconv.Itoa(s.Index))
		n := strconv.Itoa(len(all.tracks))
		args = append(args, "-c:"+n, f.codec, "-b:"+n, f.rate)
		all.tracks = append(all.tracks, soundTrack{source: s})
	}
	if len(all.tracks) == 0 {
		return all, nil
	}
	all.path = filepath.Join(req.WorkDir, "sound.mka")
	args = append(args, "-map_metadata", "-1", "-map_chapters", "-1", "-avoid_negative_ts", "disabled",
		"-output_ts_offset", strconv.Itoa(soundAhead), "-f", "matroska", media.URL(all.path))
	if _, err := tools.RunFFmpeg(ctx, req.limits(), args...); err != nil {
		return all, fmt.Errorf("cannot encode the sound: %w", err)
	}
	return all, all.readTimes(ctx, tools, req.WorkDir)
}

// readTimes writes the tracks' timestamps for mkvmerge, as they will stand in the blocks: CodecDelay
// tells players what to skip, and is added.
func (s sound) readTimes(ctx context.Context, tools media.Tools, dir string) error {
	file, err := tools.Probe(ctx, s.path)
	if err != nil {
		return err
	}
	if len(file.Streams) != len(s.tracks) {
		return fmt.Errorf("cannot use the encoded sound: it has %d tracks, not %d", len(file.Streams), len(s.tracks))
	}
	pts := make([][]int64, len(s.tracks))
	err = tools.EachPacket(ctx, s.path, func(p media.Packet) error {
		pts[p.Stream] = append(pts[p.Stream], p.PTS)
		return nil
	})
	if err != nil {
		return err
	}
	for i := range s.tracks {
		stream := file.Streams[i]
		tb := stream.TimeBase
		delay := 1000 * aacPriming / float64(max(1, stream.SampleRate))
		name := filepath.Join(dir, fmt.Sprintf("sound%d.txt", i))
		if err := os.WriteFile(name, appendTimes(timesHeader(), tb, pts[i], delay-1000*soundAhead), 0o600); err != nil {
			return err
		}
		s.tracks[i].times = audioTimes{name, strconv.FormatInt(int64(delay*1e6), 10)}
	}
	return nil
}

// options add the file to mkvmerge's command.
func (s sound) options(req Request, side *side) (args []string, err error) {
	for _, track := range side.tracks {
		if track.sound == 0 {
			continue
		}
		i := track.sound - 1
		about, err := textOptions(req, i, s.tracks[i].source, track, side.tags)
		if err != nil {
			return nil, err
		}
		args = append(append(args, about...), "--timestamps", fmt.Sprintf("%d:%s", i, s.tracks[i].times.file))
	}
	if s.path == "" {
		return nil, nil
	}
	return append(args, "--no-global-tags", "--no-track-tags", s.path), nil
}

// TryConverted converts the beginning of every sound and all of the subtitles that are not copied, so that what can't
// be converted is told at submission. The error is a *pipeline.Refusal that names the track.
func TryConverted(ctx context.Context, tools media.Tools, path string, f *media.File, set pipeline.Settings) error {
	for _, s := range f.Streams {
		fate := fateOf(f, s, set)
		if s.Type != "audio" || fate.codec == "" {
			continue
		}
		args := append(media.Input(path), "-map", "0:"+strconv.Itoa(s.Index), "-t", "2", "-c:a", fate.codec)
		if fate.rate != "" {
			args = append(args, "-b:a", fate.rate)
		}
		stderr, err := tools.RunFFmpeg(ctx, media.Reading(media.Size(path)), append(args, "-f", "null", "-")...)
		if err != nil && !media.Blames(err) && media.Fault(err) == "" {
			return fmt.Errorf("cannot try the sound: %w", err)
		}
		if err != nil {
			return pipeline.Refuse("The %s can't be converted to %s (%s).", s.Describe(), strings.ToUpper(fate.codec),
				strings.TrimRight(media.LastReason(stderr), ".")).Because(err)
		}
	}
	return trySubtitles(ctx, tools, path, f, set)
}
