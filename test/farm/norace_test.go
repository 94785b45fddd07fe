//go:build !race

package farm_test

const raceFlag = "-race=false"
