package pipeline

import (
	"encoding/json"
	"path"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

// fuzzJob is the job that the fuzzed files belong to.
const fuzzJob = "abcdef01-k3f9z"

// A name that is taken for a chunk file's is one that this program writes, and leads to that very file.
func FuzzChunkNames(f *testing.F) {
	for _, name := range []string{
		"00012.a1.abcdefgh.mkv", fuzzJob + ".00012.a1.pc-2-wabcde.abcdefgh.range", fuzzJob + ".1234567.a3.none.abcdefgh.ok.mkv",
		fuzzJob + ".00000.a999999999.pc-2-wabcde.abcd.src.mkv", fuzzJob + ".00012.a1.pc.abcdefgh.mkv.tmp", "000012.a1.abcdefgh.mkv",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > maxName || strings.ContainsAny(name, "/\x00") {
			return // no listing has it
		}
		own := func(dir string, c ChunkFile, ok bool) {
			if !ok {
				return
			}
			require.Equal(t, path.Join(dir, name), c.Path())
			require.True(t, ValidJob(c.Job))
			require.GreaterOrEqual(t, c.Attempt, 1)
			for _, beside := range []string{c.AsPending(2).Path(), c.In(Committed).Result(), c.In(Failed).Path(), c.AsClaimed("pc-w1").Path()} {
				require.True(t, strings.HasPrefix(beside, "chunks/") && len(path.Base(beside)) <= maxName, beside)
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
	for _, name := range []string{"Show - 01 [ABCDEF01].mkv", "a." + strings.Repeat("x", 253), strings.Repeat("é", 127), "[00000000].mkv", "-i.mkv", "a.b c d e f g h i.", "\xff\n.mkv"} {
		f.Add(name, uint8(2))
	}
	f.Fuzz(func(t *testing.T, name string, n uint8) {
		if name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsAny(name, "/\x00") {
			return // no listing has it
		}
		tag := Tag(name)
		require.True(t, tag == "" || len(tag) == 8 && tag == strings.ToUpper(tag), tag)
		out := OutputName(name, "mkv", "0BADC0DE")
		for _, made := range []string{out, OutputName(name, "mp4", ""), Numbered(name, int(n)), NumberedFolder(name, int(n)), Marked(name, fuzzJob)} {
			require.True(t, made != "" && made != "." && made != ".." && len(made) <= maxName && !strings.ContainsAny(made, "/\x00"), "%q", made)
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
		if b, err := json.Marshal(RawName(s)); s != "" && path.Clean(s) == s && !path.IsAbs(s) && !strings.HasPrefix(s, "..") {
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
		for _, w := range append(p.words(), p.Source, p.Original, p.Video.MasterDisplay, p.Video.MaxCLL, string(p.Chunks[0].Kind)) {
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

// Whatever stands in a job's small files, in a node's and in the marker: what is taken of it leads nowhere
// else, and the share's state can be told as JSON.
func FuzzSmallFiles(f *testing.F) {
	record := ChunkFile{Job: fuzzJob, Attempt: 1, Node: "pc-w1", Nonce: "abcdefgh", Kind: KindRange, State: Accepted}
	for _, seed := range []string{
		`{"id":"abcdef01-k3f9z","inbox":"a/b.mkv","source":"source.mkv","size":3,"settings":{"container":"mkv"},"priority":9}`,
		`{"act":"publish","out":"abc","by":"m"}`, `{"act":"failed","reason":"r"}`, `{"act":"publish","out":".."}`,
		`{"output":"x/y.mkv","crc32":"00000000","size":1}`, `{"act":"failed","reason":"r","source":"failed/a/a"}`,
		`{"chunk":"abcdef01-k3f9z.00000","attempt":1,"node":"pc-w1","frames":3,"seconds":1e-300}`,
		`{"node":"pc-w1","host":"pc","slots":1000000000,"fps":1e308,"chunks":{"abcdef01-k3f9z.00000":{"frames":1,"total":2,"fps":0.1}},"speed":{"abcdef01-k3f9z":{"frames":1,"pixels":1,"seconds":1e-9}}}`,
		`{"share":"s","heartbeat":"1s","expiry":"4s","attempts":3}`, " 7\n", `{"chunk":"abcdef01-k3f9z.00000","weight":1e308}`,
	} {
		for which := range uint8(8) {
			f.Add(which, []byte(seed))
		}
	}
	good := map[string]string{
		JobFile(fuzzJob, jobName):  `{"id":"abcdef01-k3f9z","inbox":"a.mkv","source":"source.mkv"}`,
		JobFile(fuzzJob, planName): `{"format":3,"job":"abcdef01-k3f9z","source":"source.mkv","original":"source.mkv","video":{"time_base":{"num":1,"den":1}},"frames":2,"chunks":[{"pts":"AA"},{"index":1,"first":1,"pts":"Ag"}]}`,
		Nodes + "/pc-w1.json":      `{"node":"pc-w1","host":"pc","slots":2}`, Cluster: `{"share":"s","heartbeat":"1s","expiry":"4s"}`,
	}
	names := []string{
		JobFile(fuzzJob, jobName), JobFile(fuzzJob, decisionName), JobFile(fuzzJob, PublishedName), JobFile(fuzzJob, ClosedName),
		record.Record(), Nodes + "/pc-w1.json", Cluster, JobLog(fuzzJob, fuzzJob+".00000.a1.x.json"), ControlFile(fuzzJob, ControlPriority),
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		files := map[string][]byte{Inbox + "/x": nil, PendingOf(fuzzJob) + "/00001.a1.abcdefgh.mkv": nil, SetAsideDir + "/x": nil, record.Path(): nil,
			ClaimedDir + "/" + fuzzJob + ".00000.a1.pc-w1.abcdefgh.range": nil, FailedDir + "/x/reason.txt": []byte("r")}
		for name, text := range good {
			files[name] = []byte(text)
		}
		files[names[int(which)%len(names)]] = data
		share := sharefstest.Files(files)
		if j, err := LoadJob(share, fuzzJob); err == nil {
			require.True(t, strings.HasPrefix(JobFile(fuzzJob, j.Source), "jobs/"+fuzzJob+"/source"))
			out := path.Join(Outbox, path.Dir(string(j.Inbox)), OutputName(j.Name(), j.Settings.Container, "00000000"))
			require.True(t, strings.HasPrefix(out, Outbox+"/"), out)
		}
		if d, err := LoadDecision(share, fuzzJob); err == nil && d.Out != "" {
			require.Equal(t, "jobs/"+fuzzJob+"/out/"+d.Out, JobOut(fuzzJob, d.Out))
		}
		if r, err := LoadRecord(share, record); err == nil {
			_, err := json.Marshal(r.FPS())
			require.NoError(t, err)
		}
		if info, err := LoadCluster(share); err == nil {
			if terms, err := info.Terms(); err == nil {
				require.True(t, terms.Heartbeat > 0 && terms.Expiry >= 4*terms.Heartbeat)
			}
		}
		_, err := ReadControl(share, fuzzJob)
		require.NoError(t, err)
		s, err := ReadStatus(share, nil)
		require.NoError(t, err)
		_, err = json.Marshal(s)
		require.NoError(t, err)
		for _, j := range s.Jobs {
			require.GreaterOrEqual(t, j.ETA, 0)
			require.True(t, j.Output == "" || strings.HasPrefix(path.Clean(j.Output), Outbox), j.Output)
		}
	})
}
