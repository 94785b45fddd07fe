//go:build linux

package lab_test

import (
	"encoding/json"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/distenc/distenc/test/lab"
)

// undoneRename is what a server that loses power does to an SMB client: the rename that it was told is done
// is not, and the client still knows the new name. It takes the same rename for done already, without asking
// the server, while its processes look at the folder all the time.
func undoneRename(t *testing.T, l *lab.Lab) {
	const folder, share = "/export/share/undone", "/mnt/share/undone"
	c := l.Clients[0]
	sh := func(n *lab.Node, script string) {
		_, err := n.Run("sh", "-c", script)
		require.NoError(t, err)
	}
	move := func() {
		outcome, err := c.Move(share, "from/x", "to/x")
		require.NoError(t, err)
		require.Equal(t, "won", outcome)
	}
	sh(c, "mkdir -p "+share+"/from "+share+"/to && touch "+share+"/from/x")
	look, err := c.Start("looks.log", "sh", "-c", "while ls "+share+"/from "+share+"/to; do sleep 0.1; done")
	require.NoError(t, err)
	defer func() { _, _ = c.Run("kill", strconv.Itoa(look)) }()
	for range 3 {
		move()
		sh(l.Server, "mv "+folder+"/to/x "+folder+"/from/x")
		time.Sleep(3 * time.Second) // the client has seen the folders as they are
		move()
		sh(l.Server, "mv "+folder+"/to/x "+folder+"/from/x") // fails if it was not moved
		time.Sleep(3 * time.Second)
	}
}

// clinic is a share of its own for distenc doctor.
const clinic, ward = "/doctor", "/mnt/doctor"

// sick is what is wrong with a mount or an export, and what the doctor must find.
var sick = map[string]struct{ options, option, locks string }{
	"nfs4": {"soft", "soft", "ok"},
	"nfs3": {"soft,local_lock=all", "local_lock=all", "advice"},
	"smb3": {"nobrl", "nobrl", "advice"},
}

// doctor asks distenc doctor about a good mount, a bad one, an export that squashes root, and no mount.
func doctor(t *testing.T, l *lab.Lab) {
	c1, c2, c3 := l.Clients[0], l.Clients[1], l.Clients[2]
	_, err := c1.Run(binary(), "init", "/mnt/share"+clinic)
	require.NoError(t, err)
	for _, n := range l.Clients { // options of a second mount of the same share are not believed
		_, err := n.Run("sh", "-c", "umount /mnt/share; mkdir -p "+ward)
		require.NoError(t, err)
	}
	bad := sick[l.Proto.Name]
	require.NoError(t, c1.Mount(clinic, ward, ""))
	require.NoError(t, c2.Mount(clinic, ward, bad.options))

	var good, ill, none findings
	var wg sync.WaitGroup
	wg.Go(func() { good = examine(t, c1, "--peer") })
	wg.Go(func() { ill = examine(t, c2, "--peer") })
	wg.Go(func() { none = examine(t, c3) })
	wg.Wait()
	for _, check := range []string{"write", "folders", "rename", "link", "O_EXCL", "fsync", "listing", "owner", "group",
		"claims here", "locks here", "peer", "claims"} {
		require.Equal(t, "ok", good.level(check), check)
		require.Equal(t, "ok", ill.level(check), check)
	}
	want := "nothing to object to"
	if l.Proto.Name == "nfs3" {
		want = "vers=3"
	}
	require.Equal(t, []string{want}, good.seen("mount option"))
	require.Contains(t, ill.seen("mount option"), bad.option)
	require.Equal(t, bad.locks, good.level("locks"))
	require.Equal(t, "FAIL", none.level("share"))

	if l.Proto.Name == "smb3" {
		return // it squashes nobody
	}
	_, err = l.Server.Run("exportfs", "-o", "rw,sync,root_squash,no_subtree_check,fsid=0", "*:/export")
	require.NoError(t, err)
	squashed := examine(t, c1)
	require.Equal(t, "FAIL", squashed.level("write"))
	require.Contains(t, squashed.seen("write")[0], "root_squash")
}

// findings are what a doctor has printed.
type findings []struct{ Check, Level, Seen, Do string }

// level is a check's worst, "" if it was not made.
func (f findings) level(check string) string {
	level := ""
	for _, one := range f {
		if one.Check == check && (level == "" || level == "ok" || one.Level == "FAIL") {
			level = one.Level
		}
	}
	return level
}

func (f findings) seen(check string) (seen []string) {
	for _, one := range f {
		if one.Check == check {
			seen = append(seen, one.Seen)
		}
	}
	return seen
}

// examine runs distenc doctor on a machine. What it objects to is told in the test's log.
func examine(t *testing.T, n *lab.Node, args ...string) findings {
	// It ends with 1 where a check failed, which is no failure here.
	script := append([]string{"sh", "-c", `"$@" 2>/dev/null || true`, "sh", binary(), "doctor", "--json", "--share", ward},
		args...)
	out, err := n.RunWithin(patience, script...)
	assert.NoError(t, err)
	var report struct{ Findings findings }
	assert.NoError(t, json.Unmarshal([]byte(out), &report), out)
	for _, f := range report.Findings {
		if f.Level != "ok" {
			t.Logf("%s: %s %s: %s; %s", n.Name, f.Level, f.Check, f.Seen, f.Do)
		}
	}
	return report.Findings
}
