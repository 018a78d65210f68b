package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
)

// A pack of more than 5,000 things is too much for one event.
func TestAPackOfTooMuchIsRefused(t *testing.T) {
	s, _ := world(t)
	s.line("", "as dairy")
	for i := range 3 {
		var pieces []string
		for j := range 1667 {
			pieces = append(pieces, fmt.Sprintf("milk#S%d-%d", i, j))
		}
		s.line("", "log "+strings.Join(pieces, ", "))
		s.line("", "pack "+strings.Join(pieces, ", ")+" into P1")
	}
	s.line("", "ship P1 to market ! trace/pack-size")
	s.line("", "unpack milk#S0-0 from P1")
	s.line("", "ship P1 to market")
}

// A private copy opens its own commitment, with the salt that lies beside it.
func TestAPrivateCopyOpensItsCommitment(t *testing.T) {
	s, m := world(t)
	s.line("", "as dairy")
	s.line("", "secret: log 5 KGM of milk/L1 sharing=restricted with=city-market salt=0123456789abcdef expires=<&>")
	seen := map[string]bool{}
	for _, keeper := range []string{"DairyMSP", "HarbourMSP"} {
		var body trace.EventBody
		s.query(t, "trace.GetEvent", trace.GetEvent{Hash: s.names["secret.hash"], Keeper: keeper}, &body)
		commitment, err := chaincode.Commit(body.Salt, body.Event)
		if err != nil || seen[commitment] || !hasCopy(body.Record.Copies, keeper, commitment) {
			t.Errorf("%s: %s does not open %v: %v", keeper, commitment, body.Record.Copies, err)
		}
		seen[commitment] = true
	}
	for at, value := range m.rows {
		if at.org == "" && bytes.Contains(value, []byte("itemExpirationDate")) {
			t.Errorf("the public record %s tells private content", at.key)
		}
	}
}

func hasCopy(copies []trace.Copy, org, commitment string) bool {
	for _, c := range copies {
		if c.Org == org && c.Commitment == commitment {
			return true
		}
	}
	return false
}

// The same calls give the same bytes: every peer has to agree.
func TestTheSameCallGivesTheSameBytes(t *testing.T) {
	run := func() string {
		s, m := world(t)
		for _, line := range []string{"as dairy", "log 100 KGM of milk/L1, P1, P2", "pack 1 KGM of milk/L1 into P1", "ship P1, P2, 3 KGM of milk/L1 to cheese"} {
			s.line("", line)
		}
		_, r := s.atOnce(t, m, "cheese", "receive P1, 2 KGM of milk/L1")
		b, _ := json.Marshal(r)
		return string(b)
	}
	first := run()
	for range 10 {
		if again := run(); again != first {
			t.Fatalf("first\n%s\nthen\n%s", first, again)
		}
	}
}
