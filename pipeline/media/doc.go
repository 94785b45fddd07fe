// Package media runs ffmpeg, ffprobe and mkvmerge as child processes, and is the only place that does.
//
// Everything it is given is taken to be hostile: a source is opened with a list of demuxers and
// protocols that can't lead to another file (Input), what the tools print is parsed strictly and in
// bounded memory (Probe, Scan), and what a user may say to the encoder goes through an allow-list
// (ParseX264). A child lives in a process group of its own and does not outlive its parent.
package media
