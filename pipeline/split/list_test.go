package split

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// packets makes a list from presentation times in file order; k tells which are key packets.
func packets(pts []int64, k ...int) *media.Packets {
	p := &media.Packets{PTS: pts, DTS: make([]int64, len(pts)), Size: make([]uint32, len(pts)),
		Flags: make([]uint8, len(pts))}
	for i := range pts {
		p.DTS[i] = int64(i)
	}
	for _, i := range k {
		p.Flags[i] = media.Key
	}
	return p
}

func mustList(t *testing.T, p *media.Packets) *list {
	t.Helper()
	l, err := readList(p)
	require.NoError(t, err)
	return l
}

func TestLeadingPicturesBelongToTheChunkBefore(t *testing.T) {
	// open GOP: I0 P3 B1 B2 | I6 B4 B5 P9 B7 B8
	l := mustList(t, packets([]int64{0, 3, 1, 2, 6, 4, 5, 9, 7, 8}, 0, 4))
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, l.pts)
	cuts, inside := l.cuts(true)
	require.Equal(t, []cut{{packet: 1, key: -1, pts: 3}, {packet: 7, key: 1, pts: 9}}, inside)
	require.Equal(t, 3, l.lastLeading(inside[0]))
	require.Equal(t, []cut{{packet: 4, key: 1, pts: 6}}, cuts)
	require.Equal(t, 6, l.lastLeading(cuts[0]))

	plan := &pipeline.Plan{Settings: pipeline.Settings{Chunk: 5},
		Video: pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1}}}
	chunks := l.chunks(plan, pipeline.KindPiece, 0, false)
	require.Len(t, chunks, 2)
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5}, chunks[0].PTS.All())
	require.Equal(t, 7, chunks[0].Packets) // up to B5, behind the next key packet
	require.Equal(t, []int64{6, 7, 8, 9}, chunks[1].PTS.All())
	require.Equal(t, []int64{6, 4, 6}, []int64{chunks[1].Start, int64(chunks[1].Packets) - 2, chunks[1].Key})
	require.Equal(t, int64(10), chunks[1].End)
	require.Equal(t, 6, chunks[1].First)
}

func TestAKeyWithLaterFramesBeforeItIsNoCut(t *testing.T) {
	l := mustList(t, packets([]int64{0, 5, 1, 4, 6}, 0, 3)) // 5 stands before the key packet 4
	keys, inside := l.cuts(true)
	require.Empty(t, keys)
	require.Equal(t, []cut{{packet: 1, key: -1, pts: 5}, {packet: 4, key: -1, pts: 6}}, inside)
	require.Equal(t, 3, l.lastLeading(inside[0]))
}

func TestFramesBeforeTheFirstKeyAreLeftOut(t *testing.T) {
	l := mustList(t, packets([]int64{0, 1, 2, 3}, 2))
	require.Equal(t, []int64{2, 3}, l.pts)
}

func TestHiddenPacketsAreNoFrames(t *testing.T) {
	p := packets([]int64{0, 1, 2, 3}, 0)
	p.Flags[0] |= media.Discard
	p.Flags[1] |= media.Discard
	require.Equal(t, []int64{2, 3}, mustList(t, p).pts)
	require.True(t, hidden(p))
}

func TestUnsoundLists(t *testing.T) {
	none := packets([]int64{0, 1})
	repeated := packets([]int64{0, 1, 1}, 0)
	missing := packets([]int64{0, media.NoPTS}, 0)
	shown := packets([]int64{0}, 0)
	shown.Flags[0] |= media.Discard
	for _, p := range []*media.Packets{none, repeated, missing, shown} {
		_, err := readList(p)
		require.Error(t, err)
	}
	back := packets([]int64{0, 1, 2}, 0, 1, 2)
	back.DTS[2] = 0
	l := mustList(t, back)
	require.Error(t, l.whole)
	keys, inside := l.cuts(true)
	require.Empty(t, keys)
	require.Empty(t, inside)
}

func TestMatchHead(t *testing.T) {
	open := []int64{6, 4, 5, 9, 7, 8} // begins within an open GOP
	for name, c := range map[string]struct {
		head    []int64
		first   int64
		refused bool
	}{
		"all":            {[]int64{4, 5, 6, 7, 8, 9}, 4, false},
		"earlier too":    {[]int64{1, 2, 4, 5, 6, 7, 8, 9}, 4, false},
		"no leading":     {[]int64{6, 7, 8, 9}, 6, false},
		"a hole":         {[]int64{4, 5, 6, 8, 9}, 0, true},
		"other times":    {[]int64{4, 5, 6, 7, 8, 10}, 0, true},
		"nothing at all": {nil, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			l, plan := mustList(t, packets(slices.Clone(open), 0)), &pipeline.Plan{}
			err := matchHead(plan, l, media.Head{Packets: media.HeadPackets, PTS: c.head})
			require.Equal(t, c.refused, err != nil)
			if err == nil {
				require.Equal(t, c.first, l.pts[0])
				require.Equal(t, c.first != 4, len(plan.Notes) == 1)
			}
		})
	}
}

