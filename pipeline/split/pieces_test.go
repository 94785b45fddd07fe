package split_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/pipeline/split"
	"github.com/distenc/distenc/test/corpus"
)

// cutting plans a source for pieces, and collects them in the order in which they come.
type cutting struct {
	split.Cutting
	order []int
	files map[int]string // what Ready took, "" where a piece can't be had
}

func newCutting(t *testing.T, source string) *cutting {
	t.Helper()
	req := request(t, source)
	plan, err := split.Make(t.Context(), tools(t), req)
	require.NoError(t, err)
	require.Greater(t, len(plan.Chunks), 2)
	require.Equal(t, pipeline.KindPiece, plan.Chunks[0].Kind)
	if plan.Source != plan.Original {
		source = req.NormPath
	}
	dir, kept := filepath.Join(t.TempDir(), "100% of it"), t.TempDir()
	require.NoError(t, os.Mkdir(dir, 0o700))
	c := &cutting{files: map[int]string{}}
	c.Cutting = split.Cutting{
		Plan: plan, Chunks: plan.Chunks, Source: source,
		Name: func(lane int, piece string) string {
			return filepath.Join(dir, fmt.Sprintf("cut.%d.%s.tmp", lane, piece))
		},
		Ready: func(chunk int, path string, err error) error {
			c.order = append(c.order, chunk)
			c.files[chunk] = ""
			if err == nil {
				c.files[chunk] = filepath.Join(kept, fmt.Sprint(chunk))
				return os.Rename(path, c.files[chunk])
			}
			require.ErrorIs(t, err, split.ErrPiece)
			return nil
		},
	}
	return c
}

// packets lists times and payloads of a file's video.
func packets(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_data_hash", "CRC32",
		"-show_entries", "packet=pts,size,data_hash", "-of", "csv=p=0", path).Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// ffmpegs counts the ffmpegs that run.
func ffmpegs(t *testing.T, run func(tools media.Tools) error) int {
	t.Helper()
	tools := tools(t)
	log := filepath.Join(t.TempDir(), "log")
	script := filepath.Join(t.TempDir(), "ffmpeg")
	require.NoError(t, os.WriteFile(script, fmt.Appendf(nil, "#!/bin/sh\necho run >> %s\nexec %s \"$@\"\n", log,
		tools.FFmpeg), 0o700))
	tools.FFmpeg = script
	require.NoError(t, run(tools))
	text, _ := os.ReadFile(log)
	return strings.Count(string(text), "run")
}

// TestOnePassCutsAllPieces: of closed GOPs, and of open ones, where pieces share packets.
func TestOnePassCutsAllPieces(t *testing.T) {
	for _, name := range []string{"h264-closed.mkv", "h264-open.mkv", "hevc-open.mkv", "hi10p-fansub.mkv", "vfr.mkv",
		"mpeg2.mpg"} {
		t.Run(name, func(t *testing.T) {
			c := newCutting(t, corpus.Make(t, name))
			calls := ffmpegs(t, func(tools media.Tools) error { return split.Pieces(t.Context(), tools, c.Cutting) })
			require.Equal(t, 1, calls)
			source := packets(t, c.Source)
			for i, chunk := range c.Chunks {
				require.Equal(t, i, c.order[i])
				require.True(t, slices.Equal(source[chunk.At:chunk.At+chunk.Packets], packets(t, c.files[i])), "chunk %d", i)
			}
		})
	}
}

func TestCuttingBeginsAtAnyChunk(t *testing.T) {
	c := newCutting(t, corpus.Make(t, "h264-open.mkv"))
	c.Chunks = c.Chunks[1:3]
	calls := ffmpegs(t, func(tools media.Tools) error { return split.Pieces(t.Context(), tools, c.Cutting) })
	require.Equal(t, 1, calls)
	require.Equal(t, []int{1, 2}, c.order)
	require.NotContains(t, c.files, "")
}

// TestWhatOnePassDoesNotGiveIsCutByItself: the plan is wrong about one piece's place, and another one can't be
// had at all.
func TestWhatOnePassDoesNotGiveIsCutByItself(t *testing.T) {
	c := newCutting(t, corpus.Make(t, "h264-open.mkv"))
	c.Chunks[1].At++
	c.Chunks[len(c.Chunks)-1].Packets += 1000
	require.NoError(t, split.Pieces(t.Context(), tools(t), c.Cutting))
	require.Len(t, c.order, len(c.Chunks))
	for i := range c.Chunks {
		require.Equal(t, i, c.order[i])
		require.Equal(t, i == len(c.Chunks)-1, c.files[i] == "", "chunk %d", i)
	}
}

func TestCuttingEnds(t *testing.T) {
	c := newCutting(t, corpus.Make(t, "h264-closed.mkv"))
	full := errors.New("full")
	c.Ready = func(int, string, error) error { return full }
	require.ErrorIs(t, split.Pieces(t.Context(), tools(t), c.Cutting), full)
	ctx, cancel := context.WithCancelCause(t.Context())
	c.Ready = func(int, string, error) error { cancel(full); return nil }
	require.ErrorIs(t, split.Pieces(ctx, tools(t), c.Cutting), full)
}
