// Package house tests what CONTRIBUTING.md asks of the house and no linter looks at.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	// maxLines is how long a file may be, tests included.
	maxLines = 350
	// maxPlain is how many fields a struct may have that are no parts: what has more is several things.
	maxPlain = 12
)

// encoderNames are x264's and the others', also as ffmpeg's and SVT's own words.
var encoderNames = regexp.MustCompile(`(?i)(^|[^a-z0-9])(lib)?(x26[45]|svt-?av1)`)

var errnos = regexp.MustCompile(`^(Errno|ERROR_.*|E[A-Z0-9]+)$`)

// knowsEncoders are the rooms that may name one: the encoders', and the one that joins the stages.
var knowsEncoders = []string{"pipeline/encoder/", "pipeline/stages/"}

// knowsErrnos are the rooms that may name what a system call fails with: of the share, of child processes, and of
// Windows' services and processes, which are no files.
var knowsErrnos = []string{
	"lease/sharefs/", "pipeline/media/process.go", "pipeline/media/control_unix.go", "lease/process_windows.go",
	"cmd/distenc/serviceinstall_windows.go",
}

func below(file string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(room string) bool { return strings.HasPrefix(file, room) })
}

// sources gives all Go files of the repository, their paths from its root.
func sources(t *testing.T, each func(file string, parsed *ast.File, at func(ast.Node) token.Position)) {
	t.Helper()
	root, files := os.DirFS("../.."), 0
	require.NoError(t, fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".go" {
			return err
		}
		text, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		files++
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, text, parser.SkipObjectResolution)
		require.NoError(t, err)
		each(file, parsed, func(n ast.Node) token.Position { return set.Position(n.Pos()) })
		if lines := strings.Count(string(text), "\n"); lines > maxLines {
			t.Errorf("%s has %d lines: part it by what it holds", file, lines)
		}
		return nil
	}))
	require.Greater(t, files, 500)
}

func TestRooms(t *testing.T) {
	sources(t, func(file string, parsed *ast.File, at func(ast.Node) token.Position) {
		product := !strings.HasSuffix(file, "_test.go") && !strings.HasPrefix(file, "test/")
		noEncoder := func(n ast.Node, text string) {
			if product && strings.HasPrefix(file, "pipeline/") && !below(file, knowsEncoders) && encoderNames.MatchString(text) {
				t.Errorf("%s: an encoder's name belongs into pipeline/encoder", at(n))
			}
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructType:
				if plain := plainFields(n); plain > maxPlain {
					t.Errorf("%s: %d fields: what belongs together becomes a part with a name", at(n), plain)
				}
			case *ast.SelectorExpr:
				if product && !below(file, knowsErrnos) && errno(n) {
					t.Errorf("%s: what an errno means is lease/sharefs's alone to say", at(n))
				}
			case *ast.Ident:
				noEncoder(n, n.Name)
			case *ast.BasicLit:
				noEncoder(n, n.Value)
			}
			return true
		})
	})
}

// errno reports whether a name is that of a system call's error.
func errno(n *ast.SelectorExpr) bool {
	from, ok := n.X.(*ast.Ident)
	if !ok || !slices.Contains([]string{"syscall", "unix", "windows"}, from.Name) {
		return false
	}
	return errnos.MatchString(n.Sel.Name)
}

// plainFields counts the fields that are no parts: those of types that have no name, or that Go has by itself.
func plainFields(s *ast.StructType) (plain int) {
	for _, f := range s.Fields.List {
		if !isPart(f.Type) {
			plain += len(f.Names)
		}
	}
	return plain
}

func isPart(of ast.Expr) bool {
	switch of := of.(type) {
	case *ast.StarExpr:
		return isPart(of.X)
	case *ast.Ident:
		return !slices.Contains(builtin, of.Name)
	case *ast.SelectorExpr:
		return of.Sel.Name != "Time" && of.Sel.Name != "Duration"
	}
	return false
}

var builtin = []string{
	"bool", "string", "byte", "rune", "error", "any", "float32", "float64",
	"int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
}
