package pipeline

import (
	"encoding/json"
	"path"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// fuzzJob is the job that the fuzzed files belong to.
const fuzzJob = "abcdef01-k3f9z"

// A name that is taken for a chunk file's is one that this program writes, and leads to that very file.
func FuzzChunkNames(f *testing.F) {
	for _, name := range []string{
		"00012.a1.abcdefgh.mkv", fuzzJob + ".00012.a1.pc-2-wabcde.abcdefgh.range", fuzzJob +
			".1234567.a3.none.abcdefgh.ok.mkv",
		fuzzJob + ".00000.a999999999.pc-2-wabcde.abcd.src.mkv", fuzzJob + ".00012.a1.pc.abcdefgh.mkv.tmp",
		"000012.a1.abcdefgh.mkv",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > sharefs.NameMax || strings.ContainsAny(name, "/\x00") {
			return // no listing has it
		}
		own := func(dir string, c ChunkFile, ok bool) {
			if !ok {
				return
			}
			require.Equal(t, path.Join(dir, name), c.Path())
			require.True(t, ValidJob(c.Job))
			require.GreaterOrEqual(t, c.Attempt, 1)
			for _, beside := range []string{c.AsPending(2).Path(), c.In(Committed).Result(), c.In(Failed).Path(),
				c.AsClaimed("pc-w1").Path()} {
				require.True(t, strings.HasPrefix(beside, "chunks/") && len(path.Base(beside)) <= sharefs.NameMax, beside)
			}
		}
		c, ok := ParsePending(fuzzJob, name)
		own(PendingOf(fuzzJob), c, ok)
		c, ok = ParseClaimed(name)
		own(ClaimedDir, c, ok)
		c, ok = ParseDone(name)
		own(DoneOf(c.Job), c, ok)
		c, ok = ParseFailed(name)
		own(SetAsideOf(c.Job), c, ok)
	})
}

// Whatever a source is called, the names made of its name are names that a file can have, in the same folder.
func FuzzNamesOfOutputs(f *testing.F) {
	for _, name := range []string{"Show - 01 [ABCDEF01].mkv", "a." + strings.Repeat("x", 253), strings.Repeat("é", 127),
		"[00000000].mkv", "-i.mkv", "a.b c d e f g h i.", "\xff\n.mkv"} {
		f.Add(name, uint8(2))
	}
	f.Fuzz(func(t *testing.T, name string, n uint8) {
		if name == "" || name == "." || name == ".." || len(name) > sharefs.NameMax || strings.ContainsAny(name, "/\x00") {
			return // no listing has it
		}
		tag := Tag(name)
		require.True(t, tag == "" || len(tag) == 8 && tag == strings.ToUpper(tag), tag)
		out := OutputName(name, "mkv", "0BADC0DE")
		j := &Job{Inbox: RawName(name), Settings: Settings{
			Container: "mkv", Profile: strings.Repeat("p", 64), Name: "{stem} [{codec} {width}x{height} {profile} {crc}]",
		}}
		plan := &Plan{Out: Picture{Width: maxSide, Height: maxSide}}
		long := j.OutputName(plan, "0BADC0DE")
		j.Settings.Name = Naming("{stem}" + strings.Repeat("n", maxNaming-len("{stem}{profile}")) + "{profile}")
		for _, made := range []string{
			out, long, j.OutputName(plan, "0BADC0DE"), OutputName(name, "mp4", ""), Numbered(name, int(n)),
			NumberedFolder(name, int(n)), Marked(name, fuzzJob),
		} {
			require.True(t, made != "" && made != "." && made != ".." && len(made) <= sharefs.NameMax &&
				!strings.ContainsAny(made, "/\x00"), "%q", made)
			require.True(t, !utf8.ValidString(name) || utf8.ValidString(made), "%q was cut within a character", made)
		}
		require.Equal(t, ".mkv", path.Ext(out))
		if tag != "" && len(name) < 200 && !strings.Contains(path.Ext(name), "[") {
			require.Equal(t, "0BADC0DE", Tag(out))
		}
	})
}

// A name comes back byte for byte, and one from a file on the share never leads out of its folder.
func FuzzRawNames(f *testing.F) {
	for _, s := range []string{"a.mkv", `"../x"`, `"a%2F..%2F.."`, `"%00"`, `"%2Fetc%2Fpasswd"`, "100%", "\xe9\n", `"."`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if b, err := json.Marshal(RawName(s)); s != "" && path.Clean(s) == s && !path.IsAbs(s) &&
			!strings.HasPrefix(s, "..") {
			require.NoError(t, err)
			var back RawName
			require.NoError(t, json.Unmarshal(b, &back))
			require.Equal(t, s, string(back))
		}
		var n RawName
		if json.Unmarshal([]byte(s), &n) == nil {
			require.True(t, strings.HasPrefix(path.Join("inbox", string(n))+"/", "inbox/"), "%q", n)
		}
	})
}

