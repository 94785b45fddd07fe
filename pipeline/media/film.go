package media

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
)

// Program is one of several that a transport stream holds, such as a television channel.
type Program struct {
	Number  int               `json:"program_num"`
	Tags    map[string]string // service_name is its name
	Streams []struct{ Index int }
}

// Describe names a program for a person.
func (p Program) Describe() string {
	if p.Tags["service_name"] == "" {
		return strconv.Itoa(p.Number)
	}
	return fmt.Sprintf("%d (%q)", p.Number, p.Tags["service_name"])
}

// holds reports whether a stream belongs to the program; it may belong to several.
func (p Program) holds(s Stream) bool {
	return slices.ContainsFunc(p.Streams, func(in struct{ Index int }) bool { return in.Index == s.Index })
}

// stills are codecs of single pictures. A film may be in one, but beside another film it is a cover or a slide show.
var stills = []string{"mjpeg", "png", "apng", "gif", "bmp", "tiff", "webp", "jpeg2000", "jpegls", "ljpeg"}

// Video lists the streams that show moving pictures, the film first: covers and thumbnails are none. The film is the
// first stream in the file that is not of single pictures and has more than one, if there is such a stream.
func (f *File) Video() []Stream {
	var out []Stream
	for _, s := range f.Streams {
		if s.Type == "video" && !s.AttachedPic() && !s.Disposition["timed_thumbnails"] {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b Stream) int { return cmp.Compare(f.unlikely(a), f.unlikely(b)) })
	return out
}

// unlikely is the higher the less likely a stream is the film.
func (f *File) unlikely(s Stream) (n int) {
	if f.single[s.Index] {
		n += 2
	}
	if slices.Contains(stills, s.Codec) {
		n++
	}
	return n
}

// ProgramOf finds the program of the film; nil if the file has fewer than two programs.
func (f *File) ProgramOf(film Stream) *Program {
	i := slices.IndexFunc(f.Programs, func(p Program) bool { return p.holds(film) })
	if i < 0 || len(f.Programs) < 2 {
		return nil
	}
	return &f.Programs[i]
}

// Foreign finds the program that a stream belongs to if that is not the film's; nil if it is not.
func (f *File) Foreign(s Stream) *Program {
	video := f.Video()
	if len(video) == 0 {
		return nil
	}
	film, other := f.ProgramOf(video[0]), f.ProgramOf(s)
	if film == nil || other == nil || film.holds(s) {
		return nil
	}
	return other
}

// findSingle looks which of several video streams show one picture in their first minute at most: a container does not
// tell, and a film may stand behind it.
func (t Tools) findSingle(ctx context.Context, path string, f *File) error {
	videos := f.Video()
	if len(videos) < 2 {
		return nil
	}
	packets := map[int]int{}
	_, err := t.eachPacket(ctx, path, []string{"-select_streams", "v", "-read_intervals", "%+60"}, allFields,
		func(p Packet) error {
			packets[p.Stream]++
			return nil
		})
	f.single = map[int]bool{}
	for _, s := range videos {
		f.single[s.Index] = packets[s.Index] < 2
	}
	return err
}
