package party

import "github.com/tallyway/tallyway/chaincode"

// Get asks for one company.
type Get struct {
	ID string `json:"id"`
}

// List asks for every company, by id.
type List struct{}

// Members asks for every member, by id.
type Members struct{}

// Contract is what this package offers to a ledger.
var Contract = chaincode.Contract{
	Name: "party",
	Functions: []chaincode.Function{
		chaincode.Command(found, Admin),
		chaincode.Command(admit, Admin),
		chaincode.Command(register, Admin),
		chaincode.Command(change, Admin),
		chaincode.Command(suspend, Admin, Regulator),
		chaincode.Command(reinstate, Admin, Regulator),
		chaincode.Query(get),
		chaincode.Query(list),
		chaincode.Query(listMembers),
	},
	Rules: []chaincode.Rule{ErrFounded, ErrMember, ErrMemberExists, ErrSecond, ErrNotMemberAdmin, ErrExists, ErrUnknown,
		ErrWrongMember, ErrSuspended, ErrNotSuspended, ErrNotRegulator, ErrAuthority, ErrProfile, ErrPrefix, ErrPrefixTaken,
		ErrGLN, ErrGLNTaken},
	Events: []any{MemberProposed{}, MemberAdmitted{}, Registered{}, Changed{}, Suspended{}, Reinstated{}},
}

func get(tx *chaincode.Tx, c Get) (Party, error) {
	p, ok := parties.Get(tx, c.ID)
	if !ok {
		return p, ErrUnknown.Refuse("%s", c.ID).On("id")
	}
	return p, nil
}

func list(tx *chaincode.Tx, _ List) ([]Party, error) {
	all := []Party{}
	parties.Scan(tx, func(_ []string, p Party) bool { all = append(all, p); return true })
	return all, nil
}

func listMembers(tx *chaincode.Tx, _ Members) ([]Member, error) {
	all := []Member{}
	members.Scan(tx, func(_ []string, m Member) bool { all = append(all, m); return true })
	return all, nil
}
