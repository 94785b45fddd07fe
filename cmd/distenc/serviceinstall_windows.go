package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"
	"golang.org/x/term"

	"github.com/distenc/distenc/cmd/internal/config"
)

const serviceName = "distenc-worker"

// installService makes the service for a configuration that it could work with, and starts it.
func (g *global) installService(cmd *cobra.Command, user string) error {
	file, err := filepath.Abs(cmp.Or(g.configFile, config.MachineFile))
	if err != nil {
		return err
	}
	g.configFile = file // also the usual one has to be there: a service has no flags
	cfg, _, err := g.load(cmd)
	if err != nil {
		return err
	}
	if cfg.Share == "" {
		return &config.Error{Where: file, Problem: `names no share; write share = '\\server\folder' into it`}
	}
	if err := seenByService(cfg.Share); err != nil {
		return err
	}
	password := ""
	if user != "" && !strings.HasSuffix(user, "$") { // a group managed account has none to tell
		if password, err = askPassword(cmd.ErrOrStderr(), user); err != nil {
			return err
		}
	}
	return createService(cmd.OutOrStdout(), user, password, "worker", "--config", file)
}

func createService(out io.Writer, user, password string, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("cannot speak to the service manager: %w; run this as an administrator", err)
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.CreateService(serviceName, self, mgr.Config{
		DisplayName: "distenc worker", Description: "Encodes chunks of the videos on the share",
		StartType: mgr.StartAutomatic, ServiceStartName: user, Password: password,
	}, args...)
	if errors.Is(err, windows.ERROR_SERVICE_EXISTS) {
		return errors.New("the service is there already: `distenc service uninstall` removes it")
	}
	if err != nil {
		return fmt.Errorf("cannot make the service: %w", err)
	}
	defer func() { _ = s.Close() }()
	if err := restartOnFailure(s); err != nil {
		fmt.Fprintf(out, "note: the service will not be started again when it fails: %v\n", err)
	}
	err = s.Start()
	if errors.Is(err, windows.ERROR_SERVICE_LOGON_FAILED) {
		return fmt.Errorf("the service is installed, but %s can't log on: a wrong password, or the user lacks the right "+
			"\"Log on as a service\", which services.msc gives when the password is typed there: %w", user, err)
	}
	if err != nil {
		return fmt.Errorf("the service is installed, but does not start: %w", err)
	}
	fmt.Fprintf(out, "the service %s is installed and started; its log is %s\n", serviceName, serviceLogFile(args))
	return nil
}

// restartOnFailure is what Restart=on-failure is in a unit of systemd.
func restartOnFailure(s *mgr.Service) error {
	err := s.SetRecoveryActions([]mgr.RecoveryAction{
		{Type: mgr.ServiceRestart, Delay: 10 * time.Second},
		{Type: mgr.ServiceRestart, Delay: time.Minute},
	}, uint32(time.Hour.Seconds()))
	if err != nil {
		return err
	}
	return s.SetRecoveryActionsOnNonCrashFailures(true)
}

// askPassword reads it from the terminal without showing it, or else a line of standard input.
func askPassword(w io.Writer, user string) (string, error) {
	in := int(os.Stdin.Fd())
	if !term.IsTerminal(in) {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	fmt.Fprintf(w, "Password of %s: ", user)
	password, err := term.ReadPassword(in)
	fmt.Fprintln(w)
	return string(password), err
}

// stopTime is how long a service may take to hand its work back.
const stopTime = 90 * time.Second

// uninstallService stops the service and removes it.
func uninstallService(out io.Writer) error {
	m, err := mgr.Connect()
	if err != nil {
		return fmt.Errorf("cannot speak to the service manager: %w; run this as an administrator", err)
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(serviceName)
	if err != nil {
		return fmt.Errorf("cannot open the service %s: %w", serviceName, err)
	}
	defer func() { _ = s.Close() }()
	status, err := s.Control(svc.Stop)
	for began := time.Now(); err == nil && status.State != svc.Stopped && time.Since(began) < stopTime; {
		time.Sleep(time.Second / 2)
		status, err = s.Query()
	}
	if err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return fmt.Errorf("cannot stop the service: %w", err)
	}
	if err := s.Delete(); err != nil {
		return fmt.Errorf("cannot remove the service: %w", err)
	}
	fmt.Fprintf(out, "the service %s is removed\n", serviceName)
	return nil
}
