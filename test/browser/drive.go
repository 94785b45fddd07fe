package browser

import (
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/stretchr/testify/require"
)

// Drive starts the browser for a person at its keyboard: pages in it are opened, clicked and read until the test ends.
func (b Browser) Drive() *rod.Browser {
	b.t.Helper()
	l := launcher.New().Bin(b.program).UserDataDir(b.t.TempDir()).Leakless(false).NoSandbox(true).
		Set("disable-gpu").Set("disable-dev-shm-usage").Set("no-first-run").Set("disable-background-networking")
	address, err := l.Launch()
	require.NoError(b.t, err)
	b.t.Cleanup(l.Kill)
	driven := rod.New().ControlURL(address)
	require.NoError(b.t, driven.Connect())
	b.t.Cleanup(func() { _ = driven.Close() })
	return driven.Timeout(5 * time.Minute)
}
