package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/distenc/distenc/lease/sharefs"
	"github.com/distenc/distenc/pipeline"
)

// user is who this process is.
type user struct{ uid, gid int }

func me() user { return user{os.Geteuid(), os.Getegid()} }

// owned is what a file shows of its owner and permissions.
type owned struct {
	uid, gid int
	mode     fs.FileMode
}

func ownerOf(info fs.FileInfo) owned {
	o := owned{mode: info.Mode()}
	o.uid, o.gid = idsOf(info)
	return o
}

// cannotWrite explains why our own folder could not be made or used.
func cannotWrite(share *sharefs.FS, m mount, u user, err error) Finding {
	f := failed("write", "%v", err).because(
		"every machine works on the share's files", cmp.Or(Hint(err), "see the server's log"))
	info, statErr := share.Stat(pipeline.ProbeDir)
	if statErr != nil || !errors.Is(err, fs.ErrPermission) {
		return f
	}
	return explainRefusal(f, m, u, ownerOf(info))
}

// explainRefusal distinguishes a user who may not write from one whom the server takes for another: the folder's
// owner, and root, may always write unless the server has mapped them to somebody else.
func explainRefusal(f Finding, m mount, u user, folder owned) Finding {
	f.Seen += fmt.Sprintf("; the folder belongs to %d:%d with mode %s, and this is %d:%d", folder.uid, folder.gid,
		folder.mode, u.uid, u.gid)
	mayWrite := u.uid == folder.uid && folder.mode&0o200 != 0
	switch {
	case m.nfs() && u.uid == 0:
		f.Seen += ": the server takes root for somebody else (root_squash or all_squash)"
		f.Do = "run distenc as the user that owns the share (sudo -u distenc distenc …), or export with `no_root_squash`"
	case m.nfs() && mayWrite:
		f.Seen += ": the server takes this user for another (all_squash)"
		f.Do = "export without `all_squash`, or give the share to the user that anonuid= names (65534 by default)"
	case m.smb():
		f.Do = "give the user of the mount's credentials the right to write, in the folder and in smb.conf (`read only = no`)"
	default:
		f.Do = fmt.Sprintf("run distenc as user %d, or be in group %d and `chmod -R g+ws` the share's folders", folder.uid,
			folder.gid)
	}
	return f
}

// checkFolders asks for each of the share's folders whether we may work in it, and whether it hands its
// group on.
func checkFolders(share *sharefs.FS, u user) Finding {
	var closed, private []string
	for _, folder := range pipeline.Folders() {
		err := sharefs.MayWork(share.Path(folder))
		if err != nil {
			closed = append(closed, fmt.Sprintf("%s (%v)", folder, err))
		} else if info, err := share.Stat(folder); err == nil && info.Mode()&0o020 == 0 {
			private = append(private, folder)
		}
	}
	switch {
	case closed != nil:
		return failed("folders", "user %d may not write in %s", u.uid, some(closed)).because(
			"every machine works in all of them",
			"run distenc as the share's user or in its group; `chmod -R g+ws` the folders. As root on NFS: the export has "+
				"`root_squash`")
	case private != nil:
		return advice("folders", "not writable for their group: %s", some(private)).because(
			"machines that run as other users can't work there",
			"`chmod g+ws` them (SMB: mount with dir_mode=02775)")
	}
	return ok("folders", "user %d may work in all of them", u.uid)
}

// some are the first three and how many there are.
func some(names []string) string {
	if len(names) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:3], ", "), len(names)-3)
	}
	return strings.Join(names, ", ")
}

// checkOwner makes a folder with a file in it and looks whose they are.
func checkOwner(share *sharefs.FS, dir string, m mount) []Finding {
	if me().uid < 0 { // Windows has no such numbers, and no modes
		return nil
	}
	folder := path.Join(dir, "group")
	file := path.Join(folder, "file")
	err := share.MkdirAll(folder)
	if err == nil {
		err = share.Create(file, nil)
	}
	infos := [3]owned{}
	for i, name := range []string{dir, folder, file} {
		info, statErr := share.Stat(name)
		if err = cmp.Or(err, statErr); err != nil {
			return []Finding{failed("owner", "%v", err)}
		}
		infos[i] = ownerOf(info)
	}
	return []Finding{judgeOwner(m, me(), infos[2]), judgeGroup(m, infos[0], infos[1], infos[2])}
}

// judgeOwner compares who we are with who owns what we made.
func judgeOwner(m mount, u user, file owned) Finding {
	if file.uid == u.uid {
		return ok("owner", "what this user (%d) makes is its own", u.uid)
	}
	f := advice("owner", "user %d makes a file, and it belongs to %d", u.uid, file.uid)
	const why = "what one machine makes must be writable for the others. It works as long as all of them are mapped to " +
		"the same user"
	switch {
	case m.smb():
		return f.because("files belong to whom this machine's mount says",
			fmt.Sprintf("mount with uid=%d (and gid=, file_mode=0664, dir_mode=02775)", u.uid))
	case m.nfs() && u.uid == 0:
		f.Seen += ": the server takes root for somebody else (root_squash, or all_squash)"
		return f.because(why, "run distenc as a user of its own, the same number everywhere, or export with `no_root_squash`")
	case m.nfs():
		f.Seen += ": the server takes this user for another (all_squash, or NFSv4 does not know the name)"
		return f.because(why, "export without `all_squash`, or with the same anonuid= and anongid= for all machines; "+
			"NFSv4: the same user names or idmapd's Domain on both sides")
	}
	return f.because(why, "mount it so that files keep their owners")
}

// judgeGroup looks whether what is made can be changed by the group, and gets the folder's group.
func judgeGroup(m mount, parent, folder, file owned) Finding {
	seen := fmt.Sprintf("files are made with mode %s and group %d, folders with %s", file.mode, file.gid, folder.mode)
	const why = "machines that run as other users of the group can't go on with each other's files"
	switch {
	case file.mode&0o020 == 0 && m.smb():
		return advice("group", "%s", seen).because(why, "mount with file_mode=0664,dir_mode=02775")
	case file.mode&0o020 == 0:
		return advice("group", "%s", seen).because(
			why, "the server or an ACL takes the group's permission away: look for default ACLs (getfacl)")
	case m.smb(): // the mount says what groups there are
	case folder.mode&fs.ModeSetgid == 0:
		return advice("group", "%s: setgid is not kept", seen).because(
			"what is made in a folder gets its maker's group, not the folder's",
			"use one user, or one primary group, on all machines")
	case folder.gid != parent.gid || file.gid != folder.gid:
		return advice("group", "%s, where the folder has %d", seen, parent.gid).because(
			"what is made in a folder does not get its group", "use one user, or one primary group, on all machines")
	}
	return ok("group", "%s", seen)
}
