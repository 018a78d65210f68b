package party

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

// Found sets the first members on an empty ledger. The caller's member must be
// one of them.
type Found struct {
	Members []Member `json:"members"`
}

// Admit proposes a further member, or confirms the proposal of another member
// when both name the same certificate. Where there is one member only, its
// word suffices.
type Admit struct {
	Member Member `json:"member"`
}

// Admission is the reply to Admit.
type Admission struct {
	Member string `json:"member"`
	State  string `json:"state"` // "proposed" or "admitted"
}

// Proposal is a member that one member would like to admit.
type Proposal struct {
	Member Member `json:"member"`
	By     string `json:"by"` // member
}

// MemberProposed tells that a second member has to confirm.
type MemberProposed struct {
	Member Member `json:"member"`
	By     string `json:"by"`
}

// MemberAdmitted tells that an organisation's certificates count from now on.
type MemberAdmitted struct {
	Member Member `json:"member"`
	By     string `json:"by"`
}

// Check asks for what tells the member's users from others.
func (m Member) valid() error {
	if strings.TrimSpace(m.ID) == "" || strings.TrimSpace(m.Name) == "" {
		return ErrMember.Refuse("%s has no id or no name", m.ID)
	}
	block, _ := pem.Decode([]byte(m.CA))
	if block == nil {
		return ErrMember.Refuse("the certificate of %s is not PEM", m.ID).On("ca")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !cert.IsCA {
		return ErrMember.Refuse("the certificate of %s is not a CA's", m.ID).On("ca")
	}
	return nil
}

// decide says whether the proposal of one member is confirmed by another.
func (p Proposal) decide(by string, m Member, alone bool) (admitted bool, err error) {
	same := p.Member == m
	if same && p.By == by && !alone {
		return false, ErrSecond.Refuse("%s is proposed by %s", m.ID, by)
	}
	return alone || same && p.By != by, nil
}

func found(tx *chaincode.Tx, c Found) (Admission, error) {
	founded, own := false, false
	members.Scan(tx, func([]string, Member) bool { founded = true; return false })
	if founded {
		return Admission{}, ErrFounded.Refuse("")
	}
	for _, m := range c.Members {
		own = own || m.ID == tx.Caller().Org
		if err := join(tx, m); err != nil {
			return Admission{}, err
		}
	}
	if !own {
		return Admission{}, ErrNotMemberAdmin.Refuse("%s is not among the founders", tx.Caller().Org)
	}
	return Admission{Member: tx.Caller().Org, State: "admitted"}, nil
}

func admit(tx *chaincode.Tx, c Admit) (Admission, error) {
	by, err := memberAdmin(tx)
	if err != nil {
		return Admission{}, err
	}
	if err := c.Member.valid(); err != nil {
		return Admission{}, err
	}
	c.Member.Since = time.Time{}
	standing, _ := proposals.Get(tx, c.Member.ID)
	admitted, err := standing.decide(by.ID, c.Member, alone(tx))
	switch {
	case err != nil:
		return Admission{}, err
	case admitted:
		proposals.Delete(tx, c.Member.ID)
		return Admission{c.Member.ID, "admitted"}, join(tx, c.Member)
	case members.Has(tx, c.Member.ID):
		return Admission{}, ErrMemberExists.Refuse("%s", c.Member.ID)
	}
	proposals.Put(tx, Proposal{c.Member, by.ID}, c.Member.ID)
	tx.Emit(MemberProposed{c.Member, by.ID})
	return Admission{c.Member.ID, "proposed"}, nil
}

// join makes m a member from now on.
func join(tx *chaincode.Tx, m Member) error {
	if err := m.valid(); err != nil {
		return err
	}
	if members.Has(tx, m.ID) {
		return ErrMemberExists.Refuse("%s", m.ID)
	}
	m.Since = tx.At()
	members.Put(tx, m, m.ID)
	tx.Emit(MemberAdmitted{m, tx.Caller().Org})
	return nil
}

// alone reports whether the network has one member, which then decides alone.
func alone(tx *chaincode.Tx) bool {
	n := 0
	members.Scan(tx, func([]string, Member) bool { n++; return n < 2 })
	return n == 1
}

// memberAdmin is the member whose administrator the caller is. An
// administrator of a company does not speak for the member.
func memberAdmin(tx *chaincode.Tx) (Member, error) {
	m, ok := members.Get(tx, tx.Caller().Org)
	if !ok || tx.Caller().Party != "" || !tx.Caller().Has(Admin) {
		return m, ErrNotMemberAdmin.Refuse("%s", tx.Caller().Org)
	}
	return m, nil
}
