package main

import (
	"os"
	"sync"
)

// maxServiceLog is when a service's log is put aside and begun anew, in bytes; one put aside before is replaced.
const maxServiceLog = 10 << 20

// serviceLog is a file to which lines are added. Safe for concurrent use.
type serviceLog struct {
	mu   sync.Mutex
	file *os.File
	size int64
}

func openServiceLog(name string) (*serviceLog, error) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &serviceLog{file: f, size: info.Size()}, nil
}

func (l *serviceLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.size > maxServiceLog {
		l.turn()
	}
	n, err := l.file.Write(line)
	l.size += int64(n)
	return n, err
}

// turn goes on in a new file; where that can't be, in the old one.
func (l *serviceLog) turn() {
	l.size = 0
	name := l.file.Name()
	if l.file.Close() == nil {
		_ = os.Rename(name, name+".old") // who looks at it keeps it open: the next lines follow in it
	}
	if f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644); err == nil {
		l.file = f
	}
}
