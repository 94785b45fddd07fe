package control

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
)

const (
	// mostToken bounds what a request may give for a token, in bytes.
	mostToken = 512
	// maxTokens bounds the file in bytes.
	maxTokens = 64 << 10
)

// Tokens are those who may steer.
type Tokens []holder

// holder is one of them. The token itself is not kept.
type holder struct {
	name string
	hash [sha256.Size]byte
}

// ReadTokens reads a file with a "TOKEN NAME" a line. Its errors say what to do about it.
func ReadTokens(name string) (Tokens, error) {
	st, err := os.Stat(name)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%q is no regular file", name)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokens: %w", err)
	}
	if st.Mode().Perm()&0o027 != 0 && runtime.GOOS != "windows" { // which has no modes, and Go makes some up
		return nil, fmt.Errorf("%q has mode %04o: others can read or write the tokens; `chmod g-w,o= %s` mends it",
			name, st.Mode().Perm(), name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokens: %w; the daemon's user must be able to", err)
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxTokens+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the tokens: %w", err)
	}
	if len(data) > maxTokens {
		return nil, fmt.Errorf("%q is larger than %d bytes", name, maxTokens)
	}
	return parseTokens(name, data)
}

// parseTokens never puts a token into an error.
func parseTokens(name string, data []byte) (all Tokens, err error) {
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		token, who, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		who = strings.TrimSpace(who)
		wrong := func(problem string) error { return fmt.Errorf("%s:%d: %s", name, n, problem) }
		switch {
		case who == "":
			return nil, wrong(`wants "TOKEN NAME": who asks stands in the log and in the job's report`)
		case !tokenForm.MatchString(token):
			return nil, wrong("a token is at least 16 characters, letters, digits and -._~+/= alone; " +
				"`openssl rand -hex 16` makes one")
		case !printable(who):
			return nil, wrong("a name has printable characters, 64 at most")
		}
		h := holder{who, sha256.Sum256([]byte(token))}
		if _, twice := all.find(h.hash); twice {
			return nil, wrong("this token is there twice")
		}
		all = append(all, h)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf(`%q holds no token: write a "TOKEN NAME" a line, or leave http.control out`, name)
	}
	return all, nil
}

// tokenForm has the characters of RFC 6750, section 2.1.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9._~+/=-]{16,512}$`)

func printable(s string) bool {
	return len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}

// find compares with all of them, in a time that does not depend on which one it is.
func (t Tokens) find(hash [sha256.Size]byte) (found holder, ok bool) {
	for _, h := range t {
		if subtle.ConstantTimeCompare(h.hash[:], hash[:]) == 1 {
			found, ok = h, true
		}
	}
	return found, ok
}
