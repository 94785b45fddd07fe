package media

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFrames(t *testing.T) {
	for name, c := range map[string]struct {
		p    Packets
		want []int64
		err  string
	}{
		"reordered":      {p: Packets{PTS: []int64{0, 3, 1, 2}, Flags: []uint8{Key, 0, 0, 0}}, want: []int64{0, 1, 2, 3}},
		"before the key": {p: Packets{PTS: []int64{0, 1, 2}, Flags: []uint8{0, Key, 0}}, want: []int64{1, 2}},
		"hidden": {p: Packets{PTS: []int64{-2, -1, 0}, Flags: []uint8{Key | Discard, Discard, 0}},
			want: []int64{0}},
		"no key":             {p: Packets{PTS: []int64{0}, Flags: []uint8{0}}, err: "no key frame"},
		"no timestamp":       {p: Packets{PTS: []int64{0, NoPTS}, Flags: []uint8{Key, 0}}, err: "packet 1 has no timestamp"},
		"repeated timestamp": {p: Packets{PTS: []int64{0, 5, 5}, Flags: []uint8{Key, 0, 0}}, err: "same timestamp, 5 ticks"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.p.Frames()
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}
