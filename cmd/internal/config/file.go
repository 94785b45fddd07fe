package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/distenc/distenc/lease/sharefs"
)

const (
	// MachineFile is read where no --config is given, if it exists.
	MachineFile = "/etc/distenc/distenc.toml"
	// ShareFile lies at the share's root and serves every machine.
	ShareFile = "distenc.toml"
	// maxFile bounds what is read of a configuration file, in bytes.
	maxFile = 1 << 20
)

// file is one TOML file after the strict pass. Its names are in lower case.
type file struct {
	name   string
	values map[string]any
	lines  map[string]int // of the keys, by dotted name
}

// files returns the share's file and then the machine's, which is merged over it. The machine's is read
// first: it may be the one that says where the share is.
func (s Source) files(overrides []override) ([]file, error) {
	machine, err := readMachine(s.File)
	if err != nil {
		return nil, err
	}
	share, _ := machine.values["share"].(string)
	for _, o := range overrides {
		if o.key == "share" {
			share = o.value.(string)
		}
	}
	if s.NoShare {
		return []file{machine}, nil
	}
	onShare, err := readShare(share)
	return []file{onShare, machine}, err
}

func readMachine(explicit string) (file, error) {
	f, err := readFile("the configuration", cmp.Or(explicit, MachineFile))
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if explicit != "" {
		return file{}, &Error{Where: explicit, Problem: "there is no such file; --config names another one, and without it " + MachineFile + " is read if it exists"}
	}
	return file{}, nil
}

// readShare reads the file on the share, if there is one. Many can write there: what is not a regular
// file is refused before it is opened (a FIFO would block the start).
func readShare(share string) (file, error) {
	if !filepath.IsAbs(share) { // none is set; or it is relative, which its rule refuses later
		return file{}, nil
	}
	name := filepath.Join(share, ShareFile)
	info, err := os.Lstat(name)
	if sharefs.Absent(err) { // no such share: who opens it says so
		return file{}, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return file{}, &Error{Where: name, Problem: "is not a regular file"}
	}
	f, err := readFile("the share", name)
	if err != nil {
		return f, err
	}
	var all []error
	for _, key := range slices.Sorted(maps.Keys(f.lines)) {
		if machineOnly(key) {
			all = append(all, &Error{Where: at(name, f.lines[key]), Key: key, Problem: "can't be set in the share's own file: everybody who can write there could; " +
				"write it into the machine's, " + MachineFile})
		}
	}
	return f, errors.Join(all...)
}

// readFile reads one file strictly; what says what it is for people. That it can't be read is no *Error: a share may come back.
func readFile(what, name string) (file, error) {
	data, err := readLimited(name)
	if err != nil {
		return file{}, fmt.Errorf("cannot read %s: %w", what, err)
	}
	f := file{name: name}
	if f.lines, err = configSchema.strict(name, data, &document{}); err != nil {
		return file{}, err
	}
	if err := toml.Unmarshal(data, &f.values); err != nil {
		return file{}, &Error{Where: name, Err: err}
	}
	if f.values, err = f.fold("", f.values); err != nil {
		return file{}, err
	}
	return f, f.readTexts()
}

func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = &Error{Where: name, Problem: fmt.Sprintf("is larger than %d bytes", maxFile)}
	}
	return data, err
}

// fold returns the values under lower-case names, which is how viper looks for them. Two names that
// differ in case only would be one: an error, not a draw.
func (f file) fold(table string, values map[string]any) (map[string]any, error) {
	folded := make(map[string]any, len(values))
	for name, value := range values {
		lower := strings.ToLower(name)
		key := strings.TrimPrefix(table+"."+lower, ".")
		if _, twice := folded[lower]; twice {
			return nil, &Error{Where: at(f.name, f.lines[key]), Key: key, Problem: "is there twice: names are not case-sensitive"}
		}
		if inner, ok := value.(map[string]any); ok {
			var err error
			if value, err = f.fold(key, inner); err != nil {
				return nil, err
			}
		}
		folded[lower] = value
	}
	return folded, nil
}

// readTexts reads the file's durations, sizes and hours: after the merge, the line would be lost.
func (f file) readTexts() error {
	var all []error
	for _, k := range keys {
		table, name, _ := strings.Cut(k.name, ".")
		inner, _ := f.values[table].(map[string]any)
		written, ok := inner[name].(string)
		if !ok || !k.inText() {
			continue
		}
		v, err := k.kind().parse(written)
		if err != nil {
			all = append(all, &Error{Where: at(f.name, f.lines[k.name]), Key: k.name, Problem: err.Error()})
		}
		inner[name] = v
	}
	return errors.Join(all...)
}
