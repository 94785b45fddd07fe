package sim

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

// TestFilmsKeepToTheirSize looks whether what the seeds are to try is tried.
func TestFilmsKeepToTheirSize(t *testing.T) {
	count := map[string]int{}
	for seed := uint64(1); seed <= 12; seed++ {
		r := run(t, seed, nil, func(p *plan) { p.sized = true })
		require.Empty(t, r.wrong, r.report)
		for what, n := range r.count {
			count[what] += n
		}
	}
	for _, what := range []string{"sized", "corrected", "concluded", "rejected after it was accepted"} {
		require.NotZero(t, count[what], what)
	}
}

// TestMutantsOfBudgets breaks what keeps films to their size, and wants it noticed.
func TestMutantsOfBudgets(t *testing.T) {
	for name, m := range map[string]mutant{
		"a correction that changes after it was published": changingCorrection,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(1); seed <= maxMutantSeeds; seed++ {
				r := run(t, seed, m, func(p *plan) { p.sized, p.masters = true, 3 })
				if len(r.wrong) > 0 {
					t.Logf("noticed after %d seeds: %s: %s", seed, r.wrong[0].rule, r.wrong[0].what)
					return
				}
			}
			t.Errorf("not noticed in %d seeds", maxMutantSeeds)
		})
	}
}

// changingCorrection publishes a correction over the one that was there.
func changingCorrection(_ *world, c *client) sharefs.Ops { return overwriter{c} }

type overwriter struct{ sharefs.Ops }

func (o overwriter) Link(src, dst string) error {
	if isCorrection(dst) {
		_ = o.Unlink(dst)
	}
	return o.Ops.Link(src, dst)
}
