package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/distenc/distenc/lease/sharefs"
)

// Facts are what programs of this machine have told of themselves or shown in a trial, kept in a folder across runs: to
// start ffmpeg takes as long as to encode half a second of film. A fact holds for the same file of the program, the
// same libraries, this program and this start of the machine. Where one of them can't be told nothing is kept.
//
// A fact only spares a question. One that is wrong, because a library was replaced without ldconfig(8), shows as an
// encode that fails, or that names another version: then Doubt is called, and all is asked anew. Errors are never kept.
//
// Safe for concurrent use, also by several processes. All methods of nil know nothing.
type Facts struct {
	dir *sharefs.FS

	mu       sync.Mutex
	believed bool // something was answered from the folder
	doubted  bool // nothing is taken from there any more
}

const (
	// maxFacts limits the files. When there are so many, all go: what is in use comes again. A machine has a dozen, and
	// one more for each form of pictures and settings; a home may be that of a whole cluster.
	maxFacts = 1000
	// maxFact limits one of them, in bytes. The longest is ffmpeg's list of encoders, 20 kB.
	maxFact = 128 << 10
)

// OpenFacts returns the facts of a folder; nil if there is no such folder.
func OpenFacts(dir string) *Facts {
	if dir == "" {
		return nil
	}
	folder, err := sharefs.Open(dir)
	if err != nil {
		return nil
	}
	return &Facts{dir: folder}
}

// Recall returns what a program has answered to a question before, or else what find makes it answer. What find
// returns with an error is not kept.
func Recall[T any](ctx context.Context, t Tools, program, question string, find func() (T, error)) (T, error) {
	key := t.Facts.key(program, question)
	if answer, known := recall[T](t.Facts, key); known {
		t.debug(ctx, "known", "program", program, "question", question)
		return answer, nil
	}
	answer, err := find()
	if err == nil && key == t.Facts.key(program, question) { // else it was replaced meanwhile
		t.Facts.keep(key, answer)
	}
	return answer, err
}

// fact is a file's content.
type fact struct {
	Key    string          `json:"key"`
	Answer json.RawMessage `json:"answer"`
}

func recall[T any](f *Facts, key string) (answer T, known bool) {
	if key == "" {
		return answer, false
	}
	var what fact
	b, err := f.dir.Read(fileOf(key), maxFact)
	if err != nil || json.Unmarshal(b, &what) != nil || what.Key != key || json.Unmarshal(what.Answer, &answer) != nil {
		return *new(T), false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.doubted {
		return *new(T), false
	}
	f.believed = true
	return answer, true
}

// key identifies a question to what a program is now; empty: nothing is known of it, and nothing is kept.
func (f *Facts) key(program, question string) string {
	if f == nil {
		return ""
	}
	f.mu.Lock()
	doubted := f.doubted
	f.mu.Unlock()
	own, err := os.Executable()
	machine := machineState()
	if doubted || err != nil || machine == "" {
		return ""
	}
	parts := []string{machine, fileState(own), fileState(program), question}
	if slices.Contains(parts, "") {
		return ""
	}
	for _, kv := range os.Environ() { // of the loader: ld.so(8)
		if strings.HasPrefix(kv, "LD_") {
			parts = append(parts, kv)
		}
	}
	return strings.Join(parts, "\n")
}

func (f *Facts) keep(key string, answer any) {
	text, err := json.Marshal(answer)
	if key == "" || err != nil {
		return
	}
	if text, err = json.Marshal(fact{key, text}); err != nil || len(text) > maxFact {
		return
	}
	if names := f.files(); len(names) >= maxFacts {
		f.remove(names)
	}
	_ = f.dir.Replace(fileOf(key), text) // where nothing can be kept, all is asked again
}

// Doubt removes all facts, and has this process ask everything anew from now on. It reports whether it had gone by any
// until now.
func (f *Facts) Doubt() bool {
	if f == nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.doubted {
		f.remove(f.files())
	}
	believed := f.believed && !f.doubted
	f.doubted = true
	return believed
}

const factEnding = ".fact"

func fileOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:]) + factEnding
}

func (f *Facts) files() []string {
	names, _ := f.dir.List(".") // a folder that can't be read has none
	return slices.DeleteFunc(names, func(name string) bool { return !strings.HasSuffix(name, factEnding) })
}

func (f *Facts) remove(names []string) {
	for _, name := range names {
		_ = f.dir.Remove(name) // what stays is removed the next time, or holds
	}
}
