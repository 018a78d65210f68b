package network

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// everyone is the profile of one who acts for all members: a demo, or an
// administrator on the one machine.
const everyone = "consortium"

// profile is a connection profile as Fabric's SDKs read it, with a section of
// our own for what they have no place for: the secrets.
type profile struct {
	Name          string                         `yaml:"name"`
	Version       string                         `yaml:"version"`
	Client        profileClient                  `yaml:"client"`
	Channels      map[string]profileChannel      `yaml:"channels"`
	Organizations map[string]profileOrganization `yaml:"organizations"`
	Orderers      map[string]profileNode         `yaml:"orderers"`
	Peers         map[string]profileNode         `yaml:"peers"`
	Ours          profileOurs                    `yaml:"x-tallyway"`
}

type profileClient struct {
	Organization string `yaml:"organization"`
}

type profileChannel struct {
	Orderers []string                   `yaml:"orderers"`
	Peers    map[string]map[string]bool `yaml:"peers"`
}

type profileOrganization struct {
	MSPID      string   `yaml:"mspid"`
	CryptoPath string   `yaml:"cryptoPath"`
	Peers      []string `yaml:"peers"`
}

type profileNode struct {
	URL        string            `yaml:"url"`
	TLSCACerts map[string]string `yaml:"tlsCACerts"`
}

type profileOurs struct {
	Channel  string          `yaml:"channel"`
	Contract string          `yaml:"contract"`
	Members  []profileMember `yaml:"members"`
}

// profileMember is a member for whom the profile's holder acts.
type profileMember struct {
	MSPID        string         `yaml:"mspid"`
	Organization string         `yaml:"organization"`
	CA           profileKeys    `yaml:"ca"`    // issues users' certificates
	Admin        profileKeys    `yaml:"admin"` // the organisation's administrator
	Orderer      profileOrderer `yaml:"orderer"`
}

type profileKeys struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

type profileOrderer struct {
	Name          string      `yaml:"name"`
	MSPID         string      `yaml:"mspid"`
	Participation string      `yaml:"participation"`
	TLSCACert     string      `yaml:"tlsCACert"`
	ClientCert    string      `yaml:"clientCert"`
	ClientKey     string      `yaml:"clientKey"`
	Admin         profileKeys `yaml:"admin"` // for changes of the ordering itself
}

// whatPeersDo: each of them everything.
var whatPeersDo = map[string]bool{"endorsingPeer": true, "chaincodeQuery": true, "ledgerQuery": true, "eventSource": true}

// writeProfiles writes one profile for each organisation here, and one for all
// of them where all are here.
func (n *Network) writeProfiles() error {
	all := map[string][]Organisation{}
	for _, o := range n.here() {
		all[o.Name] = []Organisation{o}
	}
	if n.whole() {
		all[everyone] = n.definition.Organisations
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p, err := n.profileFor(all[name])
		if err != nil {
			return err
		}
		text, err := yaml.Marshal(p)
		if err != nil {
			return err
		}
		if err := writeFile(n.Profile(name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// profileFor is the profile of one who acts for the given members.
func (n *Network) profileFor(members []Organisation) (p profile, err error) {
	channel := profileChannel{Peers: map[string]map[string]bool{}}
	p = profile{
		Name: "tallyway", Version: "1.0",
		Client:        profileClient{Organization: members[0].Name},
		Organizations: map[string]profileOrganization{},
		Orderers:      map[string]profileNode{},
		Peers:         map[string]profileNode{},
		Ours:          profileOurs{Channel: n.definition.Channel, Contract: n.definition.Contract},
	}
	for _, o := range n.definition.Organisations {
		k := n.keys(o)
		trust := map[string]string{"path": k.TLSAuthority()}
		p.Organizations[o.Name] = profileOrganization{MSPID: o.MSPID, CryptoPath: k.Path("users", "{username}", "msp"), Peers: []string{o.Peer()}}
		p.Orderers[o.Orderer()] = profileNode{"grpcs://" + o.OrdererAddress(), trust}
		p.Peers[o.Peer()] = profileNode{"grpcs://" + o.PeerAddress(), trust}
		channel.Orderers = append(channel.Orderers, o.Orderer())
		channel.Peers[o.Peer()] = whatPeersDo
	}
	p.Channels = map[string]profileChannel{n.definition.Channel: channel}
	for _, o := range members {
		member, err := n.profileMember(o)
		if err != nil {
			return p, err
		}
		p.Ours.Members = append(p.Ours.Members, member)
	}
	return p, nil
}

func (n *Network) profileMember(o Organisation) (m profileMember, err error) {
	k := n.keys(o)
	admin, err := k.signKey("users/Admin")
	if err != nil {
		return m, err
	}
	orderersAdmin, err := k.signKey("users/OrdererAdmin")
	if err != nil {
		return m, err
	}
	return profileMember{
		MSPID: o.MSPID, Organization: o.Name,
		CA:    profileKeys{k.Path(memberAuthority + ".crt"), k.Path(memberAuthority + ".key")},
		Admin: profileKeys{k.SignCert("users/Admin"), admin},
		Orderer: profileOrderer{
			Name: o.Orderer(), MSPID: o.OrdererMSPID(), Participation: o.Participation(), TLSCACert: k.TLSAuthority(),
			ClientCert: k.TLSCert("users/Participation"), ClientKey: k.TLSKey("users/Participation"),
			Admin: profileKeys{k.SignCert("users/OrdererAdmin"), orderersAdmin},
		},
	}, nil
}
