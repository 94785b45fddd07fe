package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"sync/atomic"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/logging"
)

// global is what all commands share: the global flags, and the signals that end a command.
type global struct {
	configFile string
	noShare    bool // the share's own settings are not read
	stop       stops
	level      slog.LevelVar // of the log
	serving    atomic.Bool   // a daemon that has begun its work; it tells in its log that it stops
	ran        bool          // a command's own code has begun; before that, an error is one of usage
}

// run executes one command line and returns the process's exit code.
func run(args []string, stdout, stderr io.Writer) int {
	stop, release := catchSignals(context.Background())
	defer release()
	g := &global{stop: stop}
	stop.told(func() {
		if !g.serving.Load() {
			hint()
		}
	})
	root := newRoot(g)
	root.SetArgs(withNegative(root, args))
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(stop.gently)
	if err != nil && !g.ran {
		err = usage(err)
	}
	report(stderr, cmd.CommandPath(), err)
	return exitCode(err)
}

func newRoot(g *global) *cobra.Command {
	root := &cobra.Command{
		Use:   "distenc",
		Short: "A folder that encodes: every machine that mounts it helps",
		Long: `distenc encodes the videos that are dropped into a folder which several machines mount.
Every machine that runs a worker helps with one and the same file.

Settings come from flags, then DISTENC_* variables, then the machine's TOML (--config, else
` + config.MachineFile + `), then distenc.toml on the share, then defaults.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          noCommand,
		// Cobra's own errors, which have no type, come before this.
		PersistentPreRun: func(*cobra.Command, []string) { g.ran = true },
		Version:          buildLine(),
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	flags.StringVar(&g.configFile, "config", "",
		"the machine's configuration `FILE` (default "+config.MachineFile+" if it exists)")
	flags.String("share", "", "the `DIR` that all machines mount")
	flags.String("log-format", "", "text or json (default text)")
	flags.String("log-level", "", "debug, info, warn or error (default info)")
	sets(flags, "share", "share")
	sets(flags, "log-format", "log.format")
	sets(flags, "log-level", "log.level")

	root.AddCommand(
		newInit(g), newMaster(g), newWorker(g), newRun(g), newEncode(g), newTry(g), newAdd(g), newFetch(g),
		newStatus(g), newNodes(g), newPause(g), newResume(g), newCancel(g), newRetry(g), newPriority(g),
		newVerify(g), newDoctor(g), newService(g), newVersion(), newMan(), exitCodesTopic(), settingsTopic(),
	)
	root.InitDefaultCompletionCmd()
	return root
}

// noCommand shows what there is.
func noCommand(cmd *cobra.Command, _ []string) error {
	cmd.SetOut(cmd.ErrOrStderr())
	if err := cmd.Help(); err != nil {
		return err
	}
	return usage(errors.New("no command given"))
}

// setsKey is the annotation of a flag that sets a key of the configuration.
const setsKey = "distenc_sets"

// sets makes a flag, if it is given, set a key of the configuration.
func sets(flags *pflag.FlagSet, flag, key string) {
	if err := flags.SetAnnotation(flag, setsKey, []string{key}); err != nil {
		panic(err) // there is no such flag: our own mistake, and the first start shows it
	}
}

// load reads the configuration as this command line has it, and opens the log on the command's stderr.
func (g *global) load(cmd *cobra.Command, more ...config.Flag) (config.Config, *slog.Logger, error) {
	var flags []config.Flag
	cmd.Flags().Visit(func(f *pflag.Flag) {
		for _, key := range f.Annotations[setsKey] {
			flags = append(flags, config.Flag{Name: "--" + f.Name, Key: key, Value: f.Value.String()})
		}
	})
	cfg, err := config.Load(config.Source{
		File: g.configFile, Flags: append(flags, more...), Environ: os.Environ(), NoShare: g.noShare,
	})
	if err != nil {
		return config.Config{}, nil, err
	}
	g.level.Set(logging.Level(cfg.Log.Level))
	return cfg, logging.New(cmd.ErrOrStderr(), cfg.Log.Format, &g.level), nil
}

// takes checks that a command has all its arguments and no more.
func takes(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == len(names) {
			return nil
		}
		if len(args) < len(names) {
			return fmt.Errorf("%s is missing: %s", names[len(args)], cmd.UseLine())
		}
		return fmt.Errorf("%q is too much: %s", args[len(names)], cmd.UseLine())
	}
}

var negative = regexp.MustCompile(`^-[0-9]+$`)

// withNegative puts negative numbers of `priority` behind "--", where pflag takes them for no flags.
func withNegative(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil || cmd.Name() != "priority" || slices.Contains(args, "--") {
		return args
	}
	var words, numbers []string
	for _, a := range args {
		if negative.MatchString(a) {
			numbers = append(numbers, a)
		} else {
			words = append(words, a)
		}
	}
	if numbers == nil {
		return args
	}
	return slices.Concat(words, []string{"--"}, numbers)
}

// kinds are what a flag's value is by its type, where any text is not good enough.
var kinds = map[string]string{
	"int": "a whole number", "duration": "a duration such as 90s or 2m", "bool": "true or false",
}

// flagError says of a value that its flag can't take what it has to be.
func flagError(_ *cobra.Command, err error) error {
	wrong, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	flag := wrong.GetFlag()
	kind := kinds[flag.Value.Type()]
	if kind == "" {
		return err
	}
	return fmt.Errorf("--%s must be %s, is %q", flag.Name, kind, wrong.GetValue())
}

// withDashes is flagError for commands that take an encoder's options. It tells who gives them as if they were
// distenc's where they belong.
func withDashes(cmd *cobra.Command, err error) error {
	if !isA[*pflag.NotExistError](err) {
		return flagError(cmd, err)
	}
	return fmt.Errorf("%w; the encoder's own options follow --, as in: %s FILE -- --crf 20", err, cmd.CommandPath())
}
