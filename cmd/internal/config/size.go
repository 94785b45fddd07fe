package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// size is a number of bytes, written with a unit.
type size int64

// sizeForm is stricter than humanize, which takes 2 and 2G too.
var sizeForm = regexp.MustCompile(`(?i)^[0-9]+(\.[0-9]+)? *([KMGT]i?)?B$`)

// UnmarshalText implements encoding.TextUnmarshaler. It takes sizes such as 2GiB or 1.5 TB, whatever the letters' case,
// and
// a bare 0.
func (s *size) UnmarshalText(text []byte) error {
	trimmed := strings.TrimSpace(string(text))
	n, err := humanize.ParseBytes(trimmed)
	if trimmed == "0" || err == nil && n < math.MaxInt64 && sizeForm.MatchString(trimmed) {
		*s = size(n)
		return nil
	}
	if _, err := strconv.ParseFloat(trimmed, 64); err == nil {
		return fmt.Errorf(`%q has no unit: write "%sMiB" or "%sGiB"`, text, trimmed, trimmed)
	}
	return fmt.Errorf("%q is no size: units are B, KB, MB, GB, TB and KiB, MiB, GiB, TiB, such as %q", text, "2GiB")
}
