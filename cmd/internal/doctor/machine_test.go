package doctor

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/stages"
)

// collect gathers findings by their check.
type collect map[string]Finding

func (c collect) tell(f Finding) { c[f.Check] = f }

func (c collect) levels() map[string]Level {
	out := map[string]Level{}
	for check, f := range c {
		out[check] = f.Level
	}
	return out
}

// onlyBad are the findings that are not ok.
func (c collect) onlyBad() map[string]Finding {
	out := map[string]Finding{}
	for check, f := range c {
		if f.Level != OK {
			out[check] = f
		}
	}
	return out
}

func profile(name, x264 string) Profile {
	return Profile{name, pipeline.Settings{Encoder: "x264", Options: x264, Container: "mkv"}}
}

// inFolder rehearses in a folder of the test's.
func inFolder(t *testing.T) Rehearse {
	return func(ctx context.Context, tools media.Tools, set pipeline.Settings) (int, error) {
		return stages.Rehearse(ctx, tools, set, t.TempDir())
	}
}

// A tool that does not do its part is seen here, not with the first film: one that encodes and yet refuses an option of
// a real chunk's, one that loses a frame, one that makes other pictures of it, a merge that fails.
func TestToolsThatDoNotWorkTogether(t *testing.T) {
	real, err := media.Find(nil)
	require.NoError(t, err)
	// chunk is an ffmpeg that does something else where it encodes a chunk.
	chunk := func(does string) string {
		return `case "$*" in *-enc_time_base*"-f matroska"*) ` + does + `;; esac; exec ` + real.FFmpeg + ` "$@"`
	}
	// each goes through the arguments, in $a, and may put others in front of one.
	each := func(does string) string {
		return `for a; do shift; case "$last $a" in ` + does + `;; esac; set -- "$@" "$a"; last=$a; done`
	}
	for name, c := range map[string]struct{ tool, script, want string }{
		"an option is refused": {"ffmpeg", chunk(`echo "[fatal] Invalid time base: 1:1000" >&2; exit 234`),
			"Invalid time base"},
		"a frame is lost": {"ffmpeg", chunk(each(`*" -avoid_negative_ts") set -- "$@" -bsf:v 'noise=drop=eq(n\,9)'`)),
			"49 came out, 50 are planned"},
		"the pictures are others": {"ffmpeg", chunk(each(`"-vf "*) a=$a,negate`)),
			"its pictures are not the source's"},
		"the merge fails": {"mkvmerge", `case "$*" in *.json*) echo "Error: it does not like these chunks"; exit 2;; ` +
			`esac; exec ` + real.MKVMerge + ` "$@"`, "it does not like these chunks"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, c.tool), []byte("#!/bin/sh\n"+c.script+"\n"), 0o755))
			t.Setenv(media.ToolsDir, dir)
			found := collect{}
			Machine(t.Context(), MachineOptions{Root: machineWith(nil), Temp: dir, Rehearse: inFolder(t),
				Profiles: []Profile{profile("default", "--preset ultrafast")}}, found.tell)
			require.Equal(t, OK, found[c.tool].Level)
			require.Equal(t, Fail, found["profile default"].Level, "%v", found["profile default"])
			require.Contains(t, found["profile default"].Seen, c.want)
		})
	}
}

// An encoder that this ffmpeg lacks is a mistake only where a profile names it.
func TestAnEncoderThatIsMissing(t *testing.T) {
	real, err := media.Find(nil)
	require.NoError(t, err)
	dir := t.TempDir()
	script := `case "$*" in *-encoders*) echo " V....D mpeg4"; exit;; esac; exec ` + real.FFmpeg + ` "$@"`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	t.Setenv(media.ToolsDir, dir)
	for level, profiles := range map[Level][]Profile{
		Fail: {profile("default", ""), profile("tablet", "")}, Advice: {{"other", pipeline.Settings{Encoder: "x263"}}},
	} {
		var told []Finding
		Machine(t.Context(), MachineOptions{Root: machineWith(nil), Temp: dir, Rehearse: inFolder(t), Profiles: profiles},
			func(f Finding) { told = append(told, f) })
		var found []Finding
		for _, f := range told {
			if f.Check == "encoder" && strings.HasPrefix(f.Seen, "x264: ") {
				found = append(found, f)
			}
			require.NotContains(t, []string{"profile default", "profile tablet"}, f.Check, "there is nothing to encode with")
		}
		require.Len(t, found, 1)
		require.Equal(t, level, found[0].Level)
		require.Contains(t, found[0].Seen, dir+"/ffmpeg has no libx264")
		require.Contains(t, found[0].Do, "apt install ffmpeg")
		if level == Fail {
			require.Contains(t, found[0].Why, "with profile default, tablet")
		}
	}
}

