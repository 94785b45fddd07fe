package encode_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encoder"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// hostile are options of each encoder that name files (FILE), count frames, or are none at all, by what a refusal says
// of them; empty: they are taken, and do no harm.
var hostile = map[string]map[string]string{"x264": {
	"--stats FILE --pass 1": "--stats", "--pass 2": "--pass", "-p 1": "--pass", "--dump-yuv FILE": "--dump-yuv",
	"--cqmfile FILE": "--cqmfile", "--cqm FILE": "--cqm", "--cqm4 FILE": "--cqm4", "--qpfile FILE": "--qpfile",
	"--opencl-clbin FILE": "--opencl-clbin", "--opencl": "--opencl", "--log-file FILE": "--log-file",
	"--log-file-level 3": "--log-file-level", "--tcfile-in FILE": "--tcfile-in", "--tcfile-out FILE": "--tcfile-out",
	"--index FILE": "--index", "--audiofile FILE": "--audiofile", "--output FILE": "--output", "-oFILE": "--output",
	"FILE": "files are not named", "--video-filter crop:1,1,1,1": "--video-filter", "--vf FILE": "--vf",
	"--muxer FILE": "--muxer", "--demuxer lavf": "--demuxer", "--input-res 1x1": "--input-res", "--made-up 3": "--made-up",
	"--crf 18:stats=FILE": "--crf", `--crf '18\:stats=FILE'`: "--crf", "--deblock 1:1:dump-yuv=FILE": "--deblock",
	"--psy-rd 1:1:cqmfile=FILE": "--psy-rd", "--preset slow:stats=FILE": "--preset", "--tune FILE": "--tune",
	"--partitions p8x8,FILE": "--partitions", "--mastering-display junk": "--mastering-display", "--cll junk": "--cll",
	"--cll 65536,1": "--cll",
	"--sar 0:0":     "--sar", "--sar 65536:1": "--sar",
	"--frames 1": "--frames", "--seek 5": "--seek", "--zones 0,5,q=51": "--zones", "--fps 1": "--fps",
	"--pulldown 32": "--pulldown", "--force-cfr": "--force-cfr", "--timebase 1/1": "--timebase",
	"--dts-compress": "--dts-compress", "--asm 0": "--asm", "--filler": "--filler", "--slow-firstpass": "--slow-firstpass",
	"--crf": "--crf", "--no-mbtree=1": "--no-mbtree", "--profile ultra": "--profile", "--keyint -5": "--keyint",
	"--level 9.9": "--level", "--avcintra-class 50": "AVC-Intra", "--cqm4 1,2": "cqm4", "--threads 9999": "",
	"--bframes 999": "", "--ref 999": "", "--rc-lookahead 99999": "", "--merange 999999999": "",
	"--qp -99":      "qp not specified",
	"--slices 9999": "", "--min-keyint 999999999": "", "--nr 999999999": "",
	"--vbv-maxrate 999999999 --vbv-bufsize 1": "--vbv-bufsize",
}, "x265": {
	// Files, under all names that x265 or libx265 has for them.
	"--csv FILE": "--csv", "--csv-log-level 2": "--csv-log-level", "--stats FILE --pass 1": "--stats",
	"--pass 2": "--pass", "--pass=1": "--pass", "--multi-pass-opt-analysis": "--multi-pass-opt-analysis",
	"--analysis-save FILE": "--analysis-save", "--analysis-load FILE": "--analysis-load",
	"--analysis-reuse-file FILE": "--analysis-reuse-file", "--refine-intra 4": "--refine-intra",
	"--lambda-file FILE": "--lambda-file", "--scaling-list FILE": "--scaling-list", "--nalu-file FILE": "--nalu-file",
	"--dhdr10-info FILE": "--dhdr10-info", "--dolby-vision-rpu FILE": "--dolby-vision-rpu", "--qpfile FILE": "--qpfile",
	"--zonefile FILE": "--zonefile", "--recon FILE": "--recon", "-r FILE": "--recon",
	`--recon-y4m-exec "touch FILE"`: "--recon-y4m-exec", "--abr-ladder FILE": "--abr-ladder", "--input FILE": "--input",
	"--output FILE": "--output", "-oFILE": "--output", "FILE": "files are not named", "--log-file FILE": "--log-file",
	"--film-grain FILE": "--film-grain", "--svt": "--svt", "--svt_params FILE": "--svt_params",
	// Other parameters behind an accepted one's value.
	"--crf 18:csv=FILE": "--crf", `--crf '18\:csv=FILE'`: "--crf", "--sar 1:1:csv=FILE": "--sar",
	"--deblock 1:1:stats=FILE": "--deblock", "--max-cll 1,2:lambda-file=FILE": "--max-cll",
	"--hme-search umh,hex,star:csv": "--hme-search", "--preset slow:csv=FILE": "--preset", "--tune FILE": "--tune",
	"--master-display junk": "--master-display", "--me ../../FILE": "--me",
	// Frames that are counted, dropped, doubled, timed anew.
	"--frames 1": "--frames", "-f 1": "--frames", "--seek 5": "--seek", "--zones 0,5,q=51": "--zones",
	"--fps 1": "--fps", "--frame-dup": "--frame-dup", "--chunk-start 5": "--chunk-start", "--pic-struct 7": "--pic-struct",
	"--interlace tff": "--interlace", "--field": "--field",
	// What is the machine's, or the headers'.
	"--pools none": "--pools", "--asm 0": "--asm", "--annexb": "--annexb", "--no-repeat-headers": "--no-repeat-headers",
	"--opt-qp-pps": "--opt-qp-pps",
	// Malformed, or beyond what x265 takes.
	"--crf eighteen": "--crf", "--bframes": "--bframes", "--no-sao=0": "--no-sao", "--profile main16": "--profile",
	"--keyint infinite": "--keyint", "--made-up 3": "--made-up", "--max-cll 1": "--max-cll",
	"--max-cll 65536,1": "--max-cll",
	"--sar 0:0":         "--sar", "--sar 65536:1": "--sar",
	"--master-display G(65536,1)B(1,1)R(1,1)WP(1,1)L(1,1)":      "--master-display",
	"--master-display G(1,1)B(1,1)R(1,1)WP(1,1)L(4294967296,1)": "--master-display",
	"--display-window 1,2,3":                                    "display-window",
	"--crf 99":                                                  "quality", "--bframes 17": "bframe",
	"--level-idc 8.4":  "--level-idc",
	"--aq-strength 99": "Aq-Strength", "--qcomp 9": "qCompress", "--ref 99": "maxNumReferences", "--radl 20": "radl",
	"--slices 9999": "", "--rc-lookahead 99999": "ookahead", "--merange 999999999": "Search Range",
	"--log2-max-poc-lsb 99": "og2MaxPocLsb",
	"--qp -99":              "QP exceeds", "--atc-sei 999999999": "", "--hme-range 1": "", "--frame-threads 9999": "",
	"--keyint -1":            "",
	"--min-keyint 999999999": "", "--vbv-maxrate 999999999 --vbv-bufsize 1": "--vbv-bufsize", "--max-luma 70000": "",
}, "svtav1": {
	// Files, under all names that SvtAv1EncApp or the library has for them.
	"--qpfile FILE": "--qpfile", "--use-q-file 1": "--use-q-file", "--stats FILE --pass 1": "--stats",
	"--pass 2": "--pass", "--passes 2": "--passes", "--stat-file FILE": "--stat-file", "--fgs-table FILE": "--fgs-table",
	"--enable-stat-report 1": "--enable-stat-report", "--roi-map-file FILE": "--roi-map-file", "-c FILE": "--config",
	"--config FILE": "--config", "--errlog FILE": "--errlog", "--recon FILE": "--recon", "-o FILE": "--recon",
	"--input FILE": "--input", "-i FILE": "--input", "--output FILE": "--output", "-bFILE": "--output",
	"FILE": "files are not named", "--svtav1-params qpfile=FILE": "--svtav1-params",
	// Other parameters behind an accepted one's value.
	"--crf 18:qpfile=FILE": "--crf", `--crf '18\:stats=FILE'`: "--crf", "--qindex-offsets 1,2:qpfile=FILE": "--qindex-offsets",
	"--tbr 500k:stats=FILE": "--tbr", "--content-light 1,2:pass=1": "--content-light", "--preset 8:recon=FILE": "--preset",
	"--color-primaries FILE": "--color-primaries", "--keyint 5s:pass=1": "--keyint", "--tune FILE": "--tune",
	// With these the library would never end.
	"--mastering-display junk": "--mastering-display", "--mastering-display G(0.2,0.6)": "--mastering-display",
	"--mastering-display G(1,2)B(3,4)R(5,6)WP(7,8)L(9,)": "--mastering-display",
	// Frames that are counted, timed anew, of another size.
	"--frames 1": "--frames", "-n 1": "--frames", "--skip 5": "--skip", "--nb 5": "--nb",
	"--force-key-frames 5f": "--force-key-frames", "--fps 1": "--fps", "--fps-num 1": "--fps-num", "--inj 1": "--inj",
	"--width 64": "--width", "-w 64": "--width", "--forced-max-frame-width 64": "--forced-max-frame-width",
	"--resize-mode 2": "--resize-mode", "--superres-mode 4": "--superres-mode", "--sframe-dist 5": "--sframe-dist",
	"--frame-resz-events 1": "--frame-resz-events", "--irefresh-type 1": "--irefresh-type", "--rtc 1": "--rtc",
	// What is the machine's, or another form of pictures.
	"--asm c": "--asm", "--ss 0": "--ss", "--color-format 3": "--color-format", "--profile 2": "--profile",
	"--input-depth 12": "--input-depth", "--avif 1": "--avif",
	// Malformed, or beyond what SVT-AV1 takes.
	"--crf eighteen": "--crf", "--crf 30.1": "--crf", "--crf 99": "--crf", "--preset -9": "--preset", "--crf": "--crf",
	"--preset 99": "--preset", "--content-light junk": "--content-light",
	"--content-light 65536,1": "--content-light", "--keyint junk": "--keyint",
	"--made-up 3": "--made-up", "--film-grain 99": "--film-grain", "--tile-rows 9": "--tile-rows", "--rc 2": "--rc",
	"--qindex-offsets 1,2,3,4,5,6,7": "--qindex-offsets", "--rc 1 --keyint -1": "keyint", "--rc 1 --aq-mode 0": "daptive",
	"--tile-rows 6 --tile-columns 4": "MaxTiles", "--level 6.0": "",
	"--lp 999": "", "--lookahead 120": "", "--keyint 999999999": "", "--keyint 99999s": "", "--max-qp 1 --min-qp 0": "",
	"--use-fixed-qindex-offsets 2 --qindex-offsets -256,255,999,-999,999,-999": "qindex_offsets",
	"--mastering-display G(99999,99999)B(0,0)R(9,9)WP(9,9)L(99999.9,0.0)":      "",
	"--content-light 65535,65535":                                              "",
}}

