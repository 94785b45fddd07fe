package sharefstest

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/conformance"
)

// The environment of a child process in the race.
const (
	raceRoot = "SHAREFSTEST_ROOT"
	raceWho  = "SHAREFSTEST_WHO"
)

const raceProcesses = 4

// testClaimProcesses lets real processes race. They wait for each other by the end of their input.
func testClaimProcesses(t *testing.T, share *sharefs.FS) {
	if !real(share) {
		t.Skip("no other process can open a simulated share")
	}
	require.NoError(t, conformance.Fill(share, "."))
	top, _, _ := strings.Cut(t.Name(), "/")
	out := make([]strings.Builder, raceProcesses)
	start, release, err := os.Pipe()
	require.NoError(t, err)
	children := make([]*exec.Cmd, raceProcesses)
	for i := range children {
		c := exec.Command(os.Args[0], "-test.run=^"+top+"$") //nolint:forbidigo // plays the other machines
		c.Env = append(os.Environ(), raceRoot+"="+share.Path("."), fmt.Sprintf("%s=p%d", raceWho, i))
		c.Stdin, c.Stdout, c.Stderr = start, &out[i], os.Stderr
		require.NoError(t, c.Start())
		children[i] = c
	}
	require.NoError(t, release.Close())
	sides := make([]conformance.Claimed, raceProcesses)
	for i, c := range children {
		require.NoError(t, c.Wait())
		sides[i].Won = strings.Fields(out[i].String())
	}
	require.NoError(t, start.Close())
	requireOneWinnerEach(t, share, sides)
}

// raceChild is a process of the race. It does not return.
func raceChild(root string) {
	share, err := sharefs.Open(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = os.Stdin.Read(make([]byte, 1)) // until all have been started
	fmt.Println(strings.Join(claimAll(share, os.Getenv(raceWho)).Won, " "))
	os.Exit(0)
}
