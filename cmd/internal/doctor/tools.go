package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
)

// findTools looks for every tool, and returns the paths of those that can be used. leads: a master may run here. With
// those that a worker needs encodes holds, and with all of them merges does, too.
func findTools(ctx context.Context, leads bool, tell Tell) (found media.Tools, encodes, merges bool) {
	encodes, merges = true, true
	for _, p := range media.KnownTools() {
		f := findTool(ctx, p, leads, &found)
		merges = merges && f.Level == OK
		encodes = encodes && (f.Level == OK || p.Merges)
		tell(f)
	}
	return found, encodes, merges
}

func findTool(ctx context.Context, p media.Tool, leads bool, found *media.Tools) Finding {
	path, err := p.Locate()
	if err != nil && p.Merges {
		f := failed(p.Name, "not found in PATH").because(
			"a master and `distenc encode` need it; a worker does not", "on Debian: apt install "+p.Debian)
		if !leads {
			f.Level = Advice
		}
		return f
	}
	if err != nil {
		return failed(p.Name, "not found in PATH").because(
			"nothing can be encoded without it", "on Debian: apt install "+p.Debian)
	}
	*p.Path(found) = path
	said, err := found.Version(ctx, p)
	if err != nil {
		return failed(p.Name, "%s: %v", path, err).because("it does not start", "install it again")
	}
	return judgeVersion(p.Name, path, said)
}

var release = regexp.MustCompile(`^ff(?:mpeg|probe) version n?(\d+)\.(\d+)`)

// judgeVersion refuses an ffmpeg that lacks options that are used. A build without a release number, such
// as N-109000-g1a2b3c4, is taken for a new one.
func judgeVersion(name, path, line string) Finding {
	line, _, _ = strings.Cut(line, " Copyright")
	if m := release.FindStringSubmatch(line); m != nil {
		major, _ := strconv.Atoi(m[1])
		minor, _ := strconv.Atoi(m[2])
		if major < 5 || major == 5 && minor < 1 {
			return failed(name, "%s: %s", path, line).because(
				"versions before 5.1 lack -fps_mode, without which frames can be repeated or lost", "install ffmpeg 5.1 or later")
		}
	}
	return ok(name, "%s: %s", path, line)
}

// findEncoders returns the encoders that this ffmpeg was built with. One that is not there is a mistake if a profile
// names it.
func findEncoders(ctx context.Context, t media.Tools, profiles []Profile, tell Tell) (present []encoder.Encoder) {
	listing, err := t.Encoders(ctx)
	if err != nil {
		tell(failed("encoder", "%s does not list its encoders: %v", t.FFmpeg, err).because(
			"it is what encodes", "install it again"))
		return nil
	}
	missing := encoder.Missing(listing)
	for _, e := range encoder.All() {
		if !slices.Contains(missing, e) {
			present = append(present, e)
			tell(ok("encoder", "%s: %s has %s", e.Name(), t.FFmpeg, e.Library()))
			continue
		}
		const do = "install an ffmpeg that was built with it (Debian's is: apt install ffmpeg)"
		seen := fmt.Sprintf("%s: %s has no %s", e.Name(), t.FFmpeg, e.Library())
		need := naming(profiles, func(s pipeline.Settings) bool { return s.Encoder == e.Name() })
		if need != "" {
			tell(failed("encoder", "%s", seen).because("it is what encodes with profile "+need, do))
		} else {
			tell(advice("encoder", "%s", seen).because("this machine can't help with films that are encoded with it", do))
		}
	}
	return present
}

// naming lists the profiles whose settings are so.
func naming(profiles []Profile, is func(pipeline.Settings) bool) string {
	var names []string
	for _, p := range profiles {
		if is(p.Settings) {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}

// findMetrics returns the metrics that this ffmpeg can't measure. One that a profile's quality is told by is a mistake.
func findMetrics(ctx context.Context, t media.Tools, profiles []Profile, tell Tell) (missing []pipeline.Metric) {
	for _, m := range pipeline.Metrics() {
		err := t.CanMeasure(ctx, m)
		if err == nil {
			tell(ok("metric", "%s: %s measures it", m.Title(), t.FFmpeg))
			continue
		}
		missing = append(missing, m)
		seen := fmt.Sprintf("%s: %s can't measure it: %v", m.Title(), t.FFmpeg, err)
		if need := naming(profiles, func(s pipeline.Settings) bool { return s.Quality.Metric == m }); need != "" {
			tell(failed("metric", "%s", seen).because("profile "+need+" asks for a quality by it", m.Remedy()))
		} else {
			tell(advice("metric", "%s", seen).because("this machine can't help with films whose quality is told by it",
				m.Remedy()))
		}
	}
	return missing
}

// tryProfile sends a small film through all stages with a profile's settings.
func tryProfile(ctx context.Context, t media.Tools, p Profile, rehearse Rehearse) Finding {
	check := "profile " + p.Name
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	began := time.Now()
	chunks, err := rehearse(ctx, t, p.Settings)
	if refused, is := errors.AsType[*pipeline.Refusal](err); is {
		return failed(check, "%s", refused.Reason).because("each file with this profile is refused",
			"mend [profiles."+p.Name+"], or install a newer "+p.Settings.Encoder)
	}
	if err != nil {
		return failed(check, "%v", err).because("what fails with a small film fails with each file",
			"ffmpeg 5.1 to 9.0 and mkvtoolnix 74 to 92 are known to work: install others, and look what else is special here")
	}
	return ok(check, "%d chunks of a film encoded by %s with %q, decoded, compared and merged into %s in %s",
		chunks, p.Settings.Encoder, p.Settings.Options, p.Settings.Container, short(time.Since(began)))
}

// short writes a duration in two digits or so.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d >= 100*time.Millisecond:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
