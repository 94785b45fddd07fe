package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
)

// What lies beside a source in failed/<name>/.
const (
	// ReasonName says in one sentence why it is there.
	ReasonName = "reason.txt"
	logName    = "log.txt"
	// fromName holds the source's path below the inbox, where its name does not tell: subfolders choose the
	// profile.
	fromName = "from.json"
	// twinName holds the job that has the same content with the same settings, for a file that was refused therefore.
	twinName = "same-as.txt"
)

// texts are ours in a folder below failed/; a source of such a name gets another one there.
var texts = []string{ReasonName, logName, fromName, twinName}

// MaxSidecar limits the settings for one file, in bytes: anyone may write some.
const MaxSidecar = 64 << 10

// sidecarSuffix ends the name of the settings for one file, which lie beside it.
const sidecarSuffix = ".distenc.toml"

// SidecarBeside is where the settings for one file lie, in the inbox and in failed/: NAME.distenc.toml. Where
// that would be longer than a name can be, it is the beginning of NAME, "~" and the CRC-32 of NAME.
func SidecarBeside(name string) string {
	dir, base := path.Split(name)
	if len(base)+len(sidecarSuffix) <= sharefs.NameMax {
		return name + sidecarSuffix
	}
	return dir + fit(base, fmt.Sprintf("~%08x%s", crc32.ChecksumIEEE([]byte(base)), sidecarSuffix))
}

// Sidecar reports whether a file of this name holds the settings for another one. Case does not matter.
func Sidecar(name string) bool { return strings.HasSuffix(strings.ToLower(name), sidecarSuffix) }

// Reject is a source that goes into failed/.
type Reject struct {
	Source  string  // where it is, on the share
	Sidecar string  // where its own settings are, if it has any
	Inbox   RawName // where it was dropped: a path below inbox/
	Reason  string  // one sentence
	Log     string
	Twin    string // see Refusal
}

// PutAside moves the source to failed/<name>/<name>, the texts beside it first, and returns where it is. After
// an error the source is where it was, or has come there all the same.
func (r Reject) PutAside(ctx context.Context, f *sharefs.FS) (RawName, error) {
	base := path.Base(string(r.Inbox))
	dir, err := OwnFolder(ctx, f, FailedDir, base)
	if err != nil {
		return "", err
	}
	if slices.Contains(texts, base) {
		base = Numbered(base, 2)
	}
	from, err := json.Marshal(r.Inbox)
	if base == string(r.Inbox) {
		from = nil
	}
	for _, t := range [][2]string{{ReasonName, r.Reason}, {logName, r.Log}, {fromName, string(from)}, {twinName, r.Twin}} {
		if err == nil && (t[1] != "" || t[0] == ReasonName || t[0] == logName) {
			err = f.Create(path.Join(dir, t[0]), []byte(t[1]+"\n"))
		}
	}
	dst := path.Join(dir, base)
	if err == nil {
		_, err = f.MoveOnce(ctx, r.Source, dst)
	}
	if err != nil {
		if landed, lookErr := withdraw(f, dst); !landed {
			return "", errors.Join(err, lookErr)
		}
	}
	if err := f.DurableForeign(dst); err != nil {
		return RawName(dst), err
	}
	// For one who tries it again. That a file has none is usual, and that they stay behind loses no source.
	_, err = f.Move(ctx, r.Sidecar, SidecarBeside(dst))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return RawName(dst), &SettingsStay{Err: err}
	}
	return RawName(dst), nil
}

// LoadReject reads back what is said of the source in a folder below failed/: Inbox, Reason and Twin.
func LoadReject(f *sharefs.FS, folder string) (*Reject, error) {
	dir := path.Join(FailedDir, path.Base(folder))
	names, err := f.List(dir)
	if err != nil {
		return nil, err
	}
	text := func(name string) string {
		if !slices.Contains(names, name) {
			return ""
		}
		b, readErr := f.Read(path.Join(dir, name), maxSmall)
		err = errors.Join(err, readErr)
		return strings.TrimSpace(string(b))
	}
	r := &Reject{Reason: text(ReasonName), Inbox: RawName(path.Base(folder)), Twin: text(twinName)}
	if from := text(fromName); from != "" {
		err = errors.Join(err, json.Unmarshal([]byte(from), &r.Inbox))
	}
	if !ValidJob(r.Twin) {
		r.Twin = ""
	}
	return r, err
}

// SettingsStay is the error for a source that was moved without its own settings.
type SettingsStay struct{ Err error }

func (e *SettingsStay) Error() string {
	return "the source's own settings stay where they were: " + e.Err.Error()
}

func (e *SettingsStay) Unwrap() error { return e.Err }

// OwnFolder makes a new folder in parent for one source, so that nothing can be there that its move would replace.
func OwnFolder(ctx context.Context, f *sharefs.FS, parent, name string) (dir string, err error) {
	if err := f.MkdirAll(parent); err != nil {
		return "", err
	}
	err = FirstFree(ctx, func(n int) (bool, error) {
		dir = path.Join(parent, NumberedFolder(name, n))
		return f.Mkdir(dir)
	})
	return dir, err
}

// maxNumber is more files of one name than anybody has: what counts on from there is no search for a free name.
const maxNumber = 10_000

// FirstFree calls take with 1, 2, 3, … until it has taken a name, fails, or ctx ends.
func FirstFree(ctx context.Context, take func(n int) (taken bool, err error)) error {
	for n := 1; n <= maxNumber; n++ {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if taken, err := take(n); taken || err != nil {
			return err
		}
	}
	return fmt.Errorf("no name is free: %d files of that name are there; remove some", maxNumber)
}

