package pipeline

import "fmt"

// Memory is what an encode of a chunk takes at most, an estimate in bytes; zero where a plan does not say.
type Memory struct {
	Fixed  int64 `json:"fixed"`
	Thread int64 `json:"thread"` // for each thread besides
}

// Of is the estimate for an encode with this number of threads.
func (m Memory) Of(threads int) int64 { return m.Fixed + int64(threads)*m.Thread }

// LessMemory is what a person can do about a film that needs too much.
const LessMemory = "a faster preset or a shorter lookahead needs less, and so does a smaller picture (scale)"

// Gigabytes writes an amount of memory as people do.
func Gigabytes(bytes int64) string { return fmt.Sprintf("%.1f GB", float64(bytes)/1e9) }
