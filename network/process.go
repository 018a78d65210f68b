package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is one program of the network as it is started.
type process struct {
	name      string // kind.organisation, for contracts kind.organisation.version
	org       Organisation
	program   string
	arguments []string
	env       []string
	address   string // of a contract service
}

func (p process) kind() string {
	kind, _, _ := strings.Cut(p.name, ".")
	return kind
}

// processes are all that this host runs, in the order in which they start.
func (n *Network) processes() ([]process, error) {
	var orderers, peers, services []process
	for _, o := range n.here() {
		orderers = append(orderers, process{
			name: o.Orderer(), org: o, program: n.programs.of("orderer"),
			env: []string{"FABRIC_CFG_PATH=" + n.node(o.Orderer()), "FABRIC_LOGGING_SPEC=" + n.definition.Logging},
		})
		peers = append(peers, process{
			name: o.Peer(), org: o, program: n.programs.of("peer"), arguments: []string{"node", "start"},
			env: []string{
				"FABRIC_CFG_PATH=" + n.node(o.Peer()), "FABRIC_LOGGING_SPEC=" + n.definition.Logging,
				builderVariable + "=" + n.connections(o),
			},
		})
	}
	services, err := n.services()
	return slices.Concat(orderers, services, peers), err
}

func (n *Network) process(name string) (process, error) {
	all, err := n.processes()
	if err != nil {
		return process{}, err
	}
	var names []string
	for _, p := range all {
		if p.name == name {
			return p, nil
		}
		names = append(names, p.name)
	}
	return process{}, fmt.Errorf("there is no process %q; there are %s", name, strings.Join(names, ", "))
}

// A process holds the lock of its pid file for as long as it lives: the file
// is open in it. So nobody takes another program, which got the number later,
// for ours.
func (n *Network) pidFile(name string) string { return filepath.Join(n.dir, "run", name+".pid") }

// pid is a living process's number, or 0.
func (n *Network) pid(name string) int {
	f, err := os.Open(n.pidFile(name))
	if err != nil {
		return 0
	}
	defer f.Close()
	if syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// start starts a process that does not run, in a session of its own.
func (n *Network) start(p process) error {
	if n.pid(p.name) != 0 {
		return nil
	}
	for _, dir := range []string{n.node(p.name), filepath.Dir(n.pidFile(p.name)), filepath.Dir(n.logFile(p.name))} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	lock, err := lockFile(ctx, n.pidFile(p.name)) // somebody may just be asking for the pid
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer lock.Close()
	out, err := openLog(n.logFile(p.name))
	if err != nil {
		return err
	}
	defer out.Close()

	command := exec.Command(p.program, p.arguments...)
	command.Dir, command.Stdout, command.Stderr = n.node(p.name), out, out
	command.Env = append(baseEnvironment(), p.env...)
	command.ExtraFiles = []*os.File{lock}
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	go command.Wait() // so that its end leaves no zombie while the launcher lives
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err = lock.WriteAt([]byte(strconv.Itoa(command.Process.Pid)+"\n"), 0)
	return err
}

// baseEnvironment leaves out what would change a configuration: any CORE_ or
// ORDERER_ variable does.
func baseEnvironment() []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GOMAXPROCS"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// longestLog is when a log is put aside at the next start; one old one is kept.
const longestLog = 64 << 20

func openLog(file string) (*os.File, error) {
	if about, err := os.Stat(file); err == nil && about.Size() > longestLog {
		if err := os.Rename(file, file+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

// patience is how long a process may take to end when asked; tests have less.
var patience = 15 * time.Second

// end sends a signal to living processes and waits until they are gone; those
// that stay too long are killed.
func (n *Network) end(ctx context.Context, how syscall.Signal, names ...string) error {
	for _, name := range names {
		if err := n.signal(name, how); err != nil {
			return err
		}
	}
	asked, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, name := range names {
		for n.pid(name) != 0 {
			if pause(asked) == nil {
				continue
			}
			if err := context.Cause(ctx); err != nil {
				return fmt.Errorf("%s does not end: %w", name, err)
			}
			if err := n.signal(name, syscall.SIGKILL); err != nil {
				return err
			}
			asked = ctx
		}
	}
	return nil
}

func (n *Network) signal(name string, how syscall.Signal) error {
	pid := n.pid(name)
	if pid == 0 {
		return nil
	}
	if err := syscall.Kill(pid, how); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", name, err)
	}
	return nil
}

// Log writes out what a process has logged.
func (n *Network) Log(name string, out io.Writer) error {
	f, err := os.Open(n.logFile(filepath.Base(name)))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, f)
	return err
}

// lastWords are the last lines of a process's log, for an error's text.
func (n *Network) lastWords(name string) string {
	f, err := os.Open(n.logFile(name))
	if err != nil {
		return ""
	}
	defer f.Close()
	if about, err := f.Stat(); err == nil && about.Size() > 16<<10 {
		if _, err := f.Seek(-16<<10, io.SeekEnd); err != nil {
			return ""
		}
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	return lastLines(text)
}

func lastLines(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-8):], []byte("\n")))
}