// TestHostileOptions: none opens a file or runs for ever, and what is not taken is refused with its name.
func TestHostileOptions(t *testing.T) {
	path := corpus.Make(t, "one-frame.mkv")
	opened, traced := traceFFmpeg(t)
	for _, e := range encoder.All() { // one after the other: what a trace shows is one encode's
		for text, mention := range hostile[e.Name()] {
			t.Run(e.Name()+" "+text, func(t *testing.T) {
				dir := t.TempDir()
				text := strings.ReplaceAll(text, "FILE", filepath.Join(dir, "canary"))
				_, err := plan(t, path, pipeline.Settings{Encoder: e.Name(), Options: text})
				if mention == "" {
					require.NoError(t, err)
				} else {
					var refusal *pipeline.Refusal
					require.ErrorAs(t, err, &refusal)
					require.Contains(t, refusal.Reason, mention)
				}
				left, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Empty(t, left)
				lines := opened(t)
				require.True(t, mention != "" || !traced || strings.Contains(strings.Join(lines, "\n"), path), "not traced")
				for _, line := range lines {
					require.NotContains(t, line, dir)
					require.NotRegexp(t, writes, line)
				}
			})
		}
	}
	if !traced {
		t.Skip("strace can't run here: which files ffmpeg opened is not known (test/install-tools strace)")
	}
}

