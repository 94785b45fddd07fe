//go:build unix

package config

// MachineFile is read where no --config is given, if it exists.
const MachineFile = "/etc/distenc/distenc.toml"
