package status

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A health check tells a daemon that lives from one that hangs whatever this machine's clock says. Files have real
// times here, and the check an imagined one.
func TestDaemonsAreJudgedByTheSharesClock(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"behind": 0, "ahead": 100 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			share, err := sharefs.Open(t.TempDir())
			require.NoError(t, err)
			for _, dir := range pipeline.Folders() {
				require.NoError(t, share.MkdirAll(dir))
			}
			beats := []string{
				pipeline.MasterDir + "/2.pc-maaaaa.hb", pipeline.StandbyFile("pc-mbbbbb"), pipeline.Nodes + "/pc-wccccc.json",
			}
			for _, file := range beats {
				require.NoError(t, share.Create(file, []byte(`{"node":"pc-wccccc","host":"pc","state":"idle"}`)))
			}
			states := func() (all []string) {
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(ahead)
					daemons, err := DaemonsOf(share, "pc")
					require.NoError(t, err)
					for _, d := range daemons {
						all = append(all, d.State)
					}
				})
				return all
			}
			require.Equal(t, []string{Leads, StandsBy, pipeline.NodeIdle}, states())
			long := time.Now().Add(-time.Hour)
			for _, file := range beats {
				require.NoError(t, os.Chtimes(share.Path(file), long, long))
			}
			require.Equal(t, []string{pipeline.NodeSilent, pipeline.NodeSilent, pipeline.NodeSilent}, states())
		})
	}
}
