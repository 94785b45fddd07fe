// Package media runs ffmpeg, ffprobe and mkvtoolnix as child processes, and is the only place that does. It also reads
// plain Matroska by itself, and measures how near the pictures of two films are.
//
// All input is taken to be hostile. A source is opened with a list of demuxers and protocols that can't lead to another
// file (Input). What the tools print is parsed strictly and in bounded memory (Probe, Packets). A child lives in a
// process group of its own, within limits, and does not outlive its parent.
package media
