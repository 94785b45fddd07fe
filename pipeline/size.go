package pipeline

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// Size is how large a film may become: its file in bytes or as a part of the source's, or its video by a mean bitrate.
// The zero value sets no limit.
type Size struct {
	Amount float64
	Unit   string // one of sizeUnits
}

// percent is a part of the source's file.
const percent = "%"

// sizeUnits are a unit's bytes, or bits a second for k and M.
var sizeUnits = map[string]float64{
	percent: 0, "k": 1e3, "M": 1e6,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
}

// sizeForm has no sign, and no more digits than mean anything.
var sizeForm = regexp.MustCompile(`^([0-9]{1,7}(?:\.[0-9]{1,3})?) ?(%|k|M|kB|[KMGT]i?B)$`)

// None reports whether no limit is set.
func (s Size) None() bool { return s == Size{} }

func (s Size) String() string {
	if s.None() {
		return "none"
	}
	return strconv.FormatFloat(s.Amount, 'f', -1, 64) + s.Unit
}

// MarshalText implements encoding.TextMarshaler.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "none", "4.3GB", "700MiB", "60%", "2500k" and "2.5M".
func (s *Size) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*s = Size{}
		return nil
	}
	m := sizeForm.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf(`must be "none", a size of the file in kB, MB, GB, TB, KiB, MiB, GiB or TiB such as "4.3GB", `+
			`a part of the source's such as "60%%", or a bitrate of the video in k or M bit/s such as "2500k", is %q`, text)
	}
	read := Size{Unit: string(m[2])}
	read.Amount, _ = strconv.ParseFloat(string(m[1]), 64) // its form was checked
	switch {
	case read.Amount == 0:
		return errors.New("must be more than nothing")
	case read.Amount*sizeUnits[read.Unit] > maxTold:
		return fmt.Errorf("must be at most 1000TB, is %q", text)
	case read.Unit == percent && read.Amount > 100:
		return fmt.Errorf("must be at most 100%% of the source's file, is %q", text)
	}
	*s = read
	return nil
}

// OfVideo reports whether the video alone is limited, by its bitrate; else it is the whole file.
func (s Size) OfVideo() bool { return s.Unit == "k" || s.Unit == "M" }

// Bytes is the limit in bytes, for a source's file of a size and a film of a length in seconds.
func (s Size) Bytes(source int64, seconds float64) int64 {
	bytes := s.Amount * sizeUnits[s.Unit]
	switch {
	case s.Unit == percent:
		bytes = s.Amount / 100 * float64(source)
	case s.OfVideo():
		bytes *= seconds / 8
	}
	return int64(min(bytes, maxTold))
}

// Bytes says a number of bytes with as many digits as mean anything.
func Bytes(n int64) string {
	for _, unit := range []string{"TB", "GB", "MB", "kB"} {
		if of := sizeUnits[unit]; float64(n) >= of {
			return strconv.FormatFloat(float64(n)/of, 'g', 4, 64) + " " + unit
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}
