// Package network runs a Hyperledger Fabric network as plain processes: for
// each organisation a peer, an orderer and a service for the contracts. It
// makes keys, configuration, the channel's first block and connection profiles
// from one definition, starts and stops the processes, and says how they are.
// They outlive the launcher; what they keep survives their end.
//
// The channel is created and the contracts are deployed by network/admin, which
// Deploy calls; transactions are left to shared/ledger/fabric.
package network

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"
)

// Network is a network in a folder. Its methods may be called from several
// programs at once: those that change processes take turns.
type Network struct {
	dir        string
	definition Definition
	programs   programs
	only       string // the one organisation that lives on this host, or all

	// Say tells what takes long; it may be replaced before the first call.
	Say func(format string, arguments ...any)
}

// Open takes the network in a folder, which is made if need be. A folder keeps
// the definition that it was made with: another one is refused.
func Open(dir string, d Definition) (*Network, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	n, err := open(dir)
	if err != nil {
		return nil, err
	}
	text, err := yaml.Marshal(d)
	if err != nil {
		return nil, err
	}
	stored, err := os.ReadFile(n.definitionFile())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = writeFile(n.definitionFile(), text, 0o644)
	case err == nil && !bytes.Equal(stored, text):
		err = fmt.Errorf("the network in %s was made from another definition; take another folder", n.dir)
	}
	n.definition = d
	return n, err
}

// Reopen takes the network that a folder holds.
func Reopen(dir string) (*Network, error) {
	n, err := open(dir)
	if err != nil {
		return nil, err
	}
	n.definition, err = Load(n.definitionFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no network in %s", n.dir)
	}
	return n, err
}

func open(dir string) (*Network, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	programs, err := findPrograms()
	if err != nil {
		return nil, err
	}
	n := &Network{dir: dir, programs: programs, Say: func(string, ...any) {}}
	whose, err := os.ReadFile(filepath.Join(dir, bundleMark))
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	n.only = strings.TrimSpace(string(whose))
	return n, err
}

// Of is the part of the network that one organisation runs on its own host.
func (n *Network) Of(organisation string) (*Network, error) {
	if _, err := n.definition.Organisation(organisation); err != nil {
		return nil, err
	}
	part := *n
	part.only = organisation
	return &part, nil
}

// Definition is what the network was made from.
func (n *Network) Definition() Definition { return n.definition }

// Dir is the network's folder.
func (n *Network) Dir() string { return n.dir }

// Genesis is the file with the channel's first block.
func (n *Network) Genesis() string { return filepath.Join(n.dir, "genesis.block") }

// Profile is the connection profile of an organisation; of all of them
// together where the name is empty.
func (n *Network) Profile(organisation string) string {
	if organisation == "" {
		organisation = everyone
	}
	return filepath.Join(n.dir, "profiles", organisation+".yaml")
}

func (n *Network) definitionFile() string { return filepath.Join(n.dir, "definition.yaml") }

// node is a process's own folder.
func (n *Network) node(name string) string { return filepath.Join(n.dir, "nodes", name) }

// logFile is where a process writes what it has to say.
func (n *Network) logFile(name string) string { return filepath.Join(n.dir, "logs", name+".log") }

// here are the organisations whose processes this host runs.
func (n *Network) here() []Organisation {
	var here []Organisation
	for _, o := range n.definition.Organisations {
		if n.only == "" || n.only == o.Name {
			here = append(here, o)
		}
	}
	return here
}

// exclusively runs one change of the network's processes at a time.
func (n *Network) exclusively(ctx context.Context, change func() error) error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return err
	}
	lock, err := lockFile(ctx, filepath.Join(n.dir, "network.lock"))
	if err != nil {
		return fmt.Errorf("another launcher works in %s: %w", n.dir, err)
	}
	defer lock.Close()
	return change()
}

// lockFile waits for a lock that ends when the file is closed.
func lockFile(ctx context.Context, file string) (*os.File, error) {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if err := pause(ctx); err != nil {
			f.Close()
			return nil, err
		}
	}
}

// between is how long a loop waits before it asks again.
const between = 20 * time.Millisecond

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(between):
		return nil
	}
}
