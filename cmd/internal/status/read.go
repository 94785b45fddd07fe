// Package status shows people what goes on on a share: as a table on a terminal, as lines in a log, and as
// a page that lies on the share itself.
package status

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/distenc/distenc/lease"
	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/watcher"
)

// maxDocument bounds what is read of the share's status.json, in bytes.
const maxDocument = 64 << 20

// Reader reads the state of a share again and again. It has one user at a time, and needs no master.
type Reader struct {
	fs    *sharefs.FS
	known *pipeline.StatusCache
	inbox *watcher.Watcher
}

// NewReader returns a reader of this share. What has ended is taken from the share's own status.json: the
// history may be long, and each job of it is several files.
func NewReader(fs *sharefs.FS) *Reader {
	r := &Reader{fs: fs, known: pipeline.NewStatusCache(), inbox: watcher.New(fs, pipeline.Inbox)}
	var last pipeline.Status
	if pipeline.ReadJSON(fs, pipeline.StatusJSON, maxDocument, &last) == nil {
		r.known.Seed(&last)
	}
	return r
}

// Read returns the state as it is now.
func (r *Reader) Read(ctx context.Context) (*pipeline.Status, error) {
	s, err := pipeline.ReadStatus(r.fs, r.known)
	if err != nil {
		return nil, err
	}
	leaders, err := lease.Leaders(r.fs, pipeline.MasterDir)
	if err != nil {
		return nil, err
	}
	if len(leaders) > 0 {
		silence := max(0, time.Since(leaders[0].Beat)) // two clocks: for display only
		quiet, _ := pipeline.Quiet(r.fs)
		s.Master = &pipeline.MasterInfo{
			Node: leaders[0].Node, Since: leaders[0].Since, Seen: int(silence.Seconds()), Silent: silence >= quiet,
		}
	}
	files, err := r.inbox.Scan(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		name := strings.TrimPrefix(f.Name, pipeline.Inbox+"/")
		s.Inbox = append(s.Inbox, pipeline.Waiting{Name: pipeline.RawName(name).String(), Size: f.Size, Why: f.Reason})
	}
	var st unix.Statfs_t
	if unix.Statfs(r.fs.Root(), &st) == nil {
		s.Free = int64(st.Bavail) * st.Bsize // what an ordinary user may write: statfs(2)
	}
	return s, nil
}
