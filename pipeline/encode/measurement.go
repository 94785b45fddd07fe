package encode

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/distenc/distenc/pipeline"
)

// measurement is what an analysis of a chunk returns: the bytes of its result, and the record, of which size, CRC-32
// and times are filled in.
func measurement(found any, r pipeline.Record, start time.Time) ([]byte, *pipeline.Record, error) {
	b, err := json.Marshal(found)
	if err != nil {
		return nil, nil, err
	}
	r.Size, r.CRC32 = int64(len(b)), checksum(b)
	r.Seconds, r.Time = time.Since(start).Seconds(), time.Now()
	return b, &r, nil
}

// readMeasurement reads such a result. It refuses what is not the record's; what could not have been measured is for
// the caller to tell.
func readMeasurement(b []byte, r *pipeline.Record, found any) error {
	if crc := checksum(b); crc != r.CRC32 {
		return fmt.Errorf("the result's CRC-32 is %s, its worker wrote %s", crc, r.CRC32)
	}
	if err := json.Unmarshal(b, found); err != nil {
		return fmt.Errorf("the result can't be read: %w", err)
	}
	return nil
}

func checksum(b []byte) string { return fmt.Sprintf("%08X", crc32.ChecksumIEEE(b)) }
