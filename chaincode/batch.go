package chaincode

import (
	"encoding/json"
	"errors"
)

// Batch runs many commands of one caller in one transaction, each on its own
// savepoint, each with its own answer. On a network that orders tens of
// transactions a second it is what makes thousands of documents a second.
type Batch struct {
	Commands []Item `json:"commands"`
	// Atomic takes everything back when one command is refused.
	Atomic bool `json:"atomic,omitempty"`
}

// Item is one command of a batch.
type Item struct {
	Name string          `json:"name"`
	Body json.RawMessage `json:"body"`
}

// Answer is what became of one item: a reply or a refusal.
type Answer struct {
	Reply   json.RawMessage `json:"reply,omitempty"`
	Refusal *Refusal        `json:"refusal,omitempty"`
}

// MaxBatch is the largest number of commands in one transaction.
const MaxBatch = 200

// errTakenBack rolls an atomic batch back; the answers tell why.
var errTakenBack = errors.New("taken back")

// batchName is Batch's own wire name.
var batchName = NameOf(Batch{})

var kernel = Contract{
	Name:      "chaincode",
	Functions: []Function{batchFunction(), Query(runPlan), Query(runRehearse)},
	Rules:     []Rule{ErrUnknownFunction, ErrBody, ErrRole, ErrBatchSize, ErrBatchNested, ErrSalt, ErrPlan, ErrRehearsalSize},
}

// batchFunction is a Command that is as confidential as what it holds.
func batchFunction() Function {
	f := Command(runBatch)
	f.confidential = func(c *Contracts, body []byte) bool { return c.batchIsConfidential(body) }
	return f
}

func runBatch(tx *Tx, b Batch) ([]Answer, error) {
	if len(b.Commands) == 0 || len(b.Commands) > MaxBatch {
		return nil, ErrBatchSize.Refuse("%s commands", len(b.Commands)).On("commands")
	}
	answers := make([]Answer, len(b.Commands))
	err := tx.attempt(func() error {
		var failed error
		for i, item := range b.Commands {
			answer, err := runItem(tx, item)
			if err != nil {
				return err
			}
			if answer.Refusal != nil && b.Atomic {
				failed = errTakenBack
			}
			answers[i] = answer
		}
		return failed
	})
	if err != nil && !errors.Is(err, errTakenBack) {
		return nil, err
	}
	return answers, nil
}

// runItem answers one command; its error is a fault, not a refusal.
func runItem(tx *Tx, item Item) (Answer, error) {
	var reply []byte
	err := tx.attempt(func() (err error) {
		f, ok := tx.contracts.functions[item.Name]
		switch {
		case !ok:
			return ErrUnknownFunction.Refuse("%s", item.Name)
		case f.Query || item.Name == batchName:
			return ErrBatchNested.Refuse("%s", item.Name)
		}
		reply, err = tx.contracts.dispatch(tx, f, item.Body)
		return err
	})
	var refusal *Refusal
	switch {
	case err == nil:
		return Answer{Reply: reply}, nil
	case errors.As(err, &refusal):
		return Answer{Refusal: refusal}, nil
	default:
		return Answer{}, err
	}
}
