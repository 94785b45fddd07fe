package merge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline/media"
)

// chapters are what MP4 holds of a Matroska source's: one list, in the order in which the film is stored. ffmpeg itself
// gives each chapter its last name, and makes chapters too of what is hidden or lies in another file.
type chapters struct {
	list  []chapter
	notes []string // on what is not kept
}

type chapter struct {
	start, end time.Duration // end 0: where the next one begins
	name       string
}

// readChapters returns nil where those that ffmpeg finds are taken: of a source that is no Matroska, or that mkvtoolnix
// does not read.
func readChapters(
	ctx context.Context, tools media.Tools, path string, source *media.File, container string,
) (*chapters, error) {
	if !isMatroska(source) || container != containerMP4 {
		return nil, nil
	}
	c := &chapters{}
	s, err := identify(ctx, tools, path)
	if err == nil {
		if s.uid("prev-uid")+s.uid("next-uid") != "" {
			c.note("The source is linked to the file that goes before it or behind it. MP4 holds no such link, nor the number " +
				"by which other files are linked to the source (segment UID).")
		}
		var editions []node
		editions, err = readXML(ctx, tools, path, "chapters")
		if err == nil && (len(editions) > 0 || len(source.Chapters) == 0) {
			c.choose(editions, s.uid("segment-uid"))
			return c, nil
		}
	}
	if exit, failed := errors.AsType[*media.ExitError](err); ctx.Err() != nil || failed && !media.Settles(exit) {
		return nil, err
	}
	return nil, nil
}

func (c *chapters) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// choose takes from one edition what a menu shows. own is the UID of the source's segment.
func (c *chapters) choose(editions []node, own string) {
	if slices.ContainsFunc(editions, func(e node) bool { return e.child("EditionFlagOrdered") == "1" }) {
		c.note("The source has ordered chapters, by which players show its parts in another order, or parts of other " +
			"files. MP4 has no such thing: the film is encoded as it is stored.")
	}
	if len(editions) > 1 {
		c.note("The source has %d lists of chapters (editions); MP4 holds one, that which is shown by default.",
			len(editions))
	}
	hidden, elsewhere := 0, 0
	for _, atom := range shown(editions).Nodes {
		segment := strings.Join(strings.Fields(atom.child("ChapterSegmentUID")), "")
		switch {
		case atom.XMLName.Local != "ChapterAtom":
		case segment != "" && !strings.EqualFold(segment, own):
			elsewhere++
		case atom.child("ChapterFlagHidden") == "1" || atom.child("ChapterFlagEnabled") == "0":
			hidden++
		default:
			c.list = append(c.list, atom.chapter())
		}
	}
	slices.SortStableFunc(c.list, func(a, b chapter) int { return cmp.Compare(a.start, b.start) })
	if len(c.list) > 0 && c.list[0].start > 0 { // MP4's list begins with the film: ffmpeg would move all of it
		c.list = append([]chapter{{}}, c.list...)
	}
	if elsewhere > 0 {
		c.note("chapters that are left out because they lie in another file: %d; the MP4 does not show what is there",
			elsewhere)
	}
	if hidden > 0 {
		c.note("chapters that are left out because they are hidden: %d", hidden)
	}
	if len(c.list) > 0 {
		c.note(plainChapters)
	}
}

// plainChapters is said of any of Matroska's chapters in MP4.
const plainChapters = "chapters keep times and first names; MP4 holds neither their languages nor nested ones"

// shown is the edition that players begin with; empty if all are hidden.
func shown(editions []node) (first node) {
	for _, e := range editions {
		switch {
		case e.child("EditionFlagHidden") == "1":
		case e.child("EditionFlagDefault") == "1":
			return e
		case len(first.Nodes) == 0:
			first = e
		}
	}
	return first
}

// chapter reads a ChapterAtom.
func (n node) chapter() (c chapter) {
	c.start, c.end = moment(n.child("ChapterTimeStart")), moment(n.child("ChapterTimeEnd"))
	for _, display := range slices.Backward(n.Nodes) {
		if display.XMLName.Local == "ChapterDisplay" {
			c.name = display.child("ChapterString")
		}
	}
	return c
}

// moment reads mkvextract's 01:02:03.123456789; 0 if that is not there.
func moment(text string) time.Duration {
	h, rest, _ := strings.Cut(text, ":")
	m, s, _ := strings.Cut(rest, ":")
	d, _ := time.ParseDuration(h + "h" + m + "m" + s + "s")
	return d
}

// as describes a file with these chapters in place of ffmpeg's.
func (c *chapters) as(f *media.File) *media.File {
	if c == nil {
		return f
	}
	changed := *f
	changed.Chapters = nil
	for _, k := range c.list {
		changed.Chapters = append(changed.Chapters, media.Chapter{
			Start: k.start.Seconds(), Tags: map[string]string{"title": k.name},
		})
	}
	return &changed
}

// input returns ffmpeg's arguments that open the chapters as its input number n, none if there is nothing to open, and
// those that take them.
func (c *chapters) input(name string, n int, end time.Duration) (open, take []string, err error) {
	switch {
	case c == nil:
		return nil, []string{"-map_chapters", "0"}, nil
	case len(c.list) == 0:
		return nil, []string{"-map_chapters", "-1"}, nil
	}
	open = []string{"-protocol_whitelist", "file", "-f", "ffmetadata", "-i", media.URL(name)}
	return open, []string{"-map_chapters", strconv.Itoa(n)}, os.WriteFile(name, []byte(c.ffmetadata(end)), 0o600)
}

// ffmetadata writes the chapters for ffmpeg (its documentation's chapter "Metadata"); end is the film's.
func (c *chapters) ffmetadata(end time.Duration) string {
	escape := strings.NewReplacer("\\", "\\\\", "=", "\\=", ";", "\\;", "#", "\\#", "\n", "\\\n")
	var b strings.Builder
	b.WriteString(";FFMETADATA1\n")
	for i, k := range c.list {
		switch {
		case k.end > k.start:
		case i+1 < len(c.list):
			k.end = c.list[i+1].start
		default:
			k.end = max(k.start, end)
		}
		fmt.Fprintf(&b, "[CHAPTER]\nTIMEBASE=1/1000000000\nSTART=%d\nEND=%d\ntitle=%s\n", k.start, k.end,
			escape.Replace(k.name))
	}
	return b.String()
}
