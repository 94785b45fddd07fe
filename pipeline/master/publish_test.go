package master

import (
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// A finished film whose name depends on its plan comes out without it, too, though not at the first look.
func TestAPlanThatIsGoneKeepsNoOutputBack(t *testing.T) {
	for name, plan := range map[string]string{"gone": "", "cut short": twoFrames[:40], "empty": "{}"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := leading(t, sharefs.OS)
				j := planted(t, m, "film")
				j.Settings.Name = "{stem} [{height}p]"
				if plan != "" {
					require.NoError(t, m.FS.Create(pipeline.JobFile(j.ID, "plan.json"), []byte(plan)))
				}
				published(t, m, j)
				began := time.Now()
				for range 20 {
					m.startFinish(j)
					(<-m.tasks.results)()
					time.Sleep(errRest)
				}
				_, err := m.taskFor(j).carryOut(t.Context(), false)
				require.NoError(t, err)
				p, err := pipeline.LoadPublished(m.FS, j.ID)
				require.NoError(t, err)
				require.Equal(t, pipeline.RawName("film.mkv"), p.Output)
				require.Greater(t, p.Time.Sub(began), sharefs.StaleNames)
				m.end()
			})
		})
	}
}

// A name that may still be found out is waited for.
func TestAPlanThatCannotBeReadNowIsWaitedFor(t *testing.T) {
	for _, err := range []error{syscall.ESTALE, syscall.EACCES, &pipeline.FormatError{Format: 9}} {
		synctest.Test(t, func(t *testing.T) {
			m := leading(t, sharefs.OS)
			j := planted(t, m, "film")
			for range 100 {
				m.giveUpNaming(j, fmt.Errorf("%w: %w", errUnnamed, err))
				time.Sleep(2 * time.Second)
			}
			require.False(t, j.ending.unnamed, err)
		})
	}
}
