// Command agent runs commands in a guest of the lab, for the tests on the host: POST / with a JSON list of
// words runs them, and the answer is their standard output, or with status 500 what went wrong.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

func main() {
	log.Fatal(http.ListenAndServe(os.Args[1], http.HandlerFunc(run)))
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
	if err != nil {
		http.Error(w, fmt.Sprintf("%s%v", out, err), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(out)
}
