package split

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// Request is what Make plans.
type Request struct {
	Job      string
	Path     string // the source in the job's folder, absolute
	NormPath string // where a normalised copy may be written, absolute, in the same folder; a new name
	CRC32    string // of the source, 8 upper-case hex digits
	Settings pipeline.Settings
	Scan     *Source // of the same bytes, from Scan; nil: Make scans
	// Slots counts the encodes of a pixel format that can run side by side; 0: not known. If nil, that is never known.
	Slots func(format string) int
	// TestEncode encodes the first frame as the plan says and returns the encoder's version: encode.Test. Its
	// *pipeline.Refusal refuses the job.
	TestEncode func(ctx context.Context, tools media.Tools, plan *pipeline.Plan, path string) (string, error)
	// TestRest tries whether all but the video can be taken over from a source that may be damaged or has subtitles in
	// text: merge.TryRest. Its *pipeline.Refusal refuses the job.
	TestRest func(ctx context.Context, tools media.Tools, path string, f *media.File, set pipeline.Settings) error
}

// Make decides how a source is encoded. It writes nothing but the normalised copy, and that only where
// the source needs one; Plan.Source tells. The error is a *pipeline.Refusal if the source can't be
// encoded with these settings.
func Make(ctx context.Context, tools media.Tools, req Request) (*pipeline.Plan, error) {
	_, options, err := encoder.Of(req.Settings)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(req.Path)
	if err != nil {
		return nil, fmt.Errorf("cannot plan the job: %w", err)
	}
	src := req.Scan
	if src == nil {
		if src, err = ScanFile(ctx, tools, req.Path); err != nil {
			return nil, err
		}
	}
	plan := &pipeline.Plan{
		Nonce: pipeline.Nonce(8), Job: req.Job,
		Input:    pipeline.Input{Original: filepath.Base(req.Path), SourceSize: info.Size(), CRC32: req.CRC32},
		Settings: req.Settings, Notes: slices.Concat(sourceNotes(src), options.Notes()),
	}
	path, src, l, err := soundList(ctx, tools, req, src, plan)
	if err != nil {
		return nil, err
	}
	if src.demuxer("matroska") && (src.Packets.Warnings != "" || src.File.HasText()) {
		if err := req.TestRest(ctx, tools, path, src.File, req.Settings); err != nil {
			return nil, err
		}
	}
	plan.Source = filepath.Base(path)
	plan.Video = video(src)
	chooseMuxer(plan, src)
	if err := firstPicture(plan, options); err != nil {
		return nil, err
	}
	if err := findEnd(ctx, tools, path, src, l, plan); err != nil {
		return nil, err
	}
	if err := matchHead(plan, l, src.Head); err != nil {
		return nil, err
	}
	if l.whole != nil {
		plan.Note("The source can't be cut (%v): it is encoded as one chunk.", l.whole)
	}
	if err := chooseTick(plan, src, l.pts); err != nil {
		return nil, err
	}
	plan.LastTicks = lastTicks(src, l)
	slots := 0
	if req.Slots != nil {
		slots = req.Slots(plan.Out.PixFmt)
	}
	plan.Buffer = options.Buffer()
	if plan.Settings.MaxSize > 0 && plan.Settings.Audio == (pipeline.Audio{}) && plan.Settings.Container != pipeline.MP4 {
		plan.Sound = src.Sound // all of it, as it is
	}
	choice := plan.Settings.Pieces
	if err := l.look(path, src, choice, slots); err != nil {
		return nil, err
	}
	plan.Settings.Pieces = l.cheaper(choice, src, plan)
	l.divide(plan, pieces(src, plan), slots)
	l.noteChoice(choice, plan)
	if !req.Settings.Size.None() {
		plan.Budget = &pipeline.Budget{Source: sourceBytes(plan.Chunks, src.Packets)}
	}
	if plan.Encoder, err = req.TestEncode(ctx, tools, plan, path); err != nil {
		return nil, err
	}
	return plan, nil
}

