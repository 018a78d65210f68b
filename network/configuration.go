package network

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"
)

//go:embed configuration
var configurationFiles embed.FS

var configurations = template.Must(template.New("").Funcs(template.FuncMap{
	"quote": strconv.Quote,
	"inc":   func(i int) int { return i + 1 },
}).ParseFS(configurationFiles, "configuration/*"))

// nodeConfiguration is what core.yaml and orderer.yaml are written from.
type nodeConfiguration struct {
	Definition
	Org                   Organisation
	Keys                  keys
	ListenHost, Listen    string
	ChaincodeListen       string
	Participation, Health string
	Data, WAL, Snapshots  string
	Builder               string
	BuilderVariable       string
}

// configure writes the configuration of an organisation's peer and orderer.
func (n *Network) configure(o Organisation) error {
	for _, node := range []struct {
		name, file   string
		port, health int
	}{
		{o.Peer(), "core.yaml", peerPort, peerHealthPort},
		{o.Orderer(), "orderer.yaml", ordererPort, ordererHealthPort},
	} {
		at := n.node(node.name)
		text, err := render(node.file, nodeConfiguration{
			Definition: n.definition, Org: o, Keys: n.keys(o),
			ListenHost: o.listenHost(), Listen: o.listen(node.port),
			ChaincodeListen: o.local(chaincodePort),
			Participation:   o.listen(participationPort), Health: o.local(node.health),
			Data: filepath.Join(at, "data"), WAL: filepath.Join(at, "data", "wal"), Snapshots: filepath.Join(at, "data", "snapshots"),
			Builder: n.programs.builder(), BuilderVariable: builderVariable,
		})
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(at, node.file), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// listenHost is the organisation's own address where it is one; behind a name
// a node listens on every address of its host.
func (o Organisation) listenHost() string {
	if net.ParseIP(o.Host) != nil {
		return o.Host
	}
	return "0.0.0.0"
}

func (o Organisation) listen(port int) string {
	return net.JoinHostPort(o.listenHost(), strconv.Itoa(o.Port+port))
}

func render(file string, data any) ([]byte, error) {
	var out bytes.Buffer
	if err := configurations.ExecuteTemplate(&out, file, data); err != nil {
		return nil, fmt.Errorf("write %s: %w", file, err)
	}
	return out.Bytes(), nil
}

// genesisConfiguration is what configtx.yaml is written from.
type genesisConfiguration struct {
	Definition
	Resend      time.Duration
	Endorsement string
	Members     []genesisMember
}

type genesisMember struct {
	Org      Organisation
	Keys     keys
	PeerPort int
}

func (n *Network) genesisConfiguration() ([]byte, error) {
	g := genesisConfiguration{
		Definition:  n.definition,
		Resend:      n.definition.BFT.ViewChange / 4,
		Endorsement: n.definition.Endorsement(),
	}
	for _, o := range n.definition.Organisations {
		g.Members = append(g.Members, genesisMember{o, n.keys(o), o.Port + peerPort})
	}
	return render("configtx.yaml", g)
}

// Endorsement is the channel's rule for a transaction, in Fabric's words.
func (d Definition) Endorsement() string {
	var peers []string
	for _, o := range d.Organisations {
		peers = append(peers, "'"+o.MSPID+".peer'")
	}
	return fmt.Sprintf("OutOf(%d, %s)", d.Endorsers, strings.Join(peers, ", "))
}
