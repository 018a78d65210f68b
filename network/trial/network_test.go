package trial

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/network"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/fabric"
	"github.com/tallyway/tallyway/shared/ledger/fabriclog"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

func TestMain(m *testing.M) {
	fabriclog.Route(slog.New(slog.DiscardHandler)) // Fabric's client packages log through one global
	os.Exit(m.Run())
}

// storyOrgs are the members that the stories speak of; the corpus has the first
// three.
var storyOrgs = []network.Organisation{
	{Name: "dairy", MSPID: "DairyMSP"}, {Name: "harbour", MSPID: "HarbourMSP"},
	{Name: "authority", MSPID: "AuthorityMSP", Authority: true, Witness: true},
	{Name: "bank", MSPID: "BankMSP", Witness: true}, {Name: "stranger", MSPID: "StrangerMSP"},
}

// anyTime is a window that every date of the stories lies in.
const anyTime = 100 * 365 * 24 * time.Hour

// start brings a network up for one test and its children.
func start(t *testing.T, organisations ...network.Organisation) *network.Network {
	t.Helper()
	d := network.Default()
	d.TimeWindow = anyTime
	if len(organisations) > 0 {
		d.Organisations = organisations
	}
	d, err := d.OnFreePorts()
	if err != nil {
		t.Fatal(err)
	}
	n, err := network.Open(t.TempDir(), d)
	if err != nil {
		t.Fatal(err)
	}
	n.Say = t.Logf
	t.Cleanup(func() { stop(t, n) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := n.Up(ctx); err != nil {
		t.Fatal(err)
	}
	return n
}

func stop(t *testing.T, n *network.Network) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if t.Failed() {
		states, err := n.Status(ctx)
		t.Logf("the network: %+v %v", states, err)
	}
	if err := n.Down(ctx); err != nil {
		t.Error(err)
	}
}

// deploy serves contracts on a network under some names.
func deploy(t *testing.T, n *network.Network, version, program string, names ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := n.Deploy(ctx, version, program, names...); err != nil {
		t.Fatal(err)
	}
}

// build makes a program of this module.
func build(t *testing.T, from string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(from))
	if out, err := exec.Command("go", "build", "-o", program, from).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", from, err, out)
	}
	return program
}

// membersOf are the network's organisations with their authorities.
func membersOf(t testing.TB, n *network.Network) *ledgertest.Members {
	t.Helper()
	all := map[string]map[string][]byte{}
	for _, m := range profileOf(t, n, "").Members {
		all[m.MSP] = map[string][]byte{"Certificate": derOf(t, m.CACert), "Key": derOf(t, m.CAKey)}
	}
	b, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	members, err := ledgertest.Import(b)
	if err != nil {
		t.Fatal(err)
	}
	return members
}

func derOf(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no PEM", file)
	}
	return block.Bytes
}

func profileOf(t testing.TB, n *network.Network, organisation string) fabric.Profile {
	t.Helper()
	p, err := fabric.ReadProfile(n.Profile(organisation))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// open opens the ledger of one deployed contract for a test.
func open(t testing.TB, n *network.Network, m *ledgertest.Members, c *chaincode.Contracts, contract string) *fabric.Ledger {
	t.Helper()
	p := profileOf(t, n, "")
	p.Contract = contract
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reader := m.User(p.Members[0].MSP, "", "reader")
	l, err := fabric.Open(ctx, fabric.Config{Profile: p, Contracts: c,
		Reader: func() (ledger.Signer, error) { return reader, nil }, Verifier: m})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}
