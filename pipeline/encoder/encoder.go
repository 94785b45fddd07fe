// Package encoder knows the video encoders that a profile can name: which of their options may be asked for, how ffmpeg
// is asked, what comes out, and what it takes. Nothing outside of it names one.
//
// An encoder is one file here and its line in All. What its options may be is an allow-list (table.go). Each goes
// through what pipeline/encode has in its conformance tests, where it has a line in candidates.
package encoder

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// Encoder is one video encoder of ffmpeg's. It is immutable and safe for concurrent use.
type Encoder interface {
	// Name is its key in a profile and its word behind --encoder. It is the name of its own command, whose options it
	// takes.
	Name() string
	// Library is ffmpeg's name of it.
	Library() string
	// Codec is ffprobe's name of what it makes.
	Codec() string
	// Bare is ffmpeg's name for the format of its bare stream, which a trial is written in.
	Bare() string
	// Chunk is how long a chunk is wanted where nobody asks for a length: shorter ones cost size or quality, and of longer
	// ones a farm has too few for all its slots. docs/media/encoding.md has what was measured.
	Chunk() time.Duration
	// Parse reads options in the spelling of the encoder's own command. The error names the option that can't be used, and
	// says why. No accepted text makes ffmpeg or the encoder open a file.
	Parse(options string) (Options, error)
	// CRF is what --crf is searched through for a wanted quality, by a version as Version returns it.
	CRF(version string) CRF
	// Rate returns the first of the options that choose a bitrate or a quality, --crf for instance, empty if there is
	// none, and the options without all of these. They must be ones that Parse accepts.
	Rate(options string) (first, rest string)
	// Quick returns options, which Parse accepts, with more that make an encode fast of which only bytes are counted.
	Quick(options string) string
	// AnySize are the options with which it takes odd widths and heights; empty if there are none.
	AnySize() string
	// Version is what the first bytes of a stream, 64 KiB or so, and ffmpeg's messages tell of who made it; empty where
	// they tell nothing.
	Version(head []byte, messages string) string
	// Complaint is what ffmpeg's messages say of a setting that was not taken; empty if all were. Some encoders go on
	// without an option that they can't read. failed: ffmpeg did not come to an end, so more counts as the reason.
	Complaint(messages string, failed bool) string
}

// Options are what a user asked of one encoder, parsed. They are immutable.
type Options interface {
	// Notes is what does not mean here what it means to the encoder's own command.
	Notes() []string
	// PixFmt is the output's pixel format, in ffmpeg's name, for a source's.
	PixFmt(source string) string
	// Fields is the output's order of fields, tff, bff or empty for progressive, for the source's.
	Fields(source string) string
	// Multiples are the numbers that the picture's width and height must be multiples of.
	Multiples(out pipeline.Picture) (width, height int)
	// Unfit says what of such a film the encoder can't hold and what to set instead, as a sentence for a person; empty if
	// it holds all. Sizes that Multiples brings into order are none of its concern.
	Unfit(source pipeline.Video, out pipeline.Picture) string
	// Look is what the user himself says of how the pictures are to be shown; the source's word holds for the rest.
	Look() Look
	// KeyFrames is how many frames a key frame may be behind the one before it; 0: as many as there are.
	KeyFrames(source pipeline.Video) int
	// Args are ffmpeg's options for the encoder.
	Args(s Stream) []string
	// Buffer is the decoder's buffer that the stream is to keep to; the zero one where the encoder models none.
	Buffer() pipeline.Buffer
	// Sleeps reports whether a version of the encoder sleeps for ever when it is told that there are no more pictures, and
	// there was none.
	Sleeps() bool
	// Coarse reports whether the pictures may be far from the source's.
	Coarse() bool
	// Contradiction says which option the stream, of which these are the first bytes, does not keep to; empty if to all.
	Contradiction(head []byte) (string, error)
	// Memory estimates what the encode of a chunk takes at most, in bytes: so much, and more for each thread.
	Memory(p Pictures) (fixed, thread int64)
}

// CRF is the values of --crf among which the one for a wanted quality is searched. A lower one is better and larger.
type CRF struct {
	pipeline.CRFs         // common sense ends at the least and the most: what is beyond costs much, or looks bad
	First         float64 // where a search begins that knows nothing: VMAF 95 is not far
	Worst         float64 // the highest that there is
}

// Stream is what one encode is of.
type Stream struct {
	Video     pipeline.Video   // the source's
	Out       pipeline.Picture // that come out
	Timescale int64            // of a chunk in MP4, ticks a second; 0: Matroska
	Later     bool             // the film does not begin here
	Threads   int              // that the encoder may use; 0: as many as it likes
	// Buffer is the decoder's as the film's plan has it. Where that has none, nothing is said of it but what was asked.
	Buffer pipeline.Buffer
	// Allowance is what of Buffer this chunk may count on; the zero one: what is usual.
	Allowance pipeline.Allowance
}

