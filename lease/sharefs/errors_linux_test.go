package sharefs

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWordsOfLinuxBecomeErrors(t *testing.T) {
	err := Said("file:a.mkv: Remote I/O error")
	require.ErrorIs(t, err, syscall.EREMOTEIO)
	require.True(t, Trouble(err))
}
