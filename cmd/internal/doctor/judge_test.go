package doctor

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs/conformance"
	"github.com/distenc/distenc/pipeline"
)

func mountLine(t *testing.T, line string) mount {
	t.Helper()
	m, ok := parseMount(line)
	require.True(t, ok)
	return m
}

func TestJudgeOwner(t *testing.T) {
	nfs, smb, disk := mountLine(t, lineNFS4), mountLine(t, lineSMB), mountLine(t, lineRoot)
	for _, c := range []struct {
		m     mount
		u     user
		owner int
		level Level
		do    string
	}{
		{nfs, user{1000, 1000}, 1000, OK, ""},
		{nfs, user{0, 0}, 65534, Advice, "no_root_squash"},
		{nfs, user{1000, 1000}, 1234, Advice, "anonuid="},
		{smb, user{1000, 1000}, 0, Advice, "uid=1000"},
		{disk, user{1000, 1000}, 0, Advice, "keep their owners"},
	} {
		f := judgeOwner(c.m, c.u, owned{uid: c.owner})
		require.Equal(t, c.level, f.Level, "%v", c)
		require.Contains(t, f.Do, c.do)
	}
}

func TestExplainRefusal(t *testing.T) {
	nfs, smb, disk := mountLine(t, lineNFS4), mountLine(t, lineSMB), mountLine(t, lineRoot)
	folder := owned{uid: 870, gid: 870, mode: fs.ModeDir | fs.ModeSetgid | 0o775}
	for _, c := range []struct {
		m        mount
		u        user
		seen, do string
	}{
		{nfs, user{0, 0}, "root_squash", "no_root_squash"},
		{nfs, user{870, 870}, "all_squash", "without `all_squash`"},
		{nfs, user{1000, 1000}, "870:870", "group 870"},
		{disk, user{1000, 1000}, "870:870", "group 870"},
		{smb, user{1000, 1000}, "870:870", "credentials"},
	} {
		f := explainRefusal(failed("write", "permission denied"), c.m, c.u, folder)
		require.Equal(t, Fail, f.Level)
		require.Contains(t, f.Seen, c.seen)
		require.Contains(t, f.Do, c.do)
	}
}

func TestJudgeGroup(t *testing.T) {
	nfs, smb := mountLine(t, lineNFS4), mountLine(t, lineSMB)
	dir := owned{0, 870, fs.ModeDir | fs.ModeSetgid | 0o775}
	file := owned{1000, 870, 0o664}
	require.Equal(t, OK, judgeGroup(nfs, dir, dir, file).Level)
	require.Equal(t, OK, judgeGroup(smb, dir, owned{0, 0, fs.ModeDir | 0o775}, file).Level)
	require.Contains(t, judgeGroup(smb, dir, dir, owned{0, 0, 0o755}).Do, "file_mode=0664")
	require.Contains(t, judgeGroup(nfs, dir, dir, owned{0, 870, 0o644}).Do, "ACL")
	require.Contains(t, judgeGroup(nfs, dir, owned{0, 870, fs.ModeDir | 0o775}, file).Seen, "setgid is not kept")
	require.Contains(t, judgeGroup(nfs, dir, dir, owned{1000, 1000, 0o664}).Seen, "the folder has 870")
}

func TestJudgeRace(t *testing.T) {
	var mine, theirs conformance.Claimed
	var there []string
	for i := range conformance.Prizes {
		r, who := &mine, first
		if i%3 == 0 {
			r, who = &theirs, second
		}
		r.Won = append(r.Won, conformance.Prize(i)+"."+who)
		there = append(there, conformance.Prize(i)+"."+who)
	}
	require.Equal(t, OK, judgeRace("claims", mine, theirs, there).Level)
	require.Contains(t, judgeRace("claims", mine, theirs, there[1:]).Seen, "differ")

	twice := conformance.Claimed{Won: append([]string{conformance.Prize(0) + "." + first}, mine.Won...)}
	f := judgeRace("claims", twice, theirs, there)
	require.Equal(t, Fail, f.Level)
	require.Contains(t, f.Seen, "1 of 60 files were won twice")

	f = judgeRace("claims", conformance.Claimed{Won: mine.Won[1:]}, theirs, append(there[:1:1], there[2:]...))
	require.Contains(t, f.Seen, "1 of 60 files were won by nobody")
	f = judgeRace("claims", conformance.Claimed{Won: mine.Won[1:], Odd: []string{"a listing failed"}}, theirs,
		append(there[:1:1], there[2:]...))
	require.Equal(t, Advice, f.Level)
	require.Contains(t, f.Seen, "a listing failed")

	var all conformance.Claimed
	for i := range conformance.Prizes {
		all.Won = append(all.Won, conformance.Prize(i)+"."+first)
	}
	require.Contains(t, judgeRace("claims", all, conformance.Claimed{}, all.Won).Seen, "hardly met")
}

