package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/merge"
)

func newVerify(g *global) *cobra.Command {
	var quality bool
	var certificate string
	var o order
	cmd := &cobra.Command{
		Use:   "verify SOURCE OUTPUT",
		Short: "Compare an output with its source: frames, timestamps, all other tracks",
		Long: `Compare an output with its source, packet by packet: the number of frames, every timestamp, every other
track's payload, chapters, tags and attachments. With --profile, sound that this profile has encoded and
subtitles that it leaves out are no mistakes.

With --quality both are decoded, frame by frame, and SSIM and PSNR are told for each chunk, and the worst
frame: a wrong one shows as a number. VMAF is told too where this ffmpeg has it. --certificate names the
job's jobs/JOB/certificate.json, which has the chunks; without it parts of 20 seconds are told.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, log, err := g.load(cmd)
			if err != nil {
				return err
			}
			if err := o.check(cfg); err != nil {
				return err
			}
			var asked merge.Asked
			if profile, ok := cfg.Profile(o.profile); ok {
				asked = merge.Asked{Audio: profile.Audio, Subtitles: profile.Subtitles}
			}
			tools, err := media.Find(log)
			if err != nil {
				return err
			}
			paths := [2]string{}
			for i, a := range args {
				if _, err := os.Stat(a); err != nil {
					return cannot("verify", a, err)
				}
				if paths[i], err = filepath.Abs(a); err != nil {
					return err
				}
			}
			report, err := merge.Verify(cmd.Context(), tools, paths[0], paths[1], asked)
			if err != nil {
				return g.stop.oneShot(err)
			}
			fmt.Fprint(cmd.OutOrStdout(), report.Text())
			if !report.OK() {
				return errors.New("the output does not hold what its source promises")
			}
			if quality {
				return g.stop.oneShot(tellQuality(cmd, tools, paths, certificate))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&quality, "quality", false, "decode both and measure SSIM and PSNR of each chunk")
	cmd.Flags().StringVar(&certificate, "certificate", "", "the job's certificate.json, for --quality: which frames its chunks have")
	cmd.Flags().StringVar(&o.profile, "profile", "", "what it was encoded with: the settings of `PROFILE`")
	return cmd
}

func tellQuality(cmd *cobra.Command, tools media.Tools, paths [2]string, certificate string) error {
	chunks, err := chunkFrames(certificate)
	if err != nil {
		return err
	}
	q, err := merge.Compare(cmd.Context(), tools, paths[0], paths[1], chunks)
	if err != nil {
		return err
	}
	fmt.Fprint(cmd.OutOrStdout(), q.Text())
	return nil
}

// chunkFrames reads how many frames each chunk has out of a certificate; nil without one.
func chunkFrames(certificate string) ([]int, error) {
	if certificate == "" {
		return nil, nil
	}
	text, err := os.ReadFile(certificate)
	if err != nil {
		return nil, cannot("read", certificate, err)
	}
	var c merge.Certificate
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, fmt.Errorf("%q is no certificate: %w", certificate, err)
	}
	var frames []int
	for _, chunk := range c.Chunks {
		frames = append(frames, chunk.Frames)
	}
	return frames, nil
}
