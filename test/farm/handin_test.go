package farm_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/test/corpus"
)

const handInToken = "0123456789abcdef"

// serves starts a master that lets people steer and hand films in, and returns its address.
func (f *farm) serves() (*daemon, string) {
	f.t.Helper()
	dir, address := f.t.TempDir(), freeAddress(f.t)
	tokens, own := filepath.Join(dir, "tokens"), filepath.Join(dir, "machine.toml")
	require.NoError(f.t, os.WriteFile(tokens, []byte(handInToken+" anna\n"), 0o600))
	require.NoError(f.t, os.WriteFile(own, fmt.Appendf(nil, "[http]\nlisten = %q\ncontrol = %q\n", address, tokens), 0o644))
	d := f.start("master", "--config", own)
	until(f.t, "the page", func() bool { return strings.Contains(fetch("http://"+address+"/healthz"), "ok") })
	return d, "http://" + address
}

// half sends the first 40% of a film and then nothing more, on a connection that stays open.
func half(t *testing.T, address, name string, film []byte, modified int64) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	at := fmt.Sprintf("/api/v1/inbox/%s?modified=%d", url.PathEscape(name), modified)
	_, err = fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		at, handInToken, len(film), film[:len(film)*2/5])
	require.NoError(t, err)
	until(t, "some of it is there", func() bool {
		r, err := http.NewRequest(http.MethodHead, address+at, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+handInToken)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		_ = answer.Body.Close()
		return len(answer.Header.Get("Upload-Offset")) > 1
	})
	return c
}

// A master dies when 40% of a film has come; another one takes the rest, and the output is fetched from it.
func TestHandInAndTakeOut(t *testing.T) {
	t.Parallel()
	f := newFarm(t, shortTerms+fast)
	f.env = append(f.env, "DISTENC_TOKEN="+handInToken)
	first, address := f.serves()
	_, other := f.serves()
	f.start("worker", "--slots", "1")

	plain, err := os.ReadFile(corpus.Make(t, "hi10p-fansub.mkv"))
	require.NoError(t, err)
	film := append(plain, voidOf(8<<20)...) // so that much of it is on the way
	name := fmt.Sprintf("film é [%08X].mkv", crc32.ChecksumIEEE(film))
	source := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(source, film, 0o600))
	info, err := os.Stat(source)
	require.NoError(t, err)
	half(t, address, name, film, info.ModTime().UnixMilli())
	first.kill()
	require.Empty(t, f.status().Inbox, "nobody sees it before it is whole")

	cmd := f.command("add", source, "--to", other, "--priority", "7")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &said)
	require.Equal(t, "added inbox/"+name+"\n", string(out))
	require.NotContains(t, said.String(), ": 0%,", "it began where the other one was cut off")

	j := f.job(pipeline.Done, pipeline.JobFailed)
	require.Equal(t, pipeline.Done, j.State, j.Error)
	require.Equal(t, 7, j.Priority)
	exact(t, source, filepath.Join(f.dir, j.Output))

	dir := t.TempDir()
	fetched := strings.TrimSpace(f.must("fetch", "film é", "--of", other, "-o", dir))
	require.Equal(t, filepath.Join(dir, filepath.Base(j.Output)), fetched)
	exact(t, source, fetched)
	require.Contains(t, f.fails(1, "fetch", "film é", "--of", other, "-o", dir), "not overwritten")
	require.Contains(t, f.fails(1, "fetch", "none", "--of", other), "no file")
	require.Contains(t, f.fails(2, "add", source, "--to", other, "--profile", "none"), "no profile")
	for name, refusal := range map[string]struct {
		code int
		says string
	}{
		"a.srt": {2, "goes with one"}, "a.ttf": {2, "goes with one"}, // by the master
		"a.mkv.distenc.toml": {1, "holds a film's own settings"}, ".a.mkv": {1, "it is hidden"},
	} {
		beside := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(beside, []byte("x"), 0o600))
		require.Contains(t, f.fails(refusal.code, "add", beside, "--to", other), refusal.says)
	}
	f.env = nil
	require.Contains(t, f.fails(1, "fetch", "film", "--of", other), "a token is wanted")
	require.Equal(t, "401", fetchStatus(t, other+"/api/v1/outbox"))
	hidden, err := filepath.Glob(filepath.Join(f.dir, "inbox", ".*"))
	require.NoError(t, err)
	require.Empty(t, hidden)
}

func fetchStatus(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	require.NoError(t, err)
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return fmt.Sprint(answer.StatusCode)
}

// voidOf is an element of Matroska that nobody reads: RFC 8794, 11.3.2.
func voidOf(n int) []byte {
	element := append([]byte{0xec, 0x01, 0, 0, 0}, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(element, make([]byte, n)...)
}