func FuzzTimestamps(f *testing.F) {
	f.Add([]byte(`"AAECAw"`))
	f.Add([]byte(`"////////////"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var ts, again Timestamps
		if json.Unmarshal(b, &ts) != nil {
			return
		}
		require.LessOrEqual(t, ts.Len(), len(b), "no text of a few bytes becomes a long list")
		text, err := json.Marshal(ts)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, ts, again)
		require.Len(t, ts.All(), ts.Len())
	})
}

// A plan that is accepted holds nothing that a command line or a path could take for more than it is.
func FuzzPlan(f *testing.F) {
	f.Add([]byte(`{"format":3,"job":"abcdef01-k3f9z","source":"source.mkv","original":"source.mkv","settings":{"container":"mkv"},"video":{"time_base":{"num":1,"den":1000},"master_display":"G(1,2)"},
		"out":{"width":320,"height":180,"pix_fmt":"yuv420p","fields":"tff"},"muxer":"matroska","frames":3,"chunks":[{"index":0,"kind":"range","end":2,"pts":"AAI"},{"index":1,"kind":"mkv","first":2,"pts":"BA"}]}`))
	f.Add([]byte(`{"format":3,"job":"abcdef01-k3f9z","source":"..","original":"source","video":{"time_base":{"num":1,"den":1}},"frames":1,"chunks":[{"pts":"AA"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		share := sharefstest.Files(map[string][]byte{JobFile(fuzzJob, planName): data})
		p, err := LoadPlan(share, fuzzJob)
		if err != nil {
			return
		}
		for _, w := range append(p.words(), p.Source, p.Original, p.Video.MasterDisplay, p.Video.MaxCLL,
			string(p.Chunks[0].Kind)) {
			require.NotRegexp(t, `[^a-zA-Z0-9._(),-]|\.\.`, w)
		}
		frames := 0
		for _, c := range p.Chunks {
			frames += c.PTS.Len()
		}
		require.Equal(t, p.Frames, frames)
		require.LessOrEqual(t, p.Frames, len(data))
		again, err := json.Marshal(p)
		require.NoError(t, err)
		back, err := LoadPlan(sharefstest.Files(map[string][]byte{JobFile(fuzzJob, planName): again}), fuzzJob)
		require.NoError(t, err)
		require.Equal(t, p, back)
	})
}

// A correction that is taken has CRFs that there are, and so has what is made of it.
func FuzzCorrections(f *testing.F) {
	f.Add([]byte(`{"crfs":[20,20.25],"rest":100}`), int64(500), int64(70))
	f.Add([]byte(`{"crfs":[20,51],"again":[1],"took":[{"crf":22,"bytes":900},{"crf":-3,"bytes":-1}],"rest":1}`), int64(1), int64(1))
	f.Add([]byte(`{"crfs":[8,8],"again":[2],"rest":-1}`), int64(9e15), int64(0))
	plan := &Plan{Job: fuzzJob, Chunks: make([]Chunk, 2), Budget: &Budget{
		Limit: 1000, Rest: 100, Source: []int64{1, 2}, Range: CRFs{Least: 8, Most: 51, Step: 0.25, Span: 6},
		Curves: []Curve{{{20, 600}, {30, 100}}, {{22, 50}}}, CRFs: []float64{21, 21.25},
	}}
	require.True(f, plan.Budget.check(plan))
	f.Fuzz(func(t *testing.T, data []byte, one, two int64) {
		share := sharefstest.Files(map[string][]byte{correctionFile(fuzzJob, 1): data})
		all, err := Corrections(nil).Load(share, plan, Folder{correctionName + "1": true})
		if err != nil {
			return
		}
		b := plan.Budget
		taken := []Taken{{Bytes: max(1, one), CRF: all.CRF(b, 0)}, {Bytes: max(1, two), CRF: all.CRF(b, 1)}}
		c, ok, _ := all.Mend(plan.Budget, taken, all.Rest(plan.Budget))
		if ok {
			require.NoError(t, c.check(plan))
		}
		taken[1] = Taken{Free: true}
		if c, ok = all.Correct(plan.Budget, taken); ok {
			require.NoError(t, c.check(plan))
		}
	})
}

// Whatever stands in the file that asks a machine to rest, it asks that machine to rest and says so in one plain line.
func FuzzRest(f *testing.F) {
	for _, text := range []string{"", "{}", `{"host":"pc-2","by":"alice on desk-5","at":"2026-11-29T14:02:00Z","now":true}`,
		`{"host":"pc-2","by":"\u001b[31m\n\u202e","at":"9999-12-31T23:59:59Z"}`, `{"host":"../pc-2","now":true}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		share := sharefstest.Files(map[string][]byte{RestFile("pc-2"): text})
		asked, err := ReadRest(share, "pc-2")
		require.NoError(t, err)
		require.NotNil(t, asked)
		require.Equal(t, "pc-2", asked.Host)
		words := asked.Words(time.Unix(0, 0))
		require.Equal(t, words, RawName(words).String())
		require.LessOrEqual(t, len(words), 4*maxAsker)
		other, err := ReadRest(share, "pc")
		require.NoError(t, err)
		require.Nil(t, other)
	})
}
