package sharefs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// Several users may run nodes on one share, so all is group-writable and folders hand their group on.
const (
	filePerm = 0o664
	dirPerm  = fs.ModeSetgid | 0o775
)

// Durable makes a moved or linked name outlast a power loss of the file server. SMB keeps a rename only
// after an fsync of the renamed file through a descriptor that can write, a local disk after one of its
// directory; both are done.
func (f *FS) Durable(name string) error { return f.durable(name, f.syncFile(name)) }

// Sync brings what a child process has written to the server's disk. The file's name is not yet durable.
func (f *FS) Sync(name string) error {
	if err := f.syncFile(name); err != nil {
		return fmt.Errorf("cannot sync %q: %w", name, err)
	}
	return nil
}

// DurableForeign is Durable for a file that may be another user's: one that we may not write to is synced
// through a descriptor that reads, for what that is worth.
func (f *FS) DurableForeign(name string) error {
	err := f.syncFile(name)
	if errors.Is(err, fs.ErrPermission) {
		err = f.sync(name, readFlags)
	}
	return f.durable(name, err)
}

func (f *FS) durable(name string, err error) error {
	if err == nil {
		err = f.syncDir(path.Dir(name))
	}
	if err != nil {
		return fmt.Errorf("cannot make %q durable: %w", name, err)
	}
	return nil
}

func (f *FS) syncFile(name string) error {
	return f.sync(name, os.O_RDWR|plainOnly)
}

func (f *FS) sync(name string, flag int) error {
	file, _, err := f.openRegular(name, flag)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// syncDir passes over file systems that know no fsync of a directory: fsync(2), EINVAL.
func (f *FS) syncDir(dir string) error {
	err := f.ops.SyncDir(dir)
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}

// Create makes a new file with data in it, synced and closed. A name that exists is fs.ErrExist; after
// any other error the file was removed again, as far as that was possible.
func (f *FS) Create(name string, data []byte) error { return f.create(name, data, finish) }

// Jot is Create without the sync, for a text that nothing depends on after a power loss of the file server. Others see
// it all the same: a network share's client sends it when it is closed.
func (f *FS) Jot(name string, data []byte) error {
	return f.create(name, data, func(file File, err error) error { return errors.Join(err, file.Close()) })
}

func (f *FS) create(name string, data []byte, end func(file File, err error) error) error {
	file, err := f.ops.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
	if err == nil {
		if len(data) > 0 {
			_, err = file.Write(data)
			err = end(file, err)
		} else {
			err = file.Close()
		}
		if err != nil {
			_ = f.ops.Unlink(name) // ours: O_EXCL made it. What stays is swept
		}
	}
	if err != nil {
		return fmt.Errorf("cannot create %q: %w", name, err)
	}
	return nil
}

// finish syncs and closes after a write; an error of either means that the bytes may not be there.
func finish(file File, err error) error {
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Overwrite writes data over the beginning of an existing file, syncs and closes it. It is for a file
// with one writer and texts of one length, a heartbeat: nothing is truncated, so the server's clock
// stamps the file, and it is never created, so a name that was swept stays gone.
func (f *FS) Overwrite(name string, data []byte) error {
	file, _, err := f.openRegular(name, os.O_WRONLY|plainOnly)
	if err == nil {
		_, err = file.WriteAt(data, 0)
		err = finish(file, err)
	}
	if err != nil {
		return fmt.Errorf("cannot overwrite %q: %w", name, err)
	}
	return nil
}

// Replace gives a file that has a single writer new content at once: readers see the old or the new.
func (f *FS) Replace(name string, data []byte) error {
	tmp := temporary(name)
	if err := f.Create(tmp, data); err != nil {
		return err
	}
	err := f.ops.Rename(tmp, name)
	if err == nil {
		return nil
	}
	if there, listErr := f.listed(tmp); listErr == nil && !there {
		return nil // done, and only the answer was lost: nobody else knows the temporary name
	}
	_ = f.ops.Unlink(tmp)
	return fmt.Errorf("cannot replace %q: %w", name, err)
}

// SetDate gives a finished file another mtime, for people: nothing here goes by it, since a client's clock may stamp it
// (see the package's comment). A file system may refuse it.
func (f *FS) SetDate(name string, mtime time.Time) error {
	if err := f.ops.Chtimes(name, mtime); err != nil {
		return fmt.Errorf("cannot set the date of %q: %w", name, err)
	}
	return nil
}

// Remove unlinks a file; one that is missing is no error.
func (f *FS) Remove(name string) error {
	if err := f.ops.Unlink(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %q: %w", name, err)
	}
	return nil
}

// RemoveDir removes an empty directory; one that is missing or not empty is no error.
func (f *FS) RemoveDir(name string) error {
	err := f.ops.Rmdir(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) { // ENOTEMPTY is one of these: rmdir(2)
		return nil
	}
	return fmt.Errorf("cannot remove folder %q: %w", name, err)
}

// Mkdir makes a group-writable setgid directory. Of several that make the same one at most one is told
// created; a directory that is there already is no error.
func (f *FS) Mkdir(name string) (created bool, err error) {
	err = f.ops.Mkdir(name, dirPerm)
	if err == nil {
		return true, nil
	}
	// Whatever the error: NFS may say EACCES or EROFS for a directory that exists, and answers get lost.
	if info, statErr := f.ops.Lstat(name); statErr == nil && info.IsDir() {
		return false, nil
	}
	return false, fmt.Errorf("cannot make folder %q: %w", name, err)
}

// MkdirAll makes a directory and, where they are missing, those above it. What is there is not asked for
// again: a request that lands late would make what has been removed since.
func (f *FS) MkdirAll(name string) error {
	_, err := f.Mkdir(name)
	if dir := path.Dir(name); errors.Is(err, fs.ErrNotExist) && dir != "." && dir != "/" {
		if err := f.MkdirAll(dir); err != nil {
			return err
		}
		_, err = f.Mkdir(name)
	}
	return err
}
