//go:build !windows

package doctor

// adviseWay judges how this machine comes to the share at root: by its mount's options.
func adviseWay(m mount, _ string) []Finding { return adviseMount(m) }