// writes are system calls that make or change a file, but for what a child is given anyway.
var writes = regexp.MustCompile(`(O_WRONLY|O_RDWR|O_CREAT|mkdir|rename|unlink|link|truncate|creat)`)

// traceFFmpeg has all ffmpegs of a test traced, and returns what tells which files they asked for since it was asked
// last.
func traceFFmpeg(t *testing.T) (opened func(t *testing.T) []string, works bool) {
	t.Helper()
	tools, err := media.Find(nil)
	require.NoError(t, err)
	strace, err := exec.LookPath("strace")
	if err != nil || exec.Command(strace, "-o", os.DevNull, "-e", "trace=openat", "/bin/true").Run() != nil {
		return func(*testing.T) []string { return nil }, false
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nexec '%s' -f -qq -s 4096 -e trace=%%file -e signal=none -o '%s'/trace.$$ '%s' \"$@\"\n",
		strace, dir, tools.FFmpeg)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o700))
	t.Setenv(media.ToolsDir, dir)
	return func(t *testing.T) (lines []string) {
		files, err := filepath.Glob(filepath.Join(dir, "trace.*"))
		require.NoError(t, err)
		for _, name := range files {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NotEmpty(t, text)
			lines = append(lines, strings.Split(string(text), "\n")...)
			require.NoError(t, os.Remove(name))
		}
		return lines
	}, true
}
