package doctor

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// machineWith is the root folder of a machine with these files.
func machineWith(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range files {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

// Lines as kernels wrote them.
const (
	lineRoot = `21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard`
	lineNFS4 = `31 23 0:27 / /mnt/share rw,relatime - nfs4 10.77.0.1:/share rw,vers=4.2,rsize=65536,wsize=65536,` +
		`namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys,clientaddr=10.77.0.11,local_lock=none,addr=10.77.0.1`
	lineNFS3 = `31 23 0:27 / /mnt/share rw,relatime - nfs 10.77.0.1:/export/share rw,vers=3,rsize=65536,wsize=65536,` +
		`namlen=255,hard,nolock,proto=tcp,timeo=600,retrans=2,sec=sys,mountaddr=10.77.0.1,mountvers=3,mountport=45832,` +
		`mountproto=udp,local_lock=all,addr=10.77.0.1`
	lineSMB = `31 23 0:27 / /mnt/share rw,relatime - cifs //10.77.0.1/share rw,vers=3.1.1,cache=strict,username=root,` +
		`uid=0,noforceuid,gid=0,noforcegid,addr=10.77.0.1,file_mode=0755,dir_mode=0755,soft,nounix,serverino,mapposix,` +
		`rsize=4194304,wsize=4194304,bsize=1048576,echo_interval=60,actimeo=1,closetimeo=1`
	// What README.md has people write into fstab.
	lineSMBAdvised = `31 23 0:27 / /mnt/share rw,relatime - cifs //10.77.0.1/share rw,vers=3.1.1,cache=strict,` +
		`username=root,uid=870,forceuid,gid=870,forcegid,addr=10.77.0.1,file_mode=0664,dir_mode=02775,hard,nounix,` +
		`serverino,mapposix,actimeo=1,closetimeo=0`
)

func TestFindMount(t *testing.T) {
	root := machineWith(map[string]string{"proc/self/mountinfo": strings.Join([]string{
		lineRoot,
		`30 21 0:26 / /mnt rw - autofs auto rw`,
		lineNFS4,
		`32 21 0:29 / /mnt/share\040two rw,noatime shared:4 master:7 - xfs /dev/vdb rw`,
		`33 21 0:30 / /twice rw - ext4 /dev/vdc rw`,
		`34 21 0:31 / /twice ro - btrfs /dev/vdd rw`,
		`a line that is not one`,
	}, "\n")})
	for dir, want := range map[string]string{
		"/":                "ext4 /dev/vda /",
		"/mnt/share":       "nfs4 10.77.0.1:/share /mnt/share",
		"/mnt/share/a/b":   "nfs4 10.77.0.1:/share /mnt/share",
		"/mnt/sharetwo":    "autofs auto /mnt",
		"/mnt/share two/x": "xfs /dev/vdb /mnt/share two",
		"/twice/x":         "btrfs /dev/vdd /twice",
	} {
		m, err := findMount(root, dir)
		require.NoError(t, err)
		require.Equal(t, want, m.kind+" "+m.source+" "+m.point, dir)
	}
	m, err := findMount(root, "/twice")
	require.NoError(t, err)
	require.Contains(t, m.options, "ro", "read-only may stand with the mount alone")
	_, err = findMount(machineWith(nil), "/")
	require.Error(t, err)
}

func TestAdviseMount(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string // "level seen" of the options objected to
	}{
		{lineRoot, nil},
		{lineNFS4, nil},
		{lineNFS3, []string{"advice nolock", "advice vers=3"}},
		{lineSMB, []string{"advice not `hard`", "advice closetimeo=1", "advice file_mode=0755",
			"advice dir_mode=0755"}},
		{with(lineSMB, ",closetimeo=1", ""), []string{"advice not `hard`", "advice file_mode=0755", "advice dir_mode=0755"}},
		{lineSMBAdvised, nil},
		{with(lineNFS4, "hard", "soft"), []string{"advice soft"}},
		{with(lineNFS4, "hard", "softerr,noac"), []string{"advice softerr", "advice noac"}},
		{with(lineNFS4, "local_lock=none", "local_lock=flock"), []string{"advice local_lock=flock"}},
		{with(lineNFS4, "local_lock=none", "local_lock=posix"), nil},
		{with(lineNFS4, "hard", "hard,acregmax=600"), []string{"advice acregmax=600"}},
		{with(lineNFS4, "hard", "hard,acregmax=60"), nil},
		{with(lineNFS4, "rw,relatime", "ro,relatime"), []string{"FAIL ro"}},
		{with(lineSMBAdvised, "cache=strict", "cache=loose"), []string{"FAIL cache=loose"}},
		{with(lineSMBAdvised, "cache=strict", "cache=none"), []string{"advice cache=none"}},
		{with(lineSMBAdvised, "serverino", "noserverino,nobrl,mfsymlinks"),
			[]string{"advice nobrl", "advice noserverino", "advice mfsymlinks"}},
		{with(lineSMBAdvised, "hard", "hard,nostrictsync"), []string{"FAIL nostrictsync"}},
		{with(lineSMBAdvised, "vers=3.1.1", "vers=1.0"), []string{"FAIL vers=1.0"}},
	} {
		m, ok := parseMount(c.line)
		require.True(t, ok, c.line)
		var got []string
		for _, f := range adviseMount(m) {
			if f.Check == "mount option" && f.Level != OK {
				got = append(got, string(f.Level)+" "+f.Seen)
				require.NotEmpty(t, f.Why)
				require.NotEmpty(t, f.Do)
			}
		}
		require.Equal(t, c.want, got, c.line)
	}
}

func with(line, old, other string) string { return strings.ReplaceAll(line, old, other) }

func TestOtherFileSystems(t *testing.T) {
	for kind, want := range map[string]Level{
		"ext4": OK, "xfs": OK, "tmpfs": Advice, "vfat": Fail, "fuse.sshfs": Advice, "ceph": Advice,
	} {
		m, _ := parseMount("1 1 0:1 / /x rw - " + kind + " source rw")
		require.Equal(t, want, adviseMount(m)[0].Level, kind)
	}
	m, _ := parseMount(lineNFS4)
	require.Contains(t, adviseMount(m)[0].Do, "exportfs -v", "no client can see async")
}

func TestUnusable(t *testing.T) {
	dir := t.TempDir()
	said := &testError{"no marker"}
	mounts := lineRoot + "\n"
	fstab := "# " + dir + "\nnas:/video " + dir + "/ nfs vers=4.2 0 0\n"
	for _, c := range []struct {
		name, dir string
		files     map[string]string
		want      string
	}{
		{"named in fstab", dir, map[string]string{"proc/self/mountinfo": mounts, "etc/fstab": fstab}, "`mount " + dir + "`"},
		{"not named", dir, map[string]string{"proc/self/mountinfo": mounts,
			"etc/fstab": "nas:/music /music nfs vers=4.2 0 0"}, "nothing is mounted on it"},
		{"another thing mounted", dir,
			map[string]string{"proc/self/mountinfo": mounts + "2 1 0:9 / " + dir + " rw - nfs4 nas:/music rw"},
			"nfs4 nas:/music is mounted here"},
		{"missing", dir + "/missing", map[string]string{"proc/self/mountinfo": mounts}, "make the folder"},
	} {
		f := Unusable(machineWith(c.files), c.dir, said)
		require.Equal(t, Fail, f.Level)
		require.Contains(t, f.Seen, "no marker", c.name)
		require.Contains(t, f.Do, c.want, c.name)
	}
	require.Equal(t, "no marker", Unusable(machineWith(nil), "", said).Seen, "no share is set")
}

type testError struct{ text string }

func (e *testError) Error() string { return e.text }
