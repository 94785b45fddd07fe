package logging

import (
	"bytes"
	"encoding/json"
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
