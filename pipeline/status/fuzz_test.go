package status

import (
	"encoding/json"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs/sharefstest"
	"github.com/distenc/distenc/pipeline"
)

const fuzzJob = "abcdef01-k3f9z"

// Whatever stands in a job's small files, in a node's and in the marker: what is taken of it leads nowhere
// else, and the share's state can be told as JSON.
func FuzzSmallFiles(f *testing.F) {
	record := pipeline.ChunkFile{Job: fuzzJob, Attempt: 1, Node: "pc-w1", Nonce: "abcdefgh", Kind: pipeline.KindRange,
		State: pipeline.Accepted}
	for _, seed := range []string{
		`{"id":"abcdef01-k3f9z","inbox":"a/b.mkv","source":"source.mkv","size":3,"settings":{"container":"mkv"},"priority":9}`,
		`{"act":"publish","out":"abc","by":"m"}`, `{"act":"failed","reason":"r"}`, `{"act":"publish","out":".."}`,
		`{"output":"x/y.mkv","crc32":"00000000","size":1}`, `{"act":"failed","reason":"r","source":"failed/a/a"}`,
		`{"chunk":"abcdef01-k3f9z.00000","attempt":1,"node":"pc-w1","frames":3,"seconds":1e-300}`,
		`{"node":"pc-w1","host":"pc","slots":1000000000,"fps":1e308,"chunks":{"abcdef01-k3f9z.00000":{"frames":1,"total":2,"fps":0.1}},"speed":{"abcdef01-k3f9z":{"frames":1,"pixels":1,"seconds":1e-9}}}`,
		`{"share":"s","heartbeat":"1s","expiry":"4s","attempts":3}`, " 7\n",
		`{"chunk":"abcdef01-k3f9z.00000","weight":1e308}`,
	} {
		for which := range uint8(8) {
			f.Add(which, []byte(seed))
		}
	}
	good := map[string]string{
		pipeline.JobFile(fuzzJob, "job.json"): `{"id":"abcdef01-k3f9z","inbox":"a.mkv","source":"source.mkv"}`,
		pipeline.JobFile(fuzzJob,
			"plan.json"): `{"format":3,"job":"abcdef01-k3f9z","source":"source.mkv","original":"source.mkv","video":{"time_base":{"num":1,"den":1}},"frames":2,"chunks":[{"pts":"AA"},{"index":1,"first":1,"pts":"Ag"}]}`,
		pipeline.Nodes + "/pc-w1.json": `{"node":"pc-w1","host":"pc","slots":2}`,
		pipeline.Cluster:               `{"share":"s","heartbeat":"1s","expiry":"4s"}`,
	}
	names := []string{
		pipeline.JobFile(fuzzJob, "job.json"), pipeline.JobFile(fuzzJob, pipeline.DecisionName),
		pipeline.JobFile(fuzzJob, pipeline.PublishedName), pipeline.JobFile(fuzzJob, pipeline.ClosedName),
		record.Record(), pipeline.Nodes + "/pc-w1.json", pipeline.Cluster,
		pipeline.JobLog(fuzzJob, fuzzJob+".00000.a1.x.json"), pipeline.ControlFile(fuzzJob, pipeline.ControlPriority),
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		files := map[string][]byte{pipeline.Inbox + "/x": nil, pipeline.PendingOf(fuzzJob) + "/00001.a1.abcdefgh.mkv": nil,
			pipeline.SetAsideDir + "/x": nil, record.Path(): nil,
			pipeline.ClaimedDir + "/" + fuzzJob + ".00000.a1.pc-w1.abcdefgh.range": nil, pipeline.FailedDir +
				"/x/reason.txt": []byte("r")}
		for name, text := range good {
			files[name] = []byte(text)
		}
		files[names[int(which)%len(names)]] = data
		share := sharefstest.Files(files)
		if j, err := pipeline.LoadJob(share, fuzzJob); err == nil {
			require.True(t, strings.HasPrefix(pipeline.JobFile(fuzzJob, j.Source), "jobs/"+fuzzJob+"/source"))
			out := path.Join(pipeline.Outbox, path.Dir(string(j.Inbox)),
				pipeline.OutputName(j.Name(), j.Settings.Container, "00000000"))
			require.True(t, strings.HasPrefix(out, pipeline.Outbox+"/"), out)
		}
		if d, err := pipeline.LoadDecision(share, fuzzJob); err == nil && d.Out != "" {
			require.Equal(t, "jobs/"+fuzzJob+"/out/"+d.Out, pipeline.JobOut(fuzzJob, d.Out))
		}
		if r, err := pipeline.LoadRecord(share, record); err == nil {
			_, err := json.Marshal(r.FPS())
			require.NoError(t, err)
		}
		if info, err := pipeline.LoadCluster(share); err == nil {
			if terms, err := info.Terms(); err == nil {
				require.True(t, terms.Heartbeat > 0 && terms.Expiry >= 4*terms.Heartbeat)
			}
		}
		_, err := pipeline.ReadControl(share, fuzzJob)
		require.NoError(t, err)
		s, err := Read(share, nil)
		require.NoError(t, err)
		_, err = json.Marshal(s)
		require.NoError(t, err)
		for _, j := range s.Jobs {
			require.GreaterOrEqual(t, j.ETA, 0)
			require.True(t, j.Output == "" || strings.HasPrefix(path.Clean(j.Output), pipeline.Outbox), j.Output)
		}
	})
}
