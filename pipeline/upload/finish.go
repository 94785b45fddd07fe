package upload

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// finish names a film of which everything is there, if it is what its name says.
func (u *Store) finish(ctx context.Context, s staged, p Part) (*steer.Submission, error) {
	share := u.Desk.Share
	dir, base := path.Split(path.Join(pipeline.Inbox, p.Path))
	dir = path.Clean(dir)
	if named, err := share.OtherName(s.Path(), dir, pipeline.AsNumbered(base)); err != nil {
		return nil, err
	} else if named != "" { // whoever named it did not come to the end
		return u.conclude(s, steer.Submission{Name: named}, p)
	}
	if err := u.verify(ctx, s, base); err != nil {
		return nil, err
	}
	if err := share.MkdirAll(dir); err != nil {
		if sharefs.NotFolder(err) || errors.Is(err, fs.ErrExist) {
			err = steer.Refuse(steer.NotNow, "a file or a link has the name of the folder %q in the inbox",
				pipeline.RawName(strings.TrimPrefix(dir, pipeline.Inbox+"/")))
		}
		return nil, err
	}
	p.Wishes.Size = s.Total
	film, err := u.Desk.NameFree(dir, base, s.Path(), p.Wishes)
	if err != nil {
		return nil, err
	}
	return u.conclude(s, film, p)
}

// conclude dates a film that has its own name, and removes the staged one once that lasts.
func (u *Store) conclude(s staged, film steer.Submission, p Part) (*steer.Submission, error) {
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
