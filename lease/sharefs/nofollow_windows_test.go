package sharefs

import (
	"os"
	"os/exec"
)

var links = map[string]linkTest{
	"symbolic link": {OS, os.Symlink},
	"junction": {OS, func(target, link string) error {
		return exec.Command("cmd", "/c", "mklink", "/J", link, target).Run()
	}},
}
