package config

import (
	"cmp"
	"fmt"
	"math"
	"net"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/distenc/distenc/pipeline"
)

// rule returns what is wrong with a value, "" if nothing is.
type rule func(v any) string

// profileName is what can be a folder in the inbox on every system that mounts the share.
var profileName = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,63}$`)

const profileNameRule = "is no profile name: letters, digits, '.', '_' and '-' only, " +
	"not beginning with '.' or '-', at most 64"

func namesProfile(v any) string {
	if s := v.(string); s != "" && !profileName.MatchString(s) {
		return profileNameRule
	}
	return ""
}

var nonceForm = regexp.MustCompile(`^[a-z0-9]{4,16}$`)

func nonce(v any) string {
	if s := v.(string); s != "" && !nonceForm.MatchString(s) {
		return fmt.Sprintf("must be 4 to 16 of a-z and 0-9, is %q", s)
	}
	return ""
}

func least[T cmp.Ordered](low T) rule {
	return func(v any) string {
		if v.(T) < low {
			return fmt.Sprintf("must be at least %v, is %v", low, v)
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
		if err := pipeline.OneOf(v.(string), words...); err != nil {
			return err.Error()
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
	for _, name := range v.(hosts) {
		if name == "" || strings.ContainsAny(name, ":/ ") && net.ParseIP(name) == nil {
			return fmt.Sprintf("must be names or addresses without a port, such as \"nas.lan\", has %q", name)
		}
	}
	return ""
}

// program takes a command line whose program is named by its whole path: a daemon's PATH is not yours. On Windows the
// share's file may have one of the master's, which runs elsewhere.
func program(v any) string {
	if argv := v.([]string); len(argv) > 0 && !filepath.IsAbs(argv[0]) && !path.IsAbs(argv[0]) {
		return fmt.Sprintf("must begin with the absolute path of a program, is %q", argv)
	}
	return ""
}
