package config

import (
	"errors"
	"fmt"

	"github.com/distenc/distenc/cmd/internal/notices"
	"github.com/distenc/distenc/pipeline"
)

// addresses is a list of URLs for notices. They hold secrets: no error shows one.
type addresses []notices.Address

const wantsAddresses = `wants URLs such as "ntfy://ntfy.sh/films", each in quotes, in [brackets]`

func (a *addresses) assign(v any) error {
	list, ok := texts(v)
	if !ok {
		return errors.New(wantsAddresses)
	}
	all := addresses{}
	for i, text := range list {
		address, err := notices.ParseAddress(text)
		if err != nil {
			return fmt.Errorf("number %d of them: %w", i+1, err)
		}
		all = append(all, address)
	}
	*a = all
	return nil
}

// events is a list of what people want to be told of.
type events []pipeline.EventKind

func (e *events) assign(v any) error {
	list, ok := texts(v)
	if !ok {
		return errors.New(wants(e))
	}
	all := events{}
	for _, text := range list {
		var kind pipeline.EventKind
		if err := kind.UnmarshalText([]byte(text)); err != nil {
			return err
		}
		all = append(all, kind)
	}
	*e = all
	return nil
}
