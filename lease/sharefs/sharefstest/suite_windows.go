package sharefstest

import (
	"errors"
	"testing"

	"github.com/distenc/distenc/lease/sharefs"
)

func mkfifo(string) error { return errors.ErrUnsupported }

func testModes(t *testing.T, _ *sharefs.FS) {
	t.Skip("Windows has no modes: who may do what is said by the rights that the share's folder hands on")
}
