// Command distenc encodes videos on every machine that mounts one folder.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
