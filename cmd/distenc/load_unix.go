//go:build unix

package main

// othersLoad is the load without our own encodes, which have so many threads.
func othersLoad(threads int) float64 { return load() - float64(threads) }
