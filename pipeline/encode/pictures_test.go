package encode_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/encode"
	"github.com/distenc/distenc/pipeline/media"
	"github.com/distenc/distenc/test/corpus"
)

// look compares a result's pictures with those of a chunk.
func (j job) look(chunk int, result string, rec *pipeline.Record, quick bool) error {
	clip := &media.Clip{}
	if f, err := os.Open(result); err == nil {
		defer func() { _ = f.Close() }()
		clip, _ = j.tools.Clip(context.Background(), f, result)
	}
	return encode.PictureCheck{
		Plan: j.plan, Chunk: &j.plan.Chunks[chunk], Source: j.source, Result: result,
		Clip: clip, Method: rec.Method, Quick: quick,
	}.Compare(context.Background(), j.tools)
}

// ownPictures checks that all results are taken for what they are.
func (j job) ownPictures(t *testing.T, results []string, records []*pipeline.Record) {
	t.Helper()
	for i, r := range results {
		require.NoError(t, j.look(i, r, records[i], false), "chunk %d", i)
	}
}

// A result is not blamed for the share that it lies on, nor for the machine that looks at it.
func TestTroubleIsNotTheResultsFault(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "h264-open.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 2})
	gone := j.look(0, filepath.Join(j.dir, "gone"), &pipeline.Record{}, true)
	j.tools.FFmpeg = filepath.Join(j.dir, "ffmpeg")
	for script, blamed := range map[string]bool{
		"echo '[error] x.enc: Input/output error' >&2":            false,
		"echo '[error] Cannot allocate memory' >&2; exit 1":       false,
		"echo 'undefined symbol: av_x' >&2; exit 127":             false,
		"echo '[h264 @ 0x1] [error] error while decoding MB' >&2": true,
	} {
		require.NoError(t, os.WriteFile(j.tools.FFmpeg, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
		err := j.look(0, filepath.Join(j.dir, "result"), &pipeline.Record{}, true)
		require.Error(t, err)
		require.Equal(t, blamed, errors.Is(err, encode.ErrPictures), script)
	}
	require.Error(t, gone)
	require.NotErrorIs(t, gone, encode.ErrPictures)
}

// The loader complains of every child, whose work is as good as ever.
func TestForeignWordsAreNotTheResultsFault(t *testing.T) {
	t.Setenv("LD_PRELOAD", "/nowhere/library.so")
	j := mustPlan(t, corpus.Make(t, "h264-open.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 2})
	require.Empty(t, j.plan.Notes)
	results, records := j.encodeAll(t)
	j.ownPictures(t, results, records)
}

func TestAnotherChunksPicturesAreSeen(t *testing.T) {
	j := mustPlan(t, corpus.Make(t, "h264-open.mkv"), pipeline.Settings{Encoder: "x264", Options: fast, Chunk: 2})
	results, records := j.encodeAll(t)
	for _, quick := range []bool{true, false} {
		for i := range results {
			other := (i + 1) % len(results)
			require.ErrorIs(t, j.look(i, results[other], records[i], quick), encode.ErrPictures, "chunk %d as %d", other, i)
		}
	}
}
