package main

import (
	"log/slog"
	"net"
	"slices"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/reread"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/cmd/internal/web"
	"github.com/distenc/distenc/pipeline/steer"
)

// site is what this machine's master serves, and where; no listener where nothing is. asked is woken when a person has
// asked for something.
func (f *farm) site(keeper *view.Keeper, asked chan<- struct{}, log *slog.Logger) (web.Site, net.Listener, error) {
	c := f.cfg().HTTP
	site := web.Site{Latest: keeper.Latest, Log: log, Hosts: append(slices.Clone(c.Hosts), c.Listen)}
	if c.Listen == "" {
		return site, nil, nil
	}
	var err error
	if c.Certificate != "" {
		if site.TLS, err = web.TLS(log, c.Certificate, c.Key); err != nil {
			return site, nil, &config.Error{Key: "http.certificate", Err: err}
		}
	}
	if c.Control != "" {
		if site.Steering, err = f.steering(c, keeper, asked, log); err != nil {
			return site, nil, &config.Error{Key: "http.control", Err: err}
		}
	}
	l, err := web.Listen(c.Listen)
	if err == nil && c.Control != "" && c.Certificate == "" && !loopback(l.Addr()) {
		log.Warn("tokens travel as plain text to this address; a certificate in [http], or a proxy that speaks TLS, "+
			"hides them", "address", l.Addr().String())
	}
	return site, l, err
}

func loopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// steering is how people with a token steer this share.
func (f *farm) steering(
	c config.HTTP, keeper *view.Keeper, asked chan<- struct{}, log *slog.Logger,
) (*web.Steering, error) {
	tokens, err := reread.New(log, func() (control.Tokens, error) { return control.ReadTokens(c.Control) }, c.Control)
	if err != nil {
		return nil, err
	}
	return web.NewSteering(control.New(control.Options{
		Tokens: tokens, Latest: keeper.Latest, Log: log, Files: f.files(keeper),
		Desk: func(by string) steer.Desk { return steer.Desk{Share: f.fs, Settings: sidecars{}, By: by} },
		Asked: func() {
			select {
			case asked <- struct{}{}:
			default: // it is woken already
			}
		},
	})), nil
}
