package worker

import (
	"path"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A new master may publish other terms: they are read anew for another job's chunk, and after a while.
func TestTheTermsAreReadAnew(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	w := New(Options{FS: share, Log: quiet()})
	require.Error(t, w.agree("a"), "no master has been here")
	require.NoError(t, share.MkdirAll(path.Dir(pipeline.Cluster)))
	require.NoError(t, share.Replace(pipeline.Cluster, []byte(`{"share":"s","heartbeat":"10s","expiry":"2m"}`)))
	w.agreeIdle()
	require.Equal(t, 2*time.Minute, w.agreed.Load().Expiry)
	publish := func(terms string) {
		require.NoError(t, share.Replace(pipeline.Cluster, []byte(`{"share":"s","settle":"1m0s",`+terms+`}`)))
	}
	publish(`"heartbeat":"1s","expiry":"5s","attempts":3`)
	w.agreeIdle()
	require.Equal(t, 5*time.Second, w.agreed.Load().Expiry, "the first master's")
	require.NoError(t, w.agree("a"))
	require.Equal(t, 5*time.Second, w.agreed.Load().Expiry)
	publish(`"heartbeat":"2s","expiry":"10s","attempts":4`)
	require.NoError(t, w.agree("a"))
	require.Equal(t, 3, w.agreed.Load().attempts, "just read")
	require.NoError(t, w.agree("b"))
	require.Equal(t, 4, w.agreed.Load().attempts)
	require.Equal(t, 10*time.Second, w.agreed.Load().Expiry)
	long := *w.agreed.Load()
	long.read = long.read.Add(-agreementFor)
	w.agreed.Store(&long)
	publish(`"heartbeat":"1s","expiry":"5s","attempts":5`)
	require.NoError(t, w.agree("b"))
	require.Equal(t, 5, w.agreed.Load().attempts)
}
