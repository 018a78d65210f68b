package chaincode

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Kind says what went wrong in one word; the web maps it to a status.
type Kind string

// The kinds of refusal.
const (
	Malformed Kind = "malformed" // the command itself is wrong: 422
	Forbidden Kind = "forbidden" // not this caller: 403
	NotFound  Kind = "not-found" // no such record: 404
	Conflict  Kind = "conflict"  // not in this state of things: 409
)

// Rule is one sentence of the business, with a code. It is declared beside the
// method that enforces it, matched with errors.Is and shown to people as it
// stands.
type Rule struct {
	Code   string // "trace/recalled"
	Kind   Kind
	Text   string // one sentence that a user can read
	Remedy string // what to do about it
}

// Error makes a rule usable as the target of errors.Is.
func (r Rule) Error() string { return r.Code + ": " + r.Text }

// Refuse says no by this rule, with the facts of the case. The format knows %s
// only, so that a translation can put the same facts into its own sentence.
func (r Rule) Refuse(format string, facts ...any) *Refusal {
	f := &Refusal{Rule: r, Format: format}
	for _, fact := range facts {
		f.Facts = append(f.Facts, fmt.Sprint(fact))
	}
	return f
}

// Refusal is a rule applied to a case. It is public: it may stand in a log or
// in a peer's answer, so it holds ids, states and codes only.
type Refusal struct {
	Rule
	Format string   // the case in English, with %s for each fact
	Facts  []string // ids, quantities, states
	Field  string   // the command's field the user can mend, or ""
}

// On names the field that the user can mend.
func (f *Refusal) On(field string) *Refusal {
	f.Field = field
	return f
}

// Detail is the case in English.
func (f *Refusal) Detail() string { return fill(f.Format, f.Facts) }

// Error is the rule's code and sentence and the case.
func (f *Refusal) Error() string {
	if f.Format == "" {
		return f.Rule.Error()
	}
	return f.Rule.Error() + " (" + f.Detail() + ")"
}

// Is matches the rule by its code, also after a journey over the wire.
func (f *Refusal) Is(target error) bool {
	r, ok := target.(Rule)
	return ok && r.Code == f.Code
}

// fill puts facts into a format of %s only, tolerating a mismatch. A fact that
// holds a %s itself stays as it is.
func fill(format string, facts []string) string {
	parts := strings.Split(format, "%s")
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		switch {
		case i < min(len(facts), len(parts)-1):
			b.WriteString(facts[i])
		case i < len(parts)-1:
			b.WriteString("%s")
		}
	}
	return b.String()
}

// wireRefusal is a refusal as bytes: in a peer's answer, in a Batch's reply.
type wireRefusal struct {
	Code   string   `json:"code"`
	Kind   Kind     `json:"kind"`
	Text   string   `json:"text"`
	Remedy string   `json:"remedy,omitempty"`
	Format string   `json:"format,omitempty"`
	Facts  []string `json:"facts,omitempty"`
	Field  string   `json:"field,omitempty"`
}

// MarshalJSON writes the refusal flat, with its rule.
func (f *Refusal) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireRefusal{f.Code, f.Kind, f.Text, f.Remedy, f.Format, f.Facts, f.Field})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *Refusal) UnmarshalJSON(b []byte) error {
	var w wireRefusal
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.Code == "" {
		return errors.New("a refusal needs a code")
	}
	*f = Refusal{Rule: Rule{w.Code, w.Kind, w.Text, w.Remedy}, Format: w.Format, Facts: w.Facts, Field: w.Field}
	return nil
}

// The kernel's own rules.
var (
	// ErrUnknownFunction keeps calls to what the contracts offer.
	ErrUnknownFunction = Rule{Code: "chaincode/unknown-function", Kind: NotFound,
		Text: "There is no such command.", Remedy: "Use one of the commands that the API page lists."}
	// ErrBody keeps a command to the shape that its type declares.
	ErrBody = Rule{Code: "chaincode/body", Kind: Malformed,
		Text: "The command cannot be read.", Remedy: "Send JSON with the fields that the API page lists for this command."}
	// ErrRole keeps a command to those whose certificate names the role.
	ErrRole = Rule{Code: "chaincode/role", Kind: Forbidden,
		Text: "Your role does not allow this.", Remedy: "Ask your company's administrator for the role, or ask a colleague who has it."}
	// ErrBatchSize keeps one transaction within what a network orders quickly.
	ErrBatchSize = Rule{Code: "chaincode/batch-size", Kind: Malformed,
		Text: "A batch holds between 1 and 200 commands.", Remedy: "Split the commands over several batches."}
	// ErrBatchNested keeps savepoints flat.
	ErrBatchNested = Rule{Code: "chaincode/batch-nested", Kind: Malformed,
		Text: "A batch holds neither queries nor another batch.", Remedy: "Put the inner commands into the batch itself."}
	// ErrSalt keeps a commitment from being guessed.
	ErrSalt = Rule{Code: "chaincode/salt", Kind: Malformed,
		Text: "A private record needs a salt of at least 16 random bytes.", Remedy: "Send a fresh random salt with the command."}
	// ErrRehearsalSize keeps one look ahead within what a node answers in time.
	ErrRehearsalSize = Rule{Code: "chaincode/rehearsal-size", Kind: Malformed,
		Text: "A rehearsal holds between 1 and 5,000 commands.", Remedy: "Split the commands over several rehearsals, in their order."}
	// ErrPlan keeps plans to what writes.
	ErrPlan = Rule{Code: "chaincode/plan", Kind: Malformed,
		Text: "Only a command can be planned: a query writes nothing.", Remedy: "Ask the query itself."}
)
