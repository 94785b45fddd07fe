//go:build !linux

package sharefs

// Obstacle returns what would keep this process from renaming a file of the share into the folder dir. Here nothing is
// known before: whoever moves the file gets the error.
func (f *FS) Obstacle(_, _ string) *Obstacle { return nil }