// A metric that this ffmpeg lacks is a mistake only where a profile's quality is told by it.
func TestAMetricThatIsMissing(t *testing.T) {
	real, err := media.Find(nil)
	require.NoError(t, err)
	dir := t.TempDir()
	script := `case "$*" in *libvmaf*) echo "[error] No such filter: 'libvmaf'" >&2; exit 8;; esac; exec ` + real.FFmpeg +
		` "$@"`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	t.Setenv(media.ToolsDir, dir)
	wants := profile("good", "--preset ultrafast")
	wants.Settings.Quality = pipeline.Quality{Metric: pipeline.VMAF, Target: 95}
	for level, profiles := range map[Level][]Profile{Fail: {wants}, Advice: nil} {
		found := map[string]Finding{}
		Machine(t.Context(), MachineOptions{Root: machineWith(nil), Temp: dir, Rehearse: inFolder(t), Profiles: profiles},
			func(f Finding) {
				title, _, _ := strings.Cut(f.Seen, ":")
				found[f.Check+" "+title] = f
			})
		require.Equal(t, OK, found["metric SSIM"].Level, "%v", found)
		require.Equal(t, level, found["metric VMAF"].Level, "%v", found)
		require.Contains(t, found["metric VMAF"].Seen, "No such filter")
		require.Contains(t, found["metric VMAF"].Do, "install an ffmpeg that was built with libvmaf")
		for check := range found {
			require.NotContains(t, check, "profile good", "there is nothing to measure with")
		}
	}
}

func TestSlotsByMemory(t *testing.T) {
	const gb = 1_000_000_000
	o := MachineOptions{Slots: 4, Threads: 1, Memory: 64 * gb, Profiles: []Profile{
		profile("slow", "--preset slower"), profile("quick", "--preset ultrafast"), profile("wrong", "--output x"),
		{"small", pipeline.Settings{Encoder: "x264", Options: "--preset slower",
			Scale: pipeline.Scale{Width: 320, Height: 180}}}}}
	check := func() map[string]Finding {
		all := map[string]Finding{}
		checkMemory(o, encoder.All(), func(f Finding) {
			_, rest, _ := strings.Cut(f.Seen, "an encode by ")
			who, _, _ := strings.Cut(rest, " takes")
			all[who] = f
		})
		return all
	}
	all := check()
	require.Len(t, all, 3+len(encoder.All())-1, "each profile that can be used, each encoder that none names: %v", all)
	for _, f := range all {
		require.Equal(t, OK, f.Level, "%v", f)
		require.Contains(t, f.Seen, "1080p ")
		require.Contains(t, f.Seen, "room for 4 of 4")
	}
	o.Memory = 2 * gb
	all = check()
	require.Equal(t, Advice, all["x264 in profile slow"].Level, "%v", all)
	require.Contains(t, all["x264 in profile slow"].Do, "smaller `slots`")
	require.Equal(t, OK, all["x264 in profile quick"].Level, "%v", all)
	require.Equal(t, OK, all["x264 in profile small"].Level, "%v", all)
	o.Memory = 0
	require.Empty(t, check(), "not known")
}

func TestThisMachine(t *testing.T) {
	found := collect{}
	Machine(t.Context(), MachineOptions{Root: os.DirFS("/"), Temp: t.TempDir(), Slots: 1, Threads: 1, Cores: 1,
		Rehearse: inFolder(t), Profiles: []Profile{
			profile("default", "--preset ultrafast --crf 30"),
			profile("deep", "--preset ultrafast --profile high10"),
			profile("forbidden", "--output x.mkv"),
			profile("impossible", "--preset ultrafast --profile baseline --output-csp i444"),
			{"tablet", pipeline.Settings{Encoder: "x264", Options: "--preset ultrafast", Container: "mp4",
				Audio: pipeline.Audio{AAC: 96}, Crop: pipeline.Crop{Auto: true}, Scale: pipeline.Scale{Width: 160, Height: 90}}},
			{"cut", pipeline.Settings{Encoder: "x264", Options: "--preset ultrafast",
				Crop: pipeline.Crop{Rect: pipeline.Rect{Width: 1920, Height: 800, Y: 140}}}},
			{"even", pipeline.Settings{Encoder: "x264", Options: "--preset ultrafast", Container: "mkv",
				Quality: pipeline.Quality{Metric: pipeline.SSIM, Target: 0.95}}},
		}}, found.tell)
	for _, check := range []string{"ffmpeg", "ffprobe", "mkvmerge", "mkvpropedit", "mkvextract", "encoder",
		"profile default", "profile deep", "profile tablet", "profile cut", "profile even"} {
		require.Equal(t, OK, found[check].Level, "%v", found[check])
	}
	require.Contains(t, found["profile tablet"].Seen, "decoded, compared and merged into mp4")
	require.Equal(t, Fail, found["profile forbidden"].Level)
	require.Contains(t, found["profile forbidden"].Do, "[profiles.forbidden]")
	require.Equal(t, Fail, found["profile impossible"].Level)
	require.Contains(t, found["profile impossible"].Seen, "baseline profile doesn't support")
}

func TestCoresThatALimitLeaves(t *testing.T) {
	o := MachineOptions{Slots: 2, Threads: 1, Cores: 2}
	require.Equal(t, "2, for 2 encodes side by side with 1 thread each", cores(o, 2).Seen)
	require.Contains(t, cores(o, 8).Seen, "2 of this machine's 8, by the limit of a control group")
}

