package network

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestANetworkLives brings the default consortium up, and puts it through what
// a network goes through: transactions, crashes of every kind of process, an
// upgrade, new certificates, a night's rest.
func TestANetworkLives(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	n := newNetwork(t, Default())
	program := testContracts(t, n)

	start := time.Now()
	must(t, n.Up(ctx))
	t.Logf("up in %s", time.Since(start))
	start = time.Now()
	must(t, n.Deploy(ctx, "1.0", program))
	t.Logf("channel and contracts in %s", time.Since(start))
	must(t, n.Deploy(ctx, "1.0", program)) // again: everything stands already

	all := map[string]customer{}
	for _, o := range n.definition.Organisations {
		all[o.Name] = connectTo(t, n, o.Name, n.definition.Contract)
	}
	producer, bank := all["producer"], all["bank"]
	for i := range 10 {
		start := time.Now()
		must(t, producer.put(fmt.Sprintf("lone/%d", i), "ProducerMSP", "TaxMSP"))
		t.Logf("a lone transaction in %s", time.Since(start))
	}
	must(t, bank.put("by/discovery"))
	if err := producer.put("alone", "ProducerMSP"); err == nil {
		t.Error("one member's word was enough")
	}

	t.Run("crashes", func(t *testing.T) { crashes(t, n, producer, bank) })
	t.Run("upgrade", func(t *testing.T) { upgrade(ctx, t, n, program, producer) })
	t.Run("renewal", func(t *testing.T) { renewal(ctx, t, n, producer) })
	t.Run("rest", func(t *testing.T) { rest(ctx, t, n, producer) })
}

// TestAPortThatIsTaken names the process that could not start, and why.
func TestAPortThatIsTaken(t *testing.T) {
	n := newNetwork(t, Default())
	tax := n.definition.Organisations[1]
	other, err := net.Listen("tcp", tax.PeerAddress())
	must(t, err)
	defer other.Close()
	err = n.Up(t.Context())
	if err == nil || !strings.Contains(err.Error(), "peer.tax has ended") || !strings.Contains(err.Error(), "address already in use") {
		t.Error(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// crashes kills every kind of process once, and looks what its absence means.
func crashes(t *testing.T, n *Network, producer, bank customer) {
	for i, c := range []struct {
		name string
		by   customer // who works meanwhile
		with []string
	}{
		{"contracts.tax.1.0", producer, []string{"ProducerMSP", "BankMSP"}},
		{"peer.tax", bank, []string{"ProducerMSP", "BankMSP"}},
		{"orderer.tax", producer, []string{"ProducerMSP", "BankMSP"}},
		{"orderer.producer", producer, []string{"ProducerMSP", "BankMSP"}},
	} {
		must(t, n.Kill(c.name))
		if pid := n.pid(c.name); pid != 0 {
			t.Errorf("%s lives as %d", c.name, pid)
		}
		took := until(t, 30*time.Second, "work without "+c.name, func() error { return c.by.put(fmt.Sprintf("without/%d", i), c.with...) })
		t.Logf("without %s a transaction took %s", c.name, took)
		if err := n.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), c.name+" has ended") {
			t.Errorf("the network without %s: %v", c.name, err)
		}
		start := time.Now()
		must(t, n.Start(c.name))
		back := time.Since(start)
		took = until(t, 30*time.Second, c.name+" takes part again", func() error {
			return c.by.put(fmt.Sprintf("with/%d", i), "TaxMSP", "BankMSP")
		})
		t.Logf("%s was ready in %s, took part %s later", c.name, back, took)
		if c.name == "contracts.tax.1.0" && took > 3*time.Second {
			t.Errorf("the peer found its service only after %s", took)
		}
	}
}

// upgrade runs two versions at once, then only the new one.
func upgrade(ctx context.Context, t *testing.T, n *Network, program string, producer customer) {
	must(t, n.Deploy(ctx, "1.1", program))
	if versions, err := n.Contracts(); err != nil || !slices.Equal(versions, []string{"1.0", "1.1"}) {
		t.Fatalf("served: %v %v", versions, err)
	}
	must(t, n.StopContracts(ctx, "1.0"))
	must(t, producer.put("after/upgrade", "ProducerMSP", "TaxMSP"))
	if err := n.StopContracts(ctx, "1.0"); err == nil {
		t.Error("what is not served was stopped")
	}
	if err := n.StartContracts(ctx, "1.1", "/bin/true"); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("a version that changes its meaning: %v", err)
	}
}

func renewal(ctx context.Context, t *testing.T, n *Network, producer customer) {
	for i, name := range []string{"orderer.producer", "orderer.tax", "peer.tax", "contracts.tax", "admin.tax"} {
		_, tax, _ := strings.Cut(name, ".")
		o, err := n.definition.Organisation(tax)
		must(t, err)
		who := renewable[strings.Split(name, ".")[0]][0]
		before, err := n.keys(o).until(who)
		must(t, err)
		time.Sleep(time.Until(before.Add(-nodeLifetime).Add(time.Second))) // certificates count in seconds
		must(t, n.Renew(ctx, name))
		after, err := n.keys(o).until(who)
		must(t, err)
		if !after.After(before) {
			t.Errorf("%s: its certificate ends %s, before it was %s", name, after, before)
		}
		took := until(t, 30*time.Second, name+" renewed", func() error { return producer.put(fmt.Sprintf("renewed/%d", i), "ProducerMSP", "TaxMSP") })
		t.Logf("%s renewed; it took part %s later", name, took)
	}
}

// rest takes everything down and up: the chain goes on where it was.
func rest(ctx context.Context, t *testing.T, n *Network, producer customer) {
	before := heights(t, n)
	start := time.Now()
	must(t, n.Down(ctx))
	t.Logf("down in %s", time.Since(start))
	states, err := n.Status(ctx)
	must(t, err)
	for _, s := range states {
		if s.PID != 0 || s.Trouble == "" {
			t.Errorf("after down: %+v", s)
		}
	}
	again, err := Reopen(n.dir)
	must(t, err)
	start = time.Now()
	must(t, again.Up(ctx))
	t.Logf("up again in %s", time.Since(start))
	if after := heights(t, n); after != before {
		t.Errorf("height %d, before it was %d", after, before)
	}
	must(t, again.Up(ctx)) // nothing to do
	start = time.Now()
	must(t, producer.put("in/the/morning", "ProducerMSP", "TaxMSP"))
	t.Logf("the first transaction took %s", time.Since(start))
}

// heights waits until all nodes have the same height, and tells it.
func heights(t *testing.T, n *Network) (height uint64) {
	t.Helper()
	until(t, 20*time.Second, "the same height everywhere", func() error {
		states, err := n.Status(t.Context())
		if err != nil {
			return err
		}
		height = states[0].Height
		for _, s := range states {
			if !strings.HasPrefix(s.Name, "contracts.") && (s.Height != height || s.Trouble != "") {
				return fmt.Errorf("%+v", states)
			}
		}
		return nil
	})
	return height
}
