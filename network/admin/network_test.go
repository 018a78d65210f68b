package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
)

// consortium is a network of real processes, with the folder it lives in.
type consortium struct {
	dir      string
	launcher string
}

// organisation is one line of a network's definition.
type organisation struct{ name, msp string }

var four = []organisation{{"org1", "Org1MSP"}, {"org2", "Org2MSP"}, {"org3", "Org3MSP"}, {"org4", "Org4MSP"}}

// TestTheLifeOfANetwork takes a network from its genesis block through two
// versions of the contracts to a fifth member. Each part begins where the one
// before ended.
func TestTheLifeOfANetwork(t *testing.T) {
	launcher := filepath.Join(t.TempDir(), "network")
	execute(t, "go", "build", "-C", filepath.Join("..", ".."), "-o", launcher, "./cmd/network")
	c := up(t, launcher, 2, four...)
	newcomer := up(t, launcher, 1, organisation{"dairy", "DairyMSP"})

	part := func(name string, test func(*testing.T)) {
		if !t.Run(name, test) {
			t.FailNow()
		}
	}
	part("the channel is created once", func(t *testing.T) { channelIsCreated(t, c) })
	part("contracts are deployed once, several names at a time", func(t *testing.T) { contractsAreDeployed(t, c) })
	part("an upgrade wants a majority", func(t *testing.T) { upgradeWantsMajority(t, c) })
	part("a minority's peer may be down", func(t *testing.T) { onePeerIsDown(t, c) })
	part("a majority lets a member in", func(t *testing.T) { memberIsLetIn(t, c, newcomer) })
	part("the new member endorses", func(t *testing.T) { newcomerEndorses(t, c, newcomer) })
	part("the new member orders", func(t *testing.T) { newcomerOrders(t, c, newcomer) })
}

func channelIsCreated(t *testing.T, c consortium) {
	refused(t, "the block is of channel", "channel", "create", "--profile", c.profile("consortium"), "--block", c.genesisLike(t, channelName, "fool"))
	refused(t, "2 of 2 orderers and peers are not on channel", "channel", "info", "--profile", c.profile("org1"))
	out := admin(t, "channel", "create", "--profile", c.profile("consortium"), "--block", c.genesis())
	for _, o := range four {
		contains(t, out, "orderer."+o.name+" joins "+channelName+" as consenter", "peer."+o.name+" joins "+channelName)
	}
	out = admin(t, "channel", "create", "--profile", c.profile("consortium"), "--block", c.genesis())
	if strings.Contains(out, "joins") {
		t.Errorf("joined twice:\n%s", out)
	}
	refused(t, "peer.org1 stands on another channel "+channelName, "channel", "create", "--profile", c.profile("org1"), "--block", c.genesisLike(t, c.dataHash(t), strings.Repeat("x", 32)))
	contains(t, admin(t, "channel", "info", "--profile", c.profile("consortium")), "Org4MSP  orderer.org4  1       consenter, active", "Org4MSP  peer.org4     1       peer")
}

func contractsAreDeployed(t *testing.T, c consortium) {
	id := c.serve(t, "1.0")
	deploy := []string{"contracts", "deploy", "--profile", c.profile("consortium"), "--package", c.pack("1.0"), "--version", "1.0", "--name", "tallyway,shadow", "--name", "third"}
	out := admin(t, deploy...)
	for _, name := range []string{"tallyway", "shadow", "third"} {
		contains(t, out, name+" 1.0, sequence 1 comes into force", "Org3MSP approves "+name+" 1.0, sequence 1")
	}
	out = admin(t, deploy...)
	contains(t, out, "third 1.0, sequence 1 is in force", "peer.org2 has installed "+id)
	if strings.Contains(out, "comes") || strings.Contains(out, "approves") || strings.Contains(out, "installs") {
		t.Errorf("deployed twice:\n%s", out)
	}
	running := fields(admin(t, "contracts", "running", "--profile", c.profile("consortium")))
	contains(t, running, "Org1MSP peer.org1 shadow 1.0 1 "+id, "Org4MSP peer.org4 tallyway 1.0 1 "+id)
	found(t, c)
}

