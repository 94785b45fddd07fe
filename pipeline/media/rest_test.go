package media

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// made is an element made one of its parts.
func made(id uint32, parts ...[]byte) []byte {
	body := slices.Concat(parts...)
	return append(header(id, int64(len(body))), body...)
}

// smallFilm has a video, sound, and a chapter behind the clusters.
func smallFilm() []byte {
	track := func(number, kind byte) []byte {
		return made(idTrack, made(idNumber, []byte{number}), made(idKind, []byte{kind}), made(idCodec, []byte("A_FLAC")))
	}
	block := func(id uint32, number byte, text string) []byte {
		return made(id, []byte{0x80 | number, 0, 1, 0}, []byte(text))
	}
	return slices.Concat(made(idHead, made(0x4282, []byte("matroska"))), made(idSegment,
		made(idSeekHead, made(idSeek, made(idSeekID, []byte{0x1C, 0x53, 0xBB, 0x6B}))),
		made(idTracks, track(1, videoKind), track(2, soundKind)),
		made(idCluster, made(idClusterTime, []byte{3}), block(idSimpleBlock, 1, "picture"), block(idSimpleBlock, 2, "sound"),
			made(idBlockGroup, block(idBlock, 2, "more"), made(idDuration, []byte{9})),
			made(idBlockGroup, block(idBlock, 1, "another picture"))),
		made(idCluster, made(idClusterTime, []byte{8}), block(idSimpleBlock, 1, "a picture alone")),
		made(idCues, []byte{0xEC, 0x80}), made(0x1043A770, []byte("chapters"))))
}

// restOf is what writeRest makes of a file.
func restOf(t *testing.T, film []byte) ([]byte, error) {
	path := filepath.Join(t.TempDir(), "rest")
	out, err := os.Create(path)
	require.NoError(t, err)
	failed := writeRest(bytes.NewReader(film), out)
	require.NoError(t, out.Close())
	rest, err := os.ReadFile(path)
	require.NoError(t, err)
	return rest, failed
}

// sight is a block as a reading finds it.
type sight struct {
	track int64
	pts   int64
	crc   uint32
}

// others lists the blocks of all tracks but videos.
func others(film []byte) (all []sight, cues bool, err error) {
	err = readMatroska(bytes.NewReader(film), func(m *matroska, b block) error {
		cues = m.cues
		if b.track.kind == videoKind || b.track.kind == fileKind {
			return nil
		}
		crc, err := m.sum(b)
		all = append(all, sight{b.track.number, b.pts, crc})
		return err
	})
	return all, cues, err
}

func TestARestHasAllButTheVideo(t *testing.T) {
	rest, err := restOf(t, smallFilm())
	require.NoError(t, err)
	want, _, err := others(smallFilm())
	require.NoError(t, err)
	require.Len(t, want, 2)
	got, cues, err := others(rest)
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.False(t, cues, "what it says of places is not true any more")
	require.NotContains(t, string(rest), "picture")
	require.Contains(t, string(rest), "chapters")
	at := bytes.Index(rest, header(0x1043A770, 8))
	begins := bytes.Index(rest, header(idSeekHead, 2*seekSize))
	require.Contains(t, string(rest), string(seek(restPlace{0x1043A770, int64(at - begins)})), "it says where they are")
}

func TestNoRestOfWhatIsNotPlain(t *testing.T) {
	film := smallFilm()
	unknown := bytes.Replace(film, header(idCluster, 0)[:5], []byte{0x1F, 0x43, 0xB6, 0x75, 0xFF}, 1)
	chapters := made(0x1043A770, []byte("chapters"))
	begins := bytes.Index(film, header(idSegment, 0)[:5])
	many := slices.Concat(film[:begins], made(idSegment, film[begins+segmentEnd:], bytes.Repeat(chapters, maxSeeks)))
	two := bytes.Replace(film, made(idKind, []byte{soundKind}), made(idKind, []byte{videoKind}), 1)
	for name, bad := range map[string][]byte{"length": unknown, "two videos": two, "cut off": film[:len(film)-3],
		"cut off between elements": film[:len(film)-len(chapters)], "behind the film": slices.Concat(film, chapters),
		"many": many, "empty": nil} {
		_, err := restOf(t, bad)
		require.Error(t, err, name)
	}
}

// FuzzRest: a rest that is made has the blocks that both files' readings find.
func FuzzRest(f *testing.F) {
	f.Add(smallFilm())
	f.Fuzz(func(t *testing.T, film []byte) {
		want, _, err := others(film)
		if err != nil {
			_, _ = restOf(t, film)
			return
		}
		rest, err := restOf(t, film)
		if err != nil {
			return
		}
		got, _, err := others(rest)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}
