package session

import "regexp"

// ceremony is what the SDK wraps around a peer's or an orderer's own words.
var ceremony = regexp.MustCompile(`(?:(?:[\w.]+ )*failed: )*` +
	`(?:(?:Transaction processing for endorser \[[^\]]*\]: )?(?:\w+ )+[Ss]tatus Code: \(\d+\) \w+\. Description: ` +
	`|calling orderer '[^']*' )`)

// Reason is what an error of the SDK says, in the words of the peer or orderer
// that refused.
func Reason(err error) string { return ceremony.ReplaceAllString(err.Error(), "") }
