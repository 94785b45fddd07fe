package logging

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheJournalHasItsOwnTime(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	st := info.Sys().(*syscall.Stat_t)

	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", st.Dev, st.Ino))
	New(f, "text", Level("info")).Info("told", "time", "kept")
	t.Setenv("JOURNAL_STREAM", "1:2")
	New(f, "text", Level("info")).Info("inherited")
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Regexp(t, `^level=INFO msg=told\S*.*\ntime=\S+ level=INFO msg=inherited\n$`, string(data))
}
