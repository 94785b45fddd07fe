package control

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func tokenFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

func TestTokensAreReadFromTheirFile(t *testing.T) {
	tokens, err := ReadTokens(tokenFile(t, "# people\n\n  0123456789abcdef anna\nABCDEFGHIJKLMNOP\tberta of the attic \r\n"))
	require.NoError(t, err)
	for token, name := range map[string]string{"0123456789abcdef": "anna", "ABCDEFGHIJKLMNOP": "berta of the attic",
		"0123456789abcdeF": "", "": "", "0123456789abcde": "", "0123456789abcdef ": ""} {
		h, ok := tokens.find(sha256.Sum256([]byte(token)))
		require.Equal(t, name != "", ok, token)
		require.Equal(t, name, h.name)
	}
}

func TestAFileOfTokensThatCantBeUsed(t *testing.T) {
	for text, says := range map[string]string{
		"":                                       "holds no token",
		"# nothing":                              "holds no token",
		"short anna":                             ":1: a token is at least 16 characters",
		"\n0123456789abcdef":                     `:2: wants "TOKEN NAME"`,
		"0123456789ab\"def anna":                 ":1: a token is",
		"0123456789abcdef an\x1bna":              ":1: a name has",
		"0123456789abcdef a\n0123456789abcdef b": ":2: this token is there twice",
	} {
		_, err := ReadTokens(tokenFile(t, text))
		require.ErrorContains(t, err, says, "%q", text)
		require.NotContains(t, err.Error(), "0123456789ab", "a token in an error ends in a log")
	}
	_, err := ReadTokens(t.TempDir())
	require.ErrorContains(t, err, "is no regular file")
	_, err = ReadTokens(filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAFileOfTokensThatOthersCanRead(t *testing.T) {
	name := tokenFile(t, "0123456789abcdef anna\n")
	for mode, fine := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: true, 0o440: true,
		0o644: false, 0o660: false, 0o604: false, 0o602: false, 0o620: false} {
		require.NoError(t, os.Chmod(name, mode))
		_, err := ReadTokens(name)
		if fine {
			require.NoError(t, err, "%o", mode)
			continue
		}
		require.ErrorContains(t, err, "chmod g-w,o= "+name, "%o", mode)
	}
}
