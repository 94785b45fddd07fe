// Package stages joins split, encode and merge to what the daemons ask for: Media is the master's Stages, Encoder the
// worker's. Rehearse sends a small film of its own through all of them.
package stages
