package network

import (
	"context"
	"path/filepath"
	"strings"
)

// Deploy creates the channel where there is none, serves a version of the
// contracts, and has all members install, approve and commit it: under the
// definition's contract name, or under the given names. Program is what serves
// the version, as for StartContracts. What stands already is left alone.
func (n *Network) Deploy(ctx context.Context, version, program string, names ...string) error {
	if err := n.CreateChannel(ctx); err != nil {
		return err
	}
	if err := n.StartContracts(ctx, version, program); err != nil {
		return err
	}
	if err := n.deployContracts(ctx, version, names...); err != nil {
		return err
	}
	return n.Ready(ctx)
}

// deployContracts has members install, approve and commit a version that is
// served already.
func (n *Network) deployContracts(ctx context.Context, version string, names ...string) error {
	if err := n.makePackage(ctx, version); err != nil {
		return err
	}
	arguments := []string{"contracts", "deploy", "--profile", n.Profile(""), "--package", filepath.Join(n.VersionDir(version), "tallyway.tar.gz"), "--version", version}
	for _, name := range names {
		arguments = append(arguments, "--name", name)
	}
	_, err := n.admin(ctx, arguments...)
	return err
}

// CreateChannel joins every orderer and peer to the channel.
func (n *Network) CreateChannel(ctx context.Context) error {
	if err := n.programs.buildAdmin(ctx, n.Say); err != nil {
		return err
	}
	_, err := n.admin(ctx, "channel", "create", "--profile", n.Profile(""), "--block", n.Genesis())
	return err
}

// admin runs the administrator's program, and passes on what it says.
func (n *Network) admin(ctx context.Context, arguments ...string) (string, error) {
	out, err := n.programs.run(ctx, n.dir, n.programs.admin(), arguments...)
	if said := strings.TrimSpace(out); said != "" {
		n.Say("%s", said)
	}
	return out, err
}
