package doctor

import (
	"context"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

func TestTwoPeers(t *testing.T) {
	share := newShare(t, t.TempDir())
	found := [2]collect{{}, {}}
	synctest.Test(t, func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range found {
			wg.Go(func() {
				Peer(t.Context(), PeerOptions{Root: os.DirFS("/"), Share: share, Patience: time.Minute}, found[i].tell)
			})
		}
		wg.Wait()
	})
	for _, f := range found {
		for check, bad := range f.onlyBad() {
			require.Equal(t, "peer", check, "%v", bad)
			require.Equal(t, Advice, bad.Level, "%v", bad)
		}
		require.Contains(t, f["peer"].Seen, "this very machine")
		require.Contains(t, f["expiry"].Seen, "2m0s is safe")
		for _, check := range []string{"claims", "locks", "clocks", "seen"} {
			require.Contains(t, f, check)
		}
	}
	require.Empty(t, probes(t, share), "nothing stays")
}

func TestNobodyComes(t *testing.T) {
	share := newShare(t, t.TempDir())
	// What a doctor that was killed while it waited has left: met, waited for, given up.
	require.NoError(t, share.MkdirAll(peerDir))
	require.NoError(t, share.Create(peerDir+"/000000000000"+helloSuffix, nil))
	synctest.Test(t, func(t *testing.T) {
		found := collect{}
		Peer(t.Context(), PeerOptions{Root: os.DirFS("/"), Share: share, Patience: time.Minute}, found.tell)
		require.Equal(t, map[string]Level{"peer": Fail}, found.levels())
		require.Contains(t, found["peer"].Do, `"test"`, "says which share it is")
	})
	require.Empty(t, probes(t, share))
}

// A peer that dies at any step leaves the other with an answer and a clean share.
func TestThePeerDies(t *testing.T) {
	for _, last := range []string{"card", "ready", "raced", "held", "clock", "stage"} {
		t.Run("after "+last, func(t *testing.T) {
			share := newShare(t, t.TempDir())
			synctest.Test(t, func(t *testing.T) {
				dying, die := context.WithCancel(t.Context())
				ops := sharefstest.WithHook(sharefs.OS(share.Root()), func(op, name string) error {
					if dying.Err() != nil {
						return syscall.EIO // the dead do nothing more
					}
					if op == "rename" && strings.HasSuffix(name, "."+last) {
						die() // when this is done
					}
					return nil
				})
				var wg sync.WaitGroup
				wg.Go(func() {
					mortal := sharefs.New(share.Root(), ops)
					Peer(dying, PeerOptions{Root: os.DirFS("/"), Share: mortal, Patience: time.Minute}, func(Finding) {})
				})
				found := collect{}
				Peer(t.Context(), PeerOptions{Root: os.DirFS("/"), Share: share, Patience: time.Minute}, found.tell)
				wg.Wait()
				require.Equal(t, Fail, found["peer"].Level, "%v", found)
			})
			require.Empty(t, probes(t, share), "the survivor clears up")
		})
	}
}
