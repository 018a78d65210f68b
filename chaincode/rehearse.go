package chaincode

import "encoding/json"

// Rehearse runs commands of one caller one after the other, each on what the
// ones before it would have written, and commits nothing: what would become of
// each is its answer. It is a query, so a command whose body is private stays on
// the node that is asked.
//
// Between the rehearsal and the act others may move the same goods: a rehearsal
// is a look ahead, never a promise.
type Rehearse struct {
	Commands []Item `json:"commands"`
}

// MaxRehearsal is the largest number of commands of a rehearsal: a whole
// document, for which a transaction would be too small.
const MaxRehearsal = 5000

func runRehearse(tx *Tx, r Rehearse) ([]Answer, error) {
	if len(r.Commands) == 0 || len(r.Commands) > MaxRehearsal {
		return nil, ErrRehearsalSize.Refuse("%s commands", len(r.Commands)).On("commands")
	}
	dry := newTx(tx.contracts, tx.state, tx.call, false)
	answers := make([]Answer, len(r.Commands))
	for i, item := range r.Commands {
		dry.call.Name, dry.call.Body = item.Name, json.RawMessage(item.Body) // private state is written by who says so
		answer, err := runItem(dry, item)
		if err != nil {
			return nil, err
		}
		answers[i], dry.events, dry.undo = answer, nil, nil
	}
	return answers, nil
}
