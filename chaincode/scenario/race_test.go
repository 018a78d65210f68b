package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
)

// seen is a ledger that notes what a call reads, as a network does to find out
// whether two calls could have seen each other.
type seen struct {
	*Memory
	keys   []string
	ranges [][2]string
}

func (s *seen) Get(key string) ([]byte, error) {
	s.keys = append(s.keys, key)
	return s.Memory.Get(key)
}

func (s *seen) Scan(from, to string, visit func(string, []byte) bool) error {
	s.ranges = append(s.ranges, [2]string{from, to})
	return s.Memory.Scan(from, to, visit)
}

// minds reports whether a write of r makes a call that read this invalid.
func (s *seen) minds(r chaincode.Result) bool {
	return slices.ContainsFunc(r.Writes, func(w chaincode.Write) bool {
		return slices.Contains(s.keys, w.Key) ||
			slices.ContainsFunc(s.ranges, func(in [2]string) bool { return in[0] <= w.Key && w.Key < in[1] })
	})
}

// at runs a line without committing it.
func (s *story) atOnce(t *testing.T, m *Memory, user, line string) (*seen, chaincode.Result) {
	t.Helper()
	s.line("", "as "+user)
	word, rest, _ := strings.Cut(line, " ")
	call := s.next()
	call.Name, call.Body = word, nil
	if strings.Contains(word, ".") {
		call.Body = s.command("", rest)
	} else {
		call.Name, call.Body = "trace.Capture", s.verb(step{}, word, rest)
	}
	state := &seen{Memory: m}
	r, err := m.contracts.Run(state, call)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return state, r
}

// Whatever moves a lot and a recall of it cannot both commit unseen: whichever
// comes second runs again, and then sees the other.
func TestARecallAndAMoveSeeEachOther(t *testing.T) {
	for _, line := range []string{"make 1 KGM of cheddar/C1 from 1 KGM of milk/L1", "ship 1 KGM of milk/L1 to market", "sell 1 KGM of milk/L1",
		"make 1 KGM of cheddar/C1 from run=urn:x:1", "receive 7 KGM of milk/L1", "ship P1 to market"} {
		s, m := world(t)
		for _, before := range []string{"as dairy", "log 100 KGM of milk/L1", "ship 50 KGM of milk/L1 to cheese", "as cheese",
			"receive 50 KGM of milk/L1", "make from 10 KGM of milk/L1 run=urn:x:1", "pack 1 KGM of milk/L1 into P1", "as dairy", "ship 7 KGM of milk/L1 to cheese"} {
			s.line("", before)
		}
		move, moved := s.atOnce(t, m, "cheese", line)
		_, recalled := s.atOnce(t, m, "regulator", "trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=glass")
		if !move.minds(recalled) {
			t.Errorf("%s commits after a recall that it has not seen", line)
		}
		if strings.HasPrefix(line, "make") {
			recall, _ := s.atOnce(t, m, "regulator", "trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=glass")
			if !recall.minds(moved) {
				t.Errorf("a recall commits after %q without having seen what was derived", line)
			}
		}
	}
}

// A lot that a recall will only mark in a later transaction is covered from the
// first: a move that has not seen the recall runs again, and is refused.
func TestARecallIsSeenBeforeItHasMarked(t *testing.T) {
	s, m := world(t)
	for _, before := range []string{"as dairy", "log 100 KGM of milk/L1", "log 9 KGM of milk/L2", "make 9 KGM of milk/A from 9 KGM of milk/L1", "make 8 KGM of milk/B from 8 KGM of milk/A"} {
		s.line("", before)
	}
	for _, line := range []string{"make 1 KGM of milk/C from 1 KGM of milk/B", "ship 1 KGM of milk/B to market", "sell 1 KGM of milk/B"} {
		move, _ := s.atOnce(t, m, "dairy", line)
		_, recalled := s.atOnce(t, m, "regulator", "trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=glass marks:=1")
		if !move.minds(recalled) {
			t.Errorf("%s commits after a recall that it has not seen", line)
		}
	}
	hold := "trace.Recall id=H1 kind=hold lots=[@milk/L2] reason=smell marks:=1"
	s.line("", "as regulator")
	s.line("", hold)
	move, _ := s.atOnce(t, m, "dairy", "ship 1 KGM of milk/B to market")
	_, widened := s.atOnce(t, m, "regulator", "trace.Widen case=H1 lots=[@milk/L1] reason=smell")
	if !move.minds(widened) {
		t.Error("a move commits after a wider hold that it has not seen")
	}
	s.line("", "as regulator")
	s.line("", "trace.Widen case=H1 lots=[@milk/L1] reason=smell")
	for range 3 {
		s.line("", "as dairy")
		s.line("", "ship 1 KGM of milk/B to market ! trace/held")
		s.line("", "sell 1 KGM of milk/L1 ! trace/held")
		s.line("", "trace.Extend case=H1")
	}
}

