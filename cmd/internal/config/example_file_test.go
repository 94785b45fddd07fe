package config

import (
	"cmp"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const exampleFile = "../../../config.example.toml"

func TestTheExampleIsTheDefaults(t *testing.T) {
	example, err := Load(Source{File: exampleFile})
	require.NoError(t, err)
	defaults, err := Load(Source{File: write(t, "")})
	require.NoError(t, err)
	require.Equal(t, defaults, example)
}

func TestTheExampleMentionsEveryKey(t *testing.T) {
	f, err := readFile("it", exampleFile)
	require.NoError(t, err)
	for _, k := range keys {
		if k.name != "share" {
			require.Contains(t, f.lines, k.name)
		}
	}
	require.Contains(t, f.lines, "profiles.default.x264")
	for _, k := range profileKeys {
		require.Contains(t, f.lines, "profiles.default."+k.name)
	}
	data, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	require.Contains(t, string(data), `# share = "/mnt/distenc"`)
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
	require.Equal(t, []string{"default", "tablet"}, c.ProfileNames())
}

// The strict pass, the table of keys and Config describe the same settings.
func TestTheSchemasAgree(t *testing.T) {
	var table []string
	for _, k := range keys {
		table = append(table, k.name)
	}
	require.ElementsMatch(t, table, leaves("", reflect.TypeFor[document]()))
	require.ElementsMatch(t, table, leaves("", reflect.TypeFor[Config]()))
}

// leaves lists a struct's dotted lower-case keys, the profiles left out.
func leaves(prefix string, typ reflect.Type) []string {
	var all []string
	for f := range typ.Fields() {
		name := strings.TrimPrefix(prefix+"."+cmp.Or(f.Tag.Get("toml"), f.Tag.Get("mapstructure"), strings.ToLower(f.Name)), ".")
		switch {
		case f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[Hours]():
			all = append(all, leaves(name, f.Type)...)
		case f.Type.Kind() == reflect.Map:
		default:
			all = append(all, name)
		}
	}
	return all
}
