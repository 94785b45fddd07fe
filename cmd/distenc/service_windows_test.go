package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/windows/svc"
)

// What the service manager hears of a worker that can't begin is its exit code, and the log beside the configuration
// tells why.
func TestAServiceTellsHowItEnds(t *testing.T) {
	dir := t.TempDir()
	conf := filepath.Join(dir, "distenc.toml")
	require.NoError(t, os.WriteFile(conf, []byte(`share = 'C:\no such share'`), 0o600))
	args := os.Args
	t.Cleanup(func() { os.Args = args })
	os.Args = []string{"distenc", "worker", "--config", conf}
	told := make(chan svc.Status, 10)
	specific, code := (&managed{}).Execute(nil, make(chan svc.ChangeRequest), told)
	require.True(t, specific)
	require.EqualValues(t, 1, code)
	require.Equal(t, svc.Running, (<-told).State)
	require.Equal(t, svc.StopPending, (<-told).State)
	log, err := os.ReadFile(filepath.Join(dir, "distenc.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "no such share")
}

func TestALetterOfNothingIsNoShareForAService(t *testing.T) {
	require.ErrorContains(t, seenByService(`Q:\share`), `share = '\\server\folder'`)
	require.NoError(t, seenByService(`\\server\share`))
	require.NoError(t, seenByService(`C:\share`))
}

func TestALogIsPutAside(t *testing.T) {
	name := filepath.Join(t.TempDir(), "distenc.log")
	log, err := openServiceLog(name)
	require.NoError(t, err)
	t.Cleanup(func() { _ = log.file.Close() })
	_, err = log.Write(make([]byte, maxServiceLog+1))
	require.NoError(t, err)
	_, err = log.Write([]byte("new\n"))
	require.NoError(t, err)
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "new\n", string(text))
	require.FileExists(t, name+".old")
}
