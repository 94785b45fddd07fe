package media

import (
	"errors"
	"os"
)

// Indexed reports whether a Matroska file says where its key packets are (Cues: RFC 9559, section 5.1.5). A seek in one
// that does not reads all that stands before the place: libavformat 59 takes 64 MB for the middle of 105 MB, else as
// much as is decoded. Cues count where libavformat looks for them: where the file's beginning names them, and in front
// of the first block. Of a file that is not plainly understood it reports true.
func Indexed(path string) (bool, error) {
	in, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = in.Close() }()
	begins, indexed := errors.New("the first block"), true
	err = readMatroska(in, func(m *matroska, b block) error {
		if b.track.kind == fileKind {
			return nil
		}
		indexed = m.cues
		return begins
	})
	if _, unread := errors.AsType[*os.PathError](err); unread {
		return false, err
	}
	return indexed, nil
}
