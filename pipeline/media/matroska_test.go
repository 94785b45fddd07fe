package media

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever the bytes are, reading ends, and all of them are counted that were looked at.
func FuzzMatroska(f *testing.F) {
	f.Add([]byte("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x1f\x43\xb6\x75\xff\xe7\x81\x05\xa3\x85\x81\x00\x02\x80\x00"))
	f.Add([]byte("\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\xff\x16\x54\xae\x6b\x8c\xae\x8a\xe0\x88\xb0\x82\x01\x40\xba\x82\x00\xb4\x63\xa2\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := &Clip{}
		err := c.read(bytes.NewReader(data))
		require.LessOrEqual(t, len(c.PTS), len(data))
		if err == nil || errors.Is(err, errUnusual) {
			require.EqualValues(t, len(data), c.Size)
		}
	})
}
