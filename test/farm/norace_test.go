//go:build linux && !race

package farm_test

const raceFlag = "-race=false"

const raceFactor = 1
