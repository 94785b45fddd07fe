package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline/steer"
	"github.com/distenc/distenc/pipeline/upload"
)

// files are what people hand in and take out over the network.
func (f *farm) files(keeper *view.Keeper) *handin.Files {
	return &handin.Files{
		Share: f.fs, Latest: keeper.Latest, Profiles: func() []string { return f.cfg().ProfileNames() },
		Uploads: &upload.Store{
			Desk: steer.Desk{Share: f.fs, Settings: sidecars{}}, MinFree: func() int64 { return f.cfg().Disk.MinFree },
		},
		Wishes: func(query url.Values) (steer.Wishes, error) { return askedFor(query, f.cfg()) },
	}
}

// singles are the keys of profiles that can be wished for over the network: all that have a flag of their own.
var singles = []string{"size", "quality", "name", "dates"}

// query is what is asked for as the interface has it, without a look at the profiles, which are the share's.
func (a *asked) query() url.Values {
	query := url.Values{}
	for name, text := range a.single {
		query.Set(name, text)
	}
	for name, text := range map[string]string{"profile": a.Profile, "encoder": a.encoder, "options": a.options} {
		if text != "" {
			query.Set(name, text)
		}
	}
	if a.Priority != nil {
		query.Set("priority", strconv.Itoa(*a.Priority))
	}
	if a.Again {
		query.Set("again", "true")
	}
	return query
}

// askedFor reads that, with the settings that hold here.
func askedFor(query url.Values, cfg config.Config) (steer.Wishes, error) {
	a := asked{single: config.Choices{}}
	for name, values := range query {
		if len(values) != 1 {
			return a.Wishes, fmt.Errorf("%s is wished for %d times", name, len(values))
		}
		if err := a.take(name, values[0]); err != nil {
			return a.Wishes, err
		}
	}
	err := a.check(cfg)
	return a.Wishes, err
}

func (a *asked) take(name, text string) (err error) {
	if slices.Contains(singles, name) {
		a.single[name] = text
		return nil
	}
	var yes bool
	switch name {
	case "profile":
		a.Profile = text
	case "encoder":
		a.encoder = text
	case "options":
		a.options = text
	case "priority":
		var n int
		n, err = strconv.Atoi(text)
		a.Priority = &n
	case "paused":
		yes, err = strconv.ParseBool(text)
		a.Paused = &yes
	case "again":
		a.Again, err = strconv.ParseBool(text)
	default:
		return fmt.Errorf("there is no wish %q; there are profile, encoder, options, %s, priority, paused and again",
			name, strings.Join(singles, ", "))
	}
	if err != nil {
		err = fmt.Errorf("%s can't be %q", name, text)
	}
	return err
}
