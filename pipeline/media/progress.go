package media

import (
	"bytes"
	"strconv"
	"sync/atomic"
)

// Progress reads what ffmpeg writes with "-progress pipe:1" and reports each step. It is an io.Writer
// for Command.Stdout.
type Progress struct {
	report   func(frames int, size int64)
	line     []byte
	frames   atomic.Int64
	size     int64
	reported atomic.Int64 // grows with frames and size
}

// NewProgress makes a Progress that calls report with the frames encoded and the bytes written so
// far. ffmpeg counts no frame while its trim filter still discards.
func NewProgress(report func(frames int, size int64)) *Progress { return &Progress{report: report} }

// longestProgressLine is more than ffmpeg ever prints in one; anything longer is not kept.
const longestProgressLine = 1024

func (p *Progress) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		part, after, whole := bytes.Cut(rest, []byte{'\n'})
		if len(p.line)+len(part) <= longestProgressLine {
			p.line = append(p.line, part...)
		}
		if whole {
			p.take(p.line)
			p.line = p.line[:0]
		}
		rest = after
	}
	return len(b), nil
}

func (p *Progress) take(line []byte) {
	key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte{'='})
	n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	switch string(key) {
	case "frame":
		if err == nil && n >= 0 {
			p.frames.Store(n)
		}
	case "total_size":
		if err == nil && n >= 0 {
			p.size = n
		}
	case "progress": // the last key of each report
		p.reported.Store(p.frames.Load() + p.size)
		p.report(int(p.frames.Load()), p.size)
	}
}