// soundList returns the list of frames and the file it is of: the source itself, or its normalised
// copy if the source has no index (transport and program streams, AVI, …) or no sound list. A file with
// hidden frames is never copied: the copy would show them.
func soundList(ctx context.Context, tools media.Tools, req Request, src *Source, plan *pipeline.Plan,
) (string, *Source, *list, error) {
	l, err := readList(src.Packets)
	indexed := src.demuxer("matroska") || src.demuxer("mov")
	if hidden(src.Packets) {
		return req.Path, src, l, unsound(src, err)
	}
	if err == nil && l.whole == nil && indexed {
		changes, err := changesForm(ctx, tools, req.Path, src)
		if err != nil || !changes {
			return req.Path, src, l, err
		}
	}
	notes, err := normalise(ctx, tools, src, req.Path, req.NormPath)
	if err != nil {
		return "", nil, nil, err
	}
	first := src.Stream.SAR
	// ffmpeg copies nothing in front of the first key packet.
	lead := slices.IndexFunc(src.Packets.Flags, func(f uint8) bool { return f&media.Key != 0 })
	plan.Notes = append(append(plan.Notes, notes...), leadNote(lead)...)
	if src, err = ScanFile(ctx, tools, req.NormPath); err != nil {
		return "", nil, nil, err
	}
	if first.Valid() { // mkvmerge takes that of pictures further on
		src.Stream.SAR = first
	}
	l, err = readList(src.Packets)
	return req.NormPath, src, l, unsound(src, err)
}

// changesForm reports whether pictures of another form begin within a stream, which then is cut as only Matroska can
// be.
func changesForm(ctx context.Context, tools media.Tools, path string, src *Source) (bool, error) {
	if src.demuxer("matroska") || !slices.Contains([]string{"mpeg1video", "mpeg2video", "mpeg4"}, src.Stream.Codec) {
		return false, nil
	}
	return tools.Changes(ctx, path, src.Stream.Index)
}

func unsound(src *Source, err error) error {
	if err == nil {
		return nil
	}
	if at, ok := errors.AsType[sameTimeError](err); ok {
		return pipeline.Refuse("Two of the file's pictures are meant for the same moment, %.3f s, as where recordings that "+
			"overlap were joined: "+
			"a video can't show both. Cut the overlap off and drop the file again.",
			src.Stream.TimeBase.Seconds(int64(at))).Because(err)
	}
	return pipeline.Refuse("The file's list of pictures is not sound: %v.", err).Because(err)
}

// sourceNotes is what a person should know about the source itself.
func sourceNotes(src *Source) (notes []string) {
	if n := len(src.File.Video()); n > 1 {
		which := "the first"
		if slices.IndexFunc(src.File.Streams, isVideo) < src.Stream.Index {
			which = "the first that is no still picture"
		}
		notes = append(notes, fmt.Sprintf("The file has %d video streams; stream %d, %s, is encoded.", n, src.Stream.Index,
			which))
	}
	if p := src.File.ProgramOf(src.Stream); p != nil {
		notes = append(notes, fmt.Sprintf("The file has %d programs; %s, that of the video that is encoded, is kept.",
			len(src.File.Programs), p.Describe()))
	}
	// VP8 and VP9 keep it apart from the pictures, in Matroska's AlphaMode, which ffmpeg shows as a tag.
	if media.Alpha(src.Stream.PixFmt) || src.Stream.Tags["alpha_mode"] == "1" {
		notes = append(notes, "The source's transparency is not kept: the output has none.")
	}
	notes = append(notes, src.Stream.HDR.Or(src.Head.HDR).Lost()...)
	if src.Packets.Warnings != "" {
		notes = append(notes, "The source may be damaged; reading it, ffprobe said: "+media.LastReason(src.Packets.Warnings))
	}
	return notes
}

func video(src *Source) pipeline.Video {
	s, h, hdr := src.Stream, src.Head, src.Stream.HDR.Or(src.Head.HDR)
	v := pipeline.Video{
		Index: s.Index, Codec: s.Codec, Width: s.Width, Height: s.Height, PixFmt: s.PixFmt,
		TimeBase: s.TimeBase, SAR: s.SAR, FrameRate: frameRate(s),
		Colour: pipeline.Colour{
			ColorRange: s.ColorRange, ColorSpace: s.ColorSpace, ColorTransfer: s.ColorTransfer,
			ColorPrimary: s.ColorPrimary, ChromaLoc: s.ChromaLoc,
		},
		FieldOrder: fieldOrder(src), Rotation: s.Rotation, HasBFrames: s.BFrames > 0,
		HDR10: pipeline.HDR10{MasterDisplay: hdr.MasterDisplay, MaxCLL: hdr.MaxCLL},
	}
	if v.PixFmt == "" {
		v.PixFmt = h.PixFmt
	}
	if v.Width == 0 || v.Height == 0 {
		v.Width, v.Height = h.Width, h.Height
	}
	return v
}