// withdraw removes our texts from beside a source that did not come. Where no listing can tell, they stay: a
// source without its reason is worse than a reason without a source.
func withdraw(f *sharefs.FS, source string) (landed bool, err error) {
	names, err := f.List(path.Dir(source))
	switch {
	case err != nil:
		return false, err
	case slices.Contains(names, path.Base(source)):
		return true, nil
	}
	return false, Tidy(f, path.Dir(source))
}

// Tidy removes our texts from a folder below failed/, and the folder if nothing else is in it.
func Tidy(f *sharefs.FS, dir string) error {
	var all []error
	for _, name := range texts {
		all = append(all, f.Remove(path.Join(dir, name)))
	}
	return errors.Join(append(all, f.RemoveDir(dir))...)
}

// FailedSource finds the source in a folder below failed/, and where in the inbox it was dropped.
func FailedSource(f *sharefs.FS, folder string) (source string, inbox RawName, err error) {
	dir := path.Join(FailedDir, path.Base(folder))
	names, err := f.List(dir)
	if err != nil {
		return "", "", err
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		return slices.Contains(texts, n) || strings.HasSuffix(n, sidecarSuffix)
	})
	if len(names) != 1 {
		return "", "", fmt.Errorf("%s does not hold one source but %d: move the right one into the inbox",
			f.Path(dir), len(names))
	}
	inbox = RawName(names[0])
	var from RawName
	if ReadJSON(f, path.Join(dir, fromName), maxSmall, &from) == nil && from != "" {
		inbox = from
	}
	return path.Join(dir, names[0]), inbox, nil
}

// GiveBack gives a source that was put away a free name in dir, with its own settings, and returns that name.
//
// People drop files there at any time, so it is linked, which overwrites nothing, and only then leaves its place.
// Another user's file may not be linked (protected_hardlinks, proc(5)): it is moved to a name that nobody else uses.
func GiveBack(ctx context.Context, f *sharefs.FS, source, sidecar, dir, base string) (name string, err error) {
	if err := f.MkdirAll(dir); err != nil {
		return "", err
	}
	name, err = LinkFree(ctx, f, source, sidecar, dir, base)
	moved := errors.Is(err, fs.ErrPermission) && unlinked(f, source)
	if moved {
		denied := name
		name = path.Join(dir, Marked(base, Nonce(5)))
		err = moveBack(ctx, f, source, sidecar, name, denied)
	}
	if err != nil {
		return "", err
	}
	if err := f.DurableForeign(name); err != nil {
		return "", err
	}
	if !moved { // a move that a power loss of the file server undoes leaves the source there, and nowhere else
		err = f.Remove(source)
	}
	return name, errors.Join(err, f.Remove(sidecar))
}

// unlinked reports whether a file has no name but this one, as far as can be seen: no link of it was made.
func unlinked(f *sharefs.FS, name string) bool {
	st, err := f.Stat(name)
	return err == nil && sharefs.Links(st) == 1
}

// moveBack moves a source to a name that is only its own. Its settings are there before it, and stay where they were
// for the next try. denied is the name that the source could not be linked to: the settings may have been.
func moveBack(ctx context.Context, f *sharefs.FS, source, sidecar, name, denied string) error {
	settings, err := f.Read(sidecar, MaxSidecar)
	if err == nil {
		err = f.Create(SidecarBeside(name), settings)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := f.Move(ctx, source, name); err != nil {
		return err
	}
	link := SidecarBeside(denied)
	if same, _ := sameFile(f, sidecar, link); same && denied != "" {
		return f.Remove(link) // they would be taken for another file's
	}
	return nil
}

func sameFile(f *sharefs.FS, a, b string) (bool, error) {
	x, err := f.Stat(a)
	if err != nil {
		return false, err
	}
	y, err := f.Stat(b)
	return err == nil && sharefs.SameFile(x, y), err
}

// LinkFree links a source, with its settings, under the first name in dir that neither a file nor settings have.
// If it has a name there already, one who got no further has made it: that is the one.
func LinkFree(ctx context.Context, f *sharefs.FS, source, sidecar, dir, base string) (name string, err error) {
	if name, err := f.OtherName(source, dir, AsNumbered(base)); name != "" || err != nil {
		return name, err
	}
	err = FirstFree(ctx, func(n int) (bool, error) {
		names, err := f.List(dir)
		if err != nil {
			return false, err
		}
		name = path.Join(dir, Numbered(base, n))
		free, err := freeFor(f, source, name, names)
		if free && err == nil {
			free, err = freeFor(f, sidecar, SidecarBeside(name), names)
		}
		if !free || err != nil {
			return false, err
		}
		return linkBack(f, source, sidecar, name)
	})
	return name, err
}

// freeFor reports whether nothing has the name by a listing, or that very file has: another master may be at it.
func freeFor(f *sharefs.FS, file, name string, listed []string) (bool, error) {
	if !slices.Contains(listed, path.Base(name)) {
		return true, nil
	}
	same, err := sameFile(f, file, name)
	if errors.Is(err, fs.ErrNotExist) { // there is no such file, or somebody has just taken what had the name
		return false, nil
	}
	return same, err
}

// linkBack gives a source a second name in the inbox, its settings first, as `distenc add` does. ours is false,
// and nothing is left, where somebody has the name. After an error the settings stay: the source may be beside
// them, and without them it would be encoded with others.
func linkBack(f *sharefs.FS, source, sidecar, name string) (ours bool, err error) {
	settings := SidecarBeside(name)
	ours, err = f.Publish(sidecar, settings)
	none := errors.Is(err, fs.ErrNotExist)
	if err != nil && !none || err == nil && !ours {
		return false, err
	}
	if ours, err = f.Publish(source, name); err == nil && !ours && !none {
		return false, f.Remove(settings) // they would be taken for another file's
	}
	return ours, err
}
