package main

import (
	"os"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/pipeline/steer"
)

// Whatever flags ask for comes to the same over the network.
func TestWishesGoOverTheNetwork(t *testing.T) {
	cfg, err := config.Load(config.Source{File: os.DevNull})
	require.NoError(t, err)
	texts := map[string]string{
		"profile": "default", "encoder": "x264", "size": "60%", "quality": "vmaf 95",
		"name": "{stem} [{codec}]", "dates": "keep",
	}
	cmd := &cobra.Command{}
	new(asked).flags(cmd)
	flags := 0
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags++
		require.Contains(t, texts, f.Name)
		here := asked{}
		one := &cobra.Command{}
		here.flags(one)
		require.NoError(t, one.Flags().Set(f.Name, texts[f.Name]))
		there, err := askedFor(here.query(), cfg)
		require.NoError(t, err, f.Name)
		require.NoError(t, here.check(cfg))
		require.Equal(t, here.Wishes, there, f.Name)
		require.NotEqual(t, steer.Wishes{}, there, f.Name)
	})
	require.Equal(t, len(texts), flags)
}
