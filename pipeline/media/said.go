package media

import (
	"regexp"
	"strings"
)

// This file knows how ffmpeg 5.1 to 9.0 word what decisions rest on. Its options need no such table: all that are used
// mean the same in all of these.

// ownLine is a message of ffmpeg's with its level in front (ffmpeg(1), -loglevel level+…), which tells it from what a
// loader or a library prints on the same descriptor: "[h264 @ 0x55d5c0] [error] text", with any number of speakers, or
// none. Some encoders speak for themselves: "x264 [error]: text", "Svt[warn]: text".
var ownLine = regexp.MustCompile(`^(?:\[([^\]]+) @ (?:0x)?[0-9a-f]+\] )*\[(?:panic|fatal|error|warning|info)\] (.*)$|` +
	`^((?:[a-z]+[0-9]+ |Svt)\[(?:error|warning|warn|info)\]: .*)$`)

// ownWords keeps the lines that ffmpeg or ffprobe said itself, as "[h264] text" or "text".
func ownWords(stderr string) string {
	var lines []string
	for line := range strings.Lines(stderr) {
		m := ownLine.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case m == nil:
		case m[1] != "":
			lines = append(lines, "["+m[1]+"] "+m[2])
		default:
			lines = append(lines, m[2]+m[3])
		}
	}
	return strings.Join(lines, "\n")
}

// unwritten is what ffmpeg says when the last bytes of its output met an error, a full disk for instance. 5.1's exit
// status is 0 all the same (transcode() and of_close() print and go on).
var unwritten = regexp.MustCompile(`(?m)^(\[[^\]]*\] )?Error (writing trailer|closing file)\b.*: `)

// encoderLibrary is an encoder that speaks: "[libx264] text", or with its address behind the name.
var encoderLibrary = regexp.MustCompile(`\[lib[a-z0-9_-]+[\] ]`)

// unopened reports whether an encoder could not be opened for want of a thread: for all else it gives a reason
// (measured: ffmpeg 5.1 under RLIMIT_NPROC).
func unopened(words string) bool {
	return strings.Contains(words, "while opening encoder") && !strings.Contains(words, "option") &&
		!encoderLibrary.MatchString(words)
}

// LacksEncoder reports whether an ffmpeg that failed was built without the encoder that it was asked for.
func LacksEncoder(said string) bool { return strings.Contains(said, "Unknown encoder '") }

// misspoken reports whether an error that looks like the machine's is the file's: of a picture's size that is invalid
// ffmpeg's reader of YUV4MPEG2 makes "Device or resource busy", since it adds a header's 6 bytes to the error's number.
func misspoken(words string) bool {
	return strings.Contains(words, "Picture size ") && strings.Contains(words, "Device or resource busy")
}

// aftermath is what ffmpeg and its encoders say after the error that it ends with.
var aftermath = regexp.MustCompile(`^([a-zA-Z0-9]+ ?\[info\]: |` +
	`(\[[^\]]*\] )?(Task finished with|Terminating thread|Nothing was written|` +
	`Error sending frames|Could not open encoder before|Error opening (in|out)put file|Conversion failed))`)

// speaker is the part of ffmpeg that speaks.
var speaker = regexp.MustCompile(`^\[[^\]]*\] `)

// LastReason is the last line that tells a reason, without its speaker.
func LastReason(said string) (last string) {
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); last == "" || line != "" && !aftermath.MatchString(line) {
			last = line
		}
	}
	return speaker.ReplaceAllString(last, "")
}

// Damaged reports whether a decoder that said this met damage. It says other things of healthy sources too.
func Damaged(said string) bool {
	for _, sign := range []string{"rror while decoding", "Error submitting packet to decoder", "concealing",
		"corrupt decoded frame", "Invalid NAL unit"} {
		if strings.Contains(said, sign) {
			return true
		}
	}
	return false
}

// lateStream is what ffmpeg says of a stream that begins behind what it has looked at (ffmpeg.c, report_new_stream).
var lateStream = regexp.MustCompile(`New ([a-z]+) stream (?:[0-9]+:[0-9]+|with index [0-9]+) at pos`)

// LateStreams lists the kinds of streams that were found too late to be taken.
func LateStreams(said string) (kinds []string) {
	for _, m := range lateStream.FindAllStringSubmatch(said, -1) {
		kinds = append(kinds, m[1])
	}
	return kinds
}
