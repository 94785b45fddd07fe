package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/pipeline/steer"
)

// verification is what a person wants to be compared, and by what.
type verification struct {
	quality     bool   // of the pictures
	certificate string // "": none
	profile     string // "": none
}

func newVerify(g *global) *cobra.Command {
	var v verification
	cmd := &cobra.Command{
		Use:   "verify SOURCE OUTPUT",
		Short: "Compare an output with its source: frames, timestamps, all other tracks",
		Long: `Compare an output with its source, packet by packet: the number of frames, every timestamp, every other
track's payload, chapters, tags and attachments. With --profile, or the job's --certificate, sound that was
encoded and subtitles that were left out because the profile says so are no mistakes.

With --quality both are decoded, frame by frame, and SSIM and PSNR are told for each chunk, and the worst
frame: a wrong one shows as a number. VMAF and XPSNR are told too where this ffmpeg has them. The source's
pictures are scaled, cropped and deinterlaced as the output's were: what is lost by that is not measured, and
nor is film grain that the decoder makes up. --certificate names the job's jobs/JOB/certificate.json, which has the
chunks and what was cropped; without it parts of 20 seconds are told, and --profile says what was cropped by hand.`,
		Args: takes("SOURCE", "OUTPUT"),
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(g, cmd, args) },
	}
	cmd.Flags().BoolVar(&v.quality, "quality", false, "decode both and measure SSIM and PSNR of each chunk")
	cmd.Flags().StringVar(&v.certificate, "certificate", "",
		"the job's certificate.json: what its profile asked for, and which frames its chunks have")
	cmd.Flags().StringVar(&v.profile, "profile", "", "what it was encoded with: the settings of `PROFILE`")
	return cmd
}

// run compares, and prints what came of it.
func (v *verification) run(g *global, cmd *cobra.Command, args []string) error {
	cfg, log, err := g.load(cmd)
	if err != nil {
		return err
	}
	made, asked, err := v.promised(cfg)
	if err != nil {
		return err
	}
	tools, err := media.Find(log)
	if err != nil {
		return err
	}
	paths, err := compared(args)
	if err != nil {
		return err
	}
	report, err := merge.Verify(cmd.Context(), tools, paths[0], paths[1], asked)
	if err != nil {
		return g.stop.oneShot(err)
	}
	fmt.Fprint(cmd.OutOrStdout(), report.Text())
	if !report.OK() {
		return verdict(report, asked)
	}
	if v.quality {
		return g.stop.oneShot(tellQuality(cmd, tools, paths, made))
	}
	return nil
}

// promised is what the certificate and the profile say of the output. What the profile asks for goes before.
func (v *verification) promised(cfg config.Config) (merge.Certificate, merge.Asked, error) {
	made, err := readCertificate(v.certificate)
	if err != nil {
		return made, merge.Asked{}, err
	}
	if v.profile == "" {
		return made, merge.Asked{Audio: made.Settings.Audio, Subtitles: made.Settings.Subtitles}, nil
	}
	p, err := profileOf(cfg, v.profile)
	if err != nil {
		return made, merge.Asked{}, err
	}
	if made.Crop == (pipeline.Rect{}) {
		made.Crop = p.Crop.Rect
	}
	return made, merge.Asked{Audio: p.Audio, Subtitles: p.Subtitles}, nil
}

// compared are the absolute paths of the source and the output, which have to be there.
func compared(args []string) (paths [2]string, err error) {
	for i, a := range args {
		if _, err := os.Stat(a); err != nil {
			return paths, &steer.FileError{Verb: "verify", File: a, Err: err}
		}
		if paths[i], err = filepath.Abs(a); err != nil {
			return paths, err
		}
	}
	return paths, nil
}

// verdict says what to try where nothing was told of a profile, and only what one can ask for is missing.
func verdict(report *merge.Report, asked merge.Asked) error {
	text := "the output does not hold what its source promises"
	if asked == (merge.Asked{}) && report.LacksTracks() {
		text += "; if a profile has encoded its sound or left its subtitles out, name that with --profile, " +
			"or the job's certificate.json with --certificate"
	}
	return errors.New(text)
}

func tellQuality(cmd *cobra.Command, tools media.Tools, paths [2]string, made merge.Certificate) error {
	var chunks []int // how many frames each has
	for _, c := range made.Chunks {
		chunks = append(chunks, c.Frames)
	}
	q, err := tools.ComparePictures(cmd.Context(), paths[0], paths[1], chunks, made.Crop)
	if err != nil {
		return err
	}
	fmt.Fprint(cmd.OutOrStdout(), q.Text())
	if made.Quality.Known() {
		fmt.Fprintf(cmd.OutOrStdout(), "as its nodes measured it: %s\n", made.Quality.Text())
	}
	return nil
}

// readCertificate returns an empty one where none is named.
func readCertificate(name string) (c merge.Certificate, err error) {
	if name == "" {
		return c, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return c, &steer.FileError{Verb: "read", File: name, Err: err}
	}
	if err := json.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("%q is no certificate: %w", name, err)
	}
	return c, nil
}
