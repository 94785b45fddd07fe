package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/cmd/internal/config"
	"github.com/distenc/distenc/pipeline/encoder"
)

// A chunk is as long as its encoder wants it, unless a person says how long.
func TestEachEncoderHasItsChunk(t *testing.T) {
	file := filepath.Join(t.TempDir(), "distenc.toml")
	for text, person := range map[string]time.Duration{"": 0, "[split]\nchunk = '7s'": 7 * time.Second} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		cfg, err := config.Load(config.Source{File: file})
		require.NoError(t, err)
		f := &farm{live: holding(cfg)}
		for _, e := range encoder.All() {
			want := e.Chunk()
			if person > 0 {
				want = person
			}
			order, err := f.resolve("", []byte(e.Name()+" = ''"))
			require.NoError(t, err)
			require.Equal(t, e.Name(), order.Settings.Encoder)
			require.InDelta(t, want.Seconds(), order.Settings.Chunk, 0)
		}
	}
}
