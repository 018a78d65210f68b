// Package party is who takes part: the members that run the network, the
// companies they vouch for, the GS1 prefixes and places by which goods and
// papers name those companies, and whether a company may act.
//
// Who a user is stands in their certificate, which the ledgers check; what a
// company may do with goods or invoices is left to the contracts above.
package party

import (
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
)

// The roles that certificates carry across the suite. A certificate with Admin
// and no party speaks for its member; with a party, for that company.
const (
	Admin      = "admin"
	Operator   = "operator" // logs, ships, accepts, issues
	Viewer     = "viewer"
	Device     = "device" // of a company: measures, and seals what it measured
	Regulator  = "regulator"
	Public     = "public" // an account that anybody may open; acts for no company
	TaxOfficer = "tax-officer"
	Banker     = "banker"
)

// Member is an organisation of the network: an MSP with its own certificates.
type Member struct {
	ID        string    `json:"id"` // MSP id
	Name      string    `json:"name"`
	CA        string    `json:"ca"`                  // certificate of its CA, PEM
	Authority bool      `json:"authority,omitempty"` // may vouch for regulators and tax authorities
	Since     time.Time `json:"since,omitzero"`
}

// The kinds of companies.
const (
	KindManufacturer = "manufacturer"
	KindProcessor    = "processor"
	KindCarrier      = "carrier"
	KindRetailer     = "retailer"
	KindRegulator    = "regulator"
	KindTaxAuthority = "tax-authority"
	KindBank         = "bank"
)

var kinds = []string{KindManufacturer, KindProcessor, KindCarrier, KindRetailer, KindRegulator, KindTaxAuthority, KindBank}

// The standings of a company.
const (
	Vouched = "vouched"
	Barred  = "suspended"
)

// Profile is what a company shows of itself.
type Profile struct {
	Name     string   `json:"name"`
	NameZh   string   `json:"nameZh,omitempty"`
	Kinds    []string `json:"kinds"`
	Prefixes []string `json:"prefixes,omitempty"` // GS1 company prefixes, 4 to 12 digits
	GLNs     []string `json:"glns,omitempty"`     // the main one first
	Field    string   `json:"field,omitempty"`    // what a regulator supervises: "food"
}

// Party is a company for which a member vouches.
type Party struct {
	ID     string `json:"id"` // "greenfield-dairy"
	Member string `json:"member"`
	Profile
	Standing    string    `json:"standing"`
	VouchedBy   string    `json:"vouchedBy"` // user
	VouchedAt   time.Time `json:"vouchedAt"`
	SuspendedBy string    `json:"suspendedBy,omitempty"` // party of the regulator, or the member
	Reason      string    `json:"reason,omitempty"`      // of the suspension
}

// Is reports whether the company is of a kind.
func (p Party) Is(kind string) bool { return slices.Contains(p.Kinds, kind) }

// MayAct says whether the company may act through a certificate of org.
func (p Party) MayAct(org string) error {
	switch {
	case p.Member != org:
		return ErrWrongMember.Refuse("%s is vouched for by %s, the certificate is of %s", p.ID, p.Member, org)
	case p.Standing != Vouched:
		return p.barred()
	}
	return nil
}

// MayReceive says whether goods and papers may be addressed to the company.
func (p Party) MayReceive() error {
	if p.Standing != Vouched {
		return p.barred()
	}
	return nil
}

func (p Party) barred() error { return ErrSuspended.Refuse("%s", p.ID) }

// Check says whether a member may vouch for the profile.
func (m Member) Check(p Profile) error {
	switch {
	case strings.TrimSpace(p.Name) == "":
		return ErrProfile.Refuse("no name").On("name")
	case len(p.Kinds) == 0:
		return ErrProfile.Refuse("no kind").On("kinds")
	}
	for _, k := range p.Kinds {
		if !slices.Contains(kinds, k) {
			return ErrProfile.Refuse("%s is no kind of company", k).On("kinds")
		}
		if (k == KindRegulator || k == KindTaxAuthority) && !m.Authority {
			return ErrAuthority.Refuse("%s vouches for a %s", m.ID, k).On("kinds")
		}
	}
	for _, prefix := range p.Prefixes {
		if len(prefix) < 4 || len(prefix) > 12 || !digits(prefix) {
			return ErrPrefix.Refuse("%s", prefix).On("prefixes")
		}
	}
	for _, gln := range p.GLNs {
		if err := checkGLN(gln); err != nil {
			return err
		}
	}
	return nil
}

// checkGLN asks for 13 digits of which the last one fits (GS1 General
// Specifications, 7.9).
func checkGLN(gln string) error {
	if len(gln) != 13 || !digits(gln) {
		return ErrGLN.Refuse("%s has not 13 digits", gln).On("glns")
	}
	if want, _ := gs1.CheckDigit(gln[:12]); want != gln[12] {
		return ErrGLN.Refuse("%s should end in %s", gln, string(want)).On("glns")
	}
	return nil
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

var (
	members   = chaincode.Table[Member]{Name: "member"}
	proposals = chaincode.Table[Proposal]{Name: "member-proposal"}
	parties   = chaincode.Table[Party]{Name: "party"}
	glns      = chaincode.Table[string]{Name: "party-gln"}
	// prefixes has one key part a digit, so that prefixes which overlap are
	// neighbours.
	prefixes = chaincode.Table[string]{Name: "party-prefix"}
)

// Active is the company that the caller acts for, if it may act.
func Active(tx *chaincode.Tx) (Party, error) {
	p, ok := parties.Get(tx, tx.Caller().Party)
	if !ok {
		return Party{}, ErrUnknown.Refuse("%s", tx.Caller().Party)
	}
	return p, p.MayAct(tx.Caller().Org)
}

// ActiveRegulator is the regulator that the caller acts for. It refuses who
// lacks the role or whose company supervises nothing.
func ActiveRegulator(tx *chaincode.Tx) (Party, error) {
	p, err := Active(tx)
	switch {
	case err != nil:
		return p, err
	case !p.Is(KindRegulator) || !tx.Caller().Has(Regulator):
		return p, ErrNotRegulator.Refuse("%s", p.ID)
	}
	return p, nil
}

// Find loads a company by its id.
func Find(tx *chaincode.Tx, id string) (Party, bool) { return parties.Get(tx, id) }

// ByGLN finds the company at a GLN that it has registered.
func ByGLN(tx *chaincode.Tx, gln string) (Party, bool) {
	id, ok := glns.Get(tx, gln)
	if !ok {
		return Party{}, false
	}
	return parties.Get(tx, id)
}

// ByPrefix finds the company whose GS1 company prefix begins the digits of a
// key, its indicator or extension digit left out.
func ByPrefix(tx *chaincode.Tx, key string) (Party, bool) {
	for n := 4; n <= min(12, len(key)); n++ {
		if id, ok := prefixes.Get(tx, strings.Split(key[:n], "")...); ok {
			return parties.Get(tx, id)
		}
	}
	return Party{}, false
}
