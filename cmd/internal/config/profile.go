package config

import (
	"cmp"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// profileName is what can be a folder in the inbox on every system that mounts the share.
var profileName = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,63}$`)

const profileNameRule = "is no profile name: letters, digits, '.', '_' and '-' only, not beginning with '.' or '-', at most 64"

// inherit gives every profile its name, and the keys it does not set from [profiles.default].
func inherit(given map[string]Profile) map[string]Profile {
	base := given[DefaultProfile].over(profileDefaults)
	all := map[string]Profile{DefaultProfile: base}
	for name, p := range given {
		p = p.over(base)
		p.Name = name
		all[name] = p
	}
	return all
}

// over fills p's empty fields from base.
func (p Profile) over(base Profile) Profile {
	return Profile{
		Name:      cmp.Or(p.Name, base.Name),
		X264:      cmp.Or(p.X264, base.X264),
		Container: cmp.Or(p.Container, base.Container),
		Audio:     cmp.Or(p.Audio, base.Audio),
	}
}

// With returns the profile with one file's own settings instead of its, where the sidecar has any. The
// sidecar's x264 options replace the profile's as a whole.
func (p Profile) With(s Sidecar) Profile {
	return Profile{Name: p.Name, X264: s.X264, Container: s.Container, Audio: s.Audio}.over(p)
}

// checkProfiles checks the profiles as they were written, so that a mistake is told once, where it is.
func (l loader) checkProfiles(given map[string]Profile) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		section := "profiles." + name
		if !profileName.MatchString(name) {
			all = append(all, &Error{Where: l.set[section], Key: section, Problem: profileNameRule})
		}
		p := given[name]
		all = append(all,
			l.checkProfileKey(section+".container", p.Container),
			l.checkProfileKey(section+".audio", p.Audio))
	}
	return errors.Join(all...)
}

// checkProfileKey applies a key's rule. What x264 understands is the master's to check, with a test
// encode: a list of its options here would age.
func (l loader) checkProfileKey(key, value string) error {
	rule := map[string]rule{"container": containers, "audio": audios}[last(key)]
	if problem := rule(value); value != "" && problem != "" {
		return &Error{Where: l.set[strings.ToLower(key)], Key: key, Problem: problem}
	}
	return nil
}
