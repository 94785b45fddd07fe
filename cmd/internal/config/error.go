package config

import (
	"fmt"
	"slices"
	"strings"
)

// Error is a mistake in the configuration: the person who wrote it can mend it, trying again can't.
type Error struct {
	Where   string // file:line, the variable's or the flag's name
	Key     string // dotted, empty where the mistake is not about a key
	Problem string
	Err     error // the cause, may be nil
}

func (e *Error) Error() string {
	parts := []string{e.Where, e.Key, e.Problem}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ": ")
}

func (e *Error) Unwrap() error { return e.Err }

// at names a line the way compilers and editors do.
func at(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}
