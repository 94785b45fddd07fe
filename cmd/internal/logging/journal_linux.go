package logging

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// toJournal reports whether w is the journal's stream. The variable names its device and inode, because
// programs inherit it whose output goes elsewhere: systemd.exec(5), $JOURNAL_STREAM.
func toJournal(w io.Writer, stream string) bool {
	f, ok := w.(*os.File)
	if !ok || stream == "" {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && fmt.Sprintf("%d:%d", st.Dev, st.Ino) == stream
}
