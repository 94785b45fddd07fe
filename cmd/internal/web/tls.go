package web

import (
	"crypto/tls"
	"fmt"
	"log/slog"

	"github.com/distenc/distenc/cmd/internal/reread"
)

// TLS returns the configuration of a site with that certificate, whose files are read again when they change.
func TLS(log *slog.Logger, certificate, key string) (*tls.Config, error) {
	read := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("cannot use the certificate %q with the key %q: %w", certificate, key, err)
		}
		return &pair, nil
	}
	files, err := reread.New(log, read, certificate, key)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			last, _ := files.Get() // the old one serves until a new one can
			return last, nil
		},
	}, nil
}