// Two companies that act on their shares of one lot do not wait for each other.
func TestHoldersOfALotDoNotCollide(t *testing.T) {
	s, m := world(t)
	for _, before := range []string{"as dairy", "log 100 KGM of milk/L1", "ship 50 KGM of milk/L1 to cheese", "as cheese", "receive 50 KGM of milk/L1"} {
		s.line("", before)
	}
	one, first := s.atOnce(t, m, "dairy", "ship 10 KGM of milk/L1 to market")
	two, second := s.atOnce(t, m, "cheese", "sell 10 KGM of milk/L1")
	if one.minds(second) || two.minds(first) {
		t.Error("two holders of one lot collide")
	}
}

// Two answers to one shipment at the same time: the second sees the first, is
// refused, and leaves another shipment of the same goods on its way.
func TestTwoAnswersToOneShipment(t *testing.T) {
	s, m := world(t)
	for _, before := range []string{"as dairy", "log 100 KGM of milk/L1", "a: ship 10 KGM of milk/L1 to cheese doc=urn:x:advice:1",
		"b: ship 10 KGM of milk/L1 to cheese doc=urn:x:advice:1"} {
		s.line("", before)
	}
	answer := "receive 10 KGM of milk/L1 doc=urn:tallyway:shipment:" + s.names["a.shipment"]
	one, first := s.atOnce(t, m, "cheese", answer)
	two, second := s.atOnce(t, m, "cheese", answer)
	if !one.minds(second) || !two.minds(first) {
		t.Error("two answers to one shipment do not see each other")
	}
	s.line("", answer)
	s.line("", answer+" ! trace/shipment-done")
	var other trace.ShipmentStatus
	s.query(t, "trace.GetShipment", trace.GetShipment{Shipment: s.names["b.shipment"]}, &other)
	if other.Shipment.State != trace.Offered {
		t.Errorf("the other shipment is %s", other.Shipment.State)
	}
}

// A recall of more lots than one transaction marks goes on until all are.
func TestALongRecallIsExtended(t *testing.T) {
	s, _ := world(t)
	s.line("", "as dairy")
	s.line("", "log 10000 KGM of milk/L1")
	for i := range 9 {
		var outputs []string
		for j := range 500 {
			outputs = append(outputs, fmt.Sprintf("1 KGM of milk/D%d-%d", i, j))
		}
		s.line("", "make "+strings.Join(outputs, ", ")+" from 500 KGM of milk/L1")
	}
	s.line("", "make 1 KGM of milk/deep from 1 KGM of milk/D0-499")
	var pieces []string
	for i := range 700 {
		pieces = append(pieces, fmt.Sprintf("milk#S%d", i))
	}
	s.line("", "make "+strings.Join(pieces, ", ")+" from 1 KGM of milk/deep lot=deep")
	s.line("", "as regulator")
	s.line("", "trace.Recall id=R1 kind=recall lots=[@milk/L1] reason=glass")
	want := 1 + 9*500 + 1 + 700
	for i := 0; ; i++ {
		var st trace.CaseStatus
		s.query(t, "trace.GetCase", trace.GetCase{Case: "R1"}, &st)
		if st.Case.Done {
			if st.Case.Marked != want || i < want/2000 || i > 5 {
				t.Fatalf("%d lots marked by %d extensions, want %d by a few", st.Case.Marked, i, want)
			}
			break
		}
		s.line("", "trace.Extend case=R1")
	}
	s.line("", "as dairy")
	for _, lot := range []string{"1 KGM of milk/D8-499", "milk#S699"} {
		s.line("", "sell "+lot+" ! trace/recalled")
	}
}
