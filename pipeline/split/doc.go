// Package split decides which frames a source has and how they are cut into chunks.
//
// A source is never decoded for that. The list of its packets, read once, tells every frame's
// timestamp, which frames a decoder may start at (key packets), and which frames of an open GOP are
// shown before the key packet they follow (leading pictures). Where the list is not sound, the source
// is copied into Matroska first (normalised); where it still is not, it is refused. What the list can't
// tell, the encoder finds out: it accepts a chunk only with exactly the planned timestamps.
package split
