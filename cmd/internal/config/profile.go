package config

import (
	"cmp"
	"errors"
	"fmt"
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

// profileKeys are a profile's keys but x264, each with its rule. What x264 understands is the master's to
// check, with a test encode: a list of its options here would age.
var profileKeys = []struct {
	name  string
	value func(p *Profile) *string
	rule  rule
}{
	{"container", func(p *Profile) *string { return &p.Container }, oneOf("mkv", "mp4")},
	{"audio", func(p *Profile) *string { return &p.Audio }, audio},
	{"subtitles", func(p *Profile) *string { return &p.Subtitles }, oneOf("copy", "none")},
	{"scale", func(p *Profile) *string { return &p.Scale }, scale},
	{"deinterlace", func(p *Profile) *string { return &p.Deinterlace }, oneOf("no", "yes")},
	{"odd", func(p *Profile) *string { return &p.Odd }, oneOf("refuse", "crop", "pad")},
}

// bitrate bounds what AAC is encoded with, in kbit/s: below it is no music, above no encoder goes.
const minBitrate, maxBitrate = 32, 512

// audio takes "copy" and "aac 160k".
func audio(v any) string {
	s := v.(string)
	var n int
	if _, err := fmt.Sscanf(s, "aac %dk", &n); s == "copy" || err == nil && s == fmt.Sprintf("aac %dk", n) && n >= minBitrate && n <= maxBitrate {
		return ""
	}
	return fmt.Sprintf(`must be "copy" or "aac" and a bit rate from %dk to %dk, such as "aac 160k", is %q`, minBitrate, maxBitrate, s)
}

// maxSide is the longest side of a picture that x264 encodes.
const minSide, maxSide = 16, 16384

// scale takes "none", "1280x720" and "1280x720 enlarge".
func scale(v any) string {
	s := v.(string)
	size := strings.TrimSuffix(s, " enlarge")
	var w, h int
	_, err := fmt.Sscanf(size, "%dx%d", &w, &h)
	if s == "none" || err == nil && size == fmt.Sprintf("%dx%d", w, h) && min(w, h) >= minSide && max(w, h) <= maxSide {
		return ""
	}
	return fmt.Sprintf(`must be "none", or a width and height from %d to %d such as "1280x720" (or "1280x720 enlarge"), is %q`, minSide, maxSide, s)
}

// over fills p's empty fields from base.
func (p Profile) over(base Profile) Profile {
	p.Name, p.X264 = cmp.Or(p.Name, base.Name), cmp.Or(p.X264, base.X264)
	for _, k := range profileKeys {
		*k.value(&p) = cmp.Or(*k.value(&p), *k.value(&base))
	}
	return p
}

// With returns the profile with one file's own settings instead of its, where the sidecar has any. The
// sidecar's x264 options replace the profile's as a whole.
func (p Profile) With(s Sidecar) Profile {
	own := s.asProfile()
	own.Name = p.Name
	return own.over(p)
}

// problems says for each key what is wrong with its value, where there is one.
func (p Profile) problems() map[string]string {
	found := map[string]string{}
	for _, k := range profileKeys {
		if v := *k.value(&p); v != "" && k.rule(v) != "" {
			found[k.name] = k.rule(v)
		}
	}
	return found
}

// checkProfiles checks the profiles as they were written, so that a mistake is told once, where it is.
func (l loader) checkProfiles(given map[string]Profile) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		section := "profiles." + name
		if !profileName.MatchString(name) {
			all = append(all, &Error{Where: l.set[section], Key: section, Problem: profileNameRule})
		}
		problems := given[name].problems()
		for _, key := range slices.Sorted(maps.Keys(problems)) {
			key, problem := section+"."+key, problems[key]
			all = append(all, &Error{Where: l.set[strings.ToLower(key)], Key: key, Problem: problem})
		}
	}
	return errors.Join(all...)
}
