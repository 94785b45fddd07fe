package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/config"
)

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{usage(errors.New("x")), 2},
		{errors.Join(errors.New("x"), &config.Error{}), 2},
		{fmt.Errorf("2 of 3: %w", errJobFailed), 3},
		{fmt.Errorf("x: %w", errInterrupted), 130},
		{fmt.Errorf("x: %w", context.Canceled), 130},
	} {
		require.Equal(t, c.code, exitCode(c.err), "%v", c.err)
	}
}

func TestReportKeepsOneLineForEachMistake(t *testing.T) {
	var b bytes.Buffer
	report(&b, "distenc", nil)
	require.Empty(t, b.String())
	report(&b, "distenc", errors.Join(errors.New("a"), errors.New("b")))
	require.Equal(t, "distenc: a\ndistenc: b\n", b.String())
	b.Reset()
	report(&b, "distenc add", usage(errors.New("a\n\nb")))
	require.Equal(t, "distenc: a\ndistenc: b\nRun 'distenc add --help' for usage.\n", b.String())
}
