package merge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Containers as the settings name them.
const (
	containerMKV = "mkv"
	containerMP4 = "mp4"
)

// What each container takes as it is, in ffmpeg's names: for Matroska what ffmpeg's muxer takes from
// another container (Matroska to Matroska keeps all), for MP4 what players know.
var (
	audioIn = map[string][]string{
		containerMKV: {
			"aac", "ac3", "alac", "dts", "eac3", "flac", "mlp", "mp1", "mp2", "mp3", "opus", "truehd", "tta", "vorbis",
			"wavpack",
			"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le",
		},
		containerMP4: {"aac", "ac3", "alac", "dts", "eac3", "flac", "mp2", "mp3", "opus", "vorbis"},
	}
	subtitlesIn = map[string][]string{
		containerMKV: {"ass", "dvb_subtitle", "dvd_subtitle", "hdmv_pgs_subtitle", "ssa", "subrip", "webvtt"},
		containerMP4: {"dvd_subtitle", "mov_text"},
	}
	videoInMP4 = []string{"av1", "h264", "hevc", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "vp9"}
	// samplesIn is what PCM becomes in Matroska that FLAC would not hold, or that mkvmerge changes by itself (the order of
	// bytes): the samples stay the same.
	samplesIn = map[string]string{
		"pcm_s16be": "pcm_s16le", "pcm_s24be": "pcm_s24le", "pcm_s32be": "pcm_s32le", "pcm_u32be": "pcm_s32le",
		"pcm_u32le": "pcm_s32le",
		"pcm_f32be": "pcm_f32le", "pcm_f64be": "pcm_f64le", "pcm_f16le": "pcm_f32le", "pcm_f24le": "pcm_f32le",
	}
	// losslessIn is what audio becomes that the container does not take.
	losslessIn = map[string]string{containerMKV: "flac", containerMP4: "alac"}
	// textIn is what subtitles in text become that the container does not take.
	textIn = map[string]string{containerMKV: "subrip", containerMP4: "mov_text"}
)

// fate is what becomes of one stream beside the video that is encoded.
type fate struct {
	keep  bool
	codec string // what it is converted to; empty: copied
	rate  string // the bit rate it is converted with, in ffmpeg's notation; empty: the codec is lossless
	note  string // what a person should know of it; may be empty
}

// fateOf decides about one stream of f, for merging, for the notes and for verifying alike.
func fateOf(f *media.File, s media.Stream, set pipeline.Settings) fate {
	container := string(set.Container)
	other := f.Foreign(s)
	switch {
	case other != nil:
		return fate{note: fmt.Sprintf("%s is left out: it belongs to another program, %s", s.Describe(), other.Describe())}
	case s.Type == "subtitle" && set.Subtitles == pipeline.NoSubtitles:
		return fate{note: s.Describe() + " is left out: the profile wants no subtitles"}
	case s.Type == "audio" && set.Audio.AAC > 0 && s.Codec != "":
		rate := fmt.Sprintf("%dk", set.Audio.AAC)
		return fate{keep: true, codec: "aac", rate: rate, note: fmt.Sprintf("%s becomes AAC with %sbit/s: the profile asks "+
			"for it", s.Describe(), rate)}
	case container == containerMKV && isMatroska(f) && samplesIn[s.Codec] == "":
		return fate{keep: true}
	}
	switch s.Type {
	case "audio":
		return fateOfAudio(s, container)
	case "subtitle":
		return fateOfSubtitle(s, container)
	case "video":
		return fateOfVideo(s, container)
	case "attachment":
		return fate{note: fmt.Sprintf("%s is left out: MP4 holds no attachments", s.Describe())}
	}
	if s.CodecTag == "text" { // QuickTime's chapter track: chapters are carried as chapters
		return fate{}
	}
	return fate{note: s.Describe() + " is left out: it is neither sound nor picture nor text"}
}

func fateOfAudio(s media.Stream, container string) fate {
	if slices.Contains(audioIn[container], s.Codec) {
		return fate{keep: true}
	}
	if s.Codec == "" {
		return fate{note: s.Describe() + " is left out: its codec is unknown"}
	}
	to, why := losslessIn[container], strings.ToUpper(container)+" does not hold it as it is"
	switch same := samplesIn[s.Codec]; {
	case container == containerMKV && same != "":
		to, why = same, "the same samples, as Matroska holds them"
	case strings.HasPrefix(s.Codec, "pcm_f") || strings.HasSuffix(s.Codec, "32le") || strings.HasSuffix(s.Codec, "32be"):
		why += ", and its samples are rounded to 24 bits"
	}
	return fate{keep: true, codec: to, note: fmt.Sprintf("%s becomes %s: %s", s.Describe(), to, why)}
}

func fateOfSubtitle(s media.Stream, container string) fate {
	if slices.Contains(subtitlesIn[container], s.Codec) {
		return fate{keep: true}
	}
	if !s.IsText() {
		return fate{note: fmt.Sprintf("%s is left out: %s does not hold it", s.Describe(), strings.ToUpper(container))}
	}
	to := textIn[container]
	note := fmt.Sprintf("%s becomes %s", s.Describe(), to)
	if s.Codec == "ass" || s.Codec == "ssa" {
		note += ": styles and positions are lost"
	}
	return fate{keep: true, codec: to, note: note}
}

