package pipeline

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The text of a setting on the share is what a person writes.
func TestSettingsHaveTheirTextsAsJSON(t *testing.T) {
	s := Settings{
		Profile: "tablet", Encoder: "x264", Options: "--crf 21",
		Container: MP4, Audio: Audio{AAC: 160}, Subtitles: NoSubtitles,
		Scale: Scale{Width: 1280, Height: 720, Enlarge: true}, Deinterlace: MakeProgressive, Odd: CropOdd,
		Quality: Quality{Metric: SSIM, Target: 0.985}, Chunk: 20, Pieces: RangePieces, Disposal: DeleteSource,
	}
	const text = `{"profile":"tablet","encoder":"x264","options":"--crf 21","container":"mp4","audio":"aac 160k",` +
		`"subtitles":"none",` +
		`"scale":"1280x720 enlarge","deinterlace":"yes","odd":"crop","quality":"ssim 0.985","chunk_seconds":20,"pieces":"range","source":"delete"}`
	b, err := json.Marshal(s)
	require.NoError(t, err)
	require.Equal(t, text, string(b))
	var back Settings
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, s, back)
	require.Equal(t, "x264 --crf 21 1280x720 enlarge yes ssim 0.985", s.Effort())

	b, err = json.Marshal(Settings{})
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &back))
	require.Contains(t, string(b), `"audio":"copy","scale":"none"`)
	require.NotContains(t, string(b), "quality")
}

func TestTextsThatAreNoSettings(t *testing.T) {
	for text, to := range map[string]any{
		`"1280x720,movie=x"`: &Scale{}, `"8x720"`: &Scale{}, `"1280x99999"`: &Scale{}, `"none enlarge"`: &Scale{},
		`"0x0"`: &Scale{}, `"01280x720"`: &Scale{}, `""`: &Scale{},
		`"aac"`: &Audio{}, `"aac 1600k"`: &Audio{}, `"aac 0k"`: &Audio{}, `"aac 160k -f x"`: &Audio{}, `" copy"`: &Audio{},
		`"avi"`: new(Container), `"../x"`: new(Container), `"srt"`: new(Subtitles), `"true"`: new(Deinterlace),
		`"scale"`: new(Odd), `"all"`: new(Pieces), `"keep"`: new(SourceDisposal),
	} {
		require.ErrorContains(t, json.Unmarshal([]byte(text), to), "must be ", text)
	}
}
