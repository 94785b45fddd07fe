package pipeline

// Dates is whether an output has its source's date (the mtime), and what is copied beside it that of what it is a copy
// of. The zero value: the date is that of the file's own making.
type Dates bool

const keepDates, newDates = "keep", "new"

func (d Dates) String() string {
	if d {
		return keepDates
	}
	return newDates
}

// MarshalText implements encoding.TextMarshaler.
func (d Dates) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It takes "keep" and "new".
func (d *Dates) UnmarshalText(text []byte) error {
	err := OneOf(string(text), keepDates, newDates)
	if err == nil {
		*d = string(text) == keepDates
	}
	return err
}
