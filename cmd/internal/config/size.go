package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units of sizes, in bytes. The longer names come first, so that B does not hide them.
var units = []struct {
	name  string
	bytes float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// parseSize reads a size such as 2GiB or 1.5 TB, whatever the letters' case; a bare 0 is allowed.
func parseSize(s string) (int64, error) {
	trimmed := strings.TrimSpace(s)
	if trimmed == "0" {
		return 0, nil
	}
	for _, u := range units {
		number, found := cutSuffixFold(trimmed, u.name)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err == nil && n >= 0 && n*u.bytes < math.MaxInt64 {
			return int64(n * u.bytes), nil
		}
		break
	}
	if _, err := strconv.ParseFloat(trimmed, 64); err == nil {
		return 0, fmt.Errorf(`%q has no unit: write "%sMiB" or "%sGiB"`, s, trimmed, trimmed)
	}
	return 0, fmt.Errorf("%q is no size: units are B, KB, MB, GB, TB and KiB, MiB, GiB, TiB, such as %q", s, "2GiB")
}

func cutSuffixFold(s, suffix string) (string, bool) {
	if n := len(s) - len(suffix); n >= 0 && strings.EqualFold(s[n:], suffix) {
		return s[:n], true
	}
	return s, false
}