func TestToolsThatAreMissingOrOld(t *testing.T) {
	dir := t.TempDir()
	script := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755))
	}
	script("ffmpeg", "echo ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright '(c)' 2000-2021")
	script("ffprobe", "echo ffprobe version n7.1 Copyright")
	script("mkvmerge", "exit 3")
	t.Setenv(media.ToolsDir, dir)
	t.Setenv("PATH", dir)
	found := collect{}
	options := MachineOptions{Root: machineWith(nil), Temp: dir, Leads: true, Profiles: []Profile{profile("default", "")}}
	Machine(t.Context(), options, found.tell)
	require.Equal(t, Fail, found["ffmpeg"].Level)
	require.Contains(t, found["ffmpeg"].Why, "5.1")
	require.Equal(t, OK, found["ffprobe"].Level)
	require.Equal(t, Fail, found["mkvmerge"].Level)
	require.Equal(t, Fail, found["mkvpropedit"].Level)
	require.Contains(t, found["mkvpropedit"].Do, "apt install mkvtoolnix")
	require.NotContains(t, found, "profile default", "there is nothing to encode with")

	Machine(t.Context(), MachineOptions{Root: machineWith(nil), Temp: dir}, found.tell)
	require.Equal(t, Advice, found["mkvpropedit"].Level, "a worker needs none")
}

// A worker without mkvtoolnix is looked at as far as it encodes, and told what was not tried.
func TestAMachineThatOnlyEncodes(t *testing.T) {
	real, err := media.FindEncoding(nil)
	require.NoError(t, err)
	dir := t.TempDir()
	for name, path := range map[string]string{"ffmpeg": real.FFmpeg, "ffprobe": real.FFprobe} {
		require.NoError(t, os.Symlink(path, filepath.Join(dir, name)))
	}
	t.Setenv(media.ToolsDir, dir)
	t.Setenv("PATH", dir)
	found := collect{}
	Machine(t.Context(), MachineOptions{Root: machineWith(nil), Temp: dir, Slots: 1, Threads: 1, Memory: 64 << 30,
		Profiles: []Profile{profile("default", "")}}, found.tell)
	require.Equal(t, Advice, found["mkvmerge"].Level)
	for _, check := range []string{"encoder", "metric", "memory", "profiles"} {
		require.Contains(t, found, check)
	}
	require.Equal(t, Advice, found["profiles"].Level)
	require.NotContains(t, found, "profile default")
}

func TestJudgeVersion(t *testing.T) {
	for said, want := range map[string]Level{
		"ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2024": OK,
		"ffmpeg version 5.0.1 Copyright":                         Fail,
		"ffmpeg version 4.1.11-0+deb10u1 Copyright":              Fail,
		"ffmpeg version n7.1-12-gabcdef Copyright":               OK,
		"ffmpeg version N-118000-g1a2b3c4d5e Copyright":          OK,
		"ffmpeg version 10.0 Copyright":                          OK,
	} {
		f := judgeVersion("ffmpeg", "/bin/ffmpeg", said)
		require.Equal(t, want, f.Level, said)
		require.NotContains(t, f.Seen, "Copyright")
	}
}

func TestJudgeSpace(t *testing.T) {
	limit := spaceLimits{scarce: 10 << 30, none: 256 << 20}
	for _, c := range []struct {
		space sharefs.Space
		want  Level
	}{
		{sharefs.Space{Free: 20 << 30, Total: 1 << 40}, OK},
		{sharefs.Space{Free: 9 << 30, Total: 1 << 40}, Advice},
		{sharefs.Space{Free: 1 << 20, Total: 1 << 40}, Fail},
		{sharefs.Space{Free: 20 << 30, Total: 1 << 40, Files: 1 << 20, FreeFiles: 5}, Advice},
		{sharefs.Space{Free: 20 << 30, Total: 1 << 40}, OK},
	} {
		require.Equal(t, c.want, judgeSpace("space", "/x", limit, c.space).Level, "%v", c.space)
	}
}

func TestFindingForPeople(t *testing.T) {
	require.Equal(t, "ok      rename           done\n", ok("rename", "done").String())
	text := failed("rename", "%d of %d", 1, 2).because("it matters", "mend it").String()
	require.Equal(t, "FAIL    rename           1 of 2\n"+
		"                         why: it matters\n"+
		"                         do:  mend it\n", text)
}

func TestWhoCanReadTheSecrets(t *testing.T) {
	name := filepath.Join(t.TempDir(), "distenc.toml")
	require.NoError(t, os.WriteFile(name, nil, 0o640))
	f := checkSecrets(os.DirFS("/"), name)
	require.Equal(t, OK, f.Level)
	require.NoError(t, os.Chmod(name, 0o644))
	f = checkSecrets(os.DirFS("/"), name)
	require.Equal(t, Advice, f.Level)
	require.Contains(t, f.String(), "chmod 640 "+name)
	require.Equal(t, Advice, checkSecrets(os.DirFS("/"), name+"x").Level)
}
