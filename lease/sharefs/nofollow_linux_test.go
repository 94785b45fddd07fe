package sharefs

import "os"

var links = map[string]linkTest{
	"openat2":  {OS, os.Symlink},
	"stepwise": {func(root string) Ops { return osOps{root: root} }, os.Symlink},
}
