package encoder

import (
	"cmp"
	"regexp"
	"strings"
)

// complaints are what an encoder and ffmpeg say of settings that they don't take; the first group is the reason.
type complaints struct {
	said    []*regexp.Regexp
	remarks []*regexp.Regexp // tell the reason only of an encode that failed
}

func (c complaints) reason(messages string, failed bool) string {
	reason := lastReason(messages, c.said)
	if failed {
		reason = cmp.Or(reason, lastReason(messages, c.remarks))
	}
	return reason
}

// lastReason returns the last reason that the first matching pattern finds.
func lastReason(messages string, patterns []*regexp.Regexp) (reason string) {
	for _, pattern := range patterns {
		for line := range strings.SplitSeq(messages, "\n") {
			if m := pattern.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				reason = strings.TrimRight(m[1], ". ")
			}
		}
		if reason != "" {
			break
		}
	}
	return reason
}