// TestChunksHoldEveryFrameOnce cuts random streams: whatever the keys and lengths are, the chunks' frames
// are the list's, in order, within the chunk's range.
func TestChunksHoldEveryFrameOnce(t *testing.T) {
	r, inside := rand.New(rand.NewPCG(1, 2)), 0
	for range 300 {
		n := 1 + r.IntN(400)
		pts := make([]int64, n)
		keys := []int{0}
		t0 := int64(r.IntN(1000) - 500)
		for i := range pts {
			pts[i] = t0
			t0 += 1 + int64(r.IntN(80))
			if i > 0 && r.IntN(12) == 0 {
				keys = append(keys, i)
			}
		}
		for i := 2; i < n; i += 3 { // a B-frame each, sometimes a leading one
			pts[i], pts[i-1] = pts[i-1], pts[i]
		}
		seconds := 0.2 + r.Float64()*5
		checkChunks(t, packets(pts, keys...), seconds, 0)
		inside += checkChunks(t, packets(pts, keys...), seconds, manySlots+r.IntN(200))
	}
	require.Positive(t, inside)
}

// checkChunks returns how many chunks begin inside a group of pictures.
func checkChunks(t *testing.T, p *media.Packets, seconds float64, slots int) (inside int) {
	l := mustList(t, p)
	plan := &pipeline.Plan{Settings: pipeline.Settings{Chunk: seconds},
		Video: pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1000}}}
	l.divide(plan, pipeline.KindPiece, slots)
	require.Len(t, plan.Notes, min(slots, 1)) // where the farm is wide, that there are no pieces
	chunks := plan.Chunks
	var all []int64
	for i, c := range chunks {
		require.Equal(t, i, c.Index)
		require.Equal(t, len(all), c.First)
		pts := c.PTS.All()
		require.NotEmpty(t, pts)
		require.LessOrEqual(t, c.Start, pts[0])
		require.Less(t, pts[len(pts)-1], c.End)
		require.GreaterOrEqual(t, c.Packets, len(pts)-1)
		switch {
		case i == 0:
			require.Empty(t, c.Seeks)
		case c.Start == c.Key:
			require.Equal(t, chunks[i-1].End, c.Start)
			require.GreaterOrEqual(t, c.Seeks[0], c.Key)
		default:
			inside++
			require.Equal(t, chunks[i-1].End, c.Start)
			require.Equal(t, pipeline.KindRange, c.Kind)
			l.decodable(t, c)
		}
		all = append(all, pts...)
	}
	require.Equal(t, l.pts, all)
	return inside
}

// decodable is that what a chunk shows stands behind the key packet that decoding begins at, and that nothing of it is
// shown in front of that.
func (l *list) decodable(t *testing.T, c pipeline.Chunk) {
	key := l.first + c.At
	require.NotZero(t, l.p.Flags[key]&media.Key)
	require.Equal(t, c.Key, l.p.PTS[key])
	shown := slices.Sorted(slices.Values(l.p.PTS[key : key+c.Packets]))
	pts := c.PTS.All()
	from, found := slices.BinarySearch(shown, pts[0])
	require.True(t, found)
	require.Equal(t, pts, shown[from:from+len(pts)])
	if len(c.Seeks) > 0 {
		require.Less(t, c.Key, c.Start)
		require.GreaterOrEqual(t, c.Seeks[0], c.Key)
	}
}

func TestChunksAreAboutEquallyLong(t *testing.T) {
	var pts []int64
	var keys []int
	for i := range 3000 { // 120 s of 25 fps, a key each 2 s
		pts = append(pts, int64(i)*40)
		if i%50 == 0 {
			keys = append(keys, i)
		}
	}
	l := mustList(t, packets(pts, keys...))
	plan := &pipeline.Plan{Settings: pipeline.Settings{Chunk: 20},
		Video: pipeline.Video{TimeBase: pipeline.Rational{Num: 1, Den: 1000}}}
	chunks := l.chunks(plan, pipeline.KindRange, 0, false)
	require.Len(t, chunks, 6)
	for _, c := range chunks {
		require.Equal(t, 500, c.PTS.Len())
	}
	key := chunks[3].Key
	require.Equal(t, []int64{key + 132, key, key - 2000, key - 6000}, chunks[3].Seeks)
}

func TestFieldOrder(t *testing.T) {
	order := func(container, order string, head media.Head) string {
		return fieldOrder(&Source{File: &media.File{Format: media.Format{Name: container}},
			Stream: media.Stream{Pictures: media.Pictures{FieldOrder: order}}, Head: head})
	}
	require.Equal(t, "progressive", order("mov", "", media.Head{}))
	require.Equal(t, "tt", order("mov", "tt", media.Head{}))
	require.Equal(t, "progressive", order("mov", "tt", media.Head{Repeats: true})) // telecine
	require.Equal(t, "tt", order("mov", "bt", media.Head{Interlaced: true, TopFirst: true}))
	require.Equal(t, "bb", order("mov", "progressive", media.Head{Interlaced: true}))
	require.Equal(t, "bt", order("mov", "bt", media.Head{}))
	require.Equal(t, "bb", order("matroska,webm", "bt", media.Head{}))
}
