package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// certify writes a certificate of that number, and its key.
func certify(t *testing.T, dir string, number int64) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &private.PublicKey, private)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	require.NoError(t, os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return certificate, key
}

// HTTP/2's deadlines in net/http are timers that end a stream even while nothing is to be written: uploads and streams
// of events last, and would be cut off.
func TestTLSSpeaksNoHTTP2(t *testing.T) {
	s, _ := steered(t, "film.mkv")
	certificate, key := certify(t, t.TempDir(), 1)
	var err error
	s.TLS, err = TLS(slog.New(slog.DiscardHandler), certificate, key)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	answer, err := client.Get(strings.Replace(serve(t, s), "http:", "https:", 1) + "/page.js")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, 200, answer.StatusCode)
	require.Equal(t, "HTTP/1.1", answer.Proto)
}

// A renewed certificate needs no restart, and one that can't be used leaves the old one in place.
func TestACertificateIsReadAgain(t *testing.T) {
	s, _ := steered(t, "film.mkv")
	dir := t.TempDir()
	certificate, key := certify(t, dir, 1)
	var err error
	s.TLS, err = TLS(slog.New(slog.DiscardHandler), certificate, key)
	require.NoError(t, err)
	address := strings.TrimPrefix(serve(t, s), "http://")
	serial := func() int64 {
		c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	require.EqualValues(t, 1, serial())
	certify(t, dir, 2)
	require.Eventually(t, func() bool { return serial() == 2 }, time.Minute, 100*time.Millisecond)
	require.NoError(t, os.WriteFile(key, []byte("nonsense"), 0o600))
	time.Sleep(1100 * time.Millisecond)
	require.EqualValues(t, 2, serial())
	_, err = TLS(slog.New(slog.DiscardHandler), certificate, key)
	require.ErrorContains(t, err, "cannot use the certificate")
}