// frameRate is for the encoder's rate control and the output's default duration; no timestamp comes
// of it.
func frameRate(s media.Stream) pipeline.Rational {
	for _, r := range []pipeline.Rational{s.FrameRate, s.BaseRate} {
		if r.Valid() && r.Num/r.Den <= 1000 && r.Num < 1<<31 && r.Den < 1<<31 {
			return r
		}
	}
	return pipeline.Rational{Num: 25, Den: 1}
}

// fieldOrder goes by the first frames, and by the container where they don't tell. Progressive frames with
// repeated fields are film under a header that says interlaced. In QuickTime tb and bt name the order of
// coding first, that of display second; in Matroska both are what comes first (RFC 9559, FieldOrder 9
// and 14).
func fieldOrder(src *Source) string {
	s, h := src.Stream, src.Head
	switch {
	case h.Interlaced && h.TopFirst:
		return "tt"
	case h.Interlaced:
		return "bb"
	case h.Repeats || s.FieldOrder == "":
		return "progressive"
	case src.demuxer("matroska") && (s.FieldOrder == "tb" || s.FieldOrder == "bt"):
		return s.FieldOrder[:1] + s.FieldOrder[:1]
	}
	return s.FieldOrder
}

// chooseMuxer takes Matroska for the chunks only where its tick, a millisecond, is the source's own.
func chooseMuxer(plan *pipeline.Plan, src *Source) {
	if millisecond(src) && plan.Settings.Container != pipeline.MP4 {
		plan.Muxer = "matroska"
		return
	}
	plan.Muxer, plan.Timescale = "mp4", src.Stream.TimeBase.Den
}

func millisecond(src *Source) bool {
	return src.demuxer("matroska") && src.Stream.TimeBase == pipeline.Rational{Num: 1, Den: 1000}
}

// findEnd looks whether the file ends within a picture, and whether that is shown all the same.
func findEnd(ctx context.Context, tools media.Tools, path string, src *Source, l *list, plan *pipeline.Plan) error {
	cut, shown, err := tools.CutOff(ctx, path, src.Stream.Index, src.Stream.TimeBase, src.Packets)
	switch {
	case err != nil:
		return unreadable(err, "its last pictures can't be decoded")
	case cut && shown:
		plan.Note("The file is cut off within its last picture, which may show damage.")
	case cut && len(l.pts) > 1:
		l.cutOff()
		plan.Note("The file is cut off within its last picture, of which nothing can be shown: it is left out.")
	}
	return nil
}

// matchHead compares the list's start with what the decoder gave of as many packets.
//
// Frames that the decoder left out at the very start are taken off the list: leading pictures of the
// first key frame refer to frames that the file does not have (a recording that begins within an open
// GOP). In any other disagreement no encode of the first chunk could be accepted.
func matchHead(plan *pipeline.Plan, l *list, head media.Head) error {
	plan.Notes = append(plan.Notes, leadNote(l.first)...)
	want := l.head(head.Packets)
	if len(want) == 0 { // nothing is shown so early
		return nil
	}
	// Pictures from before the first key packet may come too.
	got := slices.DeleteFunc(slices.Clone(head.PTS), func(pts int64) bool { return pts < want[0] })
	want = slices.DeleteFunc(want, func(pts int64) bool { return l.heldBack(pts) && !slices.Contains(got, pts) })
	missing := len(want) - len(got)
	if missing < 0 || len(got) == 0 || !slices.Equal(want[missing:], got) {
		return pipeline.Refuse("The file is damaged or unusual: its first pictures are not decoded at the times that its "+
			"packets have, "+
			"so that an exact copy can't be promised (%d of %d came out).", len(got), len(want))
	}
	if missing > 0 {
		l.pts = l.pts[missing:]
		plan.Note("The first %d pictures refer to others that stand before the file's start; no decoder can show them.",
			missing)
	}
	return nil
}

// leadNote tells of packets in front of the first key packet.
func leadNote(n int) []string {
	if n <= 0 {
		return nil
	}
	return []string{fmt.Sprintf("The first %d packets stand before the first key frame and can't be decoded; they are "+
		"left out.", n)}
}
