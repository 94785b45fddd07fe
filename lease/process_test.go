package lease

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

const holderRoot = "DISTENC_TEST_HOLDER"

// waits is in place of a root for a process that does nothing.
const waits = "nothing"

// selfForm is what a process is named by.
var selfForm = map[string]string{
	"linux":   `^[0-9a-f-]{36}:[0-9]+:[0-9]*:[0-9]+:[0-9]+$`,
	"darwin":  `^[0-9a-f-]{36}:[0-9]+:[0-9]+[.][0-9]{6}$`,
	"windows": `^[0-9a-f-]{36}-[0-9a-f]+:[0-9]+:[0-9]+$`,
}[runtime.GOOS]

// unsure is a kernel that says nothing of its processes.
type unsure struct{}

func (unsure) Self() string     { return "" }
func (unsure) Gone(string) bool { return false }

// A real process holds a real lease and is killed: its lock, or the kernel that it ran on, tells sooner than
// its silence.
func TestAKilledHolderIsFoundSooner(t *testing.T) {
	for name, hints := range map[string][]Option{
		"by its lock":     {WithProbes(all), WithProcesses(unsure{})},
		"by the kernel":   {WithLocker(nil)},
		"by both at once": {WithProbes(all)},
	} {
		t.Run(name, func(t *testing.T) { findKilled(t, hints) })
	}
}

func findKilled(t *testing.T, hints []Option) {
	t.Helper()
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
	o := NewObserver(share, "leases", "probe/me", quick, hints...)
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

func TestWhoseProcessIsGone(t *testing.T) {
	k := kernel{}
	self := k.Self()
	require.Regexp(t, selfForm, self)
	require.False(t, k.Gone(self))
	here, pid, _ := cutProcess(self)

	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holderRoot+"="+waits)
	_, err := child.StdinPipe() // until which ends it waits
	require.NoError(t, err)
	require.NoError(t, child.Start())
	began, err := began(child.Process.Pid)
	require.NoError(t, err)
	name := fmt.Sprintf("%s:%d:%s", here, child.Process.Pid, began)
	require.False(t, k.Gone(name))
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())
	require.True(t, k.Gone(name))

	require.True(t, k.Gone(here+":"+pid+":1"), "another process has its number")
	require.True(t, k.Gone(here+":2147483646:1"))
	other := "00000000-0000-0000-0000-000000000000" + here[36:]
	for _, unknown := range []string{
		"", "x", other + ":2147483646:1", here, here + ":2147483646", here + ":0:1", here + ":-1:1", here + ":1x:1",
		here + ":99999999999999999999:1", here + ":1:1:1",
	} {
		require.False(t, k.Gone(unknown), unknown)
	}
}

// A leader whose process on this machine is gone is waited for no longer than for a lock that came free.
func TestAKilledLeaderOfThisMachineIsWaitedForLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, _ := newShare(t, nil)
		here, _, _ := cutProcess(kernel{}.Self())
		require.NoError(t, share.Create("master/7.old.hb",
			[]byte("0000000000000009 2026-01-02T03:04:05Z "+here+":2147483646:1\n")))
		a := candidate(share, "a")
		turn := standBy(t.Context(), a)
		began := time.Now()
		<-turn
		require.Equal(t, 3*terms.Heartbeat, time.Since(began))
		a.Close()
	})
}

func holdUntilKilled(root string) {
	if root == waits {
		_, _ = os.Stdin.Read(make([]byte, 1))
		return
	}
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
