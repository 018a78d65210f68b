package identity

import "github.com/tallyway/tallyway/chaincode"

// Refusals of the wallet and the verifier. They are matched with errors.Is.
var (
	// ErrUnknownMember keeps strangers out.
	ErrUnknownMember = chaincode.Rule{Code: "identity/unknown-member", Kind: chaincode.Forbidden,
		Text: "This organisation is not a member of the network.", Remedy: "Check the organisation's id, or add the member first."}
	// ErrCertificate keeps out certificates that the member did not issue.
	ErrCertificate = chaincode.Rule{Code: "identity/certificate", Kind: chaincode.Forbidden,
		Text: "The certificate was not issued by the member it names.", Remedy: "Use an identity that the member's certificate authority issued."}
	// ErrExpired ends a certificate at its date.
	ErrExpired = chaincode.Rule{Code: "identity/expired", Kind: chaincode.Forbidden,
		Text: "The certificate is not valid at this time.", Remedy: "Have the identity renewed by your company's administrator, and check the clock."}
	// ErrRevoked ends a certificate before its date.
	ErrRevoked = chaincode.Rule{Code: "identity/revoked", Kind: chaincode.Forbidden,
		Text: "The certificate has been revoked.", Remedy: "Ask your company's administrator for a new identity."}
	// ErrSignature keeps a transaction to what its user signed.
	ErrSignature = chaincode.Rule{Code: "identity/signature", Kind: chaincode.Forbidden,
		Text: "The signature does not fit.", Remedy: "Sign the unchanged message with the certificate's own key, low S, in DER."}
	// ErrNotNode keeps endorsements to the members' nodes.
	ErrNotNode = chaincode.Rule{Code: "identity/not-node", Kind: chaincode.Forbidden,
		Text: "The signature is a user's where a node's is needed.", Remedy: "Have the member's node endorse the transaction."}
	// ErrEnrolment keeps names to what a certificate can carry.
	ErrEnrolment = chaincode.Rule{Code: "identity/enrolment", Kind: chaincode.Malformed,
		Text: "A name in the enrolment cannot stand in a certificate.", Remedy: "Use up to 64 bytes of letters, digits, dots, hyphens and underscores, beginning with a letter or a digit."}
	// ErrTaken keeps one identity to one name.
	ErrTaken = chaincode.Rule{Code: "identity/taken", Kind: chaincode.Conflict,
		Text: "This member already has a user of that name.", Remedy: "Choose another name, or renew the existing identity."}
	// ErrUnknownUser tells that the wallet holds no such key.
	ErrUnknownUser = chaincode.Rule{Code: "identity/unknown-user", Kind: chaincode.NotFound,
		Text: "This member has no user of that name.", Remedy: "Check the name, or enrol the user first."}
)

// Rules lists every refusal of this package.
func Rules() []chaincode.Rule {
	return []chaincode.Rule{ErrUnknownMember, ErrCertificate, ErrExpired, ErrRevoked, ErrSignature, ErrNotNode, ErrEnrolment, ErrTaken, ErrUnknownUser}
}
