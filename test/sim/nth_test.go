package sim

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/lease/sharefs/sharefstest"
)

var everyFlag = flag.Int("every", 131, "TestEveryOperationFails lets every nth operation fail")

// small is a job of two chunks with one master and one worker and no other faults.
func small(p *plan) {
	quiet(p)
	p.workers = 1
	p.errors, p.rate = true, 0 // all that fails is what the test lets fail; then a claim may be lost
}

// renames and their like are what can find their own work when they are sent again.
var changesNames = []string{"rename", "link", "unlink", "mkdir", "rmdir", "open"}

// smallSeed gives a job with a piece and a range.
const smallSeed = 5

// TestEveryOperationFails lets one operation after the other fail, each with every error, through a whole
// job: it must end well each time.
func TestEveryOperationFails(t *testing.T) {
	count := &sharefstest.Nth{}
	clean := run(t, smallSeed, hooked(count), small)
	require.Empty(t, clean.wrong, clean.report)
	total := len(count.Done())
	errs := map[string]error{}
	for _, errno := range []error{
		syscall.EINTR, syscall.ESTALE, syscall.EACCES, syscall.EBUSY, syscall.EAGAIN, syscall.EPERM, syscall.EROFS,
		syscall.ENOSPC, syscall.EDQUOT, syscall.EIO,
	} {
		errs[fmt.Sprint(errno)] = errno
	}
	errs["answer lost, EIO"] = sharefstest.AnswerLost(syscall.EIO)
	errs["answer lost, ENOENT"] = sharefstest.AnswerLost(syscall.ENOENT)
	errs["answer lost, EEXIST"] = sharefstest.AnswerLost(syscall.EEXIST)
	began, runs, bad := time.Now(), 0, 0
	offset := 0
	for name, err := range errs {
		offset++
		for n := 1 + offset%*everyFlag; n <= total && bad < enough; n += *everyFlag {
			runs++
			nth := &sharefstest.Nth{Fail: n, Err: err}
			if r := run(t, smallSeed, hooked(nth), small); len(r.wrong) > 0 {
				bad++
				t.Errorf("%s failed with %s\n%s", nth.Done()[n-1], name, r.report)
			}
		}
	}
	t.Logf("%d operations, %d errors: %d jobs in %v", total, len(errs), runs, time.Since(began).Round(time.Millisecond))
}

func hooked(n *sharefstest.Nth) mutant {
	return func(_ *world, c *client) sharefs.Ops {
		return sharefstest.WithHook(c, func(op, name string) error {
			err := n.Hook(op, name)
			if again := errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EEXIST); again &&
				!slices.Contains(changesNames, op) {
				return nil
			}
			return err
		})
	}
}
