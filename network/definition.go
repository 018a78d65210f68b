package network

import (
	"bytes"
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Definition is everything that a network is made from; definition.yaml tells
// what each part means. It does not change while the network lives.
type Definition struct {
	Channel       string         `yaml:"channel"`
	Contract      string         `yaml:"contract"`
	Endorsers     int            `yaml:"endorsers"`
	Logging       string         `yaml:"logging"`
	TimeWindow    time.Duration  `yaml:"timeWindow"`
	Batch         Batch          `yaml:"batch"`
	BFT           BFT            `yaml:"bft"`
	Organisations []Organisation `yaml:"organisations"`
}

// Batch says when a block is cut.
type Batch struct {
	Interval       time.Duration `yaml:"interval"`
	Messages       int           `yaml:"messages"`
	PreferredBytes string        `yaml:"preferredBytes"`
	AbsoluteBytes  string        `yaml:"absoluteBytes"`
}

// BFT is the orderers' patience with each other.
type BFT struct {
	Forward    time.Duration `yaml:"forward"`
	Complain   time.Duration `yaml:"complain"`
	ViewChange time.Duration `yaml:"viewChange"`
	Heartbeat  time.Duration `yaml:"heartbeat"`
	Requests   int           `yaml:"requests"`
}

// Organisation is one member with its peer, its orderer and its contract
// services, on one host.
type Organisation struct {
	Name      string `yaml:"name"`
	MSPID     string `yaml:"mspid"`
	Title     string `yaml:"title"`     // as people read it; the MSP id where there is none
	Authority bool   `yaml:"authority"` // may vouch for regulators and tax authorities
	Witness   bool   `yaml:"witness"`   // may see confidential commands, as their second endorser
	Host      string `yaml:"host"`
	Port      int    `yaml:"port"`
}

//go:embed definition.yaml
var defaultDefinition []byte

// Default is the consortium of four on one machine.
func Default() Definition {
	d, err := parse(defaultDefinition)
	if err != nil {
		panic(err) // it is part of the program, and a test reads it
	}
	return d
}

// DefaultText is the default definition as its file says it, to begin one's
// own from.
func DefaultText() []byte { return bytes.Clone(defaultDefinition) }

// Load reads a definition and checks it.
func Load(file string) (Definition, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Definition{}, err
	}
	d, err := parse(text)
	if err != nil {
		return d, fmt.Errorf("%s: %w", file, err)
	}
	return d, nil
}

func parse(text []byte) (d Definition, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&d); err != nil {
		return d, err
	}
	d.TimeWindow = cmp.Or(d.TimeWindow, 15*time.Minute) // as Fabric has it
	return d, d.Check()
}

// organisationName keeps names safe in file names and host names, and free of
// the dots that separate the parts of a process's name.
var organisationName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

var (
	channelName = regexp.MustCompile(`^[a-z][a-z0-9.-]*$`)
	mspName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)
	byteSize    = regexp.MustCompile(`^[0-9]+ [KM]B$`)
)

// Check refuses a definition that no network can be made from.
func (d Definition) Check() error {
	switch {
	case !channelName.MatchString(d.Channel):
		return fmt.Errorf("channel %q: lower-case letters, digits, dots and dashes", d.Channel)
	case !organisationName.MatchString(d.Contract):
		return fmt.Errorf("contract %q: lower-case letters, digits and dashes", d.Contract)
	case d.TimeWindow <= 0:
		return errors.New("timeWindow: above zero, such as 15m")
	case len(d.Organisations) == 0:
		return errors.New("a network has one organisation at least")
	case d.Endorsers < 1 || d.Endorsers > len(d.Organisations):
		return fmt.Errorf("endorsers: %d of %d organisations", d.Endorsers, len(d.Organisations))
	case d.Batch.Interval <= 0 || d.Batch.Messages <= 0:
		return errors.New("batch: interval and messages are above zero")
	case !byteSize.MatchString(d.Batch.PreferredBytes) || !byteSize.MatchString(d.Batch.AbsoluteBytes):
		return errors.New(`batch: sizes are written like "10 MB"`)
	case d.BFT.Forward <= 0 || d.BFT.Complain <= d.BFT.Forward || d.BFT.ViewChange <= 0 || d.BFT.Heartbeat <= 0 || d.BFT.Requests <= 0:
		return errors.New("bft: every value is above zero, and complain longer than forward")
	}
	return d.checkOrganisations()
}

func (d Definition) checkOrganisations() error {
	seen := map[string]string{}
	taken := func(what, by string) error {
		if other := seen[what]; other != "" {
			return fmt.Errorf("%s and %s both have %s", other, by, what)
		}
		seen[what] = by
		return nil
	}
	for _, o := range d.Organisations {
		switch {
		case !organisationName.MatchString(o.Name):
			return fmt.Errorf("organisation %q: lower-case letters, digits and dashes", o.Name)
		case !mspName.MatchString(o.MSPID):
			return fmt.Errorf("%s: MSP id %q: letters, digits and dashes", o.Name, o.MSPID)
		case o.Host == "" || o.Port <= 0 || o.Port+portsEach > 1<<16:
			return fmt.Errorf("%s: a host, and a port with nine more above it", o.Name)
		}
		for _, what := range []string{"the name " + o.Name, "MSP " + o.MSPID, "MSP " + o.OrdererMSPID()} {
			if err := taken(what, o.Name); err != nil {
				return err
			}
		}
		for port := o.Port; port < o.Port+portsEach; port++ {
			if err := taken("port "+net.JoinHostPort(o.Host, strconv.Itoa(port)), o.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// Organisation finds a member by name.
func (d Definition) Organisation(name string) (Organisation, error) {
	var names []string
	for _, o := range d.Organisations {
		if o.Name == name {
			return o, nil
		}
		names = append(names, o.Name)
	}
	return Organisation{}, fmt.Errorf("there is no organisation %q; there are %s", name, strings.Join(names, ", "))
}

// The ports of an organisation, counted from its first.
const (
	ordererPort = iota
	peerPort
	chaincodePort // where the peer would listen for contracts that it starts itself
	participationPort
	ordererHealthPort
	peerHealthPort
	contractsPort // the first of contractSlots

	portsEach     = 10
	contractSlots = portsEach - contractsPort
)

// OrdererMSPID is the organisation's other MSP: those who order a channel are
// not, as such, those who endorse on it.
func (o Organisation) OrdererMSPID() string {
	return strings.TrimSuffix(o.MSPID, "MSP") + "OrdererMSP"
}

// Peer, Orderer: the names of the organisation's processes.
func (o Organisation) Peer() string    { return "peer." + o.Name }
func (o Organisation) Orderer() string { return "orderer." + o.Name }

// PeerAddress is where clients and other peers reach the peer.
func (o Organisation) PeerAddress() string { return o.address(peerPort) }

// OrdererAddress is where peers and other orderers reach the orderer.
func (o Organisation) OrdererAddress() string { return o.address(ordererPort) }

// Participation is the orderer's administration, where it joins channels.
func (o Organisation) Participation() string { return "https://" + o.address(participationPort) }

func (o Organisation) address(port int) string {
	return net.JoinHostPort(o.Host, strconv.Itoa(o.Port+port))
}

// local is an address that only the host itself reaches.
func (o Organisation) local(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(o.Port+port))
}
