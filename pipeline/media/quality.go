package media

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// Quality says how near an output's pictures are to the source's.
type Quality struct {
	Frames  int               // decoded and compared
	Parts   []Part            // never empty
	Others  []pipeline.Metric // that this ffmpeg has besides SSIM and PSNR
	Remarks []string          // what was done to the pictures first, and so is not measured
}

// Part is a chunk of the output, or where the chunks are not known an equal part of it.
type Part struct {
	First, Frames int     // number of its first frame, and how many
	Start, End    float64 // seconds: its first frame and its last
	SSIM          float64 // mean of the frames, all planes; 1: equal
	PSNR          float64 // dB, of the frames' mean error; +Inf: equal
	WorstFrame    int     // by SSIM, counted from the output's first
	WorstSSIM     float64
	WorstTime     float64 // seconds
	Other         map[pipeline.Metric]float64
}

// partSeconds is the length of parts where the chunks are not known.
const partSeconds = 20

// ComparePictures decodes source and output, frame by frame, and measures SSIM and PSNR in the output's size, pixel
// format and order of fields. chunks are the number of frames of each chunk; nil: parts of equal length. crop is the
// part of the source's pictures that the output shows; the zero Rect: all. It takes about
// as long as decoding both; memory is 16 bytes a frame.
func (t Tools) ComparePictures(ctx context.Context, source, output string, chunks []int, crop pipeline.Rect,
) (*Quality, error) {
	pairs, err := t.pairing(ctx, source, output, crop)
	if err != nil {
		return nil, err
	}
	packets, err := t.Packets(ctx, output, pairs.output.Index)
	if err != nil {
		return nil, err
	}
	pts, err := packets.Frames()
	if err != nil {
		return nil, fmt.Errorf("cannot compare pictures: the output's list of packets is unsound: %w", err)
	}
	const asIs = "-noautorotate"
	inputs := append(append(BaseArgs(), asIs, "-reinit_filter", "0"), Input(source)...)
	inputs = append(append(append(inputs, asIs, "-reinit_filter", "0"), WithoutGrain()...), Input(output)...)
	limits := Encoding(2*len(pts), 0, pairs.pixels)
	limits.CPU += Reading(Size(source, output)).CPU
	frames, err := t.measure(ctx, append(slices.Clone(inputs), "-filter_complex", pairs.graph+
		"[source]split[a][b];[output][a]ssim=shortest=1:repeatlast=0[c];"+
		"[c][b]psnr=shortest=1:repeatlast=0,metadata=mode=print:file=-[out]", "-map", "[out]", "-fps_mode", "passthrough",
		"-enc_time_base", "1:1000", "-f", "null", "pipe:1"), limits)
	if err != nil {
		return nil, fmt.Errorf("cannot compare pictures: %w", err)
	}
	if len(frames) != len(pts) {
		return nil, fmt.Errorf("cannot compare pictures: %d pairs came out of the decoders, the output has %d frames",
			len(frames), len(pts))
	}
	times := make([]float64, len(pts))
	for i, t := range pts {
		times[i] = pairs.output.TimeBase.Seconds(t)
	}
	q := &Quality{Frames: len(frames), Parts: parts(frames, times, chunks), Remarks: pairs.remarks}
	return q, t.addOthers(ctx, q, Comparison{Inputs: inputs, Graph: pairs.graph, Limits: limits, Threads: Cores(),
		Pixels: float64(pairs.output.Width * pairs.output.Height)})
}

// addOthers measures by the metrics that not every ffmpeg has, if this one does.
func (t Tools) addOthers(ctx context.Context, q *Quality, c Comparison) error {
	for _, m := range []pipeline.Metric{pipeline.VMAF, pipeline.XPSNR} {
		switch err := t.CanMeasure(ctx, m); {
		case err != nil && Settles(err):
			continue
		case err != nil:
			return err
		}
		c.Metric = m
		scores, err := t.Compare(ctx, c)
		if err == nil && len(scores) != q.Frames {
			err = fmt.Errorf("%d pairs came out of the decoders, the output has %d frames", len(scores), q.Frames)
		}
		if err != nil {
			return fmt.Errorf("cannot compare pictures: %w", err)
		}
		q.Others = append(q.Others, m)
		for i := range q.Parts {
			p := &q.Parts[i]
			if p.Other == nil {
				p.Other = map[pipeline.Metric]float64{}
			}
			p.Other[m] = MeanScore(m, scores[p.First:p.First+p.Frames])
		}
	}
	return nil
}

// frameQuality is what the filters say of one frame.
type frameQuality struct{ ssim, psnr float64 }

func (t Tools) measure(ctx context.Context, args []string, limits Limits) (frames []frameQuality, err error) {
	_, err = t.Pipe(ctx, Command{Program: t.FFmpeg, Args: args, Limits: limits}, func(r io.Reader) error {
		frames, err = scanQuality(r)
		return err
	})
	return frames, err
}

