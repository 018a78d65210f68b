package network

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// A version of the contracts has a folder, contracts/VERSION:
//
//	tallyway.tar.gz, package.id    what peers install, and what they call it; made by network/admin
//	program                        what serves it, kept so that a version means the same for ever
//	service.json                   that it is to run, and on which of the ports
//
// Each version has a service for every organisation; an upgrade runs two.
type service struct {
	Version string `json:"version"`
	Package string `json:"package"` // label:hash
	Slot    int    `json:"slot"`    // which of the ports kept for services
}

var versionName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._+-]*$`)

// VersionDir is the folder of a version of the contracts, where its package is.
func (n *Network) VersionDir(version string) string {
	return filepath.Join(n.dir, "contracts", version)
}

// StartContracts serves a version of the contracts for every organisation
// here, and again whenever the network starts. Program is what serves; nothing
// means cmd/chaincode as it is now, and for a version that was served before
// what served it then.
func (n *Network) StartContracts(ctx context.Context, version, program string) error {
	if !versionName.MatchString(version) {
		return fmt.Errorf("version %q: letters, digits and . _ + -", version)
	}
	if err := n.makePackage(ctx, version); err != nil {
		return err
	}
	var started []process
	err := n.exclusively(ctx, func() error {
		if err := n.programs.build(ctx, n.Say); err != nil {
			return err
		}
		s, err := n.admit(version)
		if err != nil {
			return err
		}
		if err := n.keepProgram(version, program); err != nil {
			return err
		}
		if started, err = n.connect(s); err != nil {
			return err
		}
		for _, p := range started {
			if err := n.start(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range started {
		if err := n.await(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// StopContracts ends the services of a version for good: StartContracts serves
// it again.
func (n *Network) StopContracts(ctx context.Context, version string) error {
	return n.exclusively(ctx, func() error {
		running, err := n.running()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(running, func(s service) bool { return s.Version == version }) {
			return fmt.Errorf("version %q of the contracts is not served", version)
		}
		var names []string
		for _, o := range n.here() {
			names = append(names, serviceName(o, version))
		}
		if err := n.end(ctx, syscall.SIGTERM, names...); err != nil {
			return err
		}
		return os.Remove(filepath.Join(n.VersionDir(version), "service.json"))
	})
}

// Contracts are the versions that are served here.
func (n *Network) Contracts() ([]string, error) {
	running, err := n.running()
	var versions []string
	for _, s := range running {
		versions = append(versions, s.Version)
	}
	return versions, err
}

// running are the versions that are to be served, in the order of their ports.
func (n *Network) running() ([]service, error) {
	files, err := filepath.Glob(filepath.Join(n.dir, "contracts", "*", "service.json"))
	if err != nil {
		return nil, err
	}
	var all []service
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var s service
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b service) int { return a.Slot - b.Slot })
	return all, nil
}

// makePackage makes what peers install for a version: the same bytes wherever
// it is made.
func (n *Network) makePackage(ctx context.Context, version string) error {
	if _, err := os.Stat(filepath.Join(n.VersionDir(version), "package.id")); err == nil {
		return nil
	}
	if err := n.programs.buildAdmin(ctx, n.Say); err != nil {
		return err
	}
	_, err := n.admin(ctx, "contracts", "package", "--version", version, "--out", n.VersionDir(version))
	return err
}

// admit gives a version its ports, and keeps them.
func (n *Network) admit(version string) (s service, err error) {
	id, err := os.ReadFile(filepath.Join(n.VersionDir(version), "package.id"))
	if err != nil {
		return s, err
	}
	s = service{Version: version, Package: strings.TrimSpace(string(id))}
	running, err := n.running()
	if err != nil {
		return s, err
	}
	for _, other := range running {
		switch {
		case other.Version == version && other.Package == s.Package:
			return other, nil
		case other.Version == version:
			return s, fmt.Errorf("version %s is served as another package: %s", version, other.Package)
		case other.label() == s.label():
			return s, fmt.Errorf("versions %s and %s share the label %s: a peer would take one for the other", other.Version, version, s.label())
		case other.Slot == s.Slot:
			s.Slot++ // they come in order: the first gap is free
		}
	}
	if s.Slot >= contractSlots {
		return s, fmt.Errorf("%d versions are served already: stop one first", contractSlots)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return s, err
	}
	return s, writeFile(filepath.Join(n.VersionDir(version), "service.json"), text, 0o644)
}

func (s service) label() string {
	label, _, _ := strings.Cut(s.Package, ":")
	return label
}

// keepProgram copies what serves a version beside its package: what two
// organisations endorse must not change under a version's name.
func (n *Network) keepProgram(version, program string) error {
	kept := filepath.Join(n.VersionDir(version), "program")
	old, err := os.ReadFile(kept)
	if err == nil && program == "" {
		return nil
	}
	if program == "" {
		program = n.programs.chaincode()
	}
	text, readError := os.ReadFile(program)
	switch {
	case readError != nil:
		return readError
	case err == nil && !bytes.Equal(old, text):
		return fmt.Errorf("version %s was served by another program: give the new one a new version", version)
	}
	return writeFile(kept, text, 0o755)
}

// services are the contract services that belong to this host.
func (n *Network) services() ([]process, error) {
	running, err := n.running()
	var all []process
	for _, s := range running {
		for _, o := range n.here() {
			all = append(all, n.service(o, s))
		}
	}
	return all, err
}

func serviceName(o Organisation, version string) string { return "contracts." + o.Name + "." + version }

func (n *Network) service(o Organisation, s service) process {
	k := n.keys(o)
	address := net.JoinHostPort(o.listenHost(), strconv.Itoa(o.Port+contractsPort+s.Slot))
	return process{
		name: serviceName(o, s.Version), org: o,
		program: filepath.Join(n.VersionDir(s.Version), "program"),
		address: o.address(contractsPort + s.Slot),
		env: []string{
			"CHAINCODE_ID=" + s.Package,
			"CHAINCODE_SERVER_ADDRESS=" + address,
			"CHAINCODE_TLS_CERT=" + k.TLSCert("contracts"),
			"CHAINCODE_TLS_KEY=" + k.TLSKey("contracts"),
			"CHAINCODE_CLIENT_CA=" + k.TLSAuthority(),
			"CORE_PEER_LOCALMSPID=" + o.MSPID,
		},
	}
}

// connection is how a peer finds a service: Fabric's connection.json.
type connection struct {
	Address            string `json:"address"`
	DialTimeout        string `json:"dial_timeout"`
	TLSRequired        bool   `json:"tls_required"`
	ClientAuthRequired bool   `json:"client_auth_required"`
	ClientKey          string `json:"client_key"`
	ClientCert         string `json:"client_cert"`
	RootCert           string `json:"root_cert"`
}

// connections is the folder from which a peer's builder takes them.
func (n *Network) connections(o Organisation) string {
	return filepath.Join(n.node(o.Peer()), "contracts")
}

// connect tells every peer here where it finds a version's service: in the
// folder of its builder, and where the peer has put what it has built already.
func (n *Network) connect(s service) ([]process, error) {
	var all []process
	for _, o := range n.here() {
		p := n.service(o, s)
		all = append(all, p)
		text, err := n.keys(o).connection(p.address)
		if err != nil {
			return nil, err
		}
		if err := writeFile(filepath.Join(n.connections(o), s.label()+".json"), text, 0o600); err != nil {
			return nil, err
		}
		built := filepath.Join(n.node(o.Peer()), "data", "externalbuilder", "builds", strings.Replace(s.Package, ":", "-", 1),
			"release", "chaincode", "server", "connection.json")
		if _, err := os.Stat(built); err != nil {
			continue
		}
		if err := writeFile(built, text, 0o600); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (k keys) connection(address string) ([]byte, error) {
	c := connection{Address: address, DialTimeout: "3s", TLSRequired: true, ClientAuthRequired: true}
	for file, into := range map[string]*string{
		k.TLSKey("peer"): &c.ClientKey, k.TLSCert("peer"): &c.ClientCert, k.TLSAuthority(): &c.RootCert,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		*into = string(text)
	}
	return json.MarshalIndent(c, "", "  ")
}
