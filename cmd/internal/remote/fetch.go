package remote

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"path"

	"github.com/distenc/distenc/cmd/internal/control"
	"github.com/distenc/distenc/cmd/internal/handin"
	"github.com/distenc/distenc/pipeline"
)

// Outputs lists what lies in the outbox, the latest first.
func (m *Master) Outputs(ctx context.Context) ([]handin.Output, error) {
	if err := m.wantsToken(); err != nil {
		return nil, err
	}
	var list struct{ Outputs []handin.Output }
	err := m.short(ctx, http.MethodGet, m.api("outbox"), "", &list)
	return list.Outputs, err
}

// Output looks for the file of the outbox with that path, which Outputs need not list: it has the latest ones alone.
func (m *Master) Output(ctx context.Context, path string) (o handin.Output, found bool, err error) {
	o.Name, o.Href = pipeline.RawName(path), "outbox/"+escape(path)
	f := fetching{Master: m, address: m.api(o.Href)}
	_, _, err = f.head(ctx)
	if p, ok := errors.AsType[*control.Problem](err); ok && p.Status == http.StatusNotFound {
		return o, false, nil
	}
	return o, err == nil, err
}

// Fetch writes an output into the file to, which must not be there yet. It goes on where an earlier call was cut off,
// and by itself after a connection that broke. What came is compared with its size and with the CRC-32 in its name.
func (m *Master) Fetch(ctx context.Context, o handin.Output, to string, w Watch) error {
	if err := free(to); err != nil {
		return err
	}
	f := fetching{m, m.api(o.Href), path.Base(string(o.Name)), to, w}
	return again(ctx, w, f.try)
}

// fetching is an output on its way.
type fetching struct {
	*Master

	address, name, to string
	watch             Watch
}

// try gets what is missing of the output, as it is now: what came of another one under its name is of no use.
func (f *fetching) try(ctx context.Context) (moved bool, err error) {
	tag, total, err := f.head(ctx)
	if err != nil {
		return false, err
	}
	name := fmt.Sprintf("%s.%08x.part", f.to, crc32.ChecksumIEEE([]byte(tag)))
	part, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return false, &fileError{err}
	}
	moved, err = f.rest(ctx, part, tag, total)
	if err == nil {
		err = f.verify(part)
	}
	if closed := part.Close(); err == nil && closed != nil {
		err = &fileError{closed}
	}
	if errors.As(err, new(*damagedError)) {
		return moved, &fileError{errors.Join(err, os.Remove(name))}
	}
	if err == nil {
		if err = rename(name, f.to); err != nil {
			err = &fileError{err}
		}
	}
	return moved, err
}

// free is an error where a file has the name.
func free(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%q is there already, and is not overwritten; -o names another file", name)
	}
	return nil
}

// rename overwrites nothing, by a link. A file system without links gets the last look that is possible.
func rename(from, to string) error {
	err := os.Link(from, to)
	if err == nil {
		return os.Remove(from)
	}
	if err := free(to); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// head asks what there is.
func (f *fetching) head(ctx context.Context) (tag string, total int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := f.request(ctx, http.MethodHead, f.address, http.NoBody)
	if err != nil {
		return "", 0, err
	}
	answer, err := f.do(r)
	if err != nil {
		return "", 0, err
	}
	_ = answer.Body.Close() // it is empty
	tag, total = answer.Header.Get("ETag"), answer.ContentLength
	if tag == "" || total < 0 {
		return "", 0, control.Refuse(http.StatusNotImplemented,
			"the master, or a proxy before it, does not say how large the file is")
	}
	return tag, total, nil
}

// rest gets what the file does not have yet.
func (f *fetching) rest(ctx context.Context, part *os.File, tag string, total int64) (moved bool, err error) {
	at, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return false, &fileError{err}
	}
	f.watch.Moved(at, total)
	if at >= total {
		return true, nil
	}
	ctx, body, stop := watched(ctx, nil, func(n int) {
		at += int64(n)
		f.watch.Moved(at, total)
	})
	defer stop()
	r, err := f.request(ctx, http.MethodGet, f.address, http.NoBody)
	if err != nil {
		return false, err
	}
	r.Header.Set("Range", fmt.Sprintf("bytes=%d-", at))
	r.Header.Set("If-Range", tag)
	answer, err := f.do(r)
	if err != nil {
		return false, cause(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusPartialContent {
		return false, errors.New("the output has just changed")
	}
	begin := at
	body.Reader = io.LimitReader(answer.Body, total-at)
	_, err = io.Copy(writing{part}, body)
	if err == nil && at < total {
		err = errMoreToCome
	}
	return at > begin, cause(ctx, err)
}

// writing tells an error of this machine's disk from one of the network.
type writing struct{ to *os.File }

func (w writing) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	if err != nil {
		err = &fileError{err}
	}
	return n, err
}

// damagedError is a file that came whole and is not what its name says.
type damagedError struct{ tag, is string }

func (e *damagedError) Error() string {
	return fmt.Sprintf("the name says CRC-32 %s but what came has %s: it is damaged, and was removed; fetch it again",
		e.tag, e.is)
}

// verify compares what came with the tag in its name, and makes it last.
func (f *fetching) verify(part *os.File) error {
	if tag := pipeline.Tag(f.name); tag != "" {
		crc := crc32.NewIEEE()
		if _, err := io.Copy(crc, io.NewSectionReader(part, 0, 1<<62)); err != nil {
			return &fileError{err}
		}
		if is := fmt.Sprintf("%08X", crc.Sum32()); is != tag {
			return &damagedError{tag, is}
		}
	}
	if err := part.Sync(); err != nil {
		return &fileError{err}
	}
	return nil
}
