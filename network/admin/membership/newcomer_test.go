package membership

import (
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
	mspproto "github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"
	"github.com/hyperledger/fabric-sdk-go/third_party/github.com/hyperledger/fabric/common/policydsl"
)

func TestANewcomersPeersCountAsEndorsers(t *testing.T) {
	current := consortium(t, "OutOf(2, 'AMSP.peer', 'BMSP.peer')", "A", "B")
	next := admitted(t, current, "C", false)
	if got := members(next, application); !slices.Equal(got, []string{"AMSP", "BMSP", "CMSP"}) {
		t.Errorf("members: %v", got)
	}
	want, err := policydsl.FromString("OutOf(2, 'AMSP.peer', 'BMSP.peer', 'CMSP.peer')")
	if err != nil {
		t.Fatal(err)
	}
	if got := signaturePolicy(t, next.ChannelGroup.Groups[application], endorsement); !proto.Equal(got, want) {
		t.Errorf("the endorsement policy is %v", got)
	}
	if got := members(next, ordering); len(got) != 2 {
		t.Errorf("who orders was not to change: %v", got)
	}
	if again := admitted(t, next, "C", false); !proto.Equal(again, next) {
		t.Error("a member is let in a second time")
	}
}

func TestAPolicyThatCountsByItselfStays(t *testing.T) {
	current := consortium(t, "", "A", "B")
	next := admitted(t, current, "C", false)
	if !proto.Equal(current.ChannelGroup.Groups[application].Policies[endorsement], next.ChannelGroup.Groups[application].Policies[endorsement]) {
		t.Error("a MAJORITY policy was changed")
	}
}

