// Package fabric runs the suite's contracts as Fabric chaincode: it lends them
// the peer's stub as their State, tells them who calls by the creator's
// certificate, and hands their writes, their event and their refusals back in
// Fabric's terms.
//
// How the chaincode is started and deployed is left to cmd/chaincode and to
// the network.
package fabric

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hyperledger/fabric-chaincode-go/v2/pkg/cid"
	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"

	"github.com/tallyway/tallyway/chaincode"
)

// BodyField is the field of the transient map that carries a command's body:
// what is in the transient map does not enter the block.
const BodyField = "body"

// The attributes of a certificate that say for whom its user acts. Roles are
// separated by commas.
const (
	PartyAttribute = "tw.party"
	RolesAttribute = "tw.roles"
)

// Collection names a member's implicit private collection.
func Collection(org string) string { return "_implicit_org_" + org }

// New makes chaincode of the contracts. A transaction's only argument is the
// function's wire name.
func New(c *chaincode.Contracts) shim.Chaincode { return contracts{c} }

type contracts struct{ *chaincode.Contracts }

// Init has nothing to set up: the contracts begin with an empty state.
func (contracts) Init(shim.ChaincodeStubInterface) *peer.Response { return shim.Success(nil) }

// Invoke runs one call.
func (c contracts) Invoke(stub shim.ChaincodeStubInterface) *peer.Response {
	call, err := callOf(stub)
	if err != nil {
		return failure(err)
	}
	result, err := c.Run(state{stub}, call)
	if err != nil {
		return failure(err)
	}
	if err := apply(stub, call, result); err != nil {
		return failure(err)
	}
	if result.Empty() {
		return &peer.Response{Status: NothingToWrite, Payload: result.Reply}
	}
	return shim.Success(result.Reply)
}

// NothingToWrite is the status of a response whose transaction would be empty:
// the client takes the reply and sends nothing to be ordered.
const NothingToWrite int32 = 204

// callOf reads the call from the proposal.
func callOf(stub shim.ChaincodeStubInterface) (call chaincode.Call, err error) {
	args := stub.GetArgs()
	if len(args) != 1 {
		return call, fmt.Errorf("%d arguments; the only one is the function's name, its body travels in the transient field %q", len(args), BodyField)
	}
	transient, err := stub.GetTransient()
	if err != nil {
		return call, fmt.Errorf("read the transient map: %w", err)
	}
	at, err := stub.GetTxTimestamp()
	if err != nil {
		return call, fmt.Errorf("read the transaction's time: %w", err)
	}
	caller, err := callerOf(stub)
	if err != nil {
		return call, fmt.Errorf("read the creator's certificate: %w", err)
	}
	return chaincode.Call{Name: string(args[0]), Body: transient[BodyField], TxID: stub.GetTxID(), At: at.AsTime(), Caller: caller}, nil
}

// callerOf reads who calls from the certificate that the peer has checked.
func callerOf(stub shim.ChaincodeStubInterface) (caller chaincode.Caller, err error) {
	id, err := cid.New(stub)
	if err != nil {
		return caller, err
	}
	certificate, err := id.GetX509Certificate()
	if err != nil {
		return caller, err
	}
	if certificate == nil {
		return caller, errors.New("the creator has no X.509 certificate")
	}
	caller.User = certificate.Subject.CommonName
	if caller.Org, err = id.GetMSPID(); err != nil {
		return caller, err
	}
	if caller.Party, _, err = id.GetAttributeValue(PartyAttribute); err != nil {
		return caller, err
	}
	roles, _, err := id.GetAttributeValue(RolesAttribute)
	if roles != "" {
		caller.Roles = strings.Split(roles, ",")
	}
	return caller, err
}

// apply hands the result to the peer: writes in their order, one event.
func apply(stub shim.ChaincodeStubInterface, call chaincode.Call, result chaincode.Result) error {
	for _, w := range result.Writes {
		if err := write(stub, w); err != nil {
			return fmt.Errorf("write %q: %w", w.Key, err)
		}
	}
	event, err := result.Envelope(call)
	if err != nil || event == nil {
		return err
	}
	return stub.SetEvent(chaincode.EnvelopeName, event)
}

func write(stub shim.ChaincodeStubInterface, w chaincode.Write) error {
	switch {
	case w.Value != nil && len(w.Value) == 0:
		return errors.New("an empty value: Fabric takes it for a deletion")
	case w.Org == "" && w.Value == nil:
		return stub.DelState(w.Key)
	case w.Org == "":
		return stub.PutState(w.Key, w.Value)
	case w.Value == nil:
		return stub.DelPrivateData(Collection(w.Org), w.Key)
	default:
		return stub.PutPrivateData(Collection(w.Org), w.Key, w.Value)
	}
}

// statuses of refusals, at or above shim.ERRORTHRESHOLD: the peer endorses
// none of them.
var statuses = map[chaincode.Kind]int32{
	chaincode.Malformed: 422, chaincode.Forbidden: 403, chaincode.NotFound: 404, chaincode.Conflict: 409,
}

// FaultMark stands before the text of a fault, to tell what went wrong in the
// contract from what went wrong on the way to it: trying again mends only the
// latter.
const FaultMark = "the contract failed: "

// failure is a refusal as JSON in the message, or a fault as text. Refusal
// reads it back.
func failure(err error) *peer.Response {
	var refusal *chaincode.Refusal
	if !errors.As(err, &refusal) {
		return shim.Error(FaultMark + err.Error())
	}
	message, err := json.Marshal(refusal)
	if err != nil {
		return shim.Error(FaultMark + err.Error())
	}
	status, known := statuses[refusal.Kind]
	if !known {
		status = shim.ERRORTHRESHOLD
	}
	return &peer.Response{Status: status, Message: string(message)}
}

// Refusal reads a refusal from the message of a chaincode's response, which a
// peer or gateway may have wrapped in text of its own; nil if there is none.
func Refusal(message string) *chaincode.Refusal {
	for from := strings.Index(message, `{"code":`); from >= 0; {
		var r chaincode.Refusal
		if json.NewDecoder(strings.NewReader(message[from:])).Decode(&r) == nil {
			return &r
		}
		next := strings.Index(message[from+1:], `{"code":`)
		if next < 0 {
			break
		}
		from += 1 + next
	}
	return nil
}

// state is the stub as a contract sees it.
type state struct{ stub shim.ChaincodeStubInterface }

func (s state) Get(key string) ([]byte, error) { return s.stub.GetState(key) }

func (s state) Scan(from, to string, visit func(key string, value []byte) bool) error {
	rows, err := s.stub.GetStateByRange(from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.HasNext() {
		kv, err := rows.Next()
		if err != nil {
			return err
		}
		if !visit(kv.Key, kv.Value) {
			return nil
		}
	}
	return nil
}

// GetPrivate asks the peer, unless the chaincode service knows that its peer
// belongs to another member: such a peer answers nil for a key never written,
// which would look like an answer.
func (s state) GetPrivate(org, key string) ([]byte, error) {
	if node, err := shim.GetMSPID(); err == nil && node != org {
		return nil, fmt.Errorf("the peer of %s does not keep the collection of %s", node, org)
	}
	return s.stub.GetPrivateData(Collection(org), key)
}
