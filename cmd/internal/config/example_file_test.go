package config

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc"
	"github.com/distenc/distenc/pipeline/encoder"
)

const exampleFile = "../../../config.example.toml"

// The example is where the defaults come from, and the only place that explains a key: so each stands there, with a
// comment above it or above the one before it.
func TestTheExampleHasEveryKey(t *testing.T) {
	data, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	require.Equal(t, distenc.ExampleConfig, string(data))
	f, err := readFile("it", exampleFile, inMachine)
	require.NoError(t, err)
	text := strings.Split(string(data), "\n")
	for _, name := range append(names("", inFiles), names("profiles.default.", inProfile)...) {
		if name == "share" || isEncoder(last(name)) && last(name) != "x264" { // no default
			continue
		}
		require.Contains(t, f.lines, name)
		above := text[f.lines[name]-2]
		below := name == "hooks.done" || name == "hooks.failed" // what hooks are is said above the first of them
		require.True(t, strings.HasPrefix(above, "#") || below, "%s has no comment", name)
	}
	require.Contains(t, string(data), `# share = "/mnt/distenc"`)
}

// How long chunks are by default is each encoder's own to say; the example repeats it for people.
func TestTheExampleHasEachEncodersChunk(t *testing.T) {
	_, above, found := strings.Cut(distenc.ExampleConfig, "[split]\n")
	require.True(t, found)
	above, _, found = strings.Cut(above, `chunk = ""`)
	require.True(t, found)
	for _, e := range encoder.All() {
		require.Regexp(t, fmt.Sprintf(`\b%gs for (\w+(, | and )\s*(# )?)*%s\b`, e.Chunk().Seconds(), e.Name()),
			strings.ReplaceAll(above, "\n# ", " "))
	}
}

// What is commented out must be right too, once somebody removes the '#'.
func TestTheExamplesCommentedSettingsAreValid(t *testing.T) {
	data, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	uncommented := regexp.MustCompile(`(?m)^# (\[[a-z.]+\]|[a-z0-9_]+ = .*)$`).ReplaceAllString(string(data), "$1")
	require.NotEqual(t, string(data), uncommented)
	c, err := Load(Source{File: write(t, uncommented)})
	require.NoError(t, err)
	require.Equal(t, "/mnt/distenc", c.Share)
	require.Equal(t, []string{"archive", "default", "even", "tablet"}, c.ProfileNames())
}
