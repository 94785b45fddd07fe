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

// Encoders would keep the lower bits of what is beyond HDR10's 16: of 70000 cd/m² 4464.
func TestStaticMetadataBeyondHDR10IsNone(t *testing.T) {
	read := func(content, green, luminance string) HDR {
		f, err := parseProbe([]byte(`{"streams":[{"side_data_list":[` +
			`{"side_data_type":"Content light level metadata","max_content":` + content + `,"max_average":400},` +
			`{"side_data_type":"Mastering display metadata","red_x":"34000/50000","red_y":"16000/50000","green_x":"` + green +
			`","green_y":"34500/50000","blue_x":"7500/50000","blue_y":"3000/50000","white_point_x":"15635/50000",` +
			`"white_point_y":"16450/50000","min_luminance":"1/10000","max_luminance":"` + luminance + `"}]}]}`))
		require.NoError(t, err)
		return f.Streams[0].HDR
	}
	require.Equal(t, HDR{MasterDisplay: "G(65535,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(1000000000,1)",
		MaxCLL: "65535,400"}, read("65535", "65535/50000", "100000/1"))
	require.Empty(t, read("65536", "65536/50000", "1000/1"))
	require.Empty(t, read("70000", "-1/50000", "1000/1"))
	require.Empty(t, read("70000", "2/1", "1000/1"))
	require.Empty(t, read("70000", "1/2", "100001/1"))
	require.Empty(t, read("70000", "1/0", "1000/1"))
}
