package network

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// Up makes what is missing, starts what does not run, and waits until all of
// it is ready. The channel is not created here: see Deploy.
func (n *Network) Up(ctx context.Context) error {
	if err := n.Prepare(ctx); err != nil {
		return err
	}
	err := n.exclusively(ctx, func() error {
		all, err := n.processes()
		if err != nil {
			return err
		}
		for _, p := range all {
			if err := n.start(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return n.Ready(ctx)
}

// Prepare makes programs, keys, configuration, the first block and profiles,
// and starts nothing.
func (n *Network) Prepare(ctx context.Context) error {
	return n.exclusively(ctx, func() error {
		if err := n.programs.build(ctx, n.Say); err != nil {
			return err
		}
		return n.makeFiles(ctx)
	})
}

func (n *Network) makeFiles(ctx context.Context) error {
	if err := n.makeKeys(); err != nil {
		return err
	}
	for _, o := range n.here() {
		if err := n.configure(o); err != nil {
			return err
		}
	}
	if err := n.makeGenesis(ctx); err != nil {
		return err
	}
	return n.writeProfiles()
}

// makeKeys makes all organisations' keys, once. A host that was given its own
// organisation's keys has what it needs of the others.
func (n *Network) makeKeys() error {
	if n.whole() {
		for _, o := range n.definition.Organisations {
			if err := n.keys(o).make(time.Now()); err != nil {
				return err
			}
		}
		return nil
	}
	for _, o := range n.here() {
		if _, err := os.Stat(n.keys(o).SignCert("peer")); err != nil {
			return fmt.Errorf("this folder does not hold the keys of %s: %w", o.Name, err)
		}
	}
	return nil
}

// makeGenesis writes the channel's first block, once: every node that joins
// must be given the same.
func (n *Network) makeGenesis(ctx context.Context) error {
	if _, err := os.Stat(n.Genesis()); err == nil {
		return nil
	}
	text, err := n.genesisConfiguration()
	if err != nil {
		return err
	}
	folder := filepath.Join(n.dir, "configtx")
	if err := writeFile(filepath.Join(folder, "configtx.yaml"), text, 0o644); err != nil {
		return err
	}
	fresh := n.Genesis() + ".new"
	_, err = n.programs.run(ctx, folder, n.programs.of("configtxgen"),
		"-configPath", folder, "-profile", "genesis", "-channelID", n.definition.Channel, "-outputBlock", fresh)
	if err != nil {
		return err
	}
	return os.Rename(fresh, n.Genesis())
}

// Down ends everything that runs here: contracts and peers first, so that no
// transaction is on its way when the orderers go.
func (n *Network) Down(ctx context.Context) error {
	return n.exclusively(ctx, func() error {
		all, err := n.processes()
		if err != nil {
			return err
		}
		var orderers, others []string
		for _, p := range slices.Backward(all) {
			if p.kind() == "orderer" {
				orderers = append(orderers, p.name)
			} else {
				others = append(others, p.name)
			}
		}
		if err := n.end(ctx, syscall.SIGTERM, others...); err != nil {
			return err
		}
		return n.end(ctx, syscall.SIGTERM, orderers...)
	})
}

// oneProcess is how long starting or ending one process may take.
const oneProcess = time.Minute

// Start starts one process and waits until it is ready.
func (n *Network) Start(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), oneProcess)
	defer cancel()
	var p process
	err := n.exclusively(ctx, func() (err error) {
		if p, err = n.process(name); err != nil {
			return err
		}
		return n.start(p)
	})
	if err != nil {
		return err
	}
	return n.await(ctx, p)
}

// Stop ends one process as Down would.
func (n *Network) Stop(name string) error { return n.endOne(syscall.SIGTERM, name) }

// Kill ends one process as a crash would.
func (n *Network) Kill(name string) error { return n.endOne(syscall.SIGKILL, name) }

func (n *Network) endOne(how syscall.Signal, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), oneProcess)
	defer cancel()
	return n.exclusively(ctx, func() error {
		if _, err := n.process(name); err != nil {
			return err
		}
		return n.end(ctx, how, name)
	})
}
