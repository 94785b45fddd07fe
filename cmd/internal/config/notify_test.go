package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/notices"
)

func addressOf(t *testing.T, text string) notices.Address {
	t.Helper()
	a, err := notices.ParseAddress(text)
	require.NoError(t, err)
	return a
}

// What can't be is said when the file is read, in words that hold no secret.
func TestWrongNotices(t *testing.T) {
	for name, c := range map[string]struct{ toml, want string }{
		"no such service": {`urls = ["ntfz://ntfy.sh/s3cret"]`,
			`:2: notify.urls: number 1 of them: "ntfz" is no service; known are bark, discord, generic, googlechat`},
		"no URL":         {`urls = ["s3cret"]`, `:2: notify.urls: number 1 of them: is no URL: it begins with its service`},
		"the second":     {`urls = ["ntfy://ntfy.sh/x", "ntfy://s3cret"]`, `number 2 of them: the URL for ntfy is wrong: topic is`},
		"no receiver":    {`urls = ["smtp://me:s3cret@mail.lan:25/?from=a@b.c"]`, `the URL for smtp is wrong: `},
		"a wrong word":   {`urls = ["ntfy://ntfy.sh/x?priority=s3cret"]`, `the URL for ntfy is wrong: `},
		"an unknown key": {`urls = ["ntfy://ntfy.sh/x?banana=s3cret"]`, `the URL for ntfy is wrong: `},
		"not encoded":    {`urls = ["smtp://me:s3cret%@mail.lan:25/?from=a@b.c&to=d@e.f"]`, `special characters must be percent-encoded`},
		"no list":        {`urls = "ntfy://ntfy.sh/s3cret"`, `:2: notify.urls: wants URLs such as`},
		"no quotes":      {`urls = [ntfy://ntfy.sh/s3cret]`, `:2: notify.urls: wants URLs such as`},
		"no event":       {`on = ["banana"]`, `:2: notify.on: must be started, done, failed or idle, is "banana"`},
		"a bare event":   {`on = "done"`, `:2: notify.on: wants events such as`},
		"a short one":    {`digest = "-1s"`, `:2: notify.digest: must be at least 0s`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(Source{File: write(t, "[notify]\n"+c.toml)})
			require.ErrorContains(t, err, c.want)
			require.ErrorAs(t, err, new(*Error))
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	for _, value := range []string{"ntfy://ntfy.sh/s3cret", `["ntfy://s3cret"]`, `[1]`} {
		_, err := Load(Source{File: write(t, ""), Environ: []string{"DISTENC_NOTIFY_URLS=" + value}})
		require.ErrorContains(t, err, "DISTENC_NOTIFY_URLS: notify.urls: ")
		require.NotContains(t, err.Error(), "s3cret")
	}
}

// A hook may run distenc, whatever it is told in variables.
func TestAHooksVariablesAreNoSettings(t *testing.T) {
	_, err := Load(Source{File: write(t, ""), Environ: []string{"DISTENC_HOOK_EVENT=done"}})
	require.NoError(t, err)
}
