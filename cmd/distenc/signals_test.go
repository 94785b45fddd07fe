//go:build unix

package main

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheFirstSignalStopsGentlyTheSecondAtOnce(t *testing.T) {
	s, release := catchSignals(t.Context())
	defer release()
	other := errors.New("x")
	require.NoError(t, s.oneShot(nil))
	require.Equal(t, other, s.oneShot(other))
	require.Equal(t, other, s.daemon(other))
	require.ErrorIs(t, s.daemon(context.Canceled), context.Canceled)

	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGTERM))
	<-s.gently.Done()
	require.NoError(t, s.atOnce.Err())
	require.ErrorContains(t, context.Cause(s.gently), "interrupted by SIGTERM")
	require.NoError(t, s.oneShot(nil), "it finished all the same")
	require.Equal(t, 130, exitCode(s.oneShot(other)))
	require.NoError(t, s.daemon(nil))
	require.NoError(t, s.daemon(s.gently.Err()))
	require.NoError(t, s.daemon(context.Cause(s.gently)))
	require.Equal(t, other, s.daemon(other), "a failure while stopping stays one")

	require.NoError(t, syscall.Kill(syscall.Getpid(), syscall.SIGINT))
	<-s.atOnce.Done()
	require.ErrorContains(t, context.Cause(s.atOnce), "interrupted by Ctrl-C (SIGINT)")
	require.Equal(t, 130, exitCode(s.daemon(nil)))
}

func TestReleaseGivesTheSignalsBack(t *testing.T) {
	s, release := catchSignals(t.Context())
	release()
	<-s.gently.Done()
	require.NotErrorIs(t, context.Cause(s.gently), errInterrupted)
}
