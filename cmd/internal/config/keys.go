package config

import (
	"encoding/json"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/distenc/distenc/lease"
)

// kind is what a key's value looks like in TOML.
type kind int

const (
	text kind = iota
	number
	duration
	truth
	section
	fraction
	size
	hours
	list
	names
)

// wants says how a value of this kind is written.
func (k kind) wants() string {
	return [...]string{
		`wants a text in quotes`,
		`wants a whole number, without quotes`,
		`wants a duration in quotes with its unit, such as "30s", "5m" or "1h30m"`,
		`wants true or false`,
		`is a section: write its keys below its name in [brackets]`,
		`wants a number, without quotes`,
		`wants a size in quotes with its unit, such as "500MB" or "2GiB"`,
		`wants times of the day in quotes, such as "22:00-07:00"`,
		`wants a program and its arguments, each in quotes, in [brackets]`,
		`wants host names, each in quotes, in [brackets]`,
	}[k]
}

// parse reads a value as it stands in a variable or behind a flag.
func (k kind) parse(s string) (any, error) {
	switch k {
	case number:
		n, err := strconv.Atoi(s)
		if err != nil {
			return nil, fmt.Errorf("wants a whole number, is %q", s)
		}
		return n, nil
	case fraction:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, fmt.Errorf("wants a number, is %q", s)
		}
		return f, nil
	case duration:
		return parseDuration(s)
	case size:
		return parseSize(s)
	case hours:
		return ParseHours(s)
	case list:
		return parseList(s)
	case names:
		all, err := parseList(s)
		if err != nil {
			return nil, fmt.Errorf(`wants a list such as ["nas", "nas.lan"], is %q`, s)
		}
		return all, nil
	default:
		return s, nil
	}
}

// parseDuration takes what time.ParseDuration does, and says how to write it if it can't.
func parseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err == nil {
		return d, nil
	}
	if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
		return 0, fmt.Errorf(`%q has no unit: write "%gs" for seconds, "%gm" for minutes`, s, f, f)
	}
	return 0, fmt.Errorf("%q is no duration: units are ms, s, m and h, such as %q or %q", s, "30s", "1h30m")
}

// parseList reads a list as a variable holds it: in TOML's own notation, which is JSON's too.
func parseList(s string) ([]string, error) {
	var all []string
	if err := json.Unmarshal([]byte(s), &all); err != nil {
		return nil, fmt.Errorf(`wants a list such as ["/usr/bin/mail", "me"], is %q`, s)
	}
	return all, nil
}

// key is one setting outside the profiles: its name, its default, and the rule its value obeys.
type key struct {
	name  string
	value any // the default; its type is the key's type
	rule  rule
}

// rule says what is wrong with a value, "" if nothing is.
type rule func(v any) string

func (k key) kind() kind {
	switch k.value.(type) {
	case int:
		return number
	case time.Duration:
		return duration
	case float64:
		return fraction
	case int64:
		return size
	case Hours:
		return hours
	case []string:
		return list
	case hosts:
		return names
	default:
		return text
	}
}

// inText tells whether the key's value is written as a text that has to be read.
func (k key) inText() bool { return k.kind() == duration || k.kind() == size || k.kind() == hours }

// variable is the name of the environment variable that sets the key.
func (k key) variable() string {
	return prefix + strings.ToUpper(strings.ReplaceAll(k.name, ".", "_"))
}

