package sharefs

import (
	"syscall"

	"golang.org/x/sys/windows"
)

// native has Windows' own numbers ("System Error Codes"). POSIX's are made up by Go there, and come from simulated
// shares and from what a program said in the words of its C library. ERROR_ACCESS_DENIED is also the answer for a file
// that is being removed, or open where it may not be: it is one file's own, and may pass.
var native = errnos{
	full:     []syscall.Errno{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED},
	readOnly: []syscall.Errno{windows.ERROR_WRITE_PROTECT},
	stale:    []syscall.Errno{windows.ERROR_NETNAME_DELETED, windows.ERROR_DEV_NOT_EXIST},
	unreadable: []syscall.Errno{windows.ERROR_CRC, windows.ERROR_SECTOR_NOT_FOUND, windows.ERROR_READ_FAULT,
		windows.ERROR_WRITE_FAULT, windows.ERROR_GEN_FAILURE, windows.ERROR_IO_DEVICE, windows.ERROR_FILE_CORRUPT,
		windows.ERROR_DISK_CORRUPT},
	notFolder: []syscall.Errno{windows.ERROR_DIRECTORY},
	tooLong:   []syscall.Errno{windows.ERROR_FILENAME_EXCED_RANGE, windows.ERROR_INVALID_NAME},
	noMemory: []syscall.Errno{windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_OUTOFMEMORY,
		windows.ERROR_NO_SYSTEM_RESOURCES, windows.ERROR_COMMITMENT_LIMIT, windows.ERROR_NOT_ENOUGH_QUOTA},
	immovable: []syscall.Errno{windows.ERROR_ACCESS_DENIED, windows.ERROR_PRIVILEGE_NOT_HELD,
		windows.ERROR_NOT_SAME_DEVICE},
	troubles: []syscall.Errno{
		windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION, windows.ERROR_BUSY, windows.ERROR_NOT_READY,
		windows.ERROR_DELETE_PENDING, windows.ERROR_TOO_MANY_OPEN_FILES, windows.ERROR_SHARING_BUFFER_EXCEEDED,
		// A share behind a network.
		windows.ERROR_BAD_NETPATH, windows.ERROR_BAD_NET_NAME, windows.ERROR_NETWORK_BUSY, windows.ERROR_BAD_NET_RESP,
		windows.ERROR_UNEXP_NET_ERR, windows.ERROR_ADAP_HDW_ERR, windows.ERROR_REM_NOT_LIST,
		windows.ERROR_NETWORK_ACCESS_DENIED, windows.ERROR_SHARING_PAUSED, windows.ERROR_REQ_NOT_ACCEP,
		windows.ERROR_SEM_TIMEOUT, windows.ERROR_TIMEOUT, windows.ERROR_VC_DISCONNECTED,
		windows.ERROR_BAD_DEVICE, windows.ERROR_CONNECTION_UNAVAIL, windows.ERROR_NO_NET_OR_BAD_PATH,
		windows.ERROR_NO_NETWORK, windows.ERROR_CONNECTION_REFUSED, windows.ERROR_CONNECTION_INVALID,
		windows.ERROR_CONNECTION_ABORTED, windows.ERROR_GRACEFUL_DISCONNECT, windows.ERROR_NETWORK_UNREACHABLE,
		windows.ERROR_HOST_UNREACHABLE, windows.ERROR_NO_LOGON_SERVERS, windows.ERROR_FILE_OFFLINE,
		windows.WSAECONNRESET, windows.WSAECONNABORTED,
	},
}
