// Command distenc encodes videos on every machine that mounts one folder.
package main

import "os"

// userUmask is the umask that the person gave this process.
var userUmask os.FileMode = 0o022

func main() {
	takeUmask()
	os.Exit(start())
}
