package network

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/identity"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/fabric"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// customer sends transactions to one organisation's peer as its administrator.
type customer struct {
	channel  *client.Network
	contract string
}

func connectTo(t *testing.T, n *Network, organisation, contract string) customer {
	t.Helper()
	o, err := n.definition.Organisation(organisation)
	if err != nil {
		t.Fatal(err)
	}
	k := n.keys(o)
	config, err := k.client("peer")
	if err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient(o.PeerAddress(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := k.signKey("users/Admin")
	if err != nil {
		t.Fatal(err)
	}
	admin, err := readPair(k.SignCert("users/Admin"), file)
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := client.Connect(creator(t, o.MSPID, admin.cert), client.WithSign(signer(t, admin)), client.WithClientConnection(connection))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gateway.Close(); connection.Close() })
	return customer{gateway.GetNetwork(n.definition.Channel), contract}
}

func creator(t *testing.T, mspID string, cert *x509.Certificate) identity.Identity {
	t.Helper()
	id, err := identity.NewX509Identity(mspID, cert)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func signer(t *testing.T, p pair) identity.Sign {
	t.Helper()
	sign, err := identity.NewPrivateKeySign(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return sign
}

// put stores an entry, endorsed by the given members, and waits until it is in
// a block. An error of Submit does not say that it is not: an orderer that had
// ordered it before the gateway's own copy came counts as one that refused.
func (c customer) put(key string, endorsers ...string) error {
	_, err := c.call(ledgertest.Put{Key: key, Text: "text"}, func(name string, options ...client.ProposalOption) ([]byte, error) {
		if len(endorsers) > 0 {
			options = append(options, client.WithEndorsingOrganizations(endorsers...))
		}
		return c.channel.GetContract(c.contract).Submit(name, options...)
	})
	if refused := (*client.SubmitError)(nil); !errors.As(err, &refused) {
		return err
	}
	for range 50 {
		if _, missing := c.call(ledgertest.Get{Key: key}, c.channel.GetContract(c.contract).Evaluate); missing == nil {
			return nil
		}
		time.Sleep(between)
	}
	return err
}

func (c customer) call(command any, send func(string, ...client.ProposalOption) ([]byte, error)) ([]byte, error) {
	body, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	return send(chaincode.NameOf(command), client.WithTransient(map[string][]byte{fabric.BodyField: body}))
}

// until repeats what may fail for a while, and tells how long it took.
func until(t *testing.T, patience time.Duration, what string, try func() error) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		err := try()
		took := time.Since(start)
		if err == nil {
			return took
		}
		if took > patience {
			t.Fatalf("%s: still after %s: %v", what, took, err)
		}
		time.Sleep(between)
	}
}

// testContracts builds the program that serves the tests' contracts.
func testContracts(t *testing.T, n *Network) string {
	t.Helper()
	program := t.TempDir() + "/contracts"
	if _, err := n.programs.goBuild(t.Context(), n.programs.source, program, "./network/testdata/contracts"); err != nil {
		t.Fatal(err)
	}
	return program
}

// newNetwork is a network on free ports that ends with the test.
func newNetwork(t *testing.T, d Definition) *Network {
	t.Helper()
	d, err := d.OnFreePorts()
	if err != nil {
		t.Fatal(err)
	}
	n, err := Open(t.TempDir(), d)
	if err != nil {
		t.Fatal(err)
	}
	n.Say = t.Logf
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if t.Failed() {
			showTrouble(ctx, t, n)
		}
		if err := n.Down(ctx); err != nil {
			t.Error(err)
		}
	})
	return n
}

func showTrouble(ctx context.Context, t *testing.T, n *Network) {
	states, err := n.Status(ctx)
	if err != nil {
		t.Log(err)
	}
	for _, s := range states {
		t.Logf("%s pid %d height %d %s\n%s", s.Name, s.PID, s.Height, s.Trouble, n.lastWords(s.Name))
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
