//go:build linux

// Command agent runs commands in a guest of the lab, for the tests on the host. POST /run with a JSON list
// of words runs them; the answer is their standard output. GET /files?in=FOLDER lists all files below a
// folder, one a line; to start a command for that takes a guest a hundred times as long. POST
// /move?share=FOLDER&src=NAME&dst=NAME renames as distenc does and answers with the outcome. What went wrong
// comes with status 500.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/distenc/distenc/lease/sharefs"
)

func main() {
	http.HandleFunc("POST /run", run)
	http.HandleFunc("GET /files", files)
	http.HandleFunc("POST /move", move)
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}

// files leaves out what goes away while it looks.
func files(w http.ResponseWriter, r *http.Request) {
	var list strings.Builder
	root := os.DirFS(r.FormValue("in"))
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list.WriteString(name + "\n")
		}
		if errors.Is(err, fs.ErrNotExist) && name != "." {
			err = nil
		}
		return err
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = io.WriteString(w, list.String())
}

func move(w http.ResponseWriter, r *http.Request) {
	share, err := sharefs.Open(r.FormValue("share"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	outcome, err := share.Move(r.Context(), r.FormValue("src"), r.FormValue("dst"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = fmt.Fprint(w, outcome)
}

// run kills the command when its client goes away. A daemon that the command leaves behind lives on.
func run(w http.ResponseWriter, r *http.Request) {
	var argv []string
	if err := json.NewDecoder(r.Body).Decode(&argv); err != nil || len(argv) == 0 {
		http.Error(w, fmt.Sprintf("no command: %v", err), http.StatusBadRequest)
		return
	}
	cmd := exec.CommandContext(r.Context(), argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("%w: %s", err, failed.Stderr)
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) { // that is a daemon which has not yet let go of our pipe
		http.Error(w, fmt.Sprintf("%s%v", out, err), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(out)
}
