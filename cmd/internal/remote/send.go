package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/distenc/distenc/cmd/internal/handin"
)

// Film is one of this machine that is to be put into the inbox.
type Film struct {
	File   string
	Path   string     // below inbox/, with slashes
	Wishes url.Values // as the interface has them
}

// Send puts a film into the inbox and returns what became of it. It goes on where an earlier call was cut off, and by
// itself after a connection that broke. The error may be a *control.Problem.
func (m *Master) Send(ctx context.Context, f Film, w Watch) (handin.Upload, error) {
	var done handin.Upload
	if err := m.wantsToken(); err != nil {
		return done, err
	}
	file, err := os.Open(f.File)
	if err != nil {
		return done, &fileError{err}
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return done, &fileError{err}
	}
	s := sending{m, file, info, m.inboxAddress(f, info), w, false}
	err = again(ctx, w, func(ctx context.Context) (moved bool, err error) {
		done, moved, err = s.try(ctx)
		return moved, err
	})
	return done, err
}

// sending is a film on its way.
type sending struct {
	*Master

	file    *os.File
	was     fs.FileInfo
	address string
	watch   Watch
	began   bool // a part was sent whose answer may be lost, or by somebody else
}

func (m *Master) inboxAddress(f Film, info fs.FileInfo) string {
	query := url.Values{"modified": {strconv.FormatInt(info.ModTime().UnixMilli(), 10)}}
	for key, values := range f.Wishes {
		query[key] = values
	}
	return m.api("inbox/" + escape(f.Path) + "?" + query.Encode())
}

func escape(path string) string {
	elements := strings.Split(path, "/")
	for i, e := range elements {
		elements[i] = url.PathEscape(e)
	}
	return strings.Join(elements, "/")
}

// try asks how much is there and sends the rest.
func (s *sending) try(ctx context.Context) (done handin.Upload, moved bool, err error) {
	total := s.was.Size()
	if s.began { // the film may be whole, and only the answer was lost
		if err := s.short(ctx, http.MethodGet, s.address, "", &done); err == nil && done.Complete && done.Total == total {
			return done, true, nil
		}
	}
	err = s.short(ctx, http.MethodPut, s.address, fmt.Sprintf("bytes */%d", total), &done)
	s.began = s.began || busy(err)
	if err != nil || done.Complete {
		return done, done.Complete, err
	}
	if err := s.changed(); err != nil {
		return done, false, err
	}
	s.began = true
	at := done.Offset
	s.watch.Moved(at, total)
	rest := &unchanged{s, io.NewSectionReader(s.file, at, total-at), total - at}
	ctx, body, stop := watched(ctx, rest, func(n int) {
		at += int64(n)
		s.watch.Moved(at, total)
	})
	defer stop()
	r, err := s.request(ctx, http.MethodPut, s.address, io.NopCloser(body))
	if err != nil {
		return done, false, err
	}
	r.ContentLength = total - done.Offset
	r.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", done.Offset, total-1, total))
	begin := done.Offset
	if err = s.answer(r, maxShort, &done); err == nil && !done.Complete {
		err = errMoreToCome
	}
	return done, at > begin, cause(ctx, err)
}

// changed is an error if the film is not what it was when it was begun with.
func (s *sending) changed() error {
	if now, err := s.file.Stat(); err != nil || now.Size() != s.was.Size() || !now.ModTime().Equal(s.was.ModTime()) {
		return &fileError{errors.Join(fmt.Errorf("%q changes while it is sent", s.file.Name()), err)}
	}
	return nil
}

// unchanged holds the last bytes of a film back if it has changed: it would be handed in as a mixture.
type unchanged struct {
	*sending

	r    io.Reader
	left int64
}

func (u *unchanged) Read(b []byte) (int, error) {
	n, err := u.r.Read(b)
	u.left -= int64(n)
	if u.left > 0 && err != io.EOF {
		return n, err
	}
	if changed := u.changed(); changed != nil {
		return 0, changed
	}
	return n, err
}
