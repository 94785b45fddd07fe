package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is also the real program: the scripts run it as distenc.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"distenc": main})
}

// TestScripts runs testdata/script, each in a folder of its own. A command's exit code is checked by
// `exits CODE COMMAND…`.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(e *testscript.Env) error {
			binary, err := os.Executable()
			e.Setenv("HOME", e.WorkDir)
			e.Setenv("DISTENC", binary)
			return err
		},
	})
}
