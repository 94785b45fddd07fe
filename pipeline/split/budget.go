package split

import (
	"sort"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
)

// sourceBytes counts the bytes of the source's packets by chunk: what its encoder spent bits on, another one will, too.
func sourceBytes(chunks []pipeline.Chunk, packets *media.Packets) []int64 {
	bytes := make([]int64, len(chunks))
	for i, pts := range packets.PTS {
		if pts == media.NoPTS {
			continue
		}
		chunk := sort.Search(len(chunks), func(n int) bool { return pts < chunks[n].End })
		bytes[min(chunk, len(chunks)-1)] += int64(packets.Size[i])
	}
	return bytes
}
