package steer

import (
	"errors"
	"io/fs"

	"github.com/distenc/distenc/pipeline"
)

// amend writes wishes into the settings beside a film. Others are kept, among them what a submission promised.
func (d Desk) amend(film string, w Wishes) error {
	name := pipeline.SidecarBeside(film)
	data, err := d.Share.Read(name, pipeline.MaxSidecar)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if data, err = d.Settings.Amend(d.Share.Path(name), data, w); err != nil {
		return err
	}
	return d.Share.Replace(name, data)
}

// amendWaiting is amend for a film in the inbox.
func (d Desk) amendWaiting(film string, w Wishes) error {
	if err := d.amend(film, w); err != nil {
		return err
	}
	if err := d.taken(film); err != nil {
		_ = d.Share.Remove(pipeline.SidecarBeside(film)) // they would be taken for another film's
		return err
	}
	return nil
}

// taken is an error where a master took a film in just when something was asked of it.
func (d Desk) taken(film string) error {
	if _, err := d.Share.Stat(film); errors.Is(err, fs.ErrNotExist) {
		return Refuse(Busy, "%s is just being taken in; give the command again in a moment", shown(below(film)))
	}
	return nil
}
