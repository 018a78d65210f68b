package accounts

import "github.com/tallyway/tallyway/chaincode"

// Refusals of those who log in, and of those who let them.
var (
	// ErrWrongLogin does not say which of the two was wrong.
	ErrWrongLogin = chaincode.Rule{Code: "identity/wrong-login", Kind: chaincode.Forbidden,
		Text: "The name or the password is wrong.", Remedy: "Check both, and the keyboard's language and capitals."}
	// ErrLocked slows down those who guess. Its one fact is the time from which
	// attempts are taken again, in RFC 3339.
	ErrLocked = chaincode.Rule{Code: "identity/locked", Kind: chaincode.Forbidden,
		Text: "There were too many attempts to log in.", Remedy: "Wait until the time shown, then try again."}
	// ErrDisabled keeps out those who have left.
	ErrDisabled = chaincode.Rule{Code: "identity/disabled", Kind: chaincode.Forbidden,
		Text: "This account is switched off.", Remedy: "Ask your company's administrator to switch it on."}
	// ErrNameTaken keeps one account to one name.
	ErrNameTaken = chaincode.Rule{Code: "identity/name-taken", Kind: chaincode.Conflict,
		Text: "There is already an account of this name.", Remedy: "Choose another name."}
	// ErrUnknownName is for administrators; who logs in gets ErrWrongLogin.
	ErrUnknownName = chaincode.Rule{Code: "identity/unknown-name", Kind: chaincode.NotFound,
		Text: "There is no account of this name.", Remedy: "Check the name, or create the account."}

	// ErrPasswordShort asks for length, which is what makes guessing hopeless.
	ErrPasswordShort = chaincode.Rule{Code: "identity/password-short", Kind: chaincode.Malformed,
		Text: "A password has at least 15 characters.", Remedy: "Join four or five words that do not belong together."}
	// ErrPasswordLong bounds the work of a login.
	ErrPasswordLong = chaincode.Rule{Code: "identity/password-long", Kind: chaincode.Malformed,
		Text: "A password has at most 128 characters.", Remedy: "Choose a shorter one."}
	// ErrPasswordCommon keeps out what attackers try first.
	ErrPasswordCommon = chaincode.Rule{Code: "identity/password-common", Kind: chaincode.Malformed,
		Text: "This password is easy to guess.", Remedy: "Avoid well-known phrases, names, rows of keys and repetitions; join words that do not belong together."}
	// ErrPasswordText keeps out bytes that no keyboard sends.
	ErrPasswordText = chaincode.Rule{Code: "identity/password-text", Kind: chaincode.Malformed,
		Text: "The password is not valid text.", Remedy: "Type it again, in UTF-8."}

	// ErrSessionExpired asks to log in again.
	ErrSessionExpired = chaincode.Rule{Code: "identity/session-expired", Kind: chaincode.Forbidden,
		Text: "You are no longer logged in.", Remedy: "Log in again."}
	// ErrCSRF keeps other sites from posting in a user's name.
	ErrCSRF = chaincode.Rule{Code: "identity/csrf", Kind: chaincode.Forbidden,
		Text: "The form does not belong to this session.", Remedy: "Load the page again and send the form once more."}

	// ErrToken keeps out tokens that were never given or were mistyped.
	ErrToken = chaincode.Rule{Code: "identity/token", Kind: chaincode.Forbidden,
		Text: "The API token is not known.", Remedy: "Copy the whole token, from tw_ to its end, or create a new one."}
	// ErrTokenExpired ends a token at its date.
	ErrTokenExpired = chaincode.Rule{Code: "identity/token-expired", Kind: chaincode.Forbidden,
		Text: "The API token has expired.", Remedy: "Create a new token."}
	// ErrTokenRevoked ends a token before its date.
	ErrTokenRevoked = chaincode.Rule{Code: "identity/token-revoked", Kind: chaincode.Forbidden,
		Text: "The API token has been revoked.", Remedy: "Create a new token."}
	// ErrTokenValidity keeps tokens from living for ever.
	ErrTokenValidity = chaincode.Rule{Code: "identity/token-validity", Kind: chaincode.Malformed,
		Text: "A token is valid for at least a minute and at most 366 days.", Remedy: "Choose an earlier end, and replace the token before it."}
	// ErrUnknownScope keeps a token to what can be granted.
	ErrUnknownScope = chaincode.Rule{Code: "identity/unknown-scope", Kind: chaincode.Malformed,
		Text: "A token needs one or more of the scopes read, write, capture and admin.", Remedy: "Choose from these four."}
	// ErrScope keeps a token to what it was made for.
	ErrScope = chaincode.Rule{Code: "identity/scope", Kind: chaincode.Forbidden,
		Text: "The API token does not allow this.", Remedy: "Create a token with the scope that is named here."}
)

// Rules lists every refusal of this package.
func Rules() []chaincode.Rule {
	return []chaincode.Rule{ErrWrongLogin, ErrLocked, ErrDisabled, ErrNameTaken, ErrUnknownName,
		ErrPasswordShort, ErrPasswordLong, ErrPasswordCommon, ErrPasswordText, ErrSessionExpired, ErrCSRF,
		ErrToken, ErrTokenExpired, ErrTokenRevoked, ErrTokenValidity, ErrUnknownScope, ErrScope}
}
