package doctor

import (
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// memories are what an SMB client of Windows remembers, and for how many seconds where nobody has set that (Microsoft,
// "SMB2 Client Redirector Caches Explained").
var memories = []struct {
	value string // in the registry
	usual uint64
}{
	{"DirectoryCacheLifetime", 10}, {"FileInfoCacheLifetime", 10}, {"FileNotFoundCacheLifetime", 5},
}

// adviseWay judges how this machine comes to the share at root: by a file system, of its own or of a server.
func adviseWay(_ mount, root string) []Finding {
	drive := filepath.VolumeName(root) + `\`
	volume, err := windows.UTF16PtrFromString(drive)
	var kind [windows.MAX_PATH + 1]uint16
	if err == nil {
		err = windows.GetVolumeInformation(volume, nil, 0, nil, nil, nil, &kind[0], uint32(len(kind)))
	}
	if err != nil {
		return []Finding{advice("mount", "cannot find out what %s is: %v", drive, err)}
	}
	is := fmt.Sprintf("%s on %s", windows.UTF16ToString(kind[:]), drive)
	if windows.GetDriveType(volume) != windows.DRIVE_REMOTE {
		return []Finding{ok("mount", "%s: this machine's own disk", is)}
	}
	return []Finding{ok("mount", "%s, of a server", is), judgeMemories(registered())}
}

// registered returns what the registry has set for the SMB client.
func registered() map[string]uint64 {
	set := map[string]uint64{}
	key, err := registry.OpenKey(registry.LOCAL_MACHINE,
		`SYSTEM\CurrentControlSet\Services\LanmanWorkstation\Parameters`, registry.QUERY_VALUE)
	if err == nil {
		defer func() { _ = key.Close() }()
		for _, m := range memories {
			if seconds, _, err := key.GetIntegerValue(m.value); err == nil {
				set[m.value] = seconds
			}
		}
	}
	return set
}

// judgeMemories judges what this machine's SMB client remembers of other machines' changes.
func judgeMemories(set map[string]uint64) Finding {
	const check = "SMB client"
	var seen, command []string
	for _, m := range memories {
		seconds, is := set[m.value]
		if !is {
			seconds = m.usual
		}
		if seconds > 0 {
			seen = append(seen, fmt.Sprintf("%s is %d s", m.value, seconds))
			command = append(command, "-"+m.value+" 0")
		}
	}
	if len(seen) == 0 {
		return ok(check, "it asks the server each time")
	}
	f := advice(check, "%s", strings.Join(seen, ", "))
	f.Why = "others' changes are seen late, and a worker runs after chunks that others have long claimed"
	f.Do = "as an administrator: Set-SmbClientConfiguration " + strings.Join(command, " ")
	return f
}