func TestJudgeLock(t *testing.T) {
	for _, c := range []struct {
		l     locked
		level Level
		seen  string
	}{
		{locked{While: refused, After: got}, OK, "keeps c2 out (refused)"},
		{locked{While: denied, After: got}, OK, "EACCES"},
		{locked{While: refused, After: got, Blocked: 26 * time.Second}, OK, "grace period"},
		{locked{While: got, After: got}, Advice, "exclude nobody"},
		{locked{Holder: "no locks available"}, Advice, "no locks available"},
		{locked{While: "input/output error"}, Advice, "input/output error"},
		{locked{While: refused, After: refused, Waited: releaseWait}, Advice, "not free for c2"},
	} {
		f := judgeLock("locks", "c2", c.l)
		require.Equal(t, c.level, f.Level, "%+v", c.l)
		require.Contains(t, f.Seen, c.seen)
	}
}

func TestJudgeClock(t *testing.T) {
	require.Equal(t, OK, judgeClock(offset{3 * time.Millisecond, time.Millisecond}).Level)
	require.Contains(t, judgeClock(offset{-5 * time.Second, time.Millisecond}).Seen, "5.0 s behind")
	f := judgeClock(offset{90 * time.Second, time.Millisecond})
	require.Equal(t, Advice, f.Level)
	require.Contains(t, f.Seen, "90 s ahead")
}

func TestJudgeNames(t *testing.T) {
	require.Equal(t, OK, judgeNames(nil, nil).Level)
	f := judgeNames([]string{"':'"}, []string{"a dot at the end"})
	require.Equal(t, Advice, f.Level)
	require.Equal(t, "refused: ':'; kept as something else: a dot at the end", f.Seen)
}

func TestJudgeVisibility(t *testing.T) {
	all := func(d time.Duration) map[string]timing {
		out := map[string]timing{}
		for _, c := range changes {
			out[c.name] = timing{Worst: d}
		}
		return out
	}
	quick := all(300 * time.Millisecond)
	for _, f := range judgeVisibility("c2", quick, quick) {
		require.Equal(t, OK, f.Level)
		require.Contains(t, f.Seen, "within 0.3 s on c2")
	}
	slow := all(10 * time.Second)
	levels := map[Level]int{}
	for _, f := range judgeVisibility("c2", quick, slow) {
		levels[f.Level]++
	}
	require.Equal(t, map[Level]int{Advice: 3, OK: 2}, levels)
	require.Equal(t, 10*time.Second, worst(quick, slow))

	never := all(time.Second)
	never["replaced"] = timing{Worst: 20 * time.Second, Unseen: true}
	never["beat"] = timing{Worst: 75 * time.Second, Unseen: true}
	never["new"] = timing{Error: "input/output error"}
	found := map[string]Finding{}
	for i, f := range judgeVisibility("c2", never, quick) {
		found[changes[i].name] = f
	}
	require.Equal(t, Advice, found["replaced"].Level)
	require.Contains(t, found["replaced"].Do, "closetimeo=0")
	require.Equal(t, Fail, found["beat"].Level)
	require.Equal(t, Fail, found["new"].Level)
	require.Equal(t, 75*time.Second, worst(never))
}

func TestJudgeExpiry(t *testing.T) {
	for _, c := range []struct {
		heartbeat, expiry string
		seen              time.Duration
		level             Level
		says              string
	}{
		{"10s", "2m0s", 500 * time.Millisecond, OK, "anything from 40s on"},
		{"10s", "2m0s", 15 * time.Second, OK, "anything from 1m25s on"},
		{"10s", "2m0s", 60 * time.Second, Fail, `"5m10s" or more`},
		{"1s", "4s", 100 * time.Millisecond, OK, "anything from 4s on"},
		{"1s", "4s", 2 * time.Second, Fail, `"11s" or more`},
		{"10s", "20s", 0, Fail, ""},
	} {
		f := judgeExpiry(&pipeline.ClusterInfo{Heartbeat: c.heartbeat, Expiry: c.expiry}, c.seen)
		require.Equal(t, c.level, f.Level, "%v", c)
		require.Contains(t, fmt.Sprint(f), c.says)
	}
}

func TestJudgeCard(t *testing.T) {
	mine := card{Host: "c1", Share: "s", Boot: "b1"}
	require.Equal(t, OK, judgeCard(mine, card{Host: "c2", Share: "s", Boot: "b2"}).Level)
	require.Equal(t, Advice, judgeCard(mine, card{Host: "c1", Share: "s", Boot: "b1"}).Level)
	require.Equal(t, Fail, judgeCard(mine, card{Host: "c2", Share: "other", Boot: "b2"}).Level)
}
