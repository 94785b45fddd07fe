package sharefs

import "os"

var links = map[string]linkTest{"O_NOFOLLOW_ANY": {OS, os.Symlink}}
