package encode

import (
	"fmt"
	"slices"

	"github.com/distenc/distenc/pipeline"
)

// light finds out which lines and columns of pictures are lit. ffmpeg makes two small pictures of each, side by side:
// in one a line is a line of the picture, in the other a column of it. A point of theirs is the mean of a cell, some
// points in a row: noise, a hot pixel and what a codec leaves at the edge of a bar vanish in it, letters don't.
type light struct {
	width, height int              // of the source's pictures
	across, down  int              // cells in a line, and in a column
	taken         func(frames int) // called after each picture; never nil

	picture      []byte // what has come of the next one
	frames, dark int
	rows, cols   edges
}

// A cell is a thirtieth of the width, which is about a letter of a subtitle, within bounds.
const cellsAcross, leastCell, largestCell = 30, 8, 64

// Means in full range, 0 to 255. A cell up to black is black, which is 24 in limited range, as ffmpeg's cropdetect has
// it: recordings have bars a few steps above black. In PQ it is a fortieth of a candela. A picture of which no cell is
// above dim says nothing: it may be a fade, or what an old recording has for black.
const (
	black = 9
	dim   = 32
)

func newLight(v pipeline.Video) *light {
	cell := min(largestCell, max(leastCell, v.Width/cellsAcross))
	return &light{
		width: v.Width, height: v.Height, across: ceil(v.Width, cell), down: ceil(v.Height, cell), taken: func(int) {},
	}
}

// filters make what Write takes of each of the chunk's pictures, grey and in full range whatever they are in. Where it
// knows the matrix, ffmpeg 9 makes grey of RGB, to which a bar's first line has the chroma of the picture beside it.
func (l *light) filters(v pipeline.Video, in input) string {
	small := func(w, h int) string { return fmt.Sprintf("scale=w=%d:h=%d:flags=area,format=gray", w, h) }
	fill := func(w int) string { return fmt.Sprintf("pad=w=%d:h=%d", w, l.lines()) }
	return fmt.Sprintf("trim=%s,setparams=colorspace=unknown,%s,format=gray,split[a][b];"+
		"[a]%s,%s[rows];[b]%s,transpose=dir=cclock_flip,%s[columns];"+
		"[rows][columns]hstack", in.trim, scale(v.Width, v.Height, inRange(v), "pc", false),
		small(l.across, l.height), fill(l.across), small(l.width, l.down), fill(l.down))
}

// lines is how many there are in what Write takes.
func (l *light) lines() int { return max(l.width, l.height) }

// Write takes the small pictures from ffmpeg.
func (l *light) Write(b []byte) (int, error) {
	size, n := (l.across+l.down)*l.lines(), len(b)
	for len(b) > 0 {
		part := min(size-len(l.picture), len(b))
		l.picture, b = append(l.picture, b[:part]...), b[part:]
		if len(l.picture) == size {
			l.take()
			l.picture = l.picture[:0]
			l.taken(l.frames)
		}
	}
	return n, nil
}

// take measures a picture.
func (l *light) take() {
	l.frames++
	if slices.Max(l.picture) <= dim {
		l.dark++
		return
	}
	l.rows.widen(l.height, func(y int) bool { return l.lit(y, 0, l.across) })
	l.cols.widen(l.width, func(x int) bool { return l.lit(x, l.across, l.down) })
}

// lit reports whether one of n cells in a line of the small pictures is not black.
func (l *light) lit(line, from, n int) bool {
	from += line * (l.across + l.down)
	return slices.Max(l.picture[from:from+n]) > black
}

// part is what is lit in any of the pictures. A line thinner than a cell lights its row and no column, so that it does
// not tell where it ends.
func (l *light) part() pipeline.Rect {
	if l.frames == l.dark {
		return pipeline.Rect{}
	}
	x, y := l.cols.or(l.width), l.rows.or(l.height)
	return pipeline.Rect{Width: x.behind - x.first, Height: y.behind - y.first, X: x.first, Y: y.first}
}

// edges are the first line that is lit and the one behind the last; at first there is none.
type edges struct{ first, behind int }

// widen takes in n lines.
func (e *edges) widen(n int, lit func(line int) bool) {
	first, behind := 0, n
	for first < n && !lit(first) {
		first++
	}
	if first == n {
		return
	}
	for !lit(behind - 1) {
		behind--
	}
	if e.behind > 0 {
		first, behind = min(first, e.first), max(behind, e.behind)
	}
	*e = edges{first, behind}
}

// or is all n lines where none was lit.
func (e edges) or(n int) edges {
	if e.behind == 0 {
		return edges{0, n}
	}
	return e
}
