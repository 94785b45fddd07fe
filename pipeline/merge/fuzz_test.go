package merge

import (
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Two times are called equal only if they are, as fractions.
func FuzzCompareTimes(f *testing.F) {
	f.Add(int64(3), int64(1), int64(1000), int64(270), int64(1), int64(90000))
	f.Add(int64(1001), int64(1), int64(24000), int64(42), int64(1), int64(1000))
	f.Add(int64(1)<<60, int64(7), int64(1)<<40, int64(1), int64(0), int64(0))
	f.Fuzz(func(t *testing.T, a, an, ad, b, bn, bd int64) {
		x, y := pipeline.Rational{Num: an, Den: ad}, pipeline.Rational{Num: bn, Den: bd}
		_, exact := compareTimes([]int64{a}, x, []int64{b}, y)
		if !exact || !x.Valid() || !y.Valid() {
			require.True(t, !exact || x.Valid() && y.Valid())
			return
		}
		first := new(big.Rat).Mul(new(big.Rat).SetInt64(a), big.NewRat(an, ad))
		second := new(big.Rat).Mul(new(big.Rat).SetInt64(b), big.NewRat(bn, bd))
		half := big.NewRat(bn, bd)
		half.Quo(half, big.NewRat(2, 1))
		d := new(big.Rat).Sub(first, second)
		require.LessOrEqual(t, d.Abs(d).Cmp(half), 0, "%v of %v is not %v of %v", a, x, b, y)
	})
}

// A property of a track never becomes another option.
func FuzzIdentify(f *testing.F) {
	f.Add([]byte(`{"container":{"type":"Matroska"},"tracks":[{"id":0,"type":"video","properties":{"language":"jpn","display_dimensions":"320x180","max_luminance":1000}}]}`))
	f.Add([]byte(`{"container":{"type":"HLS playlist"},"tracks":[{"id":-1,"type":"video"}]}`))
	f.Add([]byte(`{"container":{"type":"Matroska"},"tracks":[{"type":"audio"},{"id":3,"type":"video","properties":{"language_ietf":"--attach-file","display_unit":{}}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := parseIdentity("/s", text)
		if err != nil {
			return
		}
		require.Equal(t, "video", s.tracks[s.at].Type)
		source := &media.File{Format: media.Format{Name: "matroska"}, Streams: []media.Stream{{Type: "video"}}}
		options, err := trackOptions(Request{Plan: &pipeline.Plan{}}, source, s)
		require.NoError(t, err)
		require.Zero(t, len(options)%2)
		for i := 0; i < len(options); i += 2 {
			require.True(t, strings.HasPrefix(options[i], "--"), options[i])
			require.True(t, strings.HasPrefix(options[i+1], "0:"), options[i+1])
		}
	})
}

// A chapter's name never becomes another line of the text that ffmpeg reads.
func FuzzChapters(f *testing.F) {
	f.Add([]byte("<Chapters><EditionEntry><ChapterAtom><ChapterTimeStart>00:00:01.5</ChapterTimeStart><ChapterDisplay>" +
		"<ChapterString>a\\\n[CHAPTER]\r\n;x=#</ChapterString></ChapterDisplay></ChapterAtom><ChapterAtom/></EditionEntry></Chapters>"))
	f.Add([]byte("<C><E><ChapterAtom><ChapterSegmentUID>0a 0B</ChapterSegmentUID><ChapterTimeStart>-9h:0m:1e9</ChapterTimeStart>" +
		"</ChapterAtom></E><E><EditionFlagHidden>1</EditionFlagHidden></E></C>"))
	line := regexp.MustCompile(`^(;FFMETADATA1|\[CHAPTER\]|TIMEBASE=1/1000000000|(START|END)=-?[0-9]+|title=([^\\=;#]|\\[\s\S])*)$`)
	f.Fuzz(func(t *testing.T, text []byte) {
		editions, err := parseXML(text)
		if err != nil {
			return
		}
		c := &chapters{}
		c.choose(editions, "0a0b")
		written := regexp.MustCompile(`(?s)(\\.|[^\\\n])+`).FindAllString(c.ffmetadata(time.Second), -1)
		count := 0
		for _, l := range written {
			require.Regexp(t, line, l)
			if l == "[CHAPTER]" {
				count++
			}
		}
		require.Len(t, c.list, count)
	})
}
