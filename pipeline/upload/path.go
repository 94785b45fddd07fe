package upload

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/watcher"
)

// maxInboxPath bounds a path below inbox/, in bytes: what lies much deeper can't be reached by one system call.
const maxInboxPath = 1000

// checkInboxPath refuses a path under which no film may be put into the inbox.
func checkInboxPath(inbox string) error {
	no := func(format string, args ...any) error {
		why := fmt.Sprintf(format, args...)
		return steer.Refuse(steer.Wrong, "%q can't be put into the inbox: %s", pipeline.RawName(inbox), why)
	}
	switch {
	case len(inbox) > maxInboxPath:
		return no("the path is longer than %d bytes", maxInboxPath)
	case !utf8.ValidString(inbox), strings.ContainsFunc(inbox, unicode.IsControl):
		return no("the path has characters that are no text")
	}
	for element := range strings.SplitSeq(inbox, "/") {
		switch {
		case element == "", element == ".", element == "..":
			return no("a path is folders and a file's name, with one / between them, and has no . or ..")
		case len(element) > sharefs.NameMax:
			return no("a name has at most %d bytes", sharefs.NameMax)
		case pipeline.Sidecar(element):
			return no("by its name it holds a film's own settings; what a film is to be encoded with is asked for as it is " +
				"sent: a profile, or what `distenc add --help` lists")
		case watcher.Ignored(element):
			return no("%q is a hidden name, an unfinished file's or a program's own; rename it if it is a whole film",
				pipeline.RawName(element))
		}
	}
	if watcher.Companion(inbox) {
		return no("by its name it is no film but goes with one, and the share's own inbox alone takes such files: what " +
			"lies beside a film there follows it into the outbox")
	}
	return nil
}
