// Package launchd checks the worker's plist for macOS with a reader of such files, which Python has.
package launchd

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThePlistIsOne(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python here: ", err)
	}
	read := exec.Command(python, "-c",
		"import json, plistlib, sys; json.dump(plistlib.load(sys.stdin.buffer), sys.stdout)")
	file, err := os.Open("../../launchd/org.distenc.worker.plist")
	require.NoError(t, err)
	defer file.Close()
	read.Stdin = file
	out, err := read.Output()
	require.NoError(t, err)
	var plist struct {
		Label            string
		ProgramArguments []string
		RunAtLoad        bool
		KeepAlive        struct{ SuccessfulExit *bool }
		ExitTimeOut      int
		Umask            int
	}
	require.NoError(t, json.Unmarshal(out, &plist))
	require.Equal(t, "org.distenc.worker", plist.Label)
	require.Equal(t, []string{"/usr/local/bin/distenc", "worker"}, plist.ProgramArguments)
	require.True(t, plist.RunAtLoad)
	require.NotNil(t, plist.KeepAlive.SuccessfulExit)
	require.False(t, *plist.KeepAlive.SuccessfulExit)
	require.Equal(t, 90, plist.ExitTimeOut, "as TimeoutStopSec in the unit")
	require.Equal(t, 2, plist.Umask)
}
