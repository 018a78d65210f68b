// Package profile reads a network's connection profile: the common form that
// Fabric's SDKs share, with one section of the suite's own, `x-tallyway`, that
// says for which members the holder of the file acts and where their secrets
// lie.
//
// It opens no connection and reads no key: it says what is written and refuses
// what could not work, naming the line to mend.
package profile

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v2"
)

// Profile is a network as one holder of a file sees it.
type Profile struct {
	Channel  string
	Contract string
	// Members are those for whom the holder acts.
	Members []Member
	// Organizations are all members of the channel that the file knows, by
	// their MSP's name in order.
	Organizations []Organization
	// Orderers are the names of those who order the channel.
	Orderers []string

	document branch
}

// Organization is a member of the channel as everyone sees it.
type Organization struct {
	Name  string
	MSPID string
	Peers []Peer
}

// Peer is where a peer answers.
type Peer struct {
	Name      string
	URL       string
	TLSCACert string // file
}

// Member is an organisation with the files that act in its name.
type Member struct {
	Organization `yaml:"-"`
	MSPID        string  `yaml:"mspid"`
	OrgName      string  `yaml:"organization"`
	CA           KeyPair `yaml:"ca"`
	Admin        KeyPair `yaml:"admin"`
	Orderer      Orderer `yaml:"orderer"`
}

// KeyPair names the files of a certificate and its key, in PEM.
type KeyPair struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Orderer is where a member's orderer takes its administrator's orders. A
// member may have none.
type Orderer struct {
	Name          string `yaml:"name"`
	MSPID         string `yaml:"mspid"`
	Participation string `yaml:"participation"` // https://host:port
	TLSCACert     string `yaml:"tlsCACert"`
	ClientCert    string `yaml:"clientCert"`
	ClientKey     string `yaml:"clientKey"`
	// Admin decides for the orderers' side of the organisation.
	Admin KeyPair `yaml:"admin"`
}

// OrderersOrganization is how the SDK's document calls the organisation's
// orderers, which are an MSP of their own.
func (m Member) OrderersOrganization() string { return m.OrgName + "-orderers" }

// written is the profile's form on disk, as far as this program reads it.
type written struct {
	Organizations map[string]struct {
		MSPID string   `yaml:"mspid"`
		Peers []string `yaml:"peers"`
	} `yaml:"organizations"`
	Channels map[string]struct {
		Orderers []string `yaml:"orderers"`
	} `yaml:"channels"`
	Peers map[string]struct {
		URL        string `yaml:"url"`
		TLSCACerts struct {
			Path string `yaml:"path"`
		} `yaml:"tlsCACerts"`
	} `yaml:"peers"`
	Own struct {
		Channel  string   `yaml:"channel"`
		Contract string   `yaml:"contract"`
		Members  []Member `yaml:"members"`
	} `yaml:"x-tallyway"`
}

// Read reads a profile and checks that it is whole.
func Read(file string) (*Profile, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the profile: %w", err)
	}
	p, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("profile %s: %w", file, err)
	}
	return p, nil
}

func parse(text []byte) (*Profile, error) {
	var w written
	if err := yaml.Unmarshal(text, &w); err != nil {
		return nil, err
	}
	p := &Profile{Channel: w.Own.Channel, Contract: w.Own.Contract, Orderers: w.Channels[w.Own.Channel].Orderers}
	if err := yaml.Unmarshal(text, &p.document); err != nil {
		return nil, err
	}
	if p.Channel == "" || p.Contract == "" {
		return nil, errors.New("x-tallyway names no channel or no contract")
	}
	if len(p.Orderers) == 0 {
		return nil, fmt.Errorf("channels.%s has no orderers", p.Channel)
	}
	if err := p.readOrganizations(w); err != nil {
		return nil, err
	}
	return p, p.readMembers(w.Own.Members)
}

func (p *Profile) readOrganizations(w written) error {
	for _, name := range slices.Sorted(maps.Keys(w.Organizations)) {
		o := Organization{Name: name, MSPID: w.Organizations[name].MSPID}
		if o.MSPID == "" {
			return fmt.Errorf("organizations.%s has no mspid", name)
		}
		for _, peer := range w.Organizations[name].Peers {
			at, known := w.Peers[peer]
			if !known {
				return fmt.Errorf("organizations.%s has the peer %s, which is not under peers", name, peer)
			}
			o.Peers = append(o.Peers, Peer{Name: peer, URL: at.URL, TLSCACert: at.TLSCACerts.Path})
		}
		p.Organizations = append(p.Organizations, o)
	}
	slices.SortFunc(p.Organizations, func(a, b Organization) int { return strings.Compare(a.MSPID, b.MSPID) })
	return nil
}

func (p *Profile) readMembers(members []Member) error {
	if len(members) == 0 {
		return errors.New("x-tallyway.members is empty: this file acts for nobody")
	}
	for _, m := range members {
		at := slices.IndexFunc(p.Organizations, func(o Organization) bool { return o.Name == m.OrgName })
		if at < 0 {
			return fmt.Errorf("x-tallyway.members: %s is not under organizations", m.OrgName)
		}
		m.Organization = p.Organizations[at]
		if m.MSPID != m.Organization.MSPID {
			return fmt.Errorf("x-tallyway.members: %s has mspid %s there and %s under organizations", m.OrgName, m.MSPID, m.Organization.MSPID)
		}
		if len(m.Peers) == 0 {
			return fmt.Errorf("organizations.%s has no peers", m.OrgName)
		}
		if m.Admin.Cert == "" || m.Admin.Key == "" {
			return fmt.Errorf("x-tallyway.members: %s has no administrator's cert and key", m.OrgName)
		}
		p.Members = append(p.Members, m)
	}
	return nil
}

// FirstPeers are one peer of every organisation, by MSP: those that speak for
// it.
func (p *Profile) FirstPeers() map[string]Peer {
	peers := map[string]Peer{}
	for _, o := range p.Organizations {
		if len(o.Peers) > 0 {
			peers[o.MSPID] = o.Peers[0]
		}
	}
	return peers
}

// Document gives the profile as the SDK is to read it. Its client's section is
// changed: it keeps no wallet of users, so stores is an empty folder, and what
// fails is returned, so nothing is logged beside it. The members' orderers
// become organisations too, so that their administrators can sign.
func (p *Profile) Document(stores string) ([]byte, error) {
	document := maps.Clone(p.document)
	organizations := maps.Clone(below(document, "organizations"))
	for _, m := range p.Members {
		if m.Orderer.MSPID != "" {
			organizations[m.OrderersOrganization()] = map[string]any{"mspid": m.Orderer.MSPID, "cryptoPath": stores}
		}
	}
	document["organizations"] = organizations
	document["client"] = map[string]any{
		"organization":    p.Members[0].OrgName,
		"logging":         map[string]any{"level": "critical"},
		"credentialStore": map[string]any{"cryptoStore": map[string]any{"path": stores}},
	}
	return yaml.Marshal(document)
}
