package fabric

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/ledger/ledgertest"
)

func TestCorpus(t *testing.T) {
	ledgertest.Run(t, func(t testing.TB) (ledger.Ledger, *ledgertest.Members) {
		m := ledgertest.NewMembers(ledgertest.Orgs...)
		return newMemory(ledgertest.Contracts(), m), m
	})
}

func invoke(t *testing.T, command any, change func(*ledger.Request)) (status int32, message string) {
	t.Helper()
	m := ledgertest.NewMembers(ledgertest.Orgs...)
	alice := m.User("DairyMSP", "dairy", "alice")
	body, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	r := ledger.Request{Signer: alice, Name: chaincode.NameOf(command), Body: body, At: time.Unix(0, 0), Tx: ledger.NewTx(alice)}
	change(&r)
	code := New(ledgertest.Contracts())
	s := &stub{memory: newMemory(ledgertest.Contracts(), m), node: "DairyMSP", creator: alice.Creator(), request: r, reads: map[string]int{}}
	response := code.Invoke(s)
	return response.Status, response.Message
}

func TestStatusTellsRefusalsFromFaults(t *testing.T) {
	as := func(name string) func(*ledger.Request) { return func(r *ledger.Request) { r.Name = name } }
	for _, c := range []struct {
		why     string
		command any
		change  func(*ledger.Request)
		status  int32
		rule    chaincode.Rule
	}{
		{"malformed", ledgertest.Put{Key: "x"}, as("ledgertest.Put"), 422, ledgertest.ErrEmpty},
		{"not there", ledgertest.Delete{Key: "x"}, as("ledgertest.Delete"), 404, ledgertest.ErrMissing},
		{"full", ledgertest.Claim{Shelf: "s", Key: "k"}, as("ledgertest.Claim"), 409, ledgertest.ErrFull},
		{"no role", ledgertest.Whoami{}, as("ledgertest.Whoami"), 403, chaincode.ErrRole},
		{"unknown", ledgertest.Whoami{}, as("ledgertest.Nothing"), 404, chaincode.ErrUnknownFunction},
		{"nothing to write", chaincode.Batch{Commands: []chaincode.Item{{Name: "ledgertest.Put", Body: []byte(`{"key":"x"}`)}}},
			as("chaincode.Batch"), NothingToWrite, chaincode.Rule{}},
		{"no body", ledgertest.Put{}, func(r *ledger.Request) { r.Body = nil }, 422, chaincode.ErrBody},
	} {
		status, message := invoke(t, c.command, c.change)
		refusal := Refusal(message)
		if status != c.status || (refusal != nil) != (c.rule.Code != "") || refusal != nil && !errors.Is(refusal, c.rule) {
			t.Errorf("%s: %d %s", c.why, status, message)
		}
	}
	status, message := invoke(t, ledgertest.Spy{Key: "x", Keeper: "DairyMSP"}, as("ledgertest.Spy"))
	if status != shim.ERROR || Refusal(message) != nil || !strings.Contains(message, "private") {
		t.Errorf("a fault: %d %s", status, message)
	}
}

func TestAServiceKnowsWhosePeerItServes(t *testing.T) {
	t.Setenv("CORE_PEER_LOCALMSPID", "HarbourMSP")
	status, message := invoke(t, ledgertest.Reveal{Key: "never-written", Keeper: "DairyMSP"}, func(*ledger.Request) {})
	if status != shim.ERROR || !strings.Contains(message, "HarbourMSP does not keep") {
		t.Fatalf("%d %s", status, message)
	}
}

func TestRefusalIsFoundInAGatewaysText(t *testing.T) {
	inner, _ := json.Marshal(ledgertest.ErrEmpty.Refuse("entry %s", "x").On("text"))
	for text, found := range map[string]bool{
		"chaincode response 422, " + string(inner):                      true,
		`peer said {"code": and then {"code":7} ` + string(inner) + ")": true,
		`{"code":""}`:         false,
		"no JSON at all":      false,
		`{"code":"a/b","kin`:  false,
		`{"code":{"code":"x"`: false,
	} {
		if r := Refusal(text); (r != nil) != found || found && r.Field != "text" {
			t.Errorf("%s: %+v", text, r)
		}
	}
}
