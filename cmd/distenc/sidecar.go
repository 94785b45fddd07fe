package main

import (
	"cmp"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline/status"
	"github.com/distenc/distenc/pipeline/steer"
)

func deskOf(share *sharefs.FS) steer.Desk { return steer.Desk{Share: share, Settings: sidecars{}} }

// sidecars reads and writes the settings beside a film as cmd/internal/config has them.
type sidecars struct{}

// Amend implements steer.Settings. A wish that the settings do not allow is wrong usage.
func (sidecars) Amend(name string, data []byte, w steer.Wishes) ([]byte, error) {
	s, err := config.ParseSidecar(name, data)
	if err != nil {
		return nil, err
	}
	s.Profile, s.Choices = cmp.Or(w.Profile, s.Profile), s.With(w.Settings)
	s.Again = s.Again || w.Again
	if w.Priority != nil {
		s.Priority = *w.Priority
	}
	if w.Paused != nil {
		s.Paused = *w.Paused
	}
	if w.Nonce != "" {
		s.Nonce, s.Size = w.Nonce, w.Size
	}
	if data, err = s.Encode(); err != nil {
		return nil, err
	}
	if _, err := config.ParseSidecar(name, data); err != nil {
		return nil, usage(err)
	}
	return data, nil
}

// Nonce implements steer.Settings.
func (sidecars) Nonce(data []byte) string {
	s, _ := config.ParseSidecar("", data) // settings that can't be read have none
	return s.Nonce
}

// wishes fills in what people are shown of the settings beside a waiting film.
func wishes(sidecar []byte, w *status.Waiting) {
	if s, err := config.ParseSidecar(w.Name, sidecar); err == nil {
		w.Whole, w.Paused, w.Priority = s.Nonce != "" && s.Size == w.Size, s.Paused, s.Priority
	}
}
