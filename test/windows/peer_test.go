package windows

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/conformance"
)

// peerRole makes this program one of the machines that share a folder: what it does there is in its environment, and
// what it has to say it prints, a word a line.
const (
	peerRole = "DISTENC_TEST_PEER"
	peerRoot = "DISTENC_TEST_PEER_ROOT"
	peerName = "DISTENC_TEST_PEER_NAME"
)

var roles = map[string]func(share *sharefs.FS, name string) error{
	"claim": claimAll, "hold": hold, "watch": watch, "make": create,
}

// terms leave a holder on a busy machine much time for a beat.
var terms = lease.Terms{Heartbeat: 100 * time.Millisecond, Expiry: 8 * time.Second}

func TestMain(m *testing.M) {
	role := roles[os.Getenv(peerRole)]
	if role == nil {
		os.Exit(m.Run())
	}
	share, err := sharefs.Open(os.Getenv(peerRoot))
	if err == nil {
		err = role(share, os.Getenv(peerName))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// claimAll claims the files of a race, each when a byte comes in, and prints what it has won and what came out odd.
func claimAll(share *sharefs.FS, name string) error {
	claimed := conformance.ClaimAll(context.Background(), share, ".", name, func(int) {
		fmt.Println("ready")
		_, _ = os.Stdin.Read(make([]byte, 1))
	})
	for _, won := range claimed.Won {
		fmt.Println(won)
	}
	if len(claimed.Odd) > 0 {
		return fmt.Errorf("odd: %q", claimed.Odd)
	}
	return nil
}

// A claim's file, free and claimed.
func pending(name string) string { return path.Join("pending", name) }
func claimed(name string) string { return path.Join("claimed", name) }

// hold takes a lease and then the claim, and keeps both. It prints "lost" when the claim is gone.
func hold(share *sharefs.FS, name string) error {
	l, err := lease.Take(context.Background(), share, "leases", name)
	if err != nil {
		return err
	}
	if _, err := share.Claim(context.Background(), pending("1"), claimed(name)); err != nil {
		return err
	}
	fmt.Println("holds")
	err = l.Keep(context.Background(), terms, lease.Guard{
		Alive: func() bool { return true },
		Owned: func(context.Context) (bool, error) {
			names, err := share.List("claimed")
			return slices.Contains(names, name), err
		},
		Pause: func() {}, Resume: func() {},
	})
	if err == lease.ErrLost { //nolint:errorlint // as it is documented
		fmt.Println("lost")
	}
	return nil
}

// watch prints "beat" for each heartbeat that it sees, and "over" when the lease is. It also tries the lock, which
// excludes nobody of the other system here, and must not be misled by that.
func watch(share *sharefs.FS, name string) error {
	o := lease.NewObserver(share, "leases", "probe/"+name, terms, lease.WithProbes(func(string) bool { return true }))
	var last string
	for {
		expired, err := o.Scan(context.Background(), []string{name})
		if err != nil {
			return err
		}
		if len(expired) > 0 {
			fmt.Println("over")
			return nil
		}
		if now, err := share.Read("leases/"+name+".hb", 1000); err == nil && string(now) != last {
			last = string(now)
			fmt.Println("beat")
		}
		time.Sleep(terms.Heartbeat / 2)
	}
}

// create makes a file.
func create(share *sharefs.FS, name string) error {
	err := share.Create(name, nil)
	if err == nil {
		fmt.Println("made")
	}
	return err
}
