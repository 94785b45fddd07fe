package split

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Source is what a scan found in one file; Make plans by it. It holds 21 bytes for each packet.
type Source struct {
	CRC32   string // 8 upper-case hex digits
	File    *media.File
	Stream  media.Stream // the video stream that is encoded
	Head    media.Head
	Packets *media.Packets
	Sound   int64 // bytes of sound, at least; 0 where that is not known
}

// Memory returns about how many bytes it takes: those for the packets, and some for the rest.
func (s *Source) Memory() int64 { return 16<<10 + 21*int64(s.Packets.Len()) }

// Scan reads a file once, from its first byte to its last, and lists its packets: r is the file at path, an
// absolute one, at its start. The error is a *pipeline.Refusal if the file is no video that can be encoded,
// whatever the settings. A refused file is not read any further: its CRC-32 is "" unless all of it was read by then.
//
// ffprobe looks at the file's beginning at the same time. It lists the packets where our own reader can't, while
// the rest is read for the CRC, so that whoever is second finds it in the page cache.
func Scan(ctx context.Context, tools media.Tools, path string, r io.Reader) (*Source, error) {
	s := &Source{}
	listed := make(chan *media.Listing, 1)
	var crc string
	var readErr error
	var reading sync.WaitGroup
	whole, stop := context.WithCancel(ctx)
	defer stop()
	reading.Go(func() { crc, readErr = media.ReadOnce(whole, r, listed) })
	err := s.inspect(ctx, tools, path, listed)
	_, refused := errors.AsType[*pipeline.Refusal](err)
	if refused {
		stop() // a sparse file may have terabytes of zeros
	}
	reading.Wait()
	switch {
	case readErr == nil:
		s.CRC32 = crc
	case !refused || ctx.Err() != nil:
		return s, fmt.Errorf("cannot scan the source: %w", readErr)
	}
	return s, err
}

// ScanFile is Scan for a file that nobody else has to open.
func ScanFile(ctx context.Context, tools media.Tools, path string) (*Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot scan the source: %w", err)
	}
	defer func() { _ = f.Close() }()
	return Scan(ctx, tools, path, f)
}

func (s *Source) inspect(ctx context.Context, tools media.Tools, path string,
	listed <-chan *media.Listing) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot scan the source: %w", err)
	}
	if info.Size() == 0 {
		return pipeline.Refuse("The file is empty.")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var headErr error
	var decoding sync.WaitGroup
	defer decoding.Wait()
	decode := func(stream string) {
		decoding.Go(func() { s.Head, headErr = tools.Head(ctx, path, stream, media.HeadPackets) })
	}
	var looked bool
	if s.File, s.Head, looked = tools.Look(ctx, path); !looked {
		decode(media.FirstVideo)
		s.File, err = tools.Probe(ctx, path)
	}
	if err := s.choose(err); err != nil {
		cancel() // nobody needs the pictures
		return err
	}
	if i := slices.IndexFunc(s.File.Streams, isVideo); i >= 0 && s.File.Streams[i].Index != s.Stream.Index {
		decoding.Wait() // it decodes another stream
		decode(strconv.Itoa(s.Stream.Index))
	}
	list := <-listed
	s.Sound = list.Sound()
	if s.Packets = list.Packets(s.File, s.Stream); s.Packets == nil {
		if s.Packets, err = tools.Packets(ctx, path, s.Stream.Index); err == nil {
			list.Mark(s.Packets)
		}
	}
	decoding.Wait()
	if headErr != nil {
		return unreadable(headErr, "its first pictures can't be decoded")
	}
	if err != nil {
		return unreadable(err, "its packets can't be read")
	}
	if s.Packets.Len() == 0 {
		return pipeline.Refuse("The video stream has no pictures.")
	}
	return nil
}

// isVideo tells what media.FirstVideo selects.
func isVideo(s media.Stream) bool { return s.Type == "video" && !s.AttachedPic() }

// choose finds the stream that is encoded. err is that of probing.
func (s *Source) choose(err error) error {
	if err != nil {
		return unreadable(err, "ffmpeg can't read it as a video")
	}
	videos := s.File.Video()
	if len(videos) == 0 {
		return noVideo(s.File)
	}
	s.Stream = videos[0]
	if s.Stream.Codec == "" {
		return pipeline.Refuse("The video's codec (%s) is not known to ffmpeg.", s.Stream.CodecTag)
	}
	if !s.Stream.TimeBase.Valid() {
		return pipeline.Refuse("The video stream has no time base.")
	}
	return nil
}

// unreadable refuses a file that a tool gave up on. When the tool could not read the file at all, or
// was stopped, that says nothing about the file, and the error stays what it is.
func unreadable(err error, what string) error {
	if fault := media.Fault(err); fault != "" {
		return pipeline.Refuse("The file can't be used: %s: %s.", what, fault).Because(err)
	}
	var exit *media.ExitError
	if !media.Blames(err) || !errors.As(err, &exit) {
		return err
	}
	if reason := plain(exit.Own); reason != "" {
		return &pipeline.Refusal{Reason: reason, Err: err}
	}
	reason := media.LastReason(exit.Own)
	if i := strings.LastIndex(reason, ": "); i >= 0 {
		reason = reason[i+2:] // the rest is the file's name, which the reader knows
	}
	return pipeline.Refuse("This is not a video, or a damaged one: %s (%s).", what,
		strings.TrimRight(reason, ".")).Because(err)
}

// notTaken is what ffmpeg says of a demuxer that is none of ours, and its name (libavformat/utils.c, init_input).
var notTaken = regexp.MustCompile(`\[([a-zA-Z0-9_,]+)(?: @ [^\]]*)?\] (?:\[[a-z]+\] )?Format not on whitelist`)

var noSize = regexp.MustCompile(`Picture size ([0-9]+)x([0-9]+) is invalid`)

// plain tells what ffmpeg says in front of its last line, which then says nothing of the file; empty if it says nothing
// that is known here.
func plain(stderr string) string {
	if m := notTaken.FindStringSubmatch(stderr); m != nil {
		return fmt.Sprintf("This kind of file (ffmpeg calls it %s) is not taken; Matroska, MP4, MPEG, AVI and most others "+
			"that hold films are.", m[1])
	}
	if m := noSize.FindStringSubmatch(stderr); m != nil {
		return fmt.Sprintf("This is not a video, or a damaged one: its pictures would be %s×%s, larger than ffmpeg can "+
			"decode.", m[1], m[2])
	}
	if strings.Contains(stderr, "moov atom not found") {
		return "This is not a video, or an MP4 or MOV that is not whole: its index (moov), which is often written last, is " +
			"missing. Copy or download it again."
	}
	return ""
}

func noVideo(f *media.File) error {
	kinds := map[string]int{}
	for _, s := range f.Streams {
		kinds[s.Type]++
	}
	switch {
	case kinds["video"] > 0:
		return pipeline.Refuse("The file has no video: its only picture is an attached cover.")
	case kinds["audio"] > 0:
		return pipeline.Refuse("The file has no video, only sound.")
	}
	return pipeline.Refuse("The file has no video.")
}

// demuxer reports whether the container is one of a name's aliases, such as "matroska" in "matroska,webm".
func (s *Source) demuxer(name string) bool {
	for _, n := range strings.Split(s.File.Format.Name, ",") {
		if n == name {
			return true
		}
	}
	return false
}
