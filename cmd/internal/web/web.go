// Package web serves the share's state over HTTP: the page, /status.json, /metrics and /healthz. Without a Steering
// there is no way to change anything, and nothing of a request is used but its path.
package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/view"
	"github.com/distenc/distenc/pipeline/status"
)

const (
	// slowest bounds how long a client may take for its request, and for each answer: nobody can hold
	// connections open by being slow.
	slowest = 30 * time.Second
	// slowestHeader bounds how long a client may take for a request's header.
	slowestHeader = 10 * time.Second
	// maxHeader bounds a request's header in bytes.
	maxHeader = 16 << 10
	// stale is the age of the last good look at the share at which the master is not healthy.
	stale = time.Minute
	// shutdown is how long running answers are waited for.
	shutdown = 2 * time.Second
)

// Site is what is served.
type Site struct {
	Latest  func() *status.Status // the last state that was read, nil before the first
	Metrics http.Handler
	Log     *slog.Logger
	// Hosts are names and addresses, a port does not count, by which the site may be asked for, besides the loopback's.
	Hosts []string
	// TLS is nil for a site that speaks plain HTTP.
	TLS *tls.Config
	// Steering is nil for a site for reading only.
	Steering *Steering
}

// Listen opens the address, so that a wrong one is told at the start.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot serve the status page: %w; http.listen names another address, or none", err)
	}
	return l, nil
}

// Serve answers on l until ctx ends, and closes it.
func (s Site) Serve(ctx context.Context, l net.Listener) error {
	var protocols http.Protocols
	protocols.SetHTTP1(true) // alone: in HTTP/2 a deadline ends a stream even while nothing is to be written
	server := &http.Server{
		Handler: serving(s.Handler()), ReadHeaderTimeout: slowestHeader, ReadTimeout: slowest, WriteTimeout: slowest,
		IdleTimeout: slowest, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
		ConnContext: remember, BaseContext: func(net.Listener) context.Context { return ctx }, TLSConfig: s.TLS,
		Protocols: &protocols,
	}
	ended := make(chan error, 1)
	go func() { ended <- s.serve(server, &door{Listener: l, most: maxConns}) }()
	s.Log.Info("serves the status page", "address", l.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdown)
	defer cancel()
	if err := server.Shutdown(last); errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return nil
}

func (s Site) serve(server *http.Server, l net.Listener) error {
	if s.TLS != nil {
		return server.ServeTLS(l, "", "")
	}
	return server.Serve(l)
}

// Handler answers GET and HEAD; net/http's patterns refuse the rest with 405.
func (s Site) Handler() http.Handler {
	mux := http.NewServeMux()
	policy := view.LivePolicy
	if s.Steering != nil {
		s.Steering.add(mux)
	} else {
		mux.HandleFunc("GET /{$}", s.show("text/html; charset=utf-8", view.Page))
		policy = view.PagePolicy()
	}
	mux.HandleFunc("GET /status.json", s.show("application/json", view.Document))
	mux.Handle("GET /metrics", s.Metrics)
	mux.HandleFunc("GET /healthz", s.health)
	return safe(policy, s.known(mux))
}

// known answers only who asks by a name of this site. A web page elsewhere can have its own name lead to any
// address, this machine's as well, and its visitor's browser would let it read what is here.
func (s Site) known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		ours := func(name string) bool { return hostOf(name) == host }
		if host == "" || host != "localhost" && !net.ParseIP(host).IsLoopback() && !slices.ContainsFunc(s.Hosts, ours) {
			text := fmt.Sprintf("%q is no name of this site; hosts in [http] of the machine's file adds one", host)
			if strings.HasPrefix(r.URL.Path, control.Prefix) {
				control.Refuse(http.StatusMisdirectedRequest, text).ServeHTTP(w, r)
			} else {
				http.Error(w, text, http.StatusMisdirectedRequest)
			}
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostOf is the host of a Host header or an address, in lower case and without its port.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(address, "[]"), "."))
}

// safe sets what keeps a browser from doing anything with an answer but show it.
func safe(policy string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (s Site) show(kind string, render func(*status.Status) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		state := s.Latest()
		if state == nil {
			http.Error(w, "the share was not read yet", http.StatusServiceUnavailable)
			return
		}
		b, err := render(state)
		if err != nil {
			s.Log.Error("cannot show the state", "error", err)
			http.Error(w, "cannot show the state; the master's log says why", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(b) // the client is gone
	}
}

// health answers 503 when the share could not be read for a while.
func (s Site) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if state := s.Latest(); state == nil || time.Since(state.Read) > stale {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "the share does not answer\n")
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
