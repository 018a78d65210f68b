package traceability

import (
	"context"
	"fmt"
	"strings"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// The kinds of rows in tr_event_facts. tr_events and tr_named hold what else
// queries narrow by.
const (
	factReadPoint      = "readPoint"
	factBizLocation    = "bizLocation"
	factParent         = "parentID" // of transaction events, whose parents tr_named leaves out
	factTransformation = "transformationID"
	factTransaction    = "bizTransaction" // type and URI
	factSource         = "source"
	factDestination    = "destination"
	factSet            = "set" // persistent dispositions
	factUnset          = "unset"
	factSensor         = "sensor" // measurement types; "" for a sensor element without reports
)

type fact struct{ kind, value string }

// factsOf are an event's facts, each once; e is nil where its body is not for
// everybody.
func factsOf(told trace.Captured, e *epcis.Event) []fact {
	var all []fact
	seen := map[fact]bool{}
	note := func(kind, value string) {
		if f := (fact{kind, value}); !seen[f] {
			seen[f] = true
			all = append(all, f)
		}
	}
	uri := func(kind, value string) {
		if value != "" {
			value, _ = gs1.Canonical(value)
			note(kind, value)
		}
	}
	uri(factReadPoint, told.ReadPoint)
	uri(factBizLocation, told.BizLocation)
	if e == nil {
		return all
	}
	if e.Type == epcis.TransactionEvent {
		uri(factParent, e.Parent)
	}
	uri(factTransformation, e.TransformationID)
	for kind, list := range map[string][]epcis.Typed{factTransaction: e.BizTransactions, factSource: e.Sources, factDestination: e.Destinations} {
		for _, t := range list {
			note(kind, typedFact(t.Type, t.Value))
		}
	}
	for _, d := range e.PersistentSet {
		note(factSet, d)
	}
	for _, d := range e.PersistentUnset {
		note(factUnset, d)
	}
	for _, s := range e.Sensors {
		if len(s.Reports) == 0 {
			note(factSensor, "")
		}
		for _, r := range s.Reports {
			note(factSensor, r.Type)
		}
	}
	return all
}

func typedFact(kind, uri string) string {
	uri, _ = gs1.Canonical(uri)
	return kind + " " + uri
}

// factsAtOnce bounds one statement.
const factsAtOnce = 200

func putEventFacts(ctx context.Context, tx *readmodel.Tx, hash string, all []fact) error {
	for len(all) > 0 {
		some := all[:min(len(all), factsAtOnce)]
		all = all[len(some):]
		var rows strings.Builder
		args := []any{hash}
		for i, f := range some {
			if i > 0 {
				rows.WriteByte(',')
			}
			fmt.Fprintf(&rows, "($%d,$%d,$1)", 2*i+2, 2*i+3)
			args = append(args, f.kind, f.value)
		}
		if err := run(ctx, tx, `INSERT INTO tr_event_facts (fact, value, hash) VALUES `+rows.String()+` ON CONFLICT DO NOTHING`, args...); err != nil {
			return err
		}
	}
	return nil
}
