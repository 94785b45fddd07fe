package merge

import (
	"context"
	"encoding/json"
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
	tracks []mkvTrack       // in file order; behind place in the output's
	video  int              // id of the track whose place the encoded video takes
	at     int              // its index in tracks
	copied map[int]mkvTrack // sound that is neither converted nor encoded anew, by the source's stream
	global []string         // further options for mkvmerge: title, tags, covers
	// globals is how many tags the whole file has. mkvmerge takes them over itself, and crashes where they are nested too
	// deep.
	globals int
	tags    []node // of a source that is Matroska, where they have been asked for
	// settings of mkvpropedit's for the whole file: date, what the source calls itself and its neighbours
	info []string
}

// mkvTrack is a track as mkvmerge -J describes it.
type mkvTrack struct {
	ID         int                        `json:"id"`
	Type       string                     `json:"type"`
	Properties map[string]json.RawMessage `json:"properties"`
	tags       int                        // how many it has, but for those that mkvmerge writes itself
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
		Tracks    []mkvTrack
		TrackTags []struct {
			Count int `json:"num_entries"`
			Track int `json:"track_id"`
		} `json:"track_tags"`
		GlobalTags []struct {
			Count int `json:"num_entries"`
		} `json:"global_tags"`
	}
	if err := json.Unmarshal(out, &file); err != nil {
		return nil, fmt.Errorf("cannot read what mkvmerge says of %q: %w", path, err)
	}
	if file.Container.Type != "Matroska" {
		return nil, fmt.Errorf("cannot merge from %q: mkvmerge takes it for %q", path, file.Container.Type)
	}
	s := &side{path: path, tracks: file.Tracks}
	for _, t := range file.GlobalTags {
		s.globals += t.Count
	}
	for _, t := range file.TrackTags {
		if i := slices.IndexFunc(s.tracks, func(track mkvTrack) bool { return track.ID == t.Track }); i >= 0 {
			s.tracks[i].tags = t.Count
		}
	}
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

// uid is one of the numbers by which the source and its neighbours are named, in hex; empty where it has none.
func (s *side) uid(setting string) string {
	for _, info := range s.info {
		if uid, found := strings.CutPrefix(info, setting+"=0x"); found {
			return uid
		}
	}
	return ""
}

// place puts the tracks in the output's order: each stream's own, which both files have in the same order within its
// kind, and sound that is encoded anew where the source has it.
func (s *side) place(source *media.File, set pipeline.Settings) {
	rest, sounds := s.tracks, 0
	s.tracks, s.copied = nil, map[int]mkvTrack{}
	for _, stream := range source.Streams {
		f, t := fateOf(source, stream, set), mkvTrack{ID: -1, Type: "audio"}
		if !stream.AttachedPic() && (isMatroska(source) || remuxed(source, stream, f)) {
			i := slices.IndexFunc(rest, func(t mkvTrack) bool { return strings.TrimSuffix(t.Type, "s") == stream.Type })
			if i >= 0 {
				t = rest[i]
				rest = slices.Delete(rest, i, i+1)
			}
		}
		switch {
		case stream.Index == source.Video()[0].Index:
			s.at, s.video = len(s.tracks), t.ID
		case f.rate != "":
			sounds++
			t.sound = sounds
		case t.ID < 0 || !f.keep:
			continue
		case stream.Type == "audio" && f.codec == "":
			s.copied[stream.Index] = t
		}
		s.tracks = append(s.tracks, t)
	}
	s.tracks = append(s.tracks, rest...)
}

// remuxed reports whether remux writes a track for a stream.
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

// sideFile needs the times of the source's sound, by stream.
func sideFile(
	ctx context.Context, tools media.Tools, req Request, source *media.File, pts map[int][]int64,
) (*side, error) {
	if isMatroska(source) {
		s, err := identify(ctx, tools, req.Source)
		if err == nil {
			s.place(source, req.Plan.Settings)
		}
		if err == nil && (s.unusual(source) || slices.ContainsFunc(s.tracks, s.keepsTags)) {
			s.tags, err = readXML(ctx, tools, req.Source, "tags")
		}
		return s, err
	}
	path := filepath.Join(req.WorkDir, "side.mkv")
	if err := remux(ctx, tools, req, path, source, pts); err != nil {
		return nil, err
	}
	s, err := identify(ctx, tools, path)
	if err != nil {
		return nil, err
	}
	s.place(source, req.Plan.Settings)
	s.info = nil // ffmpeg's own
	if s.global, err = globalTags(req, source); err != nil {
		return nil, err
	}
	covers, err := extractCovers(ctx, tools, req, source)
	s.global = append(s.global, covers...)
	return s, err
}

// remux writes all but the video into Matroska. mkvmerge itself would lose MP4's empty edits (an audio
// delay) and its timed text. The video stays as an empty track, which keeps the order and makes a file
// without any other track possible. What an edit list hides comes before zero, where Matroska holds
// nothing but an audio codec's priming: ffmpeg would shift all tracks to make room for it, so it is
// dropped.
func remux(
	ctx context.Context, tools media.Tools, req Request, dst string, source *media.File, pts map[int][]int64,
) error {
	args := append(append([]string{"-copyts"}, media.Input(req.Source)...), "-c", "copy")
	n := 0
	for _, s := range source.Streams {
		// In which unit pts comes here depends on ffmpeg's version; zero and a count do not.
		f, bsf := fateOf(source, s, req.Plan.Settings), `noise=drop=lt(pts\,0)`
		if s.Type == "audio" {
			bsf = fmt.Sprintf(`noise=drop=lt(n\,%d)`, countEarly(s, pts[s.Index]))
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
		args = append(args, "-map", "0:"+strconv.Itoa(s.Index), "-bsf:"+id, bsf, "-metadata:s:"+id, "handler_name=",
			"-metadata:s:"+id, "vendor_id=")
		if f.codec != "" {
			args = append(args, "-c:"+id, f.codec)
		}
		n++
	}
	args = append(args, "-map_metadata:g", "-1", "-map_chapters", "0", "-avoid_negative_ts", "disabled", "-default_mode",
		"passthrough", "-f", "matroska", media.URL(dst))
	_, err := tools.RunFFmpeg(ctx, media.Copying(media.Size(req.Source)), args...)
	return err
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
