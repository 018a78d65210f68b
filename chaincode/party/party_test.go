package party

import (
	"errors"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
)

func TestAMemberNeedsTwoVoices(t *testing.T) {
	bank := Member{ID: "BankMSP", Name: "Banks", CA: "x"}
	other := bank
	other.CA = "y"
	for _, c := range []struct {
		name     string
		standing Proposal
		by       string
		alone    bool
		admitted bool
		err      bool
	}{
		{"first voice", Proposal{}, "A", false, false, false},
		{"same voice again", Proposal{bank, "A"}, "A", false, false, true},
		{"second voice", Proposal{bank, "A"}, "B", false, true, false},
		{"second voice for another certificate", Proposal{other, "A"}, "B", false, false, false},
		{"the only member", Proposal{}, "A", true, true, false},
	} {
		admitted, err := c.standing.decide(c.by, bank, c.alone)
		if admitted != c.admitted || (err != nil) != c.err {
			t.Errorf("%s: admitted %t, %v", c.name, admitted, err)
		}
	}
}

func TestWhoChangesWhat(t *testing.T) {
	p := Party{ID: "dairy", Member: "M", Standing: Vouched, Profile: Profile{Name: "Dairy", Kinds: []string{KindManufacturer}, Prefixes: []string{"9506"}}}
	names, prefix := p.Profile, p.Profile
	names.Name, names.GLNs = "The Dairy", []string{"9506000134352"}
	prefix.Prefixes = []string{"9506", "9507"}
	for _, c := range []struct {
		by   chaincode.Caller
		to   Profile
		may  bool
		name string
	}{
		{chaincode.Caller{Org: "M"}, prefix, true, "the member"},
		{chaincode.Caller{Org: "N"}, names, false, "another member"},
		{chaincode.Caller{Org: "M", Party: "dairy"}, names, true, "the company, its names"},
		{chaincode.Caller{Org: "M", Party: "dairy"}, prefix, false, "the company, its prefixes"},
		{chaincode.Caller{Org: "M", Party: "cheese"}, names, false, "another company"},
	} {
		if err := p.mayChange(c.by, c.to); (err == nil) != c.may {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	p.Standing = Barred
	if err := p.mayChange(chaincode.Caller{Org: "M", Party: "dairy"}, names); !errors.Is(err, ErrSuspended) {
		t.Errorf("suspended: %v", err)
	}
}

func TestGLNIsChecked(t *testing.T) {
	for gln, ok := range map[string]bool{"9506000134352": true, "9506000134353": false, "950600013435": false, "95060001343x2": false, "": false} {
		if err := checkGLN(gln); (err == nil) != ok {
			t.Errorf("%q: %v", gln, err)
		}
	}
}
