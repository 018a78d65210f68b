package session

import (
	"errors"
	"testing"
)

func TestReasonIsThePeersWord(t *testing.T) {
	for said, want := range map[string]string{
		"BankMSP: peer.bank: querying for installed chaincodes failed: Transaction processing for endorser [127.0.0.1:31521]: gRPC Transport Status Code: (2) Unknown. Description: access denied":                                                                         "BankMSP: peer.bank: access denied",
		"peer.bank does not install x_1.0:ab: sending commit transaction proposal failed: Transaction processing for endorser [127.0.0.1:1]: Chaincode status Code: (500) UNKNOWN. Description: failed to invoke backing implementation of 'X': not agreed to by this org": "peer.bank does not install x_1.0:ab: failed to invoke backing implementation of 'X': not agreed to by this org",
		"SendProposal failed: Transaction processing for endorser [h:1]: Endorser Client Status Code: (2) CONNECTION_FAILED. Description: dialing connection on target [h:1]: connection is in TRANSIENT_FAILURE":                                                          "dialing connection on target [h:1]: connection is in TRANSIENT_FAILURE",
		"the orderers refuse the change: create channel failed: create channel failed: SendEnvelope failed: calling orderer '127.0.0.1:1' error applying config update":                                                                                                    "the orderers refuse the change: error applying config update",
		"tallyway 2.0, sequence 2 waits for a majority": "tallyway 2.0, sequence 2 waits for a majority",
	} {
		if got := Reason(errors.New(said)); got != want {
			t.Errorf("%s\n gives %s\n want  %s", said, got, want)
		}
	}
}
