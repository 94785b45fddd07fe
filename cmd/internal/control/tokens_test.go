package control

import (
	"crypto/sha256"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/reread"
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

// A token that leaked is withdrawn, whatever else is wrong with the file then.
func TestATokenThatIsWithdrawn(t *testing.T) {
	write := func(text string) func(name string) error {
		return func(name string) error { return os.WriteFile(name, []byte(text), 0o600) }
	}
	for what, change := range map[string]func(name string) error{
		"the only one":        write("# nobody\n"),
		"another in its line": write("another-0123456789 anna\n"),
		"with a mistake":      write("another-0123456789\n"),
		"the file is removed": os.Remove,
		"others can read it":  func(name string) error { return os.Chmod(name, 0o644) },
	} {
		t.Run(what, func(t *testing.T) {
			c, _ := testControl(t)
			name, w := tokenFile(t, token+" anna\n"), httptest.NewRecorder()
			var err error
			c.Tokens, err = reread.New(c.Log, func() (Tokens, error) { return ReadTokens(name) }, name)
			require.NoError(t, err)
			require.Nil(t, c.Login(w, request("POST", "/login", ""), token))
			session := httptest.NewRequest("GET", "http://localhost:8470"+Prefix+"status", nil)
			session.AddCookie(w.Result().Cookies()[0])
			require.Equal(t, 200, answer(c, session).Code)
			require.NoError(t, change(name))
			require.Eventually(t, func() bool {
				return answer(c, session).Code == 401 && answer(c, request("GET", Prefix+"status", "")).Code != 200
			}, 10*time.Second, 100*time.Millisecond)
			require.NoError(t, os.WriteFile(name, []byte(token+" anna\n"), 0o600))
			require.NoError(t, os.Chmod(name, 0o600))
			require.Eventually(t, func() bool { return answer(c, session).Code == 200 }, 10*time.Second, 100*time.Millisecond,
				"a file that is right again")
		})
	}
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
