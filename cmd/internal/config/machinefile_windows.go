package config

import (
	"cmp"
	"os"
	"path/filepath"
)

// MachineFile is read where no --config is given, if it exists: `C:\ProgramData\distenc\distenc.toml` mostly.
var MachineFile = filepath.Join(cmp.Or(os.Getenv("ProgramData"), `C:\ProgramData`), "distenc", "distenc.toml")
