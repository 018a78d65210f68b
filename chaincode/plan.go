package chaincode

import "encoding/json"

// Confidential is a command that may write private state. On a network its
// body is shown to nobody but the members that keep what it writes and a
// witness that may see it, so whoever sends it asks Plan first. A command that
// does not say so cannot write private state.
type Confidential interface {
	// Confidential tells of this one command, by what it asks for.
	Confidential() bool
}

// Plan asks which members would keep private content of a command, without
// committing it. The command is refused as it would be.
type Plan struct {
	Name string          `json:"name"`
	Body json.RawMessage `json:"body"`
}

// Keepers are the members that would keep private content, in order.
type Keepers struct {
	Orgs []string `json:"orgs"`
}

// Confidential says whether a command may write private state: itself, or as a
// batch one of its commands. What cannot be read is refused when it is run.
func (c *Contracts) Confidential(name string, body []byte) bool {
	f := c.functions[name]
	return f.confidential != nil && f.confidential(c, body)
}

// batchIsConfidential says so of a batch, which is as confidential as its commands.
func (c *Contracts) batchIsConfidential(body []byte) bool {
	var b Batch
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	for _, item := range b.Commands {
		if item.Name != batchName && c.Confidential(item.Name, item.Body) {
			return true
		}
	}
	return false
}

// runPlan runs the command beside the query's own transaction and throws away
// what it would write.
func runPlan(tx *Tx, p Plan) (Keepers, error) {
	f, ok := tx.contracts.functions[p.Name]
	switch {
	case !ok:
		return Keepers{}, ErrUnknownFunction.Refuse("%s", p.Name)
	case f.Query:
		return Keepers{}, ErrPlan.Refuse("%s is a query", p.Name).On("name")
	}
	dry := newTx(tx.contracts, tx.state, tx.call, false)
	dry.call.Name, dry.call.Body = p.Name, p.Body
	if _, err := tx.contracts.dispatch(dry, f, p.Body); err != nil {
		return Keepers{}, err
	}
	orgs := Result{Writes: dry.sortedWrites()}.Keepers()
	if orgs == nil {
		orgs = []string{}
	}
	return Keepers{orgs}, nil
}
