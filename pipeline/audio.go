package pipeline

import "fmt"

// Audio is what becomes of the source's sound. The zero value copies it.
type Audio struct {
	AAC int // kbit/s that every track becomes AAC with; 0: it is copied
}

// Bit rates of AAC in kbit/s: below, it is no music; above, no encoder goes.
const minBitrate, maxBitrate = 32, 512

func (a Audio) String() string {
	if a.AAC == 0 {
		return "copy"
	}
	return fmt.Sprintf("aac %dk", a.AAC)
}

// MarshalText implements encoding.TextMarshaler.
func (a Audio) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "copy" and "aac 160k".
func (a *Audio) UnmarshalText(text []byte) error {
	var read Audio
	_, err := fmt.Sscanf(string(text), "aac %dk", &read.AAC)
	if read.String() != string(text) || err == nil && (read.AAC < minBitrate || read.AAC > maxBitrate) {
		return fmt.Errorf(`must be "copy" or "aac" and a bit rate from %dk to %dk, such as "aac 160k", is %q`,
			minBitrate, maxBitrate, text)
	}
	*a = read
	return nil
}
