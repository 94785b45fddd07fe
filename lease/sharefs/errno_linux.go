package sharefs

import "syscall"

var native = errnos{troubles: []syscall.Errno{syscall.EREMOTEIO}}
