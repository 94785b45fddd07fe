//go:build linux && race

package farm_test

// raceFlag builds the binary with the race detector where the tests run with it.
const raceFlag = "-race=true"

// raceFactor is how much more memory it may take.
const raceFactor = 10
