// Package distenc holds the files that are part of the program: the commands are in cmd/distenc.
package distenc

import _ "embed"

// ExampleConfig is config.example.toml: every setting with its default. `distenc init` writes it to the
// share with the settings commented out.
//
//go:embed config.example.toml
var ExampleConfig string
