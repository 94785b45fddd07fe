package doctor

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLimits(t *testing.T) {
	root := machineWith(map[string]string{
		"proc/self/limits": "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024    " +
			"             2048                 files     \n",
		"proc/sys/fs/inotify/max_user_watches":   "100\n",
		"proc/sys/fs/inotify/max_user_instances": "128\n",
	})
	require.Equal(t, Advice, checkOpenFiles(root).Level)
	require.Equal(t, Advice, checkInotify(root).Level)
	unlimited := machineWith(map[string]string{"proc/self/limits": "Max open files            1024                 " +
		"unlimited            files\n"})
	require.Equal(t, OK, checkOpenFiles(unlimited).Level)
	require.Equal(t, Advice, checkOpenFiles(machineWith(nil)).Level)
}
