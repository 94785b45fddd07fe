package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
)

func TestAMachineIsAskedToRest(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, share.MkdirAll(".distenc"))
	nothing := func() {
		t.Helper()
		asked, err := ReadRest(share, "pc-2")
		require.NoError(t, err)
		require.Nil(t, asked)
	}
	nothing()
	require.NoError(t, WithdrawRest(share, "pc-2"), "nobody ever asked")

	at := time.Date(2026, 11, 29, 14, 2, 0, 0, time.Local)
	require.NoError(t, (&Rest{Host: "pc-2", By: "alice on desk-5", At: at, Now: true}).Write(share))
	asked, err := ReadRest(share, "pc-2")
	require.NoError(t, err)
	require.True(t, asked.Now)
	require.Equal(t, "asked to rest by alice on desk-5 at 14:02; `distenc nodes wake pc-2` ends it",
		asked.Words(at.Add(time.Hour)))
	require.Contains(t, asked.Words(at.Add(48*time.Hour)), "at 2026-11-29 14:02;")
	for _, other := range []string{"pc", "pc-22", "PC-2"} {
		asked, err := ReadRest(share, other)
		require.NoError(t, err)
		require.Nil(t, asked, other)
	}
	hosts, err := RestingHosts(share)
	require.NoError(t, err)
	require.Equal(t, []string{"pc-2"}, hosts)

	require.NoError(t, WithdrawRest(share, "pc-2"))
	nothing()
}

// A file there counts whatever is in it. What can't be meant is not believed.
func TestRestsByStrangers(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, share.MkdirAll(RestDir))
	for _, text := range []string{
		"", "no JSON", `{"host":"other","by":"bob","now":true}`, `{"host":"pc-2","now":1}`,
		`{"host":"pc-2","by":"` + strings.Repeat("x", maxAsker+1) + `","now":true}`, `{"now":true}`,
		`{"host":"pc-2","now":true,"by":"` + strings.Repeat("y", maxSmall) + `"}`,
	} {
		require.NoError(t, share.Replace(RestFile("pc-2"), []byte(text)))
		asked, err := ReadRest(share, "pc-2")
		require.NoError(t, err)
		require.Equal(t, &Rest{Host: "pc-2"}, asked, "%.40s", text)
		require.Equal(t, "asked to rest; `distenc nodes wake pc-2` ends it", asked.Words(time.Now()))
	}
	require.NoError(t, share.Replace(RestFile("pc-2"), []byte(`{"host":"pc-2","by":"a\u001b[31m\nb\u202e"}`)))
	asked, err := ReadRest(share, "pc-2")
	require.NoError(t, err)
	require.Equal(t, "asked to rest by a%1B[31m%0Ab%E2%80%AE; `distenc nodes wake pc-2` ends it", asked.Words(time.Now()))

	tooLong := strings.Repeat("h", 65) + ".json"
	for _, name := range []string{"..json", "-a.json", "a b.json", "pc-2.json.tmp", "x", tooLong} {
		require.NoError(t, share.Create(RestDir+"/"+name, nil), name)
	}
	require.NoError(t, share.MkdirAll(RestDir+"/folder.json"))
	hosts, err := RestingHosts(share)
	require.NoError(t, err)
	require.Equal(t, []string{"folder", "pc-2"}, hosts)
	for _, host := range []string{"", "..", "../x", "a/b", ".", "a.b", "a\nb"} {
		require.Error(t, (&Rest{Host: host}).Write(share), host)
		require.Error(t, WithdrawRest(share, host), host)
	}
}
