package steer

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// maxInboxPath bounds a path below inbox/, in bytes: what lies much deeper can't be reached by one system call.
const maxInboxPath = 1000

// checkInboxPath refuses a path under which no film may be put into the inbox.
func checkInboxPath(inbox string) error {
	no := func(format string, args ...any) error {
		return refuse(Wrong, "%q can't be put into the inbox: %s", shown(inbox), fmt.Sprintf(format, args...))
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
		case watcher.Ignored(element):
			return no("%q is a hidden name, an unfinished file's or a program's own; rename it if it is a whole film",
				shown(element))
		}
	}
	if watcher.Companion(inbox) {
		return no("by its name it is no film but goes with one; what lies beside a film in the inbox follows it " +
			"into the outbox")
	}
	return nil
}

// finish names a film of which everything is there, if it is what its name says.
func (u *Uploads) finish(ctx context.Context, s staged, p Part) (*Submission, error) {
	share := u.Desk.Share
	dir, base := path.Split(path.Join(pipeline.Inbox, p.Path))
	dir = path.Clean(dir)
	if named, err := share.OtherName(s.Path(), dir, pipeline.AsNumbered(base)); err != nil {
		return nil, err
	} else if named != "" { // whoever named it did not come to the end
		return u.conclude(s, Submission{Name: named}, p)
	}
	if err := u.verify(ctx, s, base); err != nil {
		return nil, err
	}
	if err := share.MkdirAll(dir); err != nil {
		if sharefs.NotFolder(err) || errors.Is(err, fs.ErrExist) {
			err = refuse(NotNow, "a file or a link has the name of the folder %q in the inbox", shown(below(dir)))
		}
		return nil, err
	}
	p.Wishes.Size = s.Total
	film, err := u.Desk.nameFree(dir, base, s.Path(), p.Wishes)
	if err != nil {
		return nil, err
	}
	return u.conclude(s, film, p)
}

// conclude dates a film that has its own name, and removes the staged one once that lasts.
func (u *Uploads) conclude(s staged, film Submission, p Part) (*Submission, error) {
	switch {
	case !p.Wishes.KeepDate:
	case p.Date.IsZero():
		film.Undated = errors.New("nobody said when the film was modified")
	default:
		film.Undated = u.Desk.Share.SetDate(film.Name, p.Date)
	}
	if err := u.Desk.Share.Durable(film.Name); err != nil {
		return nil, err
	}
	return &film, u.Desk.Share.Remove(s.Path())
}

// verify compares the tag in a film's name, if there is one, with what came. A film that is damaged is dropped.
func (u *Uploads) verify(ctx context.Context, s staged, base string) error {
	tag := pipeline.Tag(base)
	if tag == "" {
		return nil
	}
	known := u.sumOf(s)
	crc := known.crc
	if known.upto != s.Total {
		crc = crc32.NewIEEE()
		if err := u.readBack(ctx, s, crc); err != nil {
			return err
		}
	}
	if is := fmt.Sprintf("%08X", crc.Sum32()); is != tag {
		damaged := refuse(Damaged, "the name says CRC-32 %s but what came has %s: the file is damaged or not the one that "+
			"the name says; nothing of it was kept", tag, is)
		return errors.Join(damaged, u.Desk.Share.Remove(s.Path()))
	}
	return nil
}

// readBack reads what came through another process too.
func (u *Uploads) readBack(ctx context.Context, s staged, to io.Writer) error {
	file, err := u.Desk.Share.OpenRead(s.Path())
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = io.Copy(to, sharefs.UntilDone(ctx, file))
	return err
}
