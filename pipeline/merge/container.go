package merge

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// reportContainer compares what is not a packet. Between two Matroska files nothing may be lost; what
// other containers lose is noted.
func reportContainer(r *Report, src, out *media.File) {
	lost := Note
	if isMatroska(src) && isMatroska(out) {
		lost = Bad
	}
	compareVideo(r, src.Video()[0], out.Video()[0])
	compareTrack(r, src.Video()[0], out.Video()[0], containerOf(out))
	a, b := src.Chapters, out.Chapters
	same := slices.EqualFunc(a, b, func(x, y media.Chapter) bool {
		return x.Tags["title"] == y.Tags["title"] && math.Abs(x.Start-y.Start) < 0.0011
	})
	r.check(same, unlessNone(len(a), lost), "chapters: %d, %d found%s", len(a), len(b),
		unless(same, ", times or names differ"))
	tags, found := texts(src.Format.Tags), texts(out.Format.Tags)
	r.check(contains(found, tags), lost, "global tags: %d%s", len(tags),
		unless(contains(found, tags), fmt.Sprintf(", lost or changed: %s", missing(found, tags))))
	files, kept := attachments(src), attachments(out)
	same = slices.Equal(files, kept)
	r.check(same, unlessNone(len(files), lost), "attachments: %d, %d found%s", len(files), len(kept),
		unless(same, ", names or SHA-256 differ"))
}

// unlessNone makes a note of what the output has and the source seems not to have: mkvmerge finds what stands behind
// the pictures of a file without an index, ffprobe does not.
func unlessNone(n int, lost Verdict) Verdict {
	if n == 0 {
		return Note
	}
	return lost
}

func unless(good bool, text string) string {
	if good {
		return ""
	}
	return text
}

// attachments lists names and SHA-256 (ffprobe has an attachment's content as the stream's extradata).
// Covers are compared as streams.
func attachments(f *media.File) []string {
	var list []string
	for _, s := range f.Streams {
		if s.Type == "attachment" {
			list = append(list, strings.Join([]string{s.Tags["filename"], s.Tags["mimetype"], s.ExtradataSHA256}, "\x00"))
		}
	}
	slices.Sort(list)
	return list
}

// compareVideo notes what players show differently.
func compareVideo(r *Report, a, b media.Stream) {
	for _, p := range []struct {
		name     string
		src, out any
	}{
		{"size", fmt.Sprint(a.Width, "×", a.Height), fmt.Sprint(b.Width, "×", b.Height)},
		{"sample aspect ratio", square(a.SAR), square(b.SAR)},
		{"color range", a.ColorRange, b.ColorRange},
		{"color matrix", a.ColorSpace, b.ColorSpace},
		{"color transfer", a.ColorTransfer, b.ColorTransfer},
		{"color primaries", a.ColorPrimary, b.ColorPrimary},
		{"field order", cmp.Or(a.FieldOrder, progressive), cmp.Or(b.FieldOrder, progressive)},
		{"rotation", a.Rotation, b.Rotation},
		{"mastering display", a.HDR.MasterDisplay, b.HDR.MasterDisplay},
		{"light level", a.HDR.MaxCLL, b.HDR.MaxCLL},
	} {
		if p.src != p.out && p.src != "" {
			r.add(Note, "video %s: %v became %v", p.name, p.src, p.out)
		}
	}
}

// progressive is the order of fields that a video has of which neither its container nor its stream says any, as those
// of AV1 and mostly of HEVC don't.
const progressive = "progressive"

// square maps an unknown aspect ratio to 1:1, as players do.
func square(r pipeline.Rational) pipeline.Rational {
	if !r.Valid() {
		return pipeline.Rational{Num: 1, Den: 1}
	}
	return r
}

// compareTrack notes a track's language, name and flags where they changed.
func compareTrack(r *Report, a, b media.Stream, container string) {
	name := a.Describe()
	language := func(s media.Stream) string { return strings.TrimSuffix(s.Tags["language"], "und") }
	if language(a) != language(b) {
		r.add(Note, "%s: language %q became %q", name, language(a), language(b))
	}
	title := b.Tags["title"]
	if title == "" {
		title = b.Tags["handler_name"]
	}
	if want := a.Tags["title"]; want != "" && want != title {
		r.add(Note, "%s: its name became %q", name, title)
	}
	if lost := missing(trackTags(b), trackTags(a)); lost != "" && !a.AttachedPic() {
		r.add(Note, "%s: tags lost or changed: %s", name, lost)
	}
	if container == containerMKV && !a.AttachedPic() && !maps.Equal(a.Disposition, b.Disposition) { // MP4 has but one flag
		r.add(Note, "%s: flags %s became %s", name, dispositions(a), dispositions(b))
	}
}

func contains(have, want map[string]string) bool { return missing(have, want) == "" }

func missing(have, want map[string]string) string {
	var list []string
	for key, value := range want {
		if have[key] != value {
			list = append(list, key)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
