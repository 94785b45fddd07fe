//go:build unix

// Command demo shows the whole farm on one machine: a share in a folder, `distenc run` and two workers
// as processes of their own, one file from the inbox to the outbox, and the result verified. It ends
// the processes it started, and no others.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/merge"
	"github.com/distenc/distenc/test/corpus"
)

func main() {
	binary := flag.String("distenc", "bin/distenc", "the program to show")
	dir := flag.String("dir", "", "folder to work in; default: a new one in the temporary folder")
	input := flag.String("input", "", "video to encode; default: one is made")
	encoder := flag.String("encoder", "x264", "what encodes it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *binary, *dir, *input, *encoder)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, dir, input, encoder string) (err error) {
	began := time.Now()
	if _, known := shown[encoder]; !known {
		return fmt.Errorf("there is no encoder %q; %s", encoder, pipeline.ThereAre(slices.Sorted(maps.Keys(shown))))
	}
	d, err := prepare(binary, dir)
	if err != nil {
		return err
	}
	chunk, made := "20s", input == ""
	if made {
		chunk = "2s" // the demo's file is short: enough chunks for everybody
		if input, err = d.makeInput(); err != nil {
			return err
		}
	}
	if input, err = filepath.Abs(input); err != nil {
		return err
	}
	if err := d.configure(chunk, encoder); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := d.distenc(ctx, "init", d.share); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	for _, command := range []string{"run", "worker", "worker"} {
		if err := d.start(command, cancel); err != nil {
			return err
		}
	}
	if err := d.distenc(ctx, "add", input, "--wait"); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	output, err := d.output()
	if err != nil {
		return err
	}
	fmt.Println()
	if err := d.distenc(ctx, "verify", input, output); err != nil {
		return err
	}
	if err := d.tell(input, output, time.Since(began)); err != nil {
		return err
	}
	if made {
		return smaller(input, output)
	}
	return nil
}

// smaller is an error if the demo's own film did not become clearly smaller.
func smaller(input, output string) error {
	was, err := os.Stat(input)
	if err != nil {
		return err
	}
	is, err := os.Stat(output)
	if err == nil && is.Size() > was.Size()*4/5 {
		err = fmt.Errorf("%d bytes became %d: that is no gain to be shown", was.Size(), is.Size())
	}
	return err
}

// demo is one showing: a folder with the share, the configuration and the daemons' logs in it.
type demo struct {
	binary, dir, share, config string
	daemons                    []*daemon
}

func prepare(binary, dir string) (*demo, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		dir, err = os.MkdirTemp("", "distenc-demo-")
	} else if dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return nil, err
	}
	d := &demo{binary: binary, dir: dir, share: filepath.Join(dir, "share"), config: filepath.Join(dir, "distenc.toml")}
	if _, err := os.Lstat(d.share); err == nil {
		return nil, fmt.Errorf("%q is there already: a demo starts with a share of its own", d.share)
	}
	return d, nil
}

// makeInput makes a High 10 file with two audio tracks, subtitles, fonts and chapters, and puts its
// CRC-32 into its name, as those who archive series do.
func (d *demo) makeInput() (string, error) {
	fmt.Println("making a video")
	plain, err := corpus.Write(d.dir, "hi10p-fansub.mkv")
	if err != nil {
		return "", err
	}
	f, err := os.Open(plain)
	if err != nil {
		return "", err
	}
	sum := crc32.NewIEEE()
	_, err = io.Copy(sum, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	tagged := filepath.Join(d.dir, fmt.Sprintf("Show - 01 [%08X].mkv", sum.Sum32()))
	return tagged, os.Rename(plain, tagged)
}

// shown are options with which each encoder is done within the demo's time.
var shown = map[string]string{
	"x264":   "--preset medium --profile high --crf 28",
	"x265":   "--preset fast --crf 30 --output-depth 10",
	"svtav1": "--preset 8 --crf 40",
}

func (d *demo) configure(chunk, encoder string) error {
	text := fmt.Sprintf(`share = %q

[watch]
poll = "1s"

[split]
chunk = %q

[lease]
heartbeat = "2s"
expiry = "20s"

[worker]
slots = 1

[profiles.default]
%s = %q
`, d.share, chunk, encoder, shown[encoder])
	return os.WriteFile(d.config, []byte(text), 0o644)
}

// command runs with the demo's configuration alone, whatever DISTENC_* variables are set outside.
func (d *demo) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.binary, append([]string{"--config", d.config}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "DISTENC_") })
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}

// distenc runs one command to its end, as a person would see it.
func (d *demo) distenc(ctx context.Context, args ...string) error {
	fmt.Print("$ distenc")
	for _, a := range args {
		if strings.ContainsAny(a, " []'") {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		fmt.Print(" " + a)
	}
	fmt.Println()
	cmd := d.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("distenc %s: %w (the daemons' logs are in %s)", args[0], err, d.dir)
	}
	return nil
}

// output finds the one file that was published.
func (d *demo) output() (string, error) {
	files, err := filepath.Glob(filepath.Join(d.share, "outbox", "*"))
	if err != nil {
		return "", err
	}
	if len(files) != 1 {
		return "", fmt.Errorf("expected one file in the outbox, found %q", files)
	}
	return files[0], nil
}

// tell prints the job's report and where everything lies.
func (d *demo) tell(input, output string, took time.Duration) error {
	reports, err := filepath.Glob(filepath.Join(d.share, "jobs", "*", "report.txt"))
	if err != nil {
		return err
	}
	for _, name := range reports {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Printf("\n%s\n", text)
	}
	fmt.Printf("source       %s\nresult       %s\n", input, output)
	for _, name := range reports {
		certificate := filepath.Join(filepath.Dir(name), "certificate.json")
		fmt.Printf("certificate  %s\n", certificate)
		if err := gained(certificate); err != nil {
			return err
		}
	}
	fmt.Printf("all of it    %s\ntook         %s\n", d.dir, took.Round(time.Second))
	return nil
}

// gained prints what the encode was good for: how much smaller the film is, and how long one process alone would have
// encoded.
func gained(certificate string) error {
	b, err := os.ReadFile(certificate)
	if err != nil {
		return err
	}
	var c merge.Certificate
	if err := json.Unmarshal(b, &c); err != nil {
		return err
	}
	nodes, seconds := map[string]float64{}, 0.0
	for _, chunk := range c.Chunks {
		nodes[chunk.Node] += chunk.Seconds
		seconds += chunk.Seconds
	}
	longest := slices.Max(slices.Collect(maps.Values(nodes)))
	fmt.Printf("gained       %s became %s (%.0f%%); %.0f s of encoding took %.0f s, by %d workers side by side\n",
		humanize.IBytes(uint64(c.Source.Size)), humanize.IBytes(uint64(c.Output.Size)),
		100*float64(c.Output.Size)/float64(max(1, c.Source.Size)),
		seconds, longest, len(nodes))
	return nil
}
