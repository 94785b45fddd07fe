// Package merge joins a job's encoded chunks and everything else of its source into the output, and
// proves that the output is what was planned.
//
// Matroska is written by mkvmerge in one pass: the video's timestamps come from the plan, the other
// tracks from the source, which is a Matroska file, or (MP4) from a Matroska file with all of the
// source but its video that ffmpeg writes first. MP4 is written by ffmpeg in one pass. What the
// container can't hold is converted or left out, and said (Limits).
//
// Verify reads source and output side by side, packet by packet, and compares what a plan, or the
// source itself, promises.
package merge
