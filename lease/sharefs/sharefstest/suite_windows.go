package sharefstest

import (
	"errors"
	"testing"

	"github.com/distenc/distenc/lease/sharefs"
)

// oddName is taken as it is.
const oddName = "a..b '-%d;(1) .x [COM1] ä"

// changedNames would become others, or devices, streams of another file, patterns.
var changedNames = []string{
	"dot.", "space ", "dots...", "d./x", "d /x", "a:b", "a::$DATA", `a\b`, `..\x`, `C:\x`, "C:x",
	"a?", "a*", "a<", "a>", "a|b", `a"b`, "a\nb", "a\x1fb", "x\xff",
	"NUL", "nul", "con", "AUX", "COM1", "lpt9", "d/PRN", "CONIN$",
}

func mkfifo(string) error { return errors.ErrUnsupported }

func testModes(t *testing.T, _ *sharefs.FS) {
	t.Skip("Windows has no modes: who may do what is said by the rights that the share's folder hands on")
}
