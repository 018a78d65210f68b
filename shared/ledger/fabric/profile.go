package fabric

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tallyway/tallyway/shared/identity"
)

// Profile is what this host knows of the network: a connection profile as
// Fabric's tools read and write it (fabric-sdk-go's common connection
// profile), with a section x-tallyway of the suite's own.
type Profile struct {
	Channel   string
	Contract  string
	Members   []Member // for whom the holder of the profile acts
	Founders  []Founder
	Orgs      []string // MSP ids of all organisations of the channel, in order
	Witnesses []string // MSP ids that may see a confidential command that they do not keep, in order of preference
	peers     map[string][]peerNode
}

// Member is an organisation whose keys the holder of the profile has.
type Member struct {
	MSP    string
	CACert string // file of the certificate authority's certificate, PEM
	CAKey  string // file of its key, PEM; empty where another program issues certificates
}

// Founder is an organisation that the network began with, as the suite's own
// register of members names it.
type Founder struct {
	MSP, Name string
	Authority bool   // may vouch for regulators and tax authorities
	CACert    string // file
}

// peerNode is how a peer is reached.
type peerNode struct {
	name, address, override string
	roots                   *x509.CertPool
}

// profileFile is the part of the file that is read here.
type profileFile struct {
	Organizations map[string]struct {
		MSPID string   `yaml:"mspid"`
		Peers []string `yaml:"peers"`
	} `yaml:"organizations"`
	Peers map[string]struct {
		URL        string `yaml:"url"`
		TLSCACerts struct {
			Path string `yaml:"path"`
			PEM  string `yaml:"pem"`
		} `yaml:"tlsCACerts"`
		GRPCOptions struct {
			Override string `yaml:"ssl-target-name-override"`
		} `yaml:"grpcOptions"`
	} `yaml:"peers"`
	Tallyway struct {
		Channel   string   `yaml:"channel"`
		Contract  string   `yaml:"contract"`
		Witnesses []string `yaml:"witnesses"`
		Founders  []struct {
			MSPID     string        `yaml:"mspid"`
			Name      string        `yaml:"name"`
			Authority bool          `yaml:"authority"`
			CA        authorityFile `yaml:"ca"`
		} `yaml:"founders"`
		Members []struct {
			MSPID string        `yaml:"mspid"`
			CA    authorityFile `yaml:"ca"`
		} `yaml:"members"`
	} `yaml:"x-tallyway"`
}

// authorityFile is where a certificate authority lies.
type authorityFile struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// ReadProfile reads a connection profile in YAML or JSON. Relative paths in it
// are taken from its own folder.
func ReadProfile(file string) (Profile, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return Profile{}, fmt.Errorf("read the connection profile: %w", err)
	}
	var f profileFile
	if err := yaml.Unmarshal(b, &f); err != nil {
		return Profile{}, fmt.Errorf("read the connection profile %s: %w", file, err)
	}
	p, err := f.profile(filepath.Dir(file))
	if err != nil {
		return Profile{}, fmt.Errorf("the connection profile %s: %w", file, err)
	}
	return p, nil
}

func (f profileFile) profile(dir string) (Profile, error) {
	t := f.Tallyway
	p := Profile{Channel: t.Channel, Contract: t.Contract, Witnesses: t.Witnesses, peers: map[string][]peerNode{}}
	if p.Channel == "" || p.Contract == "" || len(t.Members) == 0 {
		return p, errors.New("x-tallyway names no channel, no contract or no members")
	}
	for _, org := range f.Organizations {
		p.Orgs = append(p.Orgs, org.MSPID)
		for _, name := range org.Peers {
			node, err := f.peer(dir, name)
			if err != nil {
				return p, err
			}
			p.peers[org.MSPID] = append(p.peers[org.MSPID], node)
		}
	}
	if slices.Sort(p.Orgs); len(p.Orgs) < 2 {
		return p, errors.New("a network has two organisations at least: one alone endorses nothing")
	}
	for _, m := range t.Members {
		if len(p.peers[m.MSPID]) == 0 {
			return p, fmt.Errorf("x-tallyway acts for %s, which has no peer", m.MSPID)
		}
		p.Members = append(p.Members, Member{MSP: m.MSPID, CACert: within(dir, m.CA.Cert), CAKey: within(dir, m.CA.Key)})
	}
	for _, o := range t.Founders {
		p.Founders = append(p.Founders, Founder{MSP: o.MSPID, Name: o.Name, Authority: o.Authority, CACert: within(dir, o.CA.Cert)})
	}
	for _, w := range p.Witnesses {
		if !slices.Contains(p.Orgs, w) {
			return p, fmt.Errorf("the witness %s is no organisation", w)
		}
	}
	return p, nil
}

func (f profileFile) peer(dir, name string) (node peerNode, err error) {
	entry, ok := f.Peers[name]
	if !ok {
		return node, fmt.Errorf("the peer %s is not described", name)
	}
	address, err := url.Parse(entry.URL)
	if err != nil || address.Scheme != "grpcs" || address.Host == "" {
		return node, fmt.Errorf("the peer %s: %q is no address such as grpcs://host:7051", name, entry.URL)
	}
	pem := []byte(entry.TLSCACerts.PEM)
	if len(pem) == 0 {
		if pem, err = os.ReadFile(within(dir, entry.TLSCACerts.Path)); err != nil {
			return node, fmt.Errorf("the peer %s: %w", name, err)
		}
	}
	node = peerNode{name: name, address: address.Host, override: entry.GRPCOptions.Override, roots: x509.NewCertPool()}
	if !node.roots.AppendCertsFromPEM(pem) {
		return node, fmt.Errorf("the peer %s: its TLS authority has no certificate in PEM", name)
	}
	return node, nil
}

func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Authorities are the founders' certificate authorities, for those who check
// signatures in the network's blocks.
func (p Profile) Authorities() (identity.Known, error) {
	known := identity.Known{}
	for _, f := range p.Founders {
		cert, err := os.ReadFile(f.CACert)
		if err != nil {
			return nil, fmt.Errorf("read the authority of %s: %w", f.MSP, err)
		}
		if known[f.MSP], err = identity.ParseAuthority(f.MSP, cert, nil); err != nil {
			return nil, err
		}
	}
	return known, nil
}
