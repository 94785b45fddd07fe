package encoder

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline/media"
)

// Each option of x265's table is one that libx265 knows: a name that is torn or misspelt in it could never be used, and
// the right one would be refused.
func TestX265KnowsItsOptions(t *testing.T) {
	tools, err := media.Find(nil)
	require.NoError(t, err)
	var params []param
	for name, rule := range x265Table.options {
		p := asked{}
		p.setParam(strings.TrimPrefix(name, "no-"), "1", rule)
		if x, err := parseX265(example(name, rule)); !rule.ignored && err == nil && len(x.params) > 0 {
			params = append(params, p.params...)
		}
	}
	require.Greater(t, len(params), 150)
	out, err := exec.Command(tools.FFmpeg, "-v", "warning", "-f", "lavfi", "-i", "color=s=64x64", "-frames:v", "1", "-c:v",
		"libx265", "-x265-params", joinParams(params), "-f", "null", "-").CombinedOutput()
	require.Contains(t, string(out), "libx265", "%v", err)
	// What 4.x no longer has is refused there with its name.
	said := strings.ReplaceAll(string(out), "Unknown option: hist-threshold", "")
	require.NotContains(t, said, "Unknown option")
}

// example is an option with a value that its form takes.
func example(name string, rule option) string {
	switch value, _, _ := strings.Cut(rule.words, " "); {
	case rule.form == flag:
		return "--" + name
	case rule.form == display:
		return "--" + name + " G(1,1)B(1,1)R(1,1)WP(1,1)L(1,1)"
	case rule.form == ratio:
		return "--" + name + " 1:1"
	case value == "":
		return "--" + name + " 1"
	default:
		return "--" + name + " " + value
	}
}
