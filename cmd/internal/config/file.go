package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/distenc/distenc/lease/sharefs"
)

const (
	// ShareFile lies at the share's root and serves every machine.
	ShareFile = "distenc.toml"
	// maxFile bounds what is read of a configuration file, in bytes.
	maxFile = 1 << 20
)

// files returns the share's file and then the machine's, which is merged over it. The machine's is read
// first: it may be the one that says where the share is.
func (s Source) files(overrides document) ([]document, error) {
	machine, err := readMachine(s.File)
	if err != nil {
		return nil, err
	}
	if s.NoShare {
		return []document{machine}, nil
	}
	share, _ := machine.values["share"].(string)
	if o, set := overrides.values["share"]; set {
		share = o.(string)
	}
	onShare, err := readShare(share)
	return []document{onShare, machine}, err
}

func readMachine(explicit string) (document, error) {
	f, err := readFile("the configuration", cmp.Or(explicit, MachineFile), inMachine)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if explicit != "" {
		return document{}, &Error{Where: explicit, Problem: "there is no such file; --config names another one, " +
			"and without it " + MachineFile + " is read if it exists"}
	}
	return document{}, nil
}

// readShare reads the file on the share, if there is one. Many can write there: what is not a regular
// file is refused before it is opened (a FIFO would block the start).
func readShare(share string) (document, error) {
	if !filepath.IsAbs(share) { // none is set; or it is relative, which its rule refuses later
		return document{}, nil
	}
	name := filepath.Join(share, ShareFile)
	info, err := os.Lstat(name)
	if sharefs.Absent(err) { // no such share: who opens it says so
		return document{}, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return document{}, &Error{Where: name, Problem: "is not a regular file"}
	}
	return readFile("the share", name, inShare)
}

// readFile reads one file strictly; what names it for people. That it can't be read is no *Error: a share may come
// back.
func readFile(what, name string, may scope) (document, error) {
	f, err := os.Open(name)
	var data []byte
	if err == nil {
		defer func() { _ = f.Close() }()
		data, err = io.ReadAll(io.LimitReader(f, maxFile+1))
	}
	if err == nil && len(data) > maxFile {
		err = &Error{Where: name, Problem: fmt.Sprintf("is larger than %d bytes", maxFile)}
	}
	if err != nil {
		return document{}, fmt.Errorf("cannot read %s: %w", what, err)
	}
	return read(name, data, may)
}