// fateOfVideo is for covers and for video tracks beside the one that is encoded.
func fateOfVideo(s media.Stream, container string) fate {
	if s.AttachedPic() {
		if slices.Contains([]string{"mjpeg", "png", "bmp"}, s.Codec) {
			return fate{keep: true}
		}
		return fate{note: fmt.Sprintf("%s is left out: %s holds no such picture", s.Describe(), strings.ToUpper(container))}
	}
	if container == containerMKV && (s.StartPTS == media.NoPTS || s.StartPTS < 0) {
		return fate{note: s.Describe() + " is left out: it begins before the file does (edit list)"}
	}
	if container == containerMP4 && !slices.Contains(videoInMP4, s.Codec) {
		return fate{note: s.Describe() + " is left out: MP4 does not hold it"}
	}
	return fate{keep: true}
}

// Limits says at submission what will be converted or left out of a source, one sentence each. The video
// that is encoded is the first one of f.Video. path is the source's.
func Limits(
	ctx context.Context, tools media.Tools, path string, f *media.File, set pipeline.Settings,
) (notes []string, err error) {
	for _, s := range others(f) {
		if note := fateOf(f, s, set).note; note != "" {
			notes = append(notes, note)
		}
	}
	if set.Container == containerMP4 {
		found, err := readChapters(ctx, tools, path, f, containerMP4)
		if err != nil {
			return nil, err
		}
		notes = slices.Concat(notes, limitsOfTexts(f), limitsOfChapters(f, found))
	}
	if video := f.Video(); len(video) > 0 {
		notes = append(notes, limitsOfLayout(f, video[0], string(set.Container))...)
	}
	return notes, nil
}

func limitsOfChapters(f *media.File, found *chapters) []string {
	switch {
	case found != nil:
		return found.notes
	case isMatroska(f) && len(f.Chapters) > 0:
		return []string{"chapters keep the times and names that ffmpeg finds; MP4 holds neither their languages nor nested " +
			"ones"}
	}
	return nil
}

// limitsOfLayout tells of pictures that only some players know how to show.
func limitsOfLayout(f *media.File, video media.Stream, container string) (notes []string) {
	if video.Stereo != "" && (container == containerMP4 || !isMatroska(f) && stereoModes[video.Stereo] == "") {
		notes = append(notes, fmt.Sprintf("The source is in 3D (%s); its pictures stay as they are, but that they are 3D "+
			"is not kept.", video.Stereo))
	}
	if video.Spherical && (container == containerMP4 || !isMatroska(f)) {
		notes = append(notes, "The source is a 360° video; its pictures stay as they are, but that they are meant for all "+
			"directions is not kept.")
	}
	return notes
}

func limitsOfTexts(f *media.File) []string {
	var notes []string
	var custom []string
	for key := range texts(f.Format.Tags) {
		if !slices.Contains(mp4Tags, key) {
			custom = append(custom, key)
		}
	}
	if slices.Sort(custom); len(custom) > 0 {
		notes = append(notes, "MP4 does not hold these tags, they are left out: "+strings.Join(custom, ", "))
	}
	if !isMatroska(f) {
		return notes
	}
	for _, s := range f.Streams {
		if tags := trackTags(s); len(tags) > 0 && s.Type != "attachment" && !s.AttachedPic() {
			notes = append(notes, fmt.Sprintf("MP4 holds no tags of a track, those of %s are left out: %s", s.Describe(),
				strings.Join(slices.Sorted(maps.Keys(tags)), ", ")))
		}
	}
	return notes
}

// mp4Tags are the global tags for which ffmpeg's MP4 muxer has an atom.
var mp4Tags = []string{
	"title", "artist", "album_artist", "composer", "album", "date", "comment", "genre", "copyright", "grouping", "lyrics",
	"description", "synopsis", "show", "episode_id", "network", "keywords", "track", "disc", "location", "media_type",
	"hd_video",
	"gapless_playback", "compilation", "season_number", "episode_sort",
}

// others are the streams beside the video that is encoded, in file order.
func others(f *media.File) []media.Stream {
	video := f.Video()
	var out []media.Stream
	for _, s := range f.Streams {
		if len(video) == 0 || s.Index != video[0].Index {
			out = append(out, s)
		}
	}
	return out
}

func isMatroska(f *media.File) bool { return strings.HasPrefix(f.Format.Name, "matroska") }

// codingTags tell of a stream's coding, not of what it shows: an encode has others. The last two are what ffmpeg makes
// of Matroska's AlphaMode and StereoMode, which are no tags.
var codingTags = []string{
	"encoder", "duration", "number_of_frames", "number_of_bytes", "bps", "_statistics_writing_app",
	"_statistics_writing_date_utc", "_statistics_tags", "alpha_mode", "stereo_mode",
}

// muxerTags are those and what muxers write about themselves or have another place for: they belong to a file, not to
// what is in it.
var muxerTags = append([]string{
	"major_brand", "minor_version", "compatible_brands", "creation_time", "handler_name", "vendor_id", "language",
	"timecode",
}, codingTags...)

// trackTags are a track's custom tags: its name has a place of its own.
func trackTags(s media.Stream) map[string]string {
	tags := texts(s.Tags)
	for _, own := range []string{"title", "filename", "mimetype"} {
		delete(tags, own)
	}
	return tags
}

// texts returns the tags that people gave, with keys in lower case.
func texts(tags map[string]string) map[string]string {
	out := map[string]string{}
	for key, value := range tags {
		key, _, _ = strings.Cut(strings.ToLower(key), "-eng")
		if !slices.Contains(muxerTags, key) {
			out[key] = value
		}
	}
	return out
}
