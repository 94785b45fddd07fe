// Package sharefstest runs lease/sharefs/conformance, and what only a test can try, on a share; and it injects faults.
package sharefstest

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/conformance"
)

// Run puts a share through the suite. newFS returns an empty one each time it is called. Where its root
// is a real directory, several processes take part: the test binary starts itself again, so Run must be
// called by a top-level test, before that does anything else of consequence.
func Run(t *testing.T, newFS func(t *testing.T) *sharefs.FS) {
	if root := os.Getenv(raceRoot); root != "" {
		raceChild(root)
	}
	for _, c := range conformance.Checks {
		t.Run(c.Name, func(t *testing.T) {
			share := newFS(t)
			require.NoError(t, share.MkdirAll("dir"))
			found := c.Try(share, "dir")
			require.False(t, found.Broken, found.Seen)
		})
	}
	for _, c := range []struct {
		name string
		test func(t *testing.T, share *sharefs.FS)
	}{
		{"a claim has one winner among goroutines", testClaimRace},
		{"a claim has one winner among processes", testClaimProcesses},
		{"the first to publish wins", testPublish},
		{"the first data published wins", testPublishData},
		{"names outside the share are refused", testNames},
		{"reading is bounded and takes regular files only", testRead},
		{"several users can share", testModes},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newFS(t)) })
	}
}

// real reports whether the share is a directory that other processes can open.
func real(share *sharefs.FS) bool {
	info, err := os.Stat(share.Path("."))
	return err == nil && info.IsDir()
}

const racers = 12

// claimAll claims all files of a race as fast as it can.
func claimAll(share *sharefs.FS, who string) conformance.Claimed {
	return conformance.ClaimAll(context.Background(), share, ".", who, func(int) {})
}

func testClaimRace(t *testing.T, share *sharefs.FS) {
	require.NoError(t, conformance.Fill(share, "."))
	sides := make([]conformance.Claimed, racers)
	var wg sync.WaitGroup
	for who := range racers {
		wg.Go(func() { sides[who] = claimAll(share, fmt.Sprint("g", who)) })
	}
	wg.Wait()
	requireOneWinnerEach(t, share, sides)
}

// requireOneWinnerEach compares what the claimants believe with what is there.
func requireOneWinnerEach(t *testing.T, share *sharefs.FS, sides []conformance.Claimed) {
	require.Equal(t, conformance.Score{}, conformance.Judge(list(t, share, conformance.Claims(".")), sides...))
	require.Empty(t, list(t, share, "pending"))
}

func list(t *testing.T, share *sharefs.FS, dir string) []string {
	t.Helper()
	names, err := share.List(dir)
	require.NoError(t, err)
	return names
}

func testPublish(t *testing.T, share *sharefs.FS) {
	var winners, losers []int
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, racers)
	for who := range racers {
		wg.Go(func() {
			tmp := fmt.Sprintf("tmp.%d", who)
			if errs[who] = share.Create(tmp, []byte(tmp)); errs[who] != nil {
				return
			}
			var ours bool
			ours, errs[who] = share.Publish(tmp, "decision")
			mu.Lock()
			defer mu.Unlock()
			if ours {
				winners = append(winners, who)
			} else {
				losers = append(losers, who)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Len(t, winners, 1)
	require.Len(t, losers, racers-1)
	data, err := share.Read("decision", 100)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("tmp.%d", winners[0]), string(data))
	ours, err := share.Publish(fmt.Sprintf("tmp.%d", winners[0]), "decision")
	require.NoError(t, err, "publishing again after a lost answer")
	require.True(t, ours)
}

func testPublishData(t *testing.T, share *sharefs.FS) {
	winners := make([]string, racers)
	ours := make([]bool, racers)
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for who := range racers {
		wg.Go(func() {
			data, mine, err := share.PublishData("plan.json", fmt.Append(nil, "by ", who))
			winners[who], ours[who], errs[who] = string(data), mine, err
		})
	}
	wg.Wait()
	for who := range racers {
		require.NoError(t, errs[who])
		require.Equal(t, winners[0], winners[who])
		require.Equal(t, winners[who] == fmt.Sprint("by ", who), ours[who])
	}
	require.Equal(t, []string{"plan.json"}, list(t, share, "."), "no temporary file stays")
}

func testRead(t *testing.T, share *sharefs.FS) {
	require.NoError(t, share.Create("x", []byte("12345")))
	data, err := share.Read("x", 5)
	require.NoError(t, err)
	require.Equal(t, "12345", string(data))
	_, err = share.Read("x", 4)
	require.ErrorContains(t, err, "more than 4 bytes")
	_, err = share.Read("y", 4)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, share.MkdirAll("d"))
	_, err = share.OpenRead("d")
	require.ErrorIs(t, err, sharefs.ErrNotRegular)
	if !real(share) {
		return
	}
	_ = os.Symlink("x", share.Path("link"))
	if _, err := os.Lstat(share.Path("link")); err == nil { // SMB knows none, and wine only says that it makes one
		_, err = share.Read("link", 100)
		require.ErrorIs(t, err, sharefs.ErrNotRegular)
	}
	if err := mkfifo(share.Path("fifo")); err == nil {
		_, err = share.Read("fifo", 100)
		require.ErrorIs(t, err, sharefs.ErrNotRegular)
	}
}

func testNames(t *testing.T, share *sharefs.FS) {
	for _, name := range append(changedNames, "", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "x\x00y") {
		_, err := share.List(name)
		require.ErrorIs(t, err, sharefs.ErrName, "%q", name)
		_, err = share.Read(name, 10)
		require.ErrorIs(t, err, sharefs.ErrName, "%q", name)
		require.ErrorIs(t, share.Create(name, nil), sharefs.ErrName, "%q", name)
		require.ErrorIs(t, share.Remove(name), sharefs.ErrName, "%q", name)
		require.ErrorIs(t, share.RemoveDir(name), sharefs.ErrName, "%q", name)
		_, err = share.Mkdir(name)
		require.ErrorIs(t, err, sharefs.ErrName, "%q", name)
		outcome, err := share.Move(t.Context(), name, "x")
		require.ErrorIs(t, err, sharefs.ErrName, "%q", name)
		require.Equal(t, sharefs.Unknown, outcome)
		outcome, err = share.Move(t.Context(), "x", name)
		require.ErrorIs(t, err, sharefs.ErrName, "%q", name)
		require.Equal(t, sharefs.Unknown, outcome)
		_, err = share.Publish("x", name)
		require.Error(t, err)
		require.True(t, strings.HasPrefix(share.Path(name), share.Path(".")), "%q", share.Path(name))
	}
	require.NoError(t, share.Create(oddName, nil))
	require.Equal(t, []string{oddName}, list(t, share, "."))
}
