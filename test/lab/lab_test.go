//go:build linux

package lab_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/test/lab"
)

// binVar names the folder with what the guests run.
const binVar = "DISTENC_LAB_BIN"

// asked: a lab takes root, two cores and an hour (minutes with -short), so it must be asked for.
var asked = os.Getenv("DISTENC_LAB") != ""

// cannot is why no lab can be booted on this machine.
var cannot string

func TestMain(m *testing.M) {
	if asked {
		cannot = lab.Missing()
	}
	if asked && cannot == "" { // here, since inside there is no network
		if err := lab.ChooseKernel(); err != nil {
			cannot = err.Error()
		}
	}
	if !asked || cannot != "" {
		os.Exit(m.Run()) // the tests say why they are skipped
	}
	if os.Getenv(binVar) == "" {
		build() // the same
	}
	inside, code := lab.Inside()
	if inside {
		code = m.Run()
	} else {
		_ = os.RemoveAll(os.Getenv(binVar))
	}
	os.Exit(code)
}

func build() {
	dir, err := os.MkdirTemp("", "distenc-lab-bin-")
	if err != nil {
		panic(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", dir, "../../cmd/distenc", "./agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(string(out))
	}
	if err := os.Setenv(binVar, dir); err != nil {
		panic(err)
	}
}

// TestFaults puts a job through every fault, on every protocol.
func TestFaults(t *testing.T) {
	if !asked {
		t.Skip("`make test-lab` runs it")
	}
	if cannot != "" {
		t.Skip(cannot)
	}
	t.Log("the machines run on " + lab.KernelTitle())
	var table strings.Builder
	for _, proto := range lab.Protos {
		if testing.Short() && proto.Name != "nfs4" {
			continue
		}
		t.Run(proto.Name, func(t *testing.T) {
			l := boot(t, proto, 3)
			for _, f := range faults {
				if testing.Short() && !f.short {
					continue
				}
				row := "FAILED | | |"
				ran := false
				t.Run(f.name, func(t *testing.T) {
					ran = true
					row = newFarm(t, l, f.name).survive(f)
					t.Log(row)
				})
				if ran {
					fmt.Fprintf(&table, "| %s | %s | %s |\n", proto.Title, f.name, row)
				}
			}
			if testing.Short() {
				return
			}
			t.Run("undone rename", func(t *testing.T) { undoneRename(t, l) })
			t.Run("doctor", func(t *testing.T) { doctor(t, l) }) // the last: it unmounts the share
		})
	}
	t.Logf("\n| share | fault | result | goes on after | job done after | whole job |\n| --- | --- | --- | --- | --- | "+
		"--- |\n%s", &table)
}

// boot boots a server and so many machines. Consoles and logs stay for a look if a test fails.
func boot(t *testing.T, proto lab.Proto, clients int) *lab.Lab {
	t.Helper()
	dir, err := os.MkdirTemp("", "distenc-lab-"+proto.Name+"-")
	require.NoError(t, err)
	l, err := lab.Boot(dir, filepath.Join(os.Getenv(binVar), "agent"), proto, clients)
	require.NoError(t, err)
	t.Cleanup(func() {
		l.Close()
		_ = os.Remove(filepath.Join(dir, "disk"))
		if t.Failed() {
			t.Logf("consoles and logs are in %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	return l
}