// Look is how pictures are to be shown, in ffprobe's names. An empty field says nothing.
type Look struct{ Range, SAR, Primaries, Transfer, Matrix, ChromaPlace string }

// Pictures is what is encoded, for the memory that it takes: pixels of the source's and the output's pictures, the
// output's pixel format, and the frames of the longest chunk.
type Pictures struct {
	Source, Out float64
	Format      string
	Frames      int
}

// All lists the encoders. [profiles.default] in config.example.toml names the one that is used if nothing else is asked
// for.
func All() []Encoder { return []Encoder{x264{}, x265{}, svtav1{}} }

// Names lists the names of All.
func Names() (all []string) {
	for _, e := range All() {
		all = append(all, e.Name())
	}
	return all
}

// Named finds an encoder. The error lists those that there are.
func Named(name string) (Encoder, error) {
	for _, e := range All() {
		if e.Name() == name {
			return e, nil
		}
	}
	return nil, fmt.Errorf("there is no encoder %q; %s", name, pipeline.ThereAre(Names()))
}

// Of returns a job's encoder and its options. The error is a *pipeline.Refusal.
func Of(s pipeline.Settings) (Encoder, Options, error) {
	e, err := Named(s.Encoder)
	if err != nil {
		return nil, nil, &pipeline.Refusal{Reason: "The settings can't be used: " + err.Error() + ".", Err: err}
	}
	o, err := e.Parse(s.Options)
	if err == nil {
		err = contradiction(e, s)
	}
	if err != nil {
		return nil, nil, &pipeline.Refusal{Reason: "The settings can't be used: " + err.Error() + ".", Err: err}
	}
	return e, o, nil
}

// contradiction says which two of the settings decide how many bits there are; nil if no more than one does.
func contradiction(e Encoder, s pipeline.Settings) error {
	rate, _ := e.Rate(s.Options)
	quality, size := !s.Quality.None(), !s.Size.None()
	switch {
	case quality && size:
		return fmt.Errorf("quality = %q and size = %q can't both hold", s.Quality, s.Size)
	case quality && rate != "":
		return fmt.Errorf("quality = %q and %s can't both hold", s.Quality, rate)
	case size && rate != "":
		return fmt.Errorf("size = %q and %s can't both hold", s.Size, rate)
	}
	return nil
}

// At returns a job's encoder and its options with the CRF that a wanted quality or size needs; 0: that is not known, or
// none is wanted. The error is a *pipeline.Refusal.
func At(s pipeline.Settings, crf float64) (Encoder, Options, error) {
	e, o, err := Of(s)
	if err != nil || crf == 0 {
		return e, o, err
	}
	o, err = e.Parse(s.Options + " --crf " + strconv.FormatFloat(crf, 'f', -1, 64))
	return e, o, err
}

// sampleEntries are MP4's names of codecs where ffmpeg takes another than what plays everywhere: Apple's players know
// HEVC as hvc1 alone.
var sampleEntries = map[string]string{"hevc": "hvc1"}

// MP4Tag are ffmpeg's options for what MP4 is to call the video of a film that becomes MP4. Chunks have it too: the
// headers that belong to a name are not the same bits in all versions of ffmpeg (ISO/IEC 14496-15, array_completeness).
func MP4Tag(s pipeline.Settings) []string {
	e, err := Named(s.Encoder)
	if err != nil || s.Container != pipeline.MP4 || sampleEntries[e.Codec()] == "" {
		return nil
	}
	return []string{"-tag:v:0", sampleEntries[e.Codec()]}
}

// Missing lists those encoders of All that an ffmpeg was built without, by what it prints of its encoders.
func Missing(listing string) (missing []Encoder) {
	has := strings.Fields(listing)
	return slices.DeleteFunc(All(), func(e Encoder) bool { return slices.Contains(has, e.Library()) })
}

// Colours is what a stream says of its colours: what the user says, else the source. RGB has no matrix, and its
// conversion makes bt709.
func (l Look) Colours(v pipeline.Video) media.Colours {
	matrix := v.ColorSpace
	if media.RGB(v.PixFmt) {
		matrix = "bt709"
	}
	return media.ColoursOf(said(l.Primaries, v.ColorPrimary), said(l.Transfer, v.ColorTransfer), said(l.Matrix, matrix),
		said(l.ChromaPlace, v.ChromaLoc))
}

func said(user, source string) string {
	if user != "" {
		return user
	}
	return source
}
