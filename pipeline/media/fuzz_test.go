package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// feed writes text in steps of a size, as a pipe would deliver it, and returns the first error.
func feed(w interface{ Write([]byte) (int, error) }, text []byte, step int) error {
	for len(text) > 0 {
		n := min(max(step, 1), len(text))
		if _, err := w.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// However the pipe cuts them, the same packets come out, with times that can be subtracted.
func FuzzScanPackets(f *testing.F) {
	f.Add("[PACKET]\nstream_index=1\npts=-7\ndts=N/A\nsize=300\nflags=KD\n[SIDE_DATA]\nside_data_type=Skip\nsize=9\n[/SIDE_DATA]\ndata_hash=CRC32:c7a4df9e\n[/PACKET]\n")
	f.Add("[PACKET]\nstream_index=0\npts=1\ndts=1\nsize=3\nflags=K_\n[/PACKET]\n[PACKET]\nstream_index=0\npts=2\ndts=2\nsize=4\nflags=__\n[/PACKET]\n")
	f.Add("[PACKET]\npts=N/A\n[/PACKET]\n")
	f.Add("[PACKET]\nstream_index=-1\nsize=-5\npts=9223372036854775807\n[/PACKET]\n")
	f.Fuzz(func(t *testing.T, text string) {
		scan := func(r io.Reader) (all []Packet, err error) {
			err = scanPackets(r, allFields, func(p Packet) error {
				all = append(all, p)
				return nil
			})
			return all, err
		}
		whole, err := scan(strings.NewReader(text))
		parts, again := scan(iotest.OneByteReader(strings.NewReader(text)))
		require.Equal(t, err == nil, again == nil)
		require.Equal(t, whole, parts)
		require.LessOrEqual(t, len(whole), strings.Count(text, "[/PACKET]"))
		list := &Packets{}
		for _, p := range whole {
			require.GreaterOrEqual(t, p.Stream, 0)
			list.add(p)
		}
		frames, err := list.Frames()
		if err != nil {
			return
		}
		for i, pts := range frames {
			require.True(t, pts != NoPTS && pts >= math.MinInt64/4 && pts <= math.MaxInt64/4)
			require.True(t, i == 0 || pts > frames[i-1])
		}
	})
}

// hdrForm is what x264 takes; anything else in it would be another option's.
var hdrForm = regexp.MustCompile(`^(G\(\d{1,10},\d{1,10}\)B\(\d{1,10},\d{1,10}\)R\(\d{1,10},\d{1,10}\)WP\(\d{1,10},\d{1,10}\)L\(\d{1,10},\d{1,10}\))?$`)

func FuzzParseProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"index":0,"codec_type":"video","side_data_list":[{"side_data_type":"Display Matrix","rotation":90}]}]}`))
	f.Add([]byte(`{"streams":[{"side_data_list":[{"side_data_type":"Mastering display metadata","red_x":"1/0"},{"side_data_type":"Content light level metadata","max_content":1000,"max_average":-4}]}]}`))
	f.Add([]byte(`{"streams":[{"codec_type":"video","time_base":"1/90000","start_pts":-3,"disposition":{"attached_pic":1},"tags":{"a":"b"},"r_frame_rate":"24000/1001","sample_rate":"48000"}],
		"chapters":[{"time_base":"1/1000","start":0,"end":5,"tags":{"title":"x"}}],"format":{"format_name":"matroska,webm","size":"12","start_time":"-1.5","duration":"N/A"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parseProbe(text)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(file.Streams)+len(file.Chapters), len(text))
		for _, s := range file.Streams {
			require.LessOrEqual(t, max(s.Rotation, -s.Rotation), 360)
			require.Regexp(t, hdrForm, s.HDR.MasterDisplay)
			require.Regexp(t, `^(\d+,\d+)?$`, s.HDR.MaxCLL)
		}
		for _, v := range file.Video() {
			require.Equal(t, "video", v.Type)
			require.False(t, v.AttachedPic())
		}
	})
}

