package merge

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// trackProperties are properties of the source's video track as mkvmerge -J names them. With hyphens they are
// the names of mkvmerge's options. They stand in the container, where an encoder never sees them.
var trackProperties = []string{
	"display_dimensions", "cropping", "stereo_mode",
	"color_matrix_coefficients", "color_range", "color_transfer_characteristics", "color_primaries", "chroma_siting",
	"max_content_light", "max_frame_light", "chromaticity_coordinates", "white_color_coordinates", "max_luminance",
	"min_luminance",
	"projection_type", "projection_private", "projection_pose_yaw", "projection_pose_pitch", "projection_pose_roll",
}

// stereoModes are Matroska's numbers (RFC 9559, 18.10) for the layouts that MP4 has.
var stereoModes = map[string]string{
	"side by side": "1", "side by side, inverted": "11", "top and bottom": "3", "top and bottom, inverted": "2",
}

// flags are mkvmerge's options for what ffprobe calls dispositions.
var flags = []struct{ option, disposition string }{
	{"--default-track-flag", "default"},
	{"--forced-display-flag", "forced"},
	{"--hearing-impaired-flag", "hearing_impaired"},
	{"--visual-impaired-flag", "visual_impaired"},
	{"--text-descriptions-flag", "descriptions"},
	{"--original-flag", "original"},
	{"--commentary-flag", "comment"},
}

// trackOptions describe the encoded video as the source describes its own.
func trackOptions(req Request, source *media.File, side *side) ([]string, error) {
	video, track := source.Video()[0], side.tracks[side.at]
	var args []string
	set := func(option, value string) {
		if value != "" {
			args = append(args, option, "0:"+value)
		}
	}
	if isMatroska(source) {
		if unit := track.text("display_unit"); unit != "" && unit != "0" {
			delete(track.Properties, "display_dimensions") // an aspect ratio or centimetres: the encoder's SAR has it
		}
		reshape(track, req.Plan)
		for _, name := range trackProperties {
			set("--"+strings.ReplaceAll(name, "_", "-"), track.option(name))
		}
	} else {
		set("--stereo-mode", stereoModes[video.Stereo])
		if video.Rotation != 0 {
			set("--projection-pose-roll", strconv.Itoa(video.Rotation))
		}
		if video.ColorRange == "tv" { // encoders leave it out where nothing else is known of the colours
			set("--color-range", "1")
		}
	}
	if !isMatroska(source) || track.text("max_luminance") == "" { // known from the bitstream only, or from MP4's boxes
		args = append(args, hdrOptions(req.Plan.Video.MasterDisplay, req.Plan.Video.MaxCLL)...)
	}
	texts, err := textOptions(req, 0, video, track, side.tags)
	return append(args, texts...), err
}

// option is a property as mkvmerge's option takes it. It tells of 0.0001 cd/m² as 9.999999747378752e-05, does not
// understand that, and reads 0.00009999999747378752 as another number: its digits have to fit into 64 bits.
func (t mkvTrack) option(name string) string {
	var f float64
	if json.Unmarshal(t.Properties[name], &f) != nil {
		return t.text(name)
	}
	return decimals(f)
}

// decimals keep more than the 24 bits that Matroska has for such a number.
func decimals(list ...float64) string {
	var out []string
	for _, f := range list {
		n := strconv.FormatFloat(f, 'f', 12, 64)
		out = append(out, strings.TrimRight(strings.TrimRight(n, "0"), "."))
	}
	return strings.Join(out, ",")
}

// textOptions give an encoded track what people wrote about it: flags, language, name, tags. id is its
// number in the file that mkvmerge takes it from, tags are all of a source that is Matroska.
func textOptions(req Request, id int, s media.Stream, track mkvTrack, tags []node) ([]string, error) {
	var args []string
	set := func(option, value string) {
		if value != "" {
			args = append(args, option, strconv.Itoa(id)+":"+value)
		}
	}
	for _, f := range flags {
		// A flag that is not written is not the same as 0 to mkvmerge: it has a default for the first.
		if on := s.Disposition[f.disposition]; on || f.disposition == "default" || f.disposition == "forced" {
			set(f.option, strconv.Itoa(map[bool]int{true: 1}[on]))
		}
	}
	language := track.text("language_ietf")
	if language == "" {
		language = s.Tags["language"]
	}
	set("--language", language)
	own, title := simpleTags(trackTags(s)), s.Tags["title"]
	if uid := track.text("uid"); uid != "" && isMatroska(req.Prepared.source) {
		own, title = tagsOf(tags, uid), track.text("track_name") // ffprobe takes a tag TITLE for a name
	}
	set("--track-name", title)
	name, err := writeTags(filepath.Join(req.WorkDir, fmt.Sprintf("tags%d.xml", s.Index)), own)
	set("--tags", name)
	return args, err
}

// reshape brings what the source's track says of its size to the output's. How large it is shown follows
// from the encoder's SAR.
func reshape(track mkvTrack, plan *pipeline.Plan) {
	v, out := plan.Video, plan.Out
	if out.Width == v.Width && out.Height == v.Height {
		return
	}
	delete(track.Properties, "display_dimensions")
	var left, top, right, bottom int
	if n, _ := fmt.Sscanf(track.text("cropping"), "%d,%d,%d,%d", &left, &top, &right, &bottom); n == 4 && v.Width > 0 &&
		v.Height > 0 {
		kept := out.Kept(v)
		x := func(n, cut int) int { return max(0, n-cut) * out.Width / kept.Width }
		y := func(n, cut int) int { return max(0, n-cut) * out.Height / kept.Height }
		right, bottom := x(right, v.Width-kept.X-kept.Width), y(bottom, v.Height-kept.Y-kept.Height)
		left, top = x(left, kept.X), y(top, kept.Y)
		track.Properties["cropping"], _ = json.Marshal(fmt.Sprintf("%d,%d,%d,%d", left, top, right, bottom))
	}
}

// hdrOptions turn encoders' notation of HDR10 metadata into mkvmerge's.
func hdrOptions(masterDisplay, maxCLL string) []string {
	var args []string
	var gx, gy, bx, by, rx, ry, wx, wy, high, low float64
	n, _ := fmt.Sscanf(masterDisplay, "G(%g,%g)B(%g,%g)R(%g,%g)WP(%g,%g)L(%g,%g)", &gx, &gy, &bx, &by, &rx, &ry, &wx, &wy,
		&high, &low)
	if n == 10 {
		const xy, cd = 50000, 10000 // units of 0.00002 and of 0.0001 cd/m²
		args = append(args,
			"--chromaticity-coordinates", "0:"+decimals(rx/xy, ry/xy, gx/xy, gy/xy, bx/xy, by/xy),
			"--white-color-coordinates", "0:"+decimals(wx/xy, wy/xy),
			"--max-luminance", "0:"+decimals(high/cd), "--min-luminance", "0:"+decimals(low/cd))
	}
	if content, average, ok := strings.Cut(maxCLL, ","); ok {
		args = append(args, "--max-content-light", "0:"+content, "--max-frame-light", "0:"+average)
	}
	return args
}