// scanQuality reads what ffmpeg's metadata filter prints: a line "frame:…" for each, and lines "key=value".
func scanQuality(r io.Reader) (frames []frameQuality, err error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, "frame:") {
			frames = append(frames, frameQuality{math.NaN(), math.NaN()})
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		if key != "lavfi.ssim.All" && key != "lavfi.psnr.psnr_avg" {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || len(frames) == 0 {
			return nil, fmt.Errorf("not a measure: %q", line)
		}
		if last := &frames[len(frames)-1]; key == "lavfi.ssim.All" {
			last.ssim = v
		} else {
			last.psnr = v
		}
	}
	if i := slices.IndexFunc(frames, func(f frameQuality) bool { return math.IsNaN(f.ssim + f.psnr) }); i >= 0 {
		return nil, fmt.Errorf("frame %d was not measured", i)
	}
	return frames, lines.Err()
}

// parts sums up. Chunks that don't add up to the frames are another file's and are not used.
func parts(frames []frameQuality, times []float64, chunks []int) (out []Part) {
	sum := 0
	for _, n := range chunks {
		sum += n
	}
	if sum != len(frames) || slices.Min(append(chunks, 1)) < 1 {
		chunks = equalParts(times)
	}
	first := 0
	for _, n := range chunks {
		out = append(out, part(frames[first:first+n], times[first:first+n], first))
		first += n
	}
	return out
}

func equalParts(times []float64) (lengths []int) {
	if len(times) == 0 {
		return nil
	}
	n := max(1, int((times[len(times)-1]-times[0])/partSeconds+0.5))
	for i := range n {
		lengths = append(lengths, (i+1)*len(times)/n-i*len(times)/n)
	}
	return slices.DeleteFunc(lengths, func(n int) bool { return n == 0 })
}

func part(frames []frameQuality, times []float64, first int) Part {
	p := Part{First: first, Frames: len(frames), Start: times[0], End: times[len(times)-1], WorstSSIM: math.Inf(1)}
	noise := 0.0 // mean square error, in units of the largest value's square
	for i, f := range frames {
		p.SSIM += f.ssim / float64(len(frames))
		noise += math.Pow(10, -f.psnr/10) / float64(len(frames))
		if f.ssim < p.WorstSSIM {
			p.WorstSSIM, p.WorstFrame, p.WorstTime = f.ssim, first+i, times[i]
		}
	}
	p.PSNR = -10 * math.Log10(noise)
	return p
}

// Worst is the part with the worst frame: a wrong one spoils no mean.
func (q *Quality) Worst() int {
	worst := 0
	for i, p := range q.Parts {
		if p.WorstSSIM < q.Parts[worst].WorstSSIM {
			worst = i
		}
	}
	return worst
}

// Text is a table for a person.
func (q *Quality) Text() string {
	var b strings.Builder
	others := ""
	for _, m := range q.Others {
		others += fmt.Sprintf("  %-5s", m.Title())
	}
	fmt.Fprintf(&b, "\nquality of %d decoded frames\n", q.Frames)
	fmt.Fprintf(&b, "chunk  seconds              frames  SSIM    PSNR    %s  worst frame\n", others)
	for i, p := range q.Parts {
		others = ""
		for _, m := range q.Others {
			others += fmt.Sprintf("  %5s", m.Text(p.Other[m]))
		}
		fmt.Fprintf(&b, "%05d  %9.3f-%-9.3f  %6d  %.4f  %6.2f dB%s  %d at %.3f s: SSIM %.4f\n", i, p.Start, p.End, p.Frames,
			p.SSIM, p.PSNR, others, p.WorstFrame, p.WorstTime, p.WorstSSIM)
	}
	b.WriteString(q.summary("SSIM", pipeline.SSIM, func(p Part) float64 { return p.SSIM }))
	for _, m := range q.Others {
		b.WriteString(q.summary(m.Title(), m, func(p Part) float64 { return p.Other[m] }))
	}
	for _, r := range q.Remarks {
		fmt.Fprintln(&b, r)
	}
	w := q.Worst()
	p := q.Parts[w]
	fmt.Fprintf(&b, "worst: chunk %05d, %.3f to %.3f s, SSIM %.4f, PSNR %.2f dB; its frame %d at %.3f s has SSIM %.4f\n",
		w, p.Start, p.End, p.SSIM, p.PSNR, p.WorstFrame, p.WorstTime, p.WorstSSIM)
	return b.String()
}

// summary says the mean of a metric, by frames, and the part that has least of it.
func (q *Quality) summary(title string, m pipeline.Metric, score func(Part) float64) string {
	mean, worst := 0.0, 0
	for i, p := range q.Parts {
		mean += score(p) * float64(p.Frames) / float64(q.Frames)
		if score(p) < score(q.Parts[worst]) {
			worst = i
		}
	}
	return fmt.Sprintf("%s: mean %s, worst %s in chunk %05d\n", title, m.Text(mean), m.Text(score(q.Parts[worst])), worst)
}