func TestAPolicyOfAnotherKindIsTheConsortiumsToChange(t *testing.T) {
	for policy, want := range map[string]string{
		"OR('AMSP.peer')":                                 "does not list every member once",
		"OutOf(2, 'AMSP.peer', 'BMSP.member')":            "does not list the peers of BMSP",
		"AND('AMSP.peer', OR('AMSP.peer', 'BMSP.admin'))": "does not list",
	} {
		if _, err := newcomer(t, "C").admit(consortium(t, policy, "A", "B"), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

func TestANewcomersOrdererOrders(t *testing.T) {
	next := admitted(t, consortium(t, "", "A", "B", "C", "D"), "E", true)
	nodes, err := consentersOf(next)
	if err != nil {
		t.Fatal(err)
	}
	if last := nodes.Mapping[4]; len(nodes.Mapping) != 5 || last.ID != 5 || last.Host != "E" || last.MSPID != "EOrdererMSP" {
		t.Errorf("orderers: %v", nodes)
	}
	if got := members(next, ordering); !slices.Contains(got, "EOrdererMSP") {
		t.Errorf("orderers' organisations: %v", got)
	}
	policy := signaturePolicy(t, next.ChannelGroup.Groups[ordering], blockValidation)
	if n := policy.Rule.GetNOutOf(); n.GetN() != 4 || len(n.GetRules()) != 5 || len(policy.Identities) != 5 {
		t.Errorf("a block of five orderers is valid with %v", policy)
	}
	if _, err := newcomer(t, "E").admit(next, true); err != nil {
		t.Errorf("one that orders already: %v", err)
	}
}

// TestQuorum has the figures of Byzantine fault tolerance: any two quorums
// share one honest orderer.
func TestQuorum(t *testing.T) {
	for nodes, want := range map[int]int32{1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5, 10: 7} {
		group := &common.ConfigGroup{Policies: map[string]*common.ConfigPolicy{blockValidation: {}}}
		all := new(orderers)
		for range nodes {
			all.Mapping = append(all.Mapping, new(consenter))
		}
		if err := signBlocks(group, all); err != nil {
			t.Fatal(err)
		}
		if got := signaturePolicy(t, group, blockValidation).Rule.GetNOutOf().GetN(); got != want {
			t.Errorf("%d orderers: %d sign, want %d", nodes, got, want)
		}
	}
}

func TestUpdateFile(t *testing.T) {
	current := consortium(t, "OutOf(2, 'AMSP.peer', 'BMSP.peer', 'CMSP.peer')", "A", "B", "C")
	change, err := resmgmt.CalculateConfigUpdate("food", current, admitted(t, current, "D", true))
	if err != nil {
		t.Fatal(err)
	}
	u := &Update{Channel: "food", change: bytesOf(t, change)}
	for _, msp := range []string{"AMSP", "BMSP", "AMSP", "AOrdererMSP"} {
		u.signatures = append(u.signatures, signature(t, msp))
	}
	file, err := u.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	read, err := Read(file)
	if err != nil || read.Channel != "food" {
		t.Fatalf("read back: %v", err)
	}
	if signers, err := read.Signers(); err != nil || !slices.Equal(signers, []string{"AMSP", "AOrdererMSP", "BMSP"}) {
		t.Errorf("signers: %v, %v", signers, err)
	}
	// Two of three administrators are a majority; of the orderers' it is one
	// of three only.
	short, err := read.Short(current)
	if want := "1 of 3 have signed; still to sign: BOrdererMSP, COrdererMSP"; err != nil || short != want {
		t.Errorf("short of: %q, %v", short, err)
	}
	read.signatures = append(read.signatures, signature(t, "COrdererMSP"))
	if short, err := read.Short(current); err != nil || short != "" {
		t.Errorf("short of: %q, %v", short, err)
	}
	if _, err := Read([]byte("hello")); err == nil {
		t.Error("read a change out of nothing")
	}
}

func TestNobodySignsUnseen(t *testing.T) {
	current := consortium(t, "OutOf(2, 'AMSP.peer', 'BMSP.peer')", "A", "B")
	described := func(next *common.Config) string {
		t.Helper()
		change, err := resmgmt.CalculateConfigUpdate("food", current, next)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := (&Update{Channel: "food", change: bytesOf(t, change)}).Describe(current)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "\n")
	}
	const admitted1 = "Channel/Application: lets in CMSP, authority SHA-256 E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\n" +
		"Channel/Application: changes the policy Endorsement"
	if got := described(admitted(t, current, "C", false)); got != admitted1 {
		t.Errorf("letting a member in is described as\n%s", got)
	}
	const ordering1 = admitted1 + "\nChannel/Orderer: lets in COrdererMSP\n" +
		"Channel/Orderer: changes the policy BlockValidation\nChannel/Orderer: changes the value Orderers"
	if got := described(admitted(t, current, "C", true)); got != ordering1 {
		t.Errorf("letting an orderer in is described as\n%s", got)
	}
	other := proto.Clone(current).(*common.Config)
	delete(groups(other, application), "BMSP")
	groups(other, application)["AMSP"].ModPolicy = "Writers"
	group := other.ChannelGroup.Groups[ordering]
	group.Policies["Admins"] = &common.ConfigPolicy{}
	delete(group.Values, consenters)
	if got, want := described(other), `Channel/Application/AMSP: changes who decides, from "Admins" to "Writers"
Channel/Application: removes the group BMSP
Channel/Orderer: adds the policy Admins
Channel/Orderer: removes the value Orderers`; got != want {
		t.Errorf("another change is described as\n%s", got)
	}
}

func TestPresentRefuses(t *testing.T) {
	for want, block := range map[string][]byte{
		"not a config block":     bytesOf(t, &common.Block{}),
		"a newcomer comes alone": blockOf(t, consortium(t, "", "A", "B")),
	} {
		if _, err := Present(block); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func newcomer(t *testing.T, name string) Newcomer {
	t.Helper()
	n, err := Present(blockOf(t, consortium(t, "", name)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func admitted(t *testing.T, current *common.Config, name string, withOrderer bool) *common.Config {
	t.Helper()
	next, err := newcomer(t, name).admit(current, withOrderer)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// consortium is a configuration in the shape that the launcher gives it. An
// empty policy is the majority of members.
func consortium(t *testing.T, policy string, names ...string) *common.Config {
	t.Helper()
	apps := &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{}, Policies: map[string]*common.ConfigPolicy{}}
	order := &common.ConfigGroup{
		Groups:   map[string]*common.ConfigGroup{},
		Policies: map[string]*common.ConfigPolicy{blockValidation: {ModPolicy: "Admins"}},
		Values:   map[string]*common.ConfigValue{},
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE"})
	msp := bytesOf(t, &mspproto.MSPConfig{Config: bytesOf(t, &mspproto.FabricMSPConfig{RootCerts: [][]byte{root}})})
	var nodes orderers
	for i, name := range names {
		apps.Groups[name+"MSP"] = &common.ConfigGroup{ModPolicy: "Admins", Values: map[string]*common.ConfigValue{"MSP": {Value: msp}}}
		order.Groups[name+"OrdererMSP"] = &common.ConfigGroup{ModPolicy: "Admins"}
		nodes.Mapping = append(nodes.Mapping, &consenter{ID: uint32(i + 1), Host: name, Port: 7050, MSPID: name + "OrdererMSP", Identity: []byte(name)})
	}
	order.Values[consenters] = &common.ConfigValue{Value: bytesOf(t, &nodes)}
	apps.Policies[endorsement] = &common.ConfigPolicy{Policy: &common.Policy{Type: int32(common.Policy_IMPLICIT_META)}}
	if policy != "" {
		signature, err := policydsl.FromString(policy)
		if err != nil {
			t.Fatal(err)
		}
		apps.Policies[endorsement].Policy = &common.Policy{Type: int32(common.Policy_SIGNATURE), Value: bytesOf(t, signature)}
	}
	return &common.Config{ChannelGroup: &common.ConfigGroup{Groups: map[string]*common.ConfigGroup{application: apps, ordering: order}}}
}

func blockOf(t *testing.T, config *common.Config) []byte {
	t.Helper()
	payload := bytesOf(t, &common.Payload{Data: bytesOf(t, &common.ConfigEnvelope{Config: config})})
	return bytesOf(t, &common.Block{Data: &common.BlockData{Data: [][]byte{bytesOf(t, &common.Envelope{Payload: payload})}}})
}

func signature(t *testing.T, msp string) *common.ConfigSignature {
	t.Helper()
	creator := bytesOf(t, &mspproto.SerializedIdentity{Mspid: msp})
	return &common.ConfigSignature{SignatureHeader: bytesOf(t, &common.SignatureHeader{Creator: creator})}
}

func signaturePolicy(t *testing.T, group *common.ConfigGroup, name string) *common.SignaturePolicyEnvelope {
	t.Helper()
	var p common.SignaturePolicyEnvelope
	if err := proto.Unmarshal(group.Policies[name].Policy.Value, &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func bytesOf(t *testing.T, m proto.Message) []byte {
	t.Helper()
	text, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
