package logging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFormatsAndLevels(t *testing.T) {
	var b bytes.Buffer
	log := New(&b, "text", Level("warn"))
	log.Info("not told")
	log.Warn("told", "name", "two\nlines")
	require.Regexp(t, `^time=\S+ level=WARN msg=told name="two\\nlines"\n$`, b.String())

	b.Reset()
	New(&b, "json", Level("debug")).Debug("told", "frames", 3)
	var line map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &line))
	require.Equal(t, "told", line["msg"])
	require.EqualValues(t, 3, line["frames"])
	require.Contains(t, line, "time")
}

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