// keys holds every setting outside the profiles; defaults, variables, types and ranges come from here.
var keys = []key{
	{"share", "", absolute},
	{"watch.settle", 60 * time.Second, least(100 * time.Millisecond)},
	{"watch.poll", 5 * time.Second, least(100 * time.Millisecond)},
	{"split.chunk", 20 * time.Second, least(time.Second)},
	{"split.pieces", "copy", oneOf("copy", "range")},
	{"lease.heartbeat", 10 * time.Second, least(100 * time.Millisecond)},
	{"lease.expiry", 2 * time.Minute, least(lease.MinBeats * 100 * time.Millisecond)},
	{"lease.attempts", 3, between(1, 100)},
	{"worker.slots", 0, between(0, 1024)},
	{"worker.nice", 10, between(0, 19)},
	{"worker.io_class", "best-effort", oneOf("best-effort", "idle")},
	{"worker.hours", Hours{}, anything},
	{"worker.max_load", 0.0, notNegative},
	{"disk.min_free", int64(2 << 30), anything},
	{"output.source", "archive", oneOf("archive", "delete")},
	{"http.listen", "", address},
	{"http.hosts", hosts{}, hostNames},
	{"hooks.done", []string{}, program},
	{"hooks.failed", []string{}, program},
	{"hooks.timeout", time.Minute, least(time.Second)},
	{"log.format", "text", oneOf("text", "json")},
	{"log.level", "info", oneOf("debug", "info", "warn", "error")},
}

// hosts is the type of a list of host names.
type hosts []string

// machineOnly tells which settings many people must not make for a machine, and all who can write to the share could:
// where the share is, what is run there, and who can read of it over the network.
func machineOnly(key string) bool {
	return key == "share" || strings.HasPrefix(key, "http.") || strings.HasPrefix(key, "hooks.")
}

// profileDefaults is what [profiles.default] inherits where it sets nothing itself.
var profileDefaults = Profile{
	Name:        DefaultProfile,
	X264:        "--preset slow --profile high --crf 18",
	Container:   "mkv",
	Audio:       "copy",
	Subtitles:   "copy",
	Scale:       "none",
	Deinterlace: "no",
	Odd:         "refuse",
}

func least(d time.Duration) rule {
	return func(v any) string {
		if v.(time.Duration) < d {
			return fmt.Sprintf("must be at least %s, is %s", d, v)
		}
		return ""
	}
}

func between(low, high int) rule {
	return func(v any) string {
		if n := v.(int); n < low || n > high {
			return fmt.Sprintf("must be between %d and %d, is %d", low, high, n)
		}
		return ""
	}
}

func oneOf(words ...string) rule {
	return func(v any) string {
		if !slices.Contains(words, v.(string)) {
			last := len(words) - 1
			return fmt.Sprintf("must be %s, is %q", strings.TrimPrefix(strings.Join(words[:last], ", ")+" or "+words[last], " or "), v)
		}
		return ""
	}
}

func absolute(v any) string {
	if s := v.(string); s != "" && !filepath.IsAbs(s) {
		return fmt.Sprintf("must be an absolute path, is %q", s)
	}
	return ""
}

// anything fits what was checked when it was read.
func anything(any) string { return "" }

func notNegative(v any) string {
	if f := v.(float64); !(f >= 0 && f < math.MaxInt32) {
		return fmt.Sprintf("must be 0 or more, is %g", f)
	}
	return ""
}

// address takes host:port, with the host empty for every interface.
func address(v any) string {
	s := v.(string)
	if s == "" {
		return ""
	}
	_, port, err := net.SplitHostPort(s)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 {
		return fmt.Sprintf("must be host:port, such as \"127.0.0.1:8470\", is %q", s)
	}
	return ""
}

// hostNames takes what a browser can put into a request's Host, without the port.
func hostNames(v any) string {
	for _, name := range v.([]string) {
		if name == "" || strings.ContainsAny(name, ":/ ") && net.ParseIP(name) == nil {
			return fmt.Sprintf("must be names or addresses without a port, such as \"nas.lan\", has %q", name)
		}
	}
	return ""
}

// program takes a command line whose program is named by its whole path: a daemon's PATH is not yours.
func program(v any) string {
	if argv := v.([]string); len(argv) > 0 && !filepath.IsAbs(argv[0]) {
		return fmt.Sprintf("must begin with the absolute path of a program, is %q", argv)
	}
	return ""
}
