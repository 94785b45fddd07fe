package media

import (
	"os"
	"time"
)

// Limits bound what one child may take. All time is that on processors, of all its threads together: a slow
// machine, a busy one, one that sleeps or waits for its share spends no more of it than a fast one.
type Limits struct {
	CPU   time.Duration // in all; 0: no limit
	Stall time.Duration // since the last progress, of a child whose Stdout is a Progress; 0: no limit
	File  int64         // bytes of each file it writes; 0: no limit
	Start time.Duration // that it may show no sign of life before its first frame; 0: as long as at any other time
}

// The most generous count of what work takes on processors: ten times what was seen on slow machines.
const (
	leastTime   = 5 * time.Minute // whatever the work
	megabyte    = time.Second     // to read or copy it
	decoded     = time.Second     // a megapixel
	ahead       = 3 * time.Second // a megapixel, before its frame comes out: what an encoder looks ahead
	encoded     = 2 * time.Minute // a megapixel: 4K with --preset placebo, a frame in a minute on 16 cores
	leastStall  = time.Hour       // for what is not counted here
	lookahead   = 400             // frames that an encoder and its threads hold back, at most
	rawPixel    = 6               // bytes of one without any compression: 4:4:4 in 16 bits
	room        = int64(64 << 20) // bytes for a file's headers and index
	largestHead = 7680 * 4320     // pixels of a picture whose size is not known yet
	megapixel   = 1e6
)

// Reading is for a child that reads size bytes and writes no file.
func Reading(size int64) Limits {
	return Limits{CPU: leastTime + time.Duration(size>>20)*megabyte, File: room}
}

// Copying is for a child that reads size bytes and writes them another way. Sound that has to be converted to
// a lossless form can become twenty times as large.
func Copying(size int64) Limits {
	l := Reading(size)
	return Limits{CPU: 5 * l.CPU, File: 20*size + room}
}

// Encoding is for a child that decodes some pictures and encodes as many or fewer, each of this number of pixels.
func Encoding(pictures, frames int, pixels float64) Limits {
	mega := pixels / megapixel
	times := func(n int, d time.Duration) time.Duration { return time.Duration(float64(n) * mega * float64(d)) }
	return Limits{
		CPU:   leastStall + times(pictures, decoded) + times(frames, encoded),
		Stall: leastStall + times(pictures, decoded) + times(min(frames, lookahead), ahead),
		File:  int64(float64(frames)*pixels*rawPixel) + room,
	}
}

// Size is that of some files together, in bytes, for Limits. One that can't be looked at counts as none: its
// reader will say why.
func Size(paths ...string) (sum int64) {
	for _, p := range paths {
		if info, err := os.Stat(p); err == nil {
			sum += info.Size()
		}
	}
	return sum
}
