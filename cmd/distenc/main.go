// Command distenc encodes videos on every machine that mounts one folder.
package main

import (
	"os"
	"syscall"
)

// userUmask is the umask that the person gave this process.
var userUmask os.FileMode = 0o022

func main() {
	// What one user's node makes on the share, the others of its group may move and remove.
	userUmask = os.FileMode(syscall.Umask(0o002))
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}
