package party

import (
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
)

// Register vouches for a company of the caller's member.
type Register struct {
	ID string `json:"id"`
	Profile
}

// Change replaces a company's profile. The company's own administrator changes
// names and places; kinds, prefixes and field need the member's.
type Change struct {
	ID string `json:"id"`
	Profile
}

// Suspend bars a company from every act, and from being shipped to.
type Suspend struct {
	ID     string `json:"id"`
	Reason string `json:"reason"` // a code: "fraud", "insolvency", "left"
}

// Reinstate ends a suspension. What a regulator suspended, a regulator
// reinstates.
type Reinstate struct {
	ID string `json:"id"`
}

// Standing is the reply to every command about a company.
type Standing struct {
	ID       string `json:"id"`
	Standing string `json:"standing"`
}

// Registered tells of a company that may act from now on.
type Registered struct {
	Party Party `json:"party"`
}

// Changed tells of a company's new profile.
type Changed struct {
	Party Party `json:"party"`
}

// Suspended tells that a company may not act until it is reinstated.
type Suspended struct {
	ID     string `json:"id"`
	By     string `json:"by"` // the regulator's party, or the member
	Reason string `json:"reason,omitempty"`
}

// Reinstated tells that a company may act again.
type Reinstated struct {
	ID string `json:"id"`
	By string `json:"by"`
}

func register(tx *chaincode.Tx, c Register) (Standing, error) {
	m, err := memberAdmin(tx)
	if err != nil {
		return Standing{}, err
	}
	p := Party{ID: c.ID, Member: m.ID, Profile: c.Profile, Standing: Vouched, VouchedBy: tx.Caller().User, VouchedAt: tx.At()}
	switch {
	case strings.TrimSpace(c.ID) == "":
		return Standing{}, ErrProfile.Refuse("no id").On("id")
	case parties.Has(tx, c.ID):
		return Standing{}, ErrExists.Refuse("%s", c.ID).On("id")
	}
	if err := store(tx, m, Profile{}, p); err != nil {
		return Standing{}, err
	}
	tx.Emit(Registered{p})
	return Standing{p.ID, p.Standing}, nil
}

func change(tx *chaincode.Tx, c Change) (Standing, error) {
	p, ok := parties.Get(tx, c.ID)
	if !ok {
		return Standing{}, ErrUnknown.Refuse("%s", c.ID).On("id")
	}
	if err := p.mayChange(tx.Caller(), c.Profile); err != nil {
		return Standing{}, err
	}
	m, _ := members.Get(tx, p.Member)
	before := p.Profile
	p.Profile = c.Profile
	if err := store(tx, m, before, p); err != nil {
		return Standing{}, err
	}
	tx.Emit(Changed{p})
	return Standing{p.ID, p.Standing}, nil
}

// mayChange lets the company look after its names and places, and the member
// after what it vouches for.
func (p Party) mayChange(by chaincode.Caller, to Profile) error {
	vouched := slices.Equal(p.Kinds, to.Kinds) && slices.Equal(p.Prefixes, to.Prefixes) && p.Field == to.Field
	switch {
	case by.Org != p.Member:
	case by.Party == "":
		return nil
	case by.Party == p.ID && vouched:
		return p.MayAct(by.Org)
	}
	return ErrNotMemberAdmin.Refuse("%s is vouched for by %s", p.ID, p.Member)
}

// store writes the company with its indexes.
func store(tx *chaincode.Tx, m Member, before Profile, p Party) error {
	if err := m.Check(p.Profile); err != nil {
		return err
	}
	for _, prefix := range before.Prefixes {
		prefixes.Delete(tx, strings.Split(prefix, "")...)
	}
	for _, gln := range before.GLNs {
		glns.Delete(tx, gln)
	}
	for _, prefix := range p.Prefixes {
		if owner := overlap(tx, prefix); owner != "" {
			return ErrPrefixTaken.Refuse("%s is taken by %s", prefix, owner).On("prefixes")
		}
		prefixes.Put(tx, p.ID, strings.Split(prefix, "")...)
	}
	for _, gln := range p.GLNs {
		if owner, taken := glns.Get(tx, gln); taken {
			return ErrGLNTaken.Refuse("%s is %s", gln, owner).On("glns")
		}
		glns.Put(tx, p.ID, gln)
	}
	parties.Put(tx, p, p.ID)
	return nil
}

// overlap is the company whose prefix begins this one or goes on from it.
func overlap(tx *chaincode.Tx, prefix string) (owner string) {
	if p, ok := ByPrefix(tx, prefix); ok {
		return p.ID
	}
	prefixes.Scan(tx, func(_ []string, id string) bool { owner = id; return false }, strings.Split(prefix, "")...)
	return owner
}

func suspend(tx *chaincode.Tx, c Suspend) (Standing, error) {
	p, by, err := supervised(tx, c.ID)
	if err != nil {
		return Standing{}, err
	}
	if err := p.suspend(by, c.Reason); err != nil {
		return Standing{}, err
	}
	parties.Put(tx, p, p.ID)
	tx.Emit(Suspended{p.ID, by, c.Reason})
	return Standing{p.ID, p.Standing}, nil
}

func reinstate(tx *chaincode.Tx, c Reinstate) (Standing, error) {
	p, by, err := supervised(tx, c.ID)
	if err != nil {
		return Standing{}, err
	}
	if err := p.reinstate(by); err != nil {
		return Standing{}, err
	}
	parties.Put(tx, p, p.ID)
	tx.Emit(Reinstated{p.ID, by})
	return Standing{p.ID, p.Standing}, nil
}

func (p *Party) suspend(by, reason string) error {
	if p.Standing != Vouched {
		return p.barred()
	}
	p.Standing, p.SuspendedBy, p.Reason = Barred, by, reason
	return nil
}

func (p *Party) reinstate(by string) error {
	switch {
	case p.Standing == Vouched:
		return ErrNotSuspended.Refuse("%s", p.ID)
	case by == p.Member && p.SuspendedBy != p.Member:
		return ErrNotRegulator.Refuse("%s was suspended by %s", p.ID, p.SuspendedBy)
	}
	p.Standing, p.SuspendedBy, p.Reason = Vouched, "", ""
	return nil
}

// supervised loads a company for its member's administrator or a regulator,
// and names which of them the caller is.
func supervised(tx *chaincode.Tx, id string) (p Party, by string, err error) {
	p, ok := parties.Get(tx, id)
	if !ok {
		return p, "", ErrUnknown.Refuse("%s", id).On("id")
	}
	if tx.Caller().Has(Regulator) {
		r, err := ActiveRegulator(tx)
		return p, r.ID, err
	}
	m, err := memberAdmin(tx)
	if err == nil && m.ID != p.Member {
		err = ErrNotMemberAdmin.Refuse("%s is vouched for by %s", p.ID, p.Member)
	}
	return p, m.ID, err
}
