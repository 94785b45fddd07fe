package config

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// hosts is a list of host names.
type hosts []string

// wants returns how a value that goes to p is written in TOML.
func wants(p any) string {
	switch p.(type) {
	case *int, *int64:
		return `wants a whole number, without quotes`
	case *float64:
		return `wants a number, without quotes`
	case *bool:
		return `wants true or false`
	case *time.Duration, *chunk:
		return `wants a duration in quotes with its unit, such as "30s", "5m" or "1h30m"`
	case *size:
		return `wants a size in quotes with its unit, such as "500MB" or "2GiB"`
	case *Hours:
		return `wants times of the day in quotes, such as "22:00-07:00"`
	case *[]string:
		return `wants a program and its arguments, each in quotes, in [brackets]`
	case *hosts:
		return `wants host names, each in quotes, in [brackets]`
	case *addresses:
		return wantsAddresses
	case *events:
		return `wants events such as ["failed", "done"], each in quotes, in [brackets]`
	}
	return `wants a text in quotes`
}

// decode checks a value as go-toml returns it and puts it where the key's value goes.
func (k key) decode(t target, v any) error {
	p := k.in(t)
	if err := assign(p, v); err != nil {
		return err
	}
	if k.rule == nil {
		return nil
	}
	if problem := k.rule(reflect.ValueOf(p).Elem().Interface()); problem != "" {
		return errors.New(problem)
	}
	return nil
}

func assign(p, v any) error {
	ok := false
	switch p := p.(type) {
	case *string:
		*p, ok = v.(string)
	case *bool:
		*p, ok = v.(bool)
	case *int:
		var n int64
		n, ok = v.(int64)
		*p = int(n)
	case *int64:
		*p, ok = v.(int64)
	case *float64:
		var n int64
		if n, ok = v.(int64); ok {
			*p = float64(n)
		} else {
			*p, ok = v.(float64)
		}
	case *[]string:
		*p, ok = texts(v)
	case *hosts:
		*p, ok = texts(v)
	case *addresses:
		return p.assign(v)
	case *events:
		return p.assign(v)
	case *time.Duration:
		if s, is := v.(string); is {
			var err error
			*p, err = parseDuration(s)
			return err
		}
	case encoding.TextUnmarshaler:
		if s, is := v.(string); is {
			return p.UnmarshalText([]byte(s))
		}
	}
	if !ok {
		return errors.New(wants(p))
	}
	return nil
}

func texts(v any) ([]string, bool) {
	list, ok := v.([]any)
	all := make([]string, len(list))
	for i := range list {
		var is bool
		all[i], is = list[i].(string)
		ok = ok && is
	}
	return all, ok
}

// parse reads a value as it stands in a variable or behind a flag. Lists are in TOML's own notation, which is JSON's
// too.
func (k key) parse(s string) (any, error) {
	var v any = s
	var err error
	switch k.in(target{&Config{}, nil, nil}).(type) {
	case *int:
		if v, err = strconv.ParseInt(s, 10, 64); err != nil {
			return nil, fmt.Errorf("wants a whole number, is %q", s)
		}
	case *float64:
		if v, err = strconv.ParseFloat(s, 64); err != nil {
			return nil, fmt.Errorf("wants a number, is %q", s)
		}
	case *[]string:
		if v, err = parseList(s); err != nil {
			return nil, fmt.Errorf(`wants a list such as ["/usr/bin/mail", "me"], is %q`, s)
		}
	case *hosts:
		if v, err = parseList(s); err != nil {
			return nil, fmt.Errorf(`wants a list such as ["nas", "nas.lan"], is %q`, s)
		}
	case *addresses:
		if v, err = parseList(s); err != nil {
			return nil, errors.New(wantsAddresses)
		}
	case *events:
		if v, err = parseList(s); err != nil {
			return nil, fmt.Errorf(`wants a list such as ["failed", "done"], is %q`, s)
		}
	}
	return v, nil
}

// chunk is the wanted length of a chunk; an empty text leaves it to the encoder.
type chunk time.Duration

const minChunk = time.Second

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *chunk) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = 0
		return nil
	}
	d, err := parseDuration(string(text))
	if err == nil && d < minChunk {
		err = fmt.Errorf("must be at least %s, is %s", minChunk, d)
	}
	*c = chunk(d)
	return err
}

func parseList(s string) (all []any, err error) { return all, json.Unmarshal([]byte(s), &all) }

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

// size is a number of bytes, written with a unit.
type size int64

// sizeForm is stricter than humanize, which takes 2 and 2G too.
var sizeForm = regexp.MustCompile(`(?i)^[0-9]+(\.[0-9]+)? *([KMGT]i?)?B$`)

// UnmarshalText implements encoding.TextUnmarshaler. It takes sizes such as 2GiB or 1.5 TB, whatever the letters' case,
// and a bare 0.
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
