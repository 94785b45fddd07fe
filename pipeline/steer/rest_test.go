package steer

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

func TestAMachineRestsAndIsWoken(t *testing.T) {
	share, err := sharefs.Open(t.TempDir())
	require.NoError(t, err)
	for _, dir := range pipeline.Folders() {
		require.NoError(t, share.MkdirAll(dir))
	}
	for _, node := range []string{"desk-5-wabcde", "desk-51-waaaaa", "nas-wfghij", "nas-wklmno"} {
		require.NoError(t, (&pipeline.Node{Node: node}).Write(share))
	}
	require.NoError(t, share.Create(pipeline.Nodes+"/.._x.json", []byte(`{"node":".._x"}`)))
	desk := Desk{Share: share, By: "alice on desk-5"}
	refused := func(err error) Kind {
		t.Helper()
		refusal, ok := errors.AsType[*Error](err)
		require.True(t, ok, "%v", err)
		return refusal.Kind
	}
	for word, host := range map[string]string{
		"desk-5": "desk-5", "DESK-51": "desk-51", "na": "nas", "nas-wklmno": "nas", "51": "desk-51",
	} {
		o, err := desk.Rest(t.Context(), word, word == "na")
		require.NoError(t, err, word)
		require.Equal(t, Outcome{Name: host, Word: host, State: Rests}, o, word)
		asked, err := pipeline.ReadRest(share, host)
		require.NoError(t, err)
		require.NotNil(t, asked, word)
		require.Equal(t, "alice on desk-5", asked.By)
		require.Equal(t, word == "na", asked.Now, word)
		o, err = desk.Wake(t.Context(), word)
		require.NoError(t, err, word)
		require.Equal(t, Awake, o.State)
		asked, err = pipeline.ReadRest(share, host)
		require.NoError(t, err)
		require.Nil(t, asked, word)
	}
	for word, kind := range map[string]Kind{"": Unknown, "pc": Unknown, ".._x": Unknown, "desk": Ambiguous} {
		_, err := desk.Rest(t.Context(), word, false)
		require.Equal(t, kind, refused(err), word)
		_, err = desk.Wake(t.Context(), word)
		require.Equal(t, kind, refused(err), word)
	}
	_, err = desk.Wake(t.Context(), "nas")
	require.NoError(t, err, "it is awake: as good")

	_, err = desk.Rest(t.Context(), "nas", false)
	require.NoError(t, err)
	for _, node := range []string{"nas-wfghij", "nas-wklmno"} {
		require.NoError(t, (&pipeline.Node{Node: node}).Leave(share))
	}
	_, err = desk.Wake(t.Context(), "nas")
	require.NoError(t, err, "a machine that has no worker now")
	_, err = desk.Wake(t.Context(), "nas")
	require.Equal(t, Unknown, refused(err))
}
