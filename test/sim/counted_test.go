package sim

import (
	"io/fs"
	"path"
	"regexp"

	"github.com/distenc/distenc/lease/sharefs"
)

var monthName = regexp.MustCompile(`^(\.distenc/history/[0-9]{4}-[0-9]{2})\.[a-z0-9]{8}\.jsonl$`)

// oneMonth is a month's file under one name, which who folds replaces.
func oneMonth(_ *world, c *client) sharefs.Ops {
	return replacer{renamer{
		Ops: c, to: func(name string) string { return monthName.ReplaceAllString(name, "$1.aaaaaaaa.jsonl") },
		names: func(_ string, entries []fs.DirEntry) []fs.DirEntry { return entries },
	}}
}

type replacer struct{ renamer }

func (r replacer) Link(src, dst string) error {
	if path.Ext(dst) == ".jsonl" {
		_ = r.Unlink(dst)
	}
	return r.renamer.Link(src, dst)
}
