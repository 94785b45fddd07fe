package pipeline

import "fmt"

// LessMemory is what a person can do about a film that needs too much.
const LessMemory = "a faster preset or a lower --rc-lookahead needs less, and so does a smaller picture (scale)"

// Gigabytes writes an amount of memory as people do.
func Gigabytes(bytes int64) string { return fmt.Sprintf("%.1f GB", float64(bytes)/1e9) }
