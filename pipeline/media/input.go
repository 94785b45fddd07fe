package media

import (
	"strconv"
	"strings"
)

// demuxers are the containers that are read: none of them opens another file than its own. Playlists
// (hls, concat, dash) and image sequences do, and are left out, as are devices and filters (lavfi).
// ffmpeg matches each part of a demuxer's name, such as "matroska,webm", against this list
// (av_match_list). The last three hold no video, but let "there is no video" be said instead of
// "this kind of file is not taken".
var demuxers = []string{
	"matroska", "mov", "mpegts", "mpeg", "avi", "rm", "flv", "ogg", "asf", "mxf", "nut", "ivf", "yuv4mpegpipe",
	"h264", "hevc", "mpegvideo", "obu", "dv", "gif", "apng",
	"mp3", "flac", "wav",
}

// Input returns the arguments that open a file from outside: its own bytes and nothing else. path must
// be absolute. Options for this input go before it.
func Input(path string) []string {
	return append(InputOptions(), "-i", URL(path))
}

// InputOptions are Input's options without -i, for ffmpeg and ffprobe alike.
func InputOptions() []string {
	return []string{"-protocol_whitelist", "file", "-format_whitelist", strings.Join(demuxers, ",")}
}

// Deep are options in front of Input for a container whose head does not list its streams: a DVD's first subtitle may
// be minutes behind the 5 MB that ffmpeg looks at. What it looks at it keeps in memory.
func Deep() []string {
	return []string{"-probesize", strconv.Itoa(256 << 20), "-analyzeduration", "3600000000"} // bytes, µs
}

// URL names a file so that neither ffmpeg's protocols (a:b.mp4) nor its options (-b.mp4) can be taken
// from it. It serves for inputs and outputs.
func URL(path string) string { return "file:" + path }

// BaseArgs are ffmpeg's own first arguments: no questions, no banner, no line of statistics, an existing
// output is replaced.
func BaseArgs() []string {
	return []string{"-hide_banner", "-nostdin", "-nostats", "-y", "-v", "level+warning"}
}

// SeekArgs let the next input begin at the key packet at or before a time in seconds, as the file counts it. An
// accurate seek would count the start time twice together with -copyts.
func SeekArgs(seconds float64) []string {
	return []string{"-seek_timestamp", "1", "-noaccurate_seek", "-ss", strconv.FormatFloat(seconds, 'f', 6, 64)}
}
