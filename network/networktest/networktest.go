// Package networktest lends a test a Fabric network of its own. On one machine
// there is one at a time, whichever program's test it serves: a dozen processes
// want the machine for themselves.
package networktest

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/network"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/fabric"
	"github.com/tallyway/tallyway/shared/ledger/fabriclog"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

// anyTime is a window that every date of a story lies in.
const anyTime = 100 * 365 * 24 * time.Hour

// Network is a network that ends with its test.
type Network struct {
	*network.Network
	t *testing.T
}

// Start brings up a network of the given organisations, or of the default ones.
func Start(t *testing.T, organisations ...network.Organisation) *Network {
	t.Helper()
	fabriclog.Route(slog.New(slog.DiscardHandler)) // Fabric's client packages log through one global
	alone(t)
	d := network.Default()
	d.TimeWindow = anyTime
	if len(organisations) > 0 {
		d.Organisations = organisations
	}
	d, err := d.OnFreePorts()
	check(t, err)
	n, err := network.Open(t.TempDir(), d)
	check(t, err)
	n.Say = t.Logf
	t.Cleanup(func() { stop(t, n) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	check(t, n.Up(ctx))
	return &Network{n, t}
}

// alone waits until no other test has a network.
func alone(t *testing.T) {
	t.Helper()
	release, err := Alone(t.Context())
	check(t, err)
	t.Cleanup(release)
}

// Alone waits until no other network is up that took its turn in this way,
// whichever program's it is, and keeps others waiting until it is released.
func Alone(ctx context.Context) (release func(), err error) {
	lock, err := os.OpenFile(filepath.Join(os.TempDir(), "tallyway-network.lock"), os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	free := make(chan error, 1)
	go func() { free <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
	select {
	case err := <-free:
		if err != nil {
			return nil, errors.Join(err, lock.Close())
		}
		return func() { lock.Close() }, nil // closing gives the lock back
	case <-ctx.Done():
		go func() { <-free; lock.Close() }() // the wait itself cannot be called off
		return nil, context.Cause(ctx)
	}
}

func stop(t *testing.T, n *network.Network) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if t.Failed() {
		states, err := n.Status(ctx)
		for _, s := range states {
			t.Logf("%+v", s)
		}
		t.Logf("the network's state: %v", err)
	}
	if err := n.Down(ctx); err != nil {
		t.Error(err)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Serve deploys contracts under some names: those of a program of this module,
// or the suite's own.
func (n *Network) Serve(version, program string, names ...string) {
	n.t.Helper()
	if program != "" {
		program = n.build(program)
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Minute)
	defer cancel()
	check(n.t, n.Deploy(ctx, version, program, names...))
}

func (n *Network) build(from string) string {
	n.t.Helper()
	program := filepath.Join(n.t.TempDir(), filepath.Base(from))
	if out, err := exec.Command("go", "build", "-o", program, from).CombinedOutput(); err != nil {
		n.t.Fatalf("build %s: %v\n%s", from, err, out)
	}
	return program
}

// Members are the network's organisations with their authorities.
func (n *Network) Members() *ledgertest.Members {
	n.t.Helper()
	all := map[string]map[string][]byte{}
	for _, m := range n.ReadProfile("").Members {
		all[m.MSP] = map[string][]byte{"Certificate": der(n.t, m.CACert), "Key": der(n.t, m.CAKey)}
	}
	b, err := json.Marshal(all)
	check(n.t, err)
	members, err := ledgertest.Import(b)
	check(n.t, err)
	return members
}

func der(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	check(t, err)
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no PEM", file)
	}
	return block.Bytes
}

// ReadProfile is the connection profile of an organisation, or of all of them
// where it is not named.
func (n *Network) ReadProfile(organisation string) fabric.Profile {
	n.t.Helper()
	p, err := fabric.ReadProfile(n.Profile(organisation))
	check(n.t, err)
	return p
}

// anytime checks signatures as of now: the stories' dates stay where they are,
// the certificates of their users are made for each run.
type anytime struct{ *identity.Verifier }

func (v anytime) VerifyAt(creator, message, signature []byte, _ time.Time) (chaincode.Caller, error) {
	return v.Verify(creator, message, signature)
}

func (v anytime) VerifyNodeAt(creator, message, signature []byte, _ time.Time) (string, error) {
	return v.Verifier.VerifyNodeAt(creator, message, signature, time.Now())
}

// Ledger opens one deployed contract, as the organisation or as all of them.
// Change may change the configuration.
func (n *Network) Ledger(t testing.TB, m *ledgertest.Members, c *chaincode.Contracts, contract, organisation string, change ...func(*fabric.Config)) *fabric.Ledger {
	t.Helper()
	p := n.ReadProfile(organisation)
	p.Contract = contract
	reader := m.User(p.Members[0].MSP, "", "reader")
	authorities, err := p.Authorities()
	check(t, err)
	config := fabric.Config{Profile: p, Contracts: c, Verifier: anytime{identity.NewVerifier(authorities, time.Now)},
		Reader: func() (ledger.Signer, error) { return reader, nil }}
	for _, f := range change {
		f(&config)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := fabric.Open(ctx, config)
	check(t, err)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}