func FuzzParseHead(f *testing.F) {
	f.Add([]byte(`{"frames":[{"best_effort_timestamp":3,"width":320,"height":180,"pix_fmt":"yuv420p","interlaced_frame":1,"top_field_first":1,"repeat_pict":1},{}]}`))
	f.Add([]byte(`{"frames":[{"side_data_list":[{"side_data_type":"Mastering display metadata","red_x":"13250/50000","red_y":"34500/50000","green_x":"7500/50000","green_y":"3000/50000",
		"blue_x":"1/5","blue_y":"1/5","white_point_x":"15635/50000","white_point_y":"16450/50000","min_luminance":"50/10000","max_luminance":"9223372036854775807/1"},
		{"side_data_type":"Content light level metadata","max_content":1000,"max_average":400}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := parseHead(text)
		if err != nil {
			return
		}
		require.LessOrEqual(t, len(h.PTS), len(text))
		require.Regexp(t, hdrForm, h.HDR.MasterDisplay)
		require.Regexp(t, `^(\d+,\d+)?$`, h.HDR.MaxCLL)
	})
}

// However the pipe cuts it, the same steps are reported; no line is kept beyond its bound.
func FuzzProgress(f *testing.F) {
	f.Add([]byte("frame=0\ntotal_size=N/A\nprogress=continue\nframe=12\nfps=3\ntotal_size=4096\nprogress=end\n"), 5)
	f.Add([]byte("frame=99999999999999999999\nprogress\nframe=-1\nprogress=\n"), 1)
	f.Fuzz(func(t *testing.T, text []byte, step int) {
		type report struct {
			frames int
			size   int64
		}
		run := func(step int) (got []report) {
			p := NewProgress(func(frames int, size int64) { got = append(got, report{frames, size}) })
			require.NoError(t, feed(p, text, step))
			require.LessOrEqual(t, len(p.line), longestProgressLine)
			return got
		}
		if !slices.ContainsFunc(bytes.Split(text, []byte("\n")),
			func(l []byte) bool { return len(l) > longestProgressLine }) {
			require.Equal(t, run(len(text)), run(step))
		}
		for _, r := range run(step) {
			require.True(t, r.frames >= 0 && r.size >= 0)
		}
	})
}

// element is one of Matroska's with what stands in it, not more than 127 bytes.
func element(id uint32, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], id)
	return append(append(bytes.TrimLeft(b[:], "\x00"), 0x80|byte(len(content))), content...)
}

// plainFile is a file of one track and one block.
func plainFile(codec string, private, packet []byte) []byte {
	track := element(idTrack, element(idNumber, []byte{1}), element(idKind, []byte{1}), element(idCodec, []byte(codec)),
		element(idPrivate, private))
	block := element(idSimpleBlock, []byte{0x81, 0, 0, 0x80}, packet)
	return append(element(idHead), element(idSegment, element(idTracks, track),
		element(idCluster, element(idClusterTime, []byte{7}), block))...)
}

// Whatever the bytes are, reading ends, and all of them are counted that were looked at.
func FuzzMatroska(f *testing.F) {
	f.Add([]byte("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xe7\x81\x05\xa3\x85\x81\x00\x02\x80\x00"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x16\x54\xae\x6b\x8c\xae\x8a\xe0\x88\xb0\x82\x01\x40\xba\x82\x00\xb4\x63\xa2\x01"))
	f.Add(plainFile("V_MPEG4/ISO/AVC", []byte("\x01\x64\x00\x1f\xff\xe1\x00\x08\x67\x64\x00\x1f\xac\x2c\xa5\x01\x00"),
		[]byte("\x00\x00\x00\x05\x06\x06\x01\xc4\x80\x00\x00\x00\x04\x41\x88\x01\x02")))
	f.Add(plainFile("V_MPEGH/ISO/HEVC", append([]byte{1}, bytes.Repeat([]byte{0xFF}, 22)...),
		[]byte("\x00\x00\x00\x04\x26\x01\x80\x00")))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &Clip{}
		err := c.read(bytes.NewReader(data))
		require.LessOrEqual(t, len(c.PTS), len(data))
		require.LessOrEqual(t, len(c.Head), headSize)
		require.Regexp(t, `^([0-9a-f]{64})?$`, c.Extradata)
		for _, pts := range c.PTS {
			require.True(t, pts >= math.MinInt64/4 && pts <= math.MaxInt64/4)
		}
		if err == nil || errors.Is(err, ErrUnusual) {
			require.EqualValues(t, len(data), c.Size)
			require.Len(t, c.CRC32, 8)
		}
		if l, err := newListing(bytes.NewReader(data)); err == nil {
			require.Equal(t, c.PTS != nil, l.packets.Len() > 0)
			for i, size := range l.packets.Size {
				require.True(t, size > 0 && int(size) < len(data) && l.packets.PTS[i] >= 0)
			}
		}
	})
}

// Whatever a filter prints, each score that is read has a line, and is a number.
func FuzzScores(f *testing.F) {
	f.Add("frame:0 pts:0\nlavfi.ssim.All=0.5\nlavfi.xpsnr.xpsnr.y=41.5\n")
	f.Add("Frame,integer_adm2,vmaf,\n0,0.9,89.8,\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range pipeline.Metrics() {
			scores, err := readScores(strings.NewReader(text), m)
			if err != nil {
				continue
			}
			require.LessOrEqual(t, len(scores), strings.Count(text, "\n")+1)
			require.False(t, math.IsNaN(MeanScore(m, scores)))
		}
	})
}
