package master

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
)

// Whatever a dropped file is called, its source's name in the job's folder is a plain one in that folder.
func FuzzSourceNames(f *testing.F) {
	for _, name := range []string{"a.mkv", "a.MKV", "a.m/v", "a.\n", "a.é", "..", "x.%00", "a.tar.gz"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		source := "source" + safeExt(name)
		require.Regexp(t, `^source(\.[a-z0-9]{1,5})?$`, source)
		require.Equal(t, "jobs/abcdef01-k3f9z/"+source, pipeline.JobFile("abcdef01-k3f9z", source))
		require.True(t, strings.HasPrefix(pipeline.SidecarBeside(name), name))
	})
}
