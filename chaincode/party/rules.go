package party

import "github.com/tallyway/tallyway/chaincode"

// Rules of membership and standing.
var (
	// ErrFounded keeps the first members from being set twice.
	ErrFounded = chaincode.Rule{Code: "party/founded", Kind: chaincode.Conflict,
		Text: "This network has been founded already.", Remedy: "Let a member propose further members."}
	// ErrMember keeps members to those who can be told by their certificates.
	ErrMember = chaincode.Rule{Code: "party/member", Kind: chaincode.Malformed,
		Text: "A member needs an id, a name and the certificate of its certificate authority.", Remedy: "Send the certificate as PEM; it must be a CA's."}
	// ErrMemberExists keeps a member's certificates from being replaced.
	ErrMemberExists = chaincode.Rule{Code: "party/member-exists", Kind: chaincode.Conflict,
		Text: "There is a member with this id already.", Remedy: "Choose another id."}
	// ErrSecond keeps one member from widening the network alone.
	ErrSecond = chaincode.Rule{Code: "party/second-member", Kind: chaincode.Conflict,
		Text: "Another member has to confirm the new member.", Remedy: "Ask the administrator of another member to admit the same organisation with the same certificate."}
	// ErrNotMemberAdmin keeps vouching with those who answer for it.
	ErrNotMemberAdmin = chaincode.Rule{Code: "party/not-member-admin", Kind: chaincode.Forbidden,
		Text: "Only the member's own administrator may do this.", Remedy: "Ask the administrator of the member that vouches for the company."}
	// ErrExists keeps a company's id its own.
	ErrExists = chaincode.Rule{Code: "party/exists", Kind: chaincode.Conflict,
		Text: "There is a company with this id already.", Remedy: "Choose another id, or change the company."}
	// ErrUnknown names a company that nobody vouches for.
	ErrUnknown = chaincode.Rule{Code: "party/unknown", Kind: chaincode.NotFound,
		Text: "No member vouches for this company.", Remedy: "Have the company registered by its member."}
	// ErrWrongMember keeps a member from acting for another's company.
	ErrWrongMember = chaincode.Rule{Code: "party/wrong-member", Kind: chaincode.Forbidden,
		Text: "The certificate was not issued by the member that vouches for the company.", Remedy: "Use a certificate of the company's own member."}
	// ErrSuspended keeps a suspended company out of every act.
	ErrSuspended = chaincode.Rule{Code: "party/suspended", Kind: chaincode.Forbidden,
		Text: "The company is suspended.", Remedy: "Its member or the regulator can reinstate it."}
	// ErrNotSuspended makes a reinstatement follow a suspension.
	ErrNotSuspended = chaincode.Rule{Code: "party/not-suspended", Kind: chaincode.Conflict,
		Text: "The company is not suspended.", Remedy: "Nothing needs to be done."}
	// ErrNotRegulator keeps supervision with the regulators.
	ErrNotRegulator = chaincode.Rule{Code: "party/not-regulator", Kind: chaincode.Forbidden,
		Text: "Only a regulator may do this.", Remedy: "Ask the regulator of your field."}
	// ErrAuthority keeps a member from making itself the authority.
	ErrAuthority = chaincode.Rule{Code: "party/authority", Kind: chaincode.Forbidden,
		Text: "Only a member admitted as an authority vouches for regulators and tax authorities.", Remedy: "Have the company registered by such a member."}
	// ErrProfile asks for what every page shows of a company.
	ErrProfile = chaincode.Rule{Code: "party/profile", Kind: chaincode.Malformed,
		Text: "A company needs an id, a name and at least one kind.", Remedy: "Kinds are manufacturer, processor, carrier, retailer, regulator, tax-authority and bank."}
	// ErrPrefix asks for a GS1 company prefix.
	ErrPrefix = chaincode.Rule{Code: "party/prefix", Kind: chaincode.Malformed,
		Text: "A GS1 company prefix has 4 to 12 digits.", Remedy: "Copy the prefix from the company's GS1 licence."}
	// ErrPrefixTaken keeps two companies from owning the same products.
	ErrPrefixTaken = chaincode.Rule{Code: "party/prefix-taken", Kind: chaincode.Conflict,
		Text: "The GS1 company prefix belongs to another company or overlaps with its prefix.", Remedy: "Check the licence; the other company may have to give the prefix up first."}
	// ErrGLN asks for a GLN without a slip of the pen.
	ErrGLN = chaincode.Rule{Code: "party/gln", Kind: chaincode.Malformed,
		Text: "A GLN has 13 digits, and the last one fits the others.", Remedy: "Compare the number with the licence."}
	// ErrGLNTaken keeps an address with one company.
	ErrGLNTaken = chaincode.Rule{Code: "party/gln-taken", Kind: chaincode.Conflict,
		Text: "The GLN belongs to another company.", Remedy: "Check the number; the other company may have to give it up first."}
)
