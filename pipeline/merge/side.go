package merge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// side is the Matroska file that all but the video is taken from: the source itself, or what ffmpeg
// made of it.
type side struct {
	path   string
	tracks []mkvTrack // in file order; behind place in the output's
	video  int        // id of the track whose place the encoded video takes
	at     int        // its index in tracks
	global []string   // further options for mkvmerge: title, tags, covers
	tags   []node     // of a source that is Matroska
	// settings of mkvpropedit's for the whole file: date, what the source calls itself and its neighbours
	info []string
}

// mkvTrack is a track as mkvmerge -J describes it.
type mkvTrack struct {
	ID         int                        `json:"id"`
	Type       string                     `json:"type"`
	Properties map[string]json.RawMessage `json:"properties"`
	sound      int                        // number of the sound track that takes its place, from 1; 0: none
}

// text is a property as an option takes it; empty where the track has none.
func (t mkvTrack) text(name string) string {
	raw := t.Properties[name]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// identifyLimit bounds mkvmerge's description of a file; codecs' private data stand in it as hex.
const identifyLimit = 64 << 20

// identify refuses what mkvmerge takes for something else than ffprobe did: it would read other files
// (playlists, VOB sets).
func identify(ctx context.Context, tools media.Tools, path string) (*side, error) {
	out, err := tools.Output(ctx, identifyLimit, tools.MKVMerge, "-J", path)
	if err != nil {
		return nil, fmt.Errorf("cannot identify %q: %w", path, err)
	}
	return parseIdentity(path, out)
}

func parseIdentity(path string, out []byte) (*side, error) {
	var file struct {
		Container struct {
			Type       string
			Properties map[string]any
		}
		Tracks []mkvTrack
	}
	if err := json.Unmarshal(out, &file); err != nil {
		return nil, fmt.Errorf("cannot read what mkvmerge says of %q: %w", path, err)
	}
	if file.Container.Type != "Matroska" {
		return nil, fmt.Errorf("cannot merge from %q: mkvmerge takes it for %q", path, file.Container.Type)
	}
	s := &side{path: path, tracks: file.Tracks}
	for key, setting := range map[string]string{
		"segment_uid": "segment-uid", "previous_segment_uid": "prev-uid", "next_segment_uid": "next-uid",
	} {
		if uid, _ := file.Container.Properties[key].(string); uid != "" {
			s.info = append(s.info, setting+"=0x"+uid)
		}
	}
	s.at = slices.IndexFunc(s.tracks, func(t mkvTrack) bool { return t.Type == "video" })
	if s.at < 0 {
		return nil, fmt.Errorf("cannot merge from %q: mkvmerge finds no video track", path)
	}
	s.video = s.tracks[s.at].ID
	return s, nil
}

// audio maps the source's audio streams that are copied to mkvmerge's tracks: both files have them in
// the same order.
func (s *side) audio(source *media.File, set pipeline.Settings) map[int]mkvTrack {
	byStream := map[int]mkvTrack{}
	tracks := slices.DeleteFunc(slices.Clone(s.tracks), func(t mkvTrack) bool { return t.Type != "audio" })
	for _, stream := range source.Streams {
		f := fateOf(source, stream, set)
		if stream.Type != "audio" || !f.keep || len(tracks) == 0 {
			continue
		}
		if f.codec == "" {
			byStream[stream.Index] = tracks[0]
		}
		tracks = tracks[1:]
	}
	return byStream
}

// replace marks the source's own tracks that are encoded anew, and takes out the subtitles that the
// profile does not want.
func (s *side) replace(source *media.File, set pipeline.Settings) {
	audio := slices.DeleteFunc(slices.Clone(source.Streams), func(m media.Stream) bool { return m.Type != "audio" })
	s.findFilm(source, func(media.Stream) bool { return true })
	sounds := 0
	var tracks []mkvTrack
	for _, t := range s.tracks {
		switch {
		case t.Type == "subtitles" && set.Subtitles == pipeline.NoSubtitles:
			continue
		case t.Type == "audio" && len(audio) > 0:
			if fateOf(source, audio[0], set).rate != "" {
				sounds++
				t.sound = sounds
			}
			audio = audio[1:]
		}
		tracks = append(tracks, t)
	}
	s.take(tracks)
}

// insert puts the tracks that are encoded anew where the source has them: remux has left them out.
func (s *side) insert(source *media.File, set pipeline.Settings) {
	s.findFilm(source, func(m media.Stream) bool { return remuxed(source, m, fateOf(source, m, set)) })
	sounds := 0
	var tracks []mkvTrack
	for _, stream := range source.Streams {
		switch f := fateOf(source, stream, set); {
		case f.rate != "":
			sounds++
			tracks = append(tracks, mkvTrack{ID: -1, Type: "audio", sound: sounds})
		case remuxed(source, stream, f) && len(s.tracks) > 0:
			tracks, s.tracks = append(tracks, s.tracks[0]), s.tracks[1:]
		}
	}
	s.take(append(tracks, s.tracks...))
}

// findFilm finds the track whose place the encoded video takes: a still picture's may stand in front of it. held tells
// which of the source's streams have a track.
func (s *side) findFilm(source *media.File, held func(media.Stream) bool) {
	film, videos := source.Video()[0].Index, 0
	for _, m := range source.Streams {
		if m.Type == "video" && !m.AttachedPic() && m.Index < film && held(m) {
			videos++
		}
	}
	for _, t := range s.tracks {
		if t.Type == "video" {
			if s.video = t.ID; videos == 0 {
				return
			}
			videos--
		}
	}
}

func (s *side) take(tracks []mkvTrack) {
	s.tracks = tracks
	s.at = slices.IndexFunc(tracks, func(t mkvTrack) bool { return t.ID == s.video })
}

// remuxed tells whether remux writes a track for a stream.
func remuxed(source *media.File, s media.Stream, f fate) bool {
	return s.Index == source.Video()[0].Index || f.keep && f.rate == "" && !s.AttachedPic()
}

// exclusions are mkvmerge's options for the tracks that are not taken from the side.
func (s *side) exclusions(set pipeline.Settings) []string {
	args := []string{"--video-tracks", "!" + strconv.Itoa(s.video)}
	var replaced []string
	for _, t := range s.tracks {
		if t.sound > 0 && t.ID >= 0 {
			replaced = append(replaced, strconv.Itoa(t.ID))
		}
	}
	if len(replaced) > 0 {
		args = append(args, "--audio-tracks", "!"+strings.Join(replaced, ","))
	}
	if set.Subtitles == pipeline.NoSubtitles {
		args = append(args, "--no-subtitles")
	}
	return args
}

func sideFile(ctx context.Context, tools media.Tools, req Request, source *media.File) (*side, error) {
	if isMatroska(source) {
		s, err := identify(ctx, tools, req.Source)
		if err == nil {
			s.replace(source, req.Plan.Settings)
			s.tags, err = readTags(ctx, tools, req.Source)
		}
		return s, err
	}
	path := filepath.Join(req.WorkDir, "side.mkv")
	if err := remux(ctx, tools, req, path, source); err != nil {
		return nil, err
	}
	s, err := identify(ctx, tools, path)
	if err != nil {
		return nil, err
	}
	s.insert(source, req.Plan.Settings)
	s.info = nil // ffmpeg's own
	tags, err := globalTags(req, source)
	if err != nil {
		return nil, err
	}
	covers, err := extractCovers(ctx, tools, req, source)
	if err != nil {
		return nil, err
	}
	tags = append(tags, covers...)
	s.global = tags
	return s, nil
}

// remux writes all but the video into Matroska. mkvmerge itself would lose MP4's empty edits (an audio
// delay) and its timed text. The video stays as an empty track, which keeps the order and makes a file
// without any other track possible. What an edit list hides comes before zero, where Matroska holds
// nothing but an audio codec's priming: ffmpeg would shift all tracks to make room for it, so it is
// dropped.
func remux(ctx context.Context, tools media.Tools, req Request, dst string, source *media.File) error {
	early, err := countEarly(ctx, tools, req.Source, source)
	if err != nil {
		return err
	}
	args := append([]string{"-copyts"}, media.Input(req.Source)...)
	var maps, options []string
	n := 0
	for _, s := range source.Streams {
		// In which unit pts comes here depends on ffmpeg's version; zero and a count do not.
		f, bsf := fateOf(source, s, req.Plan.Settings), `noise=drop=lt(pts\,0)`
		if s.Type == "audio" {
			bsf = fmt.Sprintf(`noise=drop=lt(n\,%d)`, early[s.Index])
			if s.Codec != "opus" { // ffmpeg states its delay; of others mkvmerge would move all tracks for a time below zero
				bsf += `,setts=ts=max(TS\,0)`
			}
		}
		if !remuxed(source, s, f) {
			continue
		}
		if s.Index == source.Video()[0].Index {
			f, bsf = fate{keep: true}, "noise=drop=1"
		}
		id := strconv.Itoa(n)
		maps = append(maps, "-map", "0:"+strconv.Itoa(s.Index))
		options = append(options, "-bsf:"+id, bsf, "-metadata:s:"+id, "handler_name=", "-metadata:s:"+id, "vendor_id=")
		if f.codec != "" {
			options = append(options, "-c:"+id, f.codec)
		}
		n++
	}
	args = append(append(append(args, maps...), "-c", "copy"), options...)
	args = append(args, "-map_metadata:g", "-1", "-map_chapters", "0", "-avoid_negative_ts", "disabled", "-default_mode",
		"passthrough",
		"-f", "matroska", media.URL(dst))
	_, err = tools.RunFFmpeg(ctx, media.Copying(media.Size(req.Source)), args...)
	return err
}

// countEarly counts for each audio stream the packets at its start that come too early for Matroska.
func countEarly(ctx context.Context, tools media.Tools, path string, source *media.File) (map[int]int, error) {
	early, waiting := map[int]int{}, map[int]bool{}
	for _, s := range source.Streams {
		if s.Type == "audio" {
			waiting[s.Index] = true
		}
	}
	errEnough := errors.New("all streams have begun")
	if len(waiting) == 0 {
		return early, nil
	}
	err := tools.EachPacket(ctx, path, func(p media.Packet) error {
		if !waiting[p.Stream] {
			return nil
		}
		if tooEarly(source.Streams[p.Stream], p.PTS) {
			early[p.Stream]++
			return nil
		}
		if delete(waiting, p.Stream); len(waiting) == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return early, err
}

// globalTags carries what people wrote about the whole file.
func globalTags(req Request, source *media.File) ([]string, error) {
	tags := texts(source.Format.Tags)
	var args []string
	if title := tags["title"]; title != "" {
		args = append(args, "--title", title)
	}
	delete(tags, "title")
	name, err := writeTags(filepath.Join(req.WorkDir, "tags.xml"), simpleTags(tags))
	if name == "" || err != nil {
		return args, err
	}
	return append(args, "--global-tags", name), nil
}

// extractCovers turns pictures that are streams into attachments, Matroska's place for them.
func extractCovers(ctx context.Context, tools media.Tools, req Request, source *media.File) ([]string, error) {
	var options []string
	for _, s := range others(source) {
		if !s.AttachedPic() || !fateOf(source, s, req.Plan.Settings).keep {
			continue
		}
		ending, mime := "jpg", "image/jpeg"
		if s.Codec != "mjpeg" {
			ending, mime = s.Codec, "image/"+s.Codec
		}
		name := "cover." + ending
		if len(options) > 0 {
			name = fmt.Sprintf("cover%d.%s", s.Index, ending)
		}
		path := filepath.Join(req.WorkDir, name)
		args := append(media.Input(req.Source), "-map", "0:"+strconv.Itoa(s.Index), "-c", "copy", "-frames:v", "1", "-f",
			"image2pipe", media.URL(path))
		if _, err := tools.RunFFmpeg(ctx, req.limits(), args...); err != nil {
			return nil, fmt.Errorf("cannot extract %s: %w", s.Describe(), err)
		}
		options = append(options, "--attachment-name", name, "--attachment-mime-type", mime, "--attach-file", path)
	}
	return options, nil
}