func upgradeWantsMajority(t *testing.T, c consortium) {
	id := c.serve(t, "2.0")
	terms := []string{"--version", "2.0"}
	pack := append([]string{"--package", c.pack("2.0")}, terms...)
	as := func(org string, words ...string) []string {
		return append(words, append([]string{"--profile", c.profile(org)}, terms...)...)
	}
	refused(t, "still to approve: Org1MSP, Org2MSP, Org3MSP, Org4MSP", as("org1", "contracts", "commit")...)
	refused(t, "tallyway 2.0, sequence 2 waits for a majority; still to approve: Org2MSP, Org3MSP, Org4MSP",
		append([]string{"contracts", "deploy", "--profile", c.profile("org1")}, pack...)...)
	for _, org := range []string{"org2", "org3"} {
		refused(t, "a majority has to approve", as(org, "contracts", "ready")...)
		admin(t, "contracts", "install", "--profile", c.profile(org), "--package", c.pack("2.0"))
		contains(t, admin(t, append([]string{"contracts", "approve", "--profile", c.profile(org)}, pack...)...), "approves tallyway 2.0, sequence 2")
	}
	ready := admin(t, as("org4", "contracts", "ready")...)
	contains(t, ready, "Org1MSP has approved", "Org4MSP has not approved")
	// Whoever commits need not have approved.
	contains(t, admin(t, as("org4", "contracts", "commit")...), "tallyway 2.0, sequence 2 comes into force")
	contains(t, admin(t, as("org1", "contracts", "commit")...), "tallyway 2.0, sequence 2 is in force")
	contains(t, fields(admin(t, "contracts", "running", "--profile", c.profile("org4"))), "Org4MSP peer.org4 tallyway 2.0 2 none approved")
	// The one that lags follows, at the sequence in force.
	contains(t, admin(t, append([]string{"contracts", "deploy", "--profile", c.profile("org4")}, pack...)...), "Org4MSP approves tallyway 2.0, sequence 2")
	contains(t, fields(admin(t, "contracts", "running", "--profile", c.profile("org4"))), "Org4MSP peer.org4 tallyway 2.0 2 "+id)
}

func onePeerIsDown(t *testing.T, c consortium) {
	execute(t, c.launcher, "stop", "peer.org4", "--dir", c.dir)
	for _, org := range []string{"org1", "org2"} {
		refused(t, "still to approve: ", "contracts", "deploy", "--profile", c.profile(org), "--package", c.pack("2.0"), "--version", "2.0", "--name", "shadow")
	}
	out := admin(t, "contracts", "deploy", "--profile", c.profile("org3"), "--package", c.pack("2.0"), "--version", "2.0", "--name", "shadow")
	contains(t, out, "shadow 2.0, sequence 2 comes into force")
	contains(t, admin(t, "contracts", "commit", "--profile", c.profile("consortium"), "--version", "2.0", "--name", "shadow"), "is in force")
	refused(t, "peer.org4 does not install", "contracts", "install", "--profile", c.profile("org4"), "--package", c.pack("2.0"))
	refused(t, "1 of 2 orderers and peers are not on channel", "channel", "info", "--profile", c.profile("org4"))
	execute(t, c.launcher, "start", "peer.org4", "--dir", c.dir)
	out = admin(t, "contracts", "deploy", "--profile", c.profile("consortium"), "--package", c.pack("2.0"), "--version", "2.0", "--name", "shadow")
	contains(t, out, "Org4MSP approves shadow 2.0, sequence 2")
}

func memberIsLetIn(t *testing.T, c, newcomer consortium) {
	change := filepath.Join(t.TempDir(), "change.pb")
	add := func(org string, more ...string) []string {
		return append([]string{"member", "add", "--profile", c.profile(org), "--definition", newcomer.genesis()}, more...)
	}
	refused(t, "1 of 4 have signed; still to sign: Org2MSP, Org3MSP, Org4MSP", add("org1")...)
	refused(t, "a newcomer comes alone", "member", "add", "--profile", c.profile("org1"), "--definition", c.genesis())
	admin(t, add("org1", "--out", change)...)
	contains(t, admin(t, "member", "show", "--profile", c.profile("org2"), "--update", change),
		"Channel/Application: lets in DairyMSP, authority SHA-256 ", "Channel/Application: changes the policy Endorsement", "Org1MSP has signed")
	contains(t, admin(t, "member", "sign", "--profile", c.profile("org2"), "--update", change), "Org1MSP has signed", "Org2MSP has signed")
	refused(t, "2 of 4 have signed; still to sign: Org3MSP, Org4MSP", "member", "submit", "--profile", c.profile("org2"), "--update", change)
	admin(t, "member", "sign", "--profile", c.profile("org3"), "--update", change)
	contains(t, admin(t, "member", "submit", "--profile", c.profile("org4"), "--update", change), "is in force")
	contains(t, admin(t, add("org1")...), "DairyMSP is a member")
	refused(t, "the orderers refuse the change", "member", "submit", "--profile", c.profile("org4"), "--update", change)

	joined := newcomer.joined(t, c)
	refused(t, "1 of 1 orderers and peers are not on channel", "channel", "info", "--profile", joined)
	// Before it has the others' blocks it would answer from the past.
	caughtUp := fmt.Sprintf("peer.dairy joins %s, %s blocks", channelName, height(t, c.profile("org1"), "peer.org1"))
	contains(t, admin(t, "channel", "join", "--profile", joined, "--block", c.genesis()), caughtUp)
	newcomer.serve(t, "2.0")
	out := admin(t, "contracts", "deploy", "--profile", joined, "--package", newcomer.pack("2.0"), "--version", "2.0")
	contains(t, out, "DairyMSP approves tallyway 2.0, sequence 2", "tallyway 2.0, sequence 2 is in force")
}

func newcomerEndorses(t *testing.T, c, newcomer consortium) {
	joined := filepath.Join(newcomer.dir, "joined.yaml")
	admit(t, c, joined, newcomer)
}

