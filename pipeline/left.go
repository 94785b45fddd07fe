package pipeline

import (
	"bytes"
	"encoding/json"
	"path"

	"github.com/distenc/distenc/lease/sharefs"
)

// LeftAlone is a file or a folder in the inbox that the leading master does not take, and why, with what mends
// it: people look at the share with other rights than the master's, and would see no reason.
type LeftAlone struct {
	Name RawName `json:"name"` // below inbox/
	Why  string  `json:"why"`
}

// allOfInbox is the name of the inbox itself in that list.
const allOfInbox = "."

// TakeNothing is the entry for a master that takes nothing from the inbox now. It says nothing against any file in it,
// which just wait.
func TakeNothing(why string) LeftAlone { return LeftAlone{Name: allOfInbox, Why: why} }

// NothingTaken returns why the leading master takes nothing from the inbox now, "" while it does.
func NothingTaken(f *sharefs.FS) string { return LoadLeftAlone(f)[allOfInbox] }

// maxLeft bounds how many are written down.
const maxLeft = 1000

// LoadLeftAlone reads what the leading master leaves alone, by name below the inbox. A share that no master has
// led yet has none.
func LoadLeftAlone(f *sharefs.FS) map[string]string {
	var all []LeftAlone
	_ = ReadJSON(f, LeftAloneFile, maxPlan, &all) // what can't be read says nothing
	why := map[string]string{}
	for _, l := range all {
		why[string(l.Name)] = l.Why
	}
	return why
}

// WhyLeft returns why a file below the inbox is left alone: for its own sake, or for that of a folder above it.
func WhyLeft(why map[string]string, name string) string {
	for ; name != "." && name != "/"; name = path.Dir(name) {
		if reason := why[name]; reason != "" {
			return reason
		}
	}
	return ""
}

// WriteLeftAlone writes it down, unless that stands there already. The list must be in a lasting order.
func WriteLeftAlone(f *sharefs.FS, all []LeftAlone) error {
	b, err := json.MarshalIndent(all[:min(len(all), maxLeft)], "", " ")
	if err != nil {
		return err
	}
	was, err := f.Read(LeftAloneFile, maxPlan)
	if b = append(b, '\n'); err == nil && bytes.Equal(b, was) || err != nil && len(all) == 0 {
		return nil
	}
	return f.Replace(LeftAloneFile, b)
}
