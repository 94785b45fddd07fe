package split_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// A file that ffprobe refuses is not read to its end: of this one that would take hours.
func TestARefusedFileIsReadNoFurther(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sparse.mkv")
	require.NoError(t, os.WriteFile(name, []byte("no film"), 0o644))
	require.NoError(t, os.Truncate(name, 15<<40))
	s, err := scan(t, name)
	var refused *pipeline.Refusal
	require.ErrorAs(t, err, &refused)
	require.Empty(t, s.CRC32)
}
