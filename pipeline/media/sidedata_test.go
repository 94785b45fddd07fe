package media

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDynamicMetadataIsTold(t *testing.T) {
	stream := func(profile, base string) string {
		return `{"streams":[{"side_data_list":[{"side_data_type":"DOVI configuration record","dv_profile":` + profile +
			`,"dv_bl_signal_compatibility_id":` + base + `}]}]}`
	}
	for text, want := range map[string]string{
		stream("5", "0"): "The source is Dolby Vision (profile 5), made for players of that alone: its dynamic metadata " +
			"is not kept, and without it the colours of the output are wrong.",
		stream("8", "1"): "The source's Dolby Vision metadata (profile 8.1) is not kept: the output shows its base " +
			"layer, which is HDR10.",
		stream("8", "4"): "The source's Dolby Vision metadata (profile 8.4) is not kept: the output shows its base " +
			"layer, which is HLG.",
		`{"streams":[{}]}`: "",
	} {
		f, err := parseProbe([]byte(text))
		require.NoError(t, err)
		require.Equal(t, want, strings.Join(f.Streams[0].HDR.Lost(), "\n"))
	}
	h,
		err := parseHead([]byte(`{"frames":[{"side_data_list":[{"side_data_type":"HDR Dynamic Metadata SMPTE2094-40 (HDR10+)","num_windows":1},{"side_data_type":"Dolby Vision RPU Data"}]}]}`))
	require.NoError(t, err)
	require.Len(t, HDR{}.Or(h.HDR).Lost(), 2)
}
