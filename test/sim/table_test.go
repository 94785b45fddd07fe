package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	faultRow    = regexp.MustCompile(`(?m)^\| (\d+) \| [^|]+ \| [^|]+ \| ([^|]+) \|$`)
	packageName = regexp.MustCompile("^`([a-z/]+)`")
	testName    = regexp.MustCompile(`\bTest[A-Z]\w*(/\d\d)?`)
)

// TestEveryFaultHasItsTest compares the table of faults in docs/protocol.md with the tests that there are:
// each fault is played alone here, and what the table names exists.
func TestEveryFaultHasItsTest(t *testing.T) {
	doc, err := os.ReadFile("../../docs/protocol.md")
	require.NoError(t, err)
	rows := faultRow.FindAllStringSubmatch(string(doc), -1)
	require.Len(t, rows, 23)
	for n, row := range rows {
		number := fmt.Sprintf("%02d", n+1)
		require.Equal(t, fmt.Sprint(n+1), row[1])
		require.Contains(t, row[2], "TestFault/"+number)
		require.True(t, slices.ContainsFunc(faults(), func(f fault) bool { return strings.HasPrefix(f.name, number) }),
			number)
		for _, part := range strings.Split(row[2], "; ") {
			pkg := packageName.FindStringSubmatch(part)
			require.NotNil(t, pkg, "fault %s: no package before %q", number, part)
			for _, test := range testName.FindAllString(part, -1) {
				name, _, _ := strings.Cut(test, "/")
				require.True(t, hasTest(t, pkg[1], name), "fault %s: there is no %s in %s", number, name, pkg[1])
			}
		}
	}
}

func hasTest(t *testing.T, pkg, name string) bool {
	files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
	require.NoError(t, err)
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		return strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)")
	})
}
