package upload

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/steer"
)

// staged is an upload as it lies in the inbox.
type staged struct {
	pipeline.Upload

	size int64 // bytes that are there
}

// find returns what is there of an upload.
func (u *Store) find(key string) (s staged, found bool, err error) {
	all, err := u.list()
	if err != nil {
		return s, false, err
	}
	for _, one := range all {
		if one.Key != key {
			continue
		}
		info, err := u.Desk.Share.Stat(one.Path())
		if errors.Is(err, fs.ErrNotExist) {
			continue // another master has just taken it
		}
		if err != nil {
			return s, false, err
		}
		if !found || info.Size() > s.size {
			s, found = staged{one, info.Size()}, true
		}
	}
	return s, found, nil
}

// list returns all uploads that are not finished.
func (u *Store) list() (all []pipeline.Upload, err error) {
	names, err := u.Desk.Share.List(pipeline.Inbox)
	for _, n := range names {
		if one, ok := pipeline.ParseUpload(n); ok {
			all = append(all, one)
		}
	}
	return all, err
}

// open finds or begins the upload that a part is for, and makes it this process's own.
func (u *Store) open(ctx context.Context, p Part, key string, t *transfer) (staged, error) {
	s, found, err := u.find(key)
	switch {
	case err != nil:
		return s, err
	case p.First == 0 && (!found || !p.Onwards), p.First == Announce && (!found || s.Total != p.Total):
		return u.begin(p, key, s.size, t)
	case !found:
		return s, &OffsetError{First: p.First, Total: p.Total}
	case p.First != Announce && (s.size != p.First || s.Total != p.Total):
		return s, &OffsetError{First: p.First, Offset: s.size, Total: s.Total}
	}
	if err := u.room(p, s.Total-s.size, 0, t); err != nil {
		return s, err
	}
	if p.First == Announce && s.size < s.Total {
		return s, nil // nothing is written
	}
	return u.take(ctx, s)
}

// begin makes the file of an upload of which nothing is there yet, in place of what was: so many bytes.
func (u *Store) begin(p Part, key string, was int64, t *transfer) (staged, error) {
	all, err := u.list()
	all = slices.DeleteFunc(all, func(one pipeline.Upload) bool { return one.Key == key })
	if err == nil && len(all) >= maxUploads {
		err = steer.Refuse(steer.Many, "%d uploads are not finished; finish one of them first, or wait: what nobody goes "+
			"on with is removed after %d days", len(all), pipeline.KeepUploads/(24*time.Hour))
	}
	if err == nil {
		err = u.room(p, p.Total, was, t)
	}
	if err == nil {
		u.forget(key)
		err = u.removeAll(key)
	}
	s := staged{Upload: pipeline.NewUpload(key, p.Total)}
	if err == nil {
		err = u.Desk.Share.Create(s.Path(), nil)
	}
	return s, err
}

// take renames an upload, so that no other master writes to it any more.
func (u *Store) take(ctx context.Context, s staged) (staged, error) {
	was, mine := s.Upload, s.Taken()
	if out, err := u.Desk.Share.Claim(ctx, was.Path(), mine.Path()); out != sharefs.Won {
		return s, errors.Join(steer.Refuse(steer.Busy, "another master goes on with this upload; try again in a moment"), err)
	}
	u.renamed(was, mine)
	s.Upload = mine
	return s, nil
}

func (u *Store) removeAll(key string) error {
	all, err := u.list()
	for _, one := range all {
		if one.Key == key {
			err = errors.Join(err, u.Desk.Share.Remove(one.Path()))
		}
	}
	return err
}