func newcomerOrders(t *testing.T, c, newcomer consortium) {
	contains(t, admin(t, "member", "add", "--profile", c.profile("consortium"), "--definition", newcomer.genesis(), "--orderer"), "is in force")
	joined, block := newcomer.joined(t, c), filepath.Join(t.TempDir(), "config.block")
	admin(t, "channel", "fetch", "--profile", c.profile("org1"), "--out", block)
	refused(t, "a channel begins with block 0", "channel", "create", "--profile", c.profile("org1"), "--block", block)
	contains(t, admin(t, "channel", "join", "--profile", joined, "--block", block), "orderer.dairy joins "+channelName+" as consenter")
	contains(t, fields(admin(t, "channel", "info", "--profile", joined)), "DairyMSP orderer.dairy", "consenter, active")
}

const channelName = "food"

// up makes a network in a folder of its own and starts it.
func up(t *testing.T, launcher string, endorsers int, members ...organisation) consortium {
	t.Helper()
	c := consortium{t.TempDir(), launcher}
	text := strings.Builder{}
	fmt.Fprintf(&text, "channel: %s\ncontract: tallyway\nendorsers: %d\nlogging: warning\n", channelName, endorsers)
	text.WriteString("batch: {interval: 100ms, messages: 500, preferredBytes: 2 MB, absoluteBytes: 10 MB}\n")
	text.WriteString("bft: {forward: 250ms, complain: 10s, viewChange: 10s, heartbeat: 10s, requests: 100000}\norganisations:\n")
	for _, m := range members {
		fmt.Fprintf(&text, "  - {name: %s, mspid: %s, host: 127.0.0.1, port: %d}\n", m.name, m.msp, tenPorts(t))
	}
	definition := filepath.Join(c.dir, "own.yaml")
	if err := os.WriteFile(definition, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { execute(t, launcher, "down", "--dir", c.dir) })
	execute(t, launcher, "up", "--dir", c.dir, "--definition", definition)
	return c
}

// given are the ports that this test has taken.
var given []int

// tenPorts finds ten free ports in a row: above those that the launcher's own
// tests take, below those that the system gives to outgoing connections.
func tenPorts(t *testing.T) int {
	t.Helper()
	for first := 31000 + os.Getpid()%100*10; first < 32760; first += 10 {
		if !slices.Contains(given, first) && free(first) {
			given = append(given, first)
			return first
		}
	}
	t.Fatal("no ten free ports in a row")
	return 0
}

func free(first int) bool {
	for port := first; port < first+10; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

func (c consortium) profile(of string) string {
	return filepath.Join(c.dir, "profiles", of+".yaml")
}

func (c consortium) genesis() string { return filepath.Join(c.dir, "genesis.block") }

func (c consortium) pack(version string) string {
	return filepath.Join(c.dir, "contracts", version, "tallyway.tar.gz")
}

// genesisLike is the genesis block with one text instead of another.
func (c consortium) genesisLike(t *testing.T, text, instead string) string {
	t.Helper()
	other := filepath.Join(t.TempDir(), "other.block")
	block := strings.ReplaceAll(read(t, c.genesis()), text, instead)
	if err := os.WriteFile(other, []byte(block), 0o644); err != nil {
		t.Fatal(err)
	}
	return other
}

// dataHash is the hash by which the genesis block is known.
func (c consortium) dataHash(t *testing.T) string {
	t.Helper()
	var block common.Block
	if err := proto.Unmarshal([]byte(read(t, c.genesis())), &block); err != nil {
		t.Fatal(err)
	}
	return string(block.Header.DataHash)
}

// serve makes the package of a version, and has it served.
func (c consortium) serve(t *testing.T, version string) (packageID string) {
	t.Helper()
	out := admin(t, "contracts", "package", "--version", version, "--out", filepath.Dir(c.pack(version)))
	execute(t, c.launcher, "contracts", "start", version, "--dir", c.dir)
	return strings.TrimSpace(out)
}

// joined is the newcomer's profile that knows the consortium.
func (c consortium) joined(t *testing.T, others consortium) string {
	t.Helper()
	file := filepath.Join(c.dir, "joined.yaml")
	admin(t, "member", "profile", "--profile", c.profile("dairy"), "--with", others.profile("consortium"), "--out", file)
	return file
}

// admin runs the program's own command line.
func admin(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(context.Background(), args, &out); err != nil {
		t.Fatalf("admin %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

func refused(t *testing.T, why string, args ...string) {
	t.Helper()
	var out strings.Builder
	err := run(context.Background(), args, &out)
	if err == nil || !strings.Contains(err.Error(), why) || strings.Count(err.Error(), "\n") > 1 {
		t.Errorf("admin %s: want a refusal with %q, got %v\n%s", strings.Join(args, " "), why, err, out.String())
	}
}

func contains(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// height is how many blocks a node has.
func height(t *testing.T, profile, node string) string {
	t.Helper()
	_, after, _ := strings.Cut(fields(admin(t, "channel", "info", "--profile", profile)), node+" ")
	blocks, _, _ := strings.Cut(after, " ")
	return blocks
}

// fields takes a table's columns closer together.
func fields(table string) string {
	var lines []string
	for line := range strings.Lines(table) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func execute(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
}
