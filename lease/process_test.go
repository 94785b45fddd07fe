package lease

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

const holderRoot = "DISTENC_TEST_HOLDER"

// A real process holds a real lease and is killed: its lock tells sooner than its silence.
func TestKilledHolderIsFoundByItsLock(t *testing.T) {
	share, _ := newShare(t, nil)
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holderRoot+"="+share.Path("."))
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	quick := Terms{Heartbeat: 100 * time.Millisecond, Expiry: time.Hour}
	o := NewObserver(share, "leases", "probe/me", quick, WithProbes(all))
	look := func() []string {
		expired, err := o.Scan(t.Context(), []string{"stem"})
		require.NoError(t, err)
		return expired
	}
	for range 20 {
		require.Empty(t, look())
		time.Sleep(20 * time.Millisecond)
	}
	require.NoError(t, holder.Process.Kill())
	require.Error(t, holder.Wait())
	require.Eventually(t, func() bool { return len(look()) == 1 }, time.Minute, 20*time.Millisecond)
	require.Len(t, list(t, share, "leases"), 2, "expiring a claim leaves its lease to the sweep")
}

func holdUntilKilled(root string) {
	share, err := sharefs.Open(root)
	if err != nil {
		panic(err)
	}
	l, err := Take(context.Background(), share, "leases", "stem")
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	_ = l.Keep(context.Background(), Terms{Heartbeat: 20 * time.Millisecond, Expiry: time.Hour}, newWork().guard())
}
