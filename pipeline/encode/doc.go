// Package encode turns one chunk of a plan into an encoded file that has exactly the planned frames.
//
// Where a decoder may start is only half known from a source's packet list. So a chunk is encoded
// from the place that should do, the result's timestamps are compared with the plan's, and if they
// differ, decoding begins further ahead (the ladder), at last at the file's start. No other result is
// ever accepted.
package encode
