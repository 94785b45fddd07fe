package media

import (
	"encoding/binary"
	"math/bits"
)

// murmur3 is what ffprobe prints with -show_data_hash murmur3: MurmurHash3_x64_128 with the seed of
// av_murmur3_init (libavutil/murmur3.c), both halves little-endian. It tells damage, not malice.
func murmur3(b []byte) (sum [16]byte) {
	const c1, c2, seed = 0x87c37b91114253d5, 0x4cf5ad432745937f, 0x725acc55daddca55
	h1, h2, n := uint64(seed), uint64(seed), uint64(len(b))
	mix1 := func(k uint64) uint64 { return bits.RotateLeft64(k*c1, 31) * c2 }
	mix2 := func(k uint64) uint64 { return bits.RotateLeft64(k*c2, 33) * c1 }
	for ; len(b) >= 16; b = b[16:] {
		h1 = (bits.RotateLeft64(h1^mix1(binary.LittleEndian.Uint64(b)), 27)+h2)*5 + 0x52dce729
		h2 = (bits.RotateLeft64(h2^mix2(binary.LittleEndian.Uint64(b[8:])), 31)+h1)*5 + 0x38495ab5
	}
	var tail [16]byte
	copy(tail[:], b)
	h2 ^= mix2(binary.LittleEndian.Uint64(tail[8:]))
	h1 ^= mix1(binary.LittleEndian.Uint64(tail[:]))
	h1, h2 = h1^n, h2^n
	h1 += h2
	h2 += h1
	h1, h2 = fmix(h1), fmix(h2)
	h1 += h2
	h2 += h1
	binary.LittleEndian.PutUint64(sum[:], h1)
	binary.LittleEndian.PutUint64(sum[8:], h2)
	return sum
}

func fmix(k uint64) uint64 {
	k = (k ^ k>>33) * 0xff51afd7ed558ccd
	k = (k ^ k>>33) * 0xc4ceb9fe1a85ec53
	return k ^ k>>33
}
