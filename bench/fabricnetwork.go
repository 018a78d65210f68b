package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/protobuf/proto"

	adapter "github.com/tallyway/tallyway/chaincode/fabric"
	"github.com/tallyway/tallyway/network"
	"github.com/tallyway/tallyway/network/networktest"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/fabric"
	"github.com/tallyway/tallyway/shared/ledger/fabriclog"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// fabricNetwork is the default consortium on this machine, which runs the
// contracts of the ledgers' corpus, and two ways to it: both through the peer of
// its first organisation, with the key of one user.
type fabricNetwork struct {
	network *network.Network
	user    ledger.Signer
	second  string // the MSP that endorses beside the user's own
	ledger  *fabric.Ledger
	bare    *bareGateway
	closers []func() error // the last first
}

func openFabric(ctx context.Context, o options) (_ *fabricNetwork, err error) {
	fabriclog.Route(slog.New(slog.DiscardHandler)) // Fabric's client packages log through one global
	n := &fabricNetwork{}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	dir, err := os.MkdirTemp(o.raw, "fabric-")
	if err != nil {
		return n, err
	}
	n.closers = append(n.closers, func() error { return os.RemoveAll(dir) })
	if err := n.start(ctx, dir); err != nil {
		return n, fmt.Errorf("start a network: %w", err)
	}
	first := n.network.Definition().Organisations[0]
	n.second = n.network.Definition().Organisations[1].MSPID
	profile, err := fabric.ReadProfile(n.network.Profile(first.Name))
	if err != nil {
		return n, err
	}
	if n.user, err = enrol(filepath.Join(dir, "wallet"), profile.Members[0]); err != nil {
		return n, err
	}
	n.ledger, err = fabric.Open(ctx, fabric.Config{Profile: profile, Contracts: ledgertest.Contracts(),
		Reader: func() (ledger.Signer, error) { return n.user, nil }})
	if err != nil {
		return n, err
	}
	n.closers = append(n.closers, n.ledger.Close)
	if n.bare, err = dialBare(n.network, first, profile, n.user, n.second); err != nil {
		return n, err
	}
	n.closers = append(n.closers, n.bare.close)
	return n, nil
}

// close ends the network and everything that was opened on it.
func (n *fabricNetwork) close() (err error) {
	for len(n.closers) > 0 {
		last := len(n.closers) - 1
		err = errors.Join(err, n.closers[last]())
		n.closers = n.closers[:last]
	}
	return err
}

// start brings the network up when no other one is.
func (n *fabricNetwork) start(ctx context.Context, dir string) error {
	release, err := networktest.Alone(ctx)
	if err != nil {
		return err
	}
	n.closers = append(n.closers, func() error { release(); return nil })
	d, err := network.Default().OnFreePorts()
	if err != nil {
		return err
	}
	if n.network, err = network.Open(filepath.Join(dir, "network"), d); err != nil {
		return err
	}
	n.network.Say = func(format string, arguments ...any) { slog.Info(fmt.Sprintf(format, arguments...)) }
	n.closers = append(n.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return n.network.Down(ctx)
	})
	program := filepath.Join(dir, "corpus")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/tallyway/tallyway/network/trial/corpus").CombinedOutput(); err != nil {
		return fmt.Errorf("build the contracts: %w\n%s", err, out)
	}
	if err := n.network.Up(ctx); err != nil {
		return err
	}
	return n.network.Deploy(ctx, "corpus", program)
}

// enrol gives a member a user, with the member's own authority.
func enrol(dir string, m fabric.Member) (ledger.Signer, error) {
	wallet, err := identity.Open(dir, []byte("a secret of thirty-two characters"), time.Now)
	if err != nil {
		return nil, err
	}
	cert, err := os.ReadFile(m.CACert)
	if err != nil {
		return nil, err
	}
	key, err := os.ReadFile(m.CAKey)
	if err != nil {
		return nil, err
	}
	if err := wallet.ImportMember(m.MSP, cert, key); err != nil {
		return nil, err
	}
	return wallet.Issue(identity.Enrolment{MSP: m.MSP, Party: "seller", User: "bench"})
}

// bareGateway is a client as Fabric's documentation makes it: endorse, submit,
// ask for the status.
type bareGateway struct {
	conn     *grpc.ClientConn
	gateway  *client.Gateway
	contract *client.Contract
	orgs     []string
}

func dialBare(n *network.Network, own network.Organisation, profile fabric.Profile, user ledger.Signer, second string) (*bareGateway, error) {
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(user.Creator(), &id); err != nil {
		return nil, err
	}
	roots, err := tlsRoots(n.Profile(own.Name), own.Peer())
	if err != nil {
		return nil, err
	}
	b := &bareGateway{orgs: []string{own.MSPID, second}}
	if b.conn, err = grpc.NewClient(own.PeerAddress(), grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, ""))); err != nil {
		return nil, err
	}
	b.gateway, err = client.Connect(bearer{&id}, client.WithSign(user.Sign), client.WithHash(hash.NONE), client.WithClientConnection(b.conn))
	if err != nil {
		return nil, errors.Join(err, b.conn.Close())
	}
	b.contract = b.gateway.GetNetwork(profile.Channel).GetContract(profile.Contract)
	return b, nil
}

// tlsRoots are what a connection profile trusts a peer by.
func tlsRoots(profile, peer string) (*x509.CertPool, error) {
	text, err := os.ReadFile(profile)
	if err != nil {
		return nil, err
	}
	var p struct {
		Peers map[string]struct {
			TLSCACerts struct{ Path string } `yaml:"tlsCACerts"`
		}
	}
	if err := yaml.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(p.Peers[peer].TLSCACerts.Path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	return roots, nil
}

func (b *bareGateway) close() error { return errors.Join(b.gateway.Close(), b.conn.Close()) }

func (b *bareGateway) submit(ctx context.Context, name string, body []byte) error {
	proposal, err := b.contract.NewProposal(name, client.WithTransient(map[string][]byte{adapter.BodyField: body}),
		client.WithEndorsingOrganizations(b.orgs...))
	if err != nil {
		return err
	}
	transaction, err := proposal.EndorseWithContext(ctx)
	if err != nil {
		return err
	}
	commit, err := transaction.SubmitWithContext(ctx)
	if err != nil {
		return err
	}
	status, err := commit.StatusWithContext(ctx)
	if err == nil && !status.Successful {
		err = fmt.Errorf("transaction %s: %s", status.TransactionID, status.Code)
	}
	return err
}

// bearer is an identity as the gateway's client wants it.
type bearer struct{ id *msp.SerializedIdentity }

func (b bearer) MspID() string       { return b.id.Mspid }
func (b bearer) Credentials() []byte { return b.id.IdBytes }
