package epcis

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
)

// Profile is what a company demands of the events that are addressed to it, beyond the standard: the agreement between
// partners that EPCIS 2.0, section 4.2, leaves to them. It is data, so that every repository and every sender checks
// the same.
type Profile []Demand

// Demand is one line of a profile: which events it is about, what these must have, and what happens where they have not.
type Demand struct {
	// Types and Steps choose the events; all where empty.
	Types []string `json:"types,omitempty"`
	Steps []string `json:"steps,omitempty"`

	// Fields must be there: a member of the event ("bizLocation"), a field of its master data ("ilmd/cbvmda:lotNumber")
	// or an own field by its full name ("https://ns.example.com/epcis/line").
	Fields []string `json:"fields,omitempty"`
	// Transactions are types of business transactions, each of which must be named.
	Transactions []string `json:"transactions,omitempty"`
	// Units are those in which every quantity must come, of UN/ECE Recommendation 20; "-" is a count of pieces.
	Units []string `json:"units,omitempty"`
	// OnlySteps and OnlyReadPoints are the only ones that are taken.
	OnlySteps      []string `json:"onlySteps,omitempty"`
	OnlyReadPoints []string `json:"onlyReadPoints,omitempty"`

	Severity string `json:"severity,omitempty"` // "refuse" (the default) or "flag"
	Note     string `json:"note,omitempty"`     // why, for the sender to read
}

// The severities of a demand.
const (
	Refuse = "refuse"
	Flag   = "flag"
)

// Finding is a demand that an event does not meet.
type Finding struct {
	Problem
	Demand int // index in the profile
	Flag   bool
}

// What a profile may cost every capture.
const (
	maxDemands = 50
	maxEntries = 50
	maxEntry   = 300
)

// demandable are the members of an event that a demand may ask for.
var demandable = map[string]func(e *Event) bool{
	"eventID":               func(e *Event) bool { return e.ID != "" },
	"bizStep":               func(e *Event) bool { return e.BizStep != "" },
	"disposition":           func(e *Event) bool { return e.Disposition != "" },
	"persistentDisposition": func(e *Event) bool { return len(e.PersistentSet)+len(e.PersistentUnset) > 0 },
	"readPoint":             func(e *Event) bool { return e.ReadPoint != "" },
	"bizLocation":           func(e *Event) bool { return e.BizLocation != "" },
	"bizTransactionList":    func(e *Event) bool { return len(e.BizTransactions) > 0 },
	"sourceList":            func(e *Event) bool { return len(e.Sources) > 0 },
	"sensorElementList":     func(e *Event) bool { return len(e.Sensors) > 0 },
	"certificationInfo":     func(e *Event) bool { return len(e.CertificationInfo) > 0 },
	"ilmd":                  func(e *Event) bool { return len(e.ILMD) > 0 },
}

// Validate checks the profile itself; paths start at it.
func (p Profile) Validate() Problems {
	v := &validator{}
	if len(p) > maxDemands {
		v.problems.add("", "profile/too-big", "a profile has at most "+strconv.Itoa(maxDemands)+" demands", "Join some of them.")
		return v.problems
	}
	for i, d := range p {
		v.demand(d, atIndex("", i))
	}
	return v.problems
}

func (v *validator) demand(d Demand, path string) {
	bad := func(list []string, name string, ok func(string) bool, text, remedy string) {
		if len(list) > maxEntries {
			v.problems.add(at(path, name), "profile/too-big", "a list has at most "+strconv.Itoa(maxEntries)+" entries", "Make it two demands.")
		}
		for i, entry := range list {
			if len(entry) > maxEntry || !ok(entry) {
				v.problems.add(atIndex(at(path, name), i), "profile/entry", quote(entry)+" is no "+text, remedy)
			}
		}
	}
	wordOf := func(words vocabulary) func(string) bool {
		return func(s string) bool { return words.has(words.short(s)) || isURI(s) }
	}
	bad(d.Types, "types", func(s string) bool { return slices.Contains(eventTypes, s) }, "event type", "Write one of "+strings.Join(eventTypes, ", ")+".")
	bad(d.Steps, "steps", wordOf(bizSteps), "business step", "Write a word of the CBV, like shipping, or a full URI.")
	bad(d.OnlySteps, "onlySteps", wordOf(bizSteps), "business step", "Write a word of the CBV, like shipping, or a full URI.")
	bad(d.Transactions, "transactions", wordOf(transactionTypes), "type of business transaction", "Write a word of the CBV, like po or desadv, or a full URI.")
	bad(d.Fields, "fields", isDemandable, "field that can be asked for", "Write a member like bizLocation, ilmd/ and a name, or an own field's full name.")
	bad(d.OnlyReadPoints, "onlyReadPoints", isURI, "read point", "Write the place as a URI.")
	bad(d.Units, "units", func(s string) bool { _, err := gs1.UnitOf(s); return err == nil || s == "-" }, "unit", "Write a UN/ECE Recommendation 20 code like KGM, or - for pieces.")
	if len(d.Fields)+len(d.Transactions)+len(d.Units)+len(d.OnlySteps)+len(d.OnlyReadPoints) == 0 {
		v.problems.add(path, "profile/empty", "the demand asks for nothing", "Name a field, a transaction, a unit, a step or a read point.")
	}
	if d.Severity != "" && d.Severity != Refuse && d.Severity != Flag {
		v.problems.add(at(path, "severity"), "profile/severity", quote(d.Severity)+" is neither refuse nor flag", "Write one of the two.")
	}
	if len(d.Note) > maxEntry || strings.ContainsFunc(d.Note, noXML) {
		v.problems.add(at(path, "note"), "profile/note", "the note is too long or holds control characters", "Write one sentence.")
	}
}

// isDemandable tells whether a field can be asked for.
func isDemandable(field string) bool {
	if demandable[field] != nil {
		return true
	}
	name, _ := strings.CutPrefix(field, "ilmd/")
	prefix, local, ok := strings.Cut(name, ":")
	return ok && prefix != "" && local != ""
}

// Check tells which demands an event does not meet, in the order of the profile; paths start at the event.
func (p Profile) Check(e *Event) []Finding {
	var all []Finding
	for i, d := range p {
		if !d.concerns(e) {
			continue
		}
		c := &checker{event: e, demand: d}
		c.check()
		for _, problem := range c.problems {
			all = append(all, Finding{problem, i, d.Severity == Flag})
		}
	}
	return all
}

func (d Demand) concerns(e *Event) bool {
	step := func(s string) bool { return bizSteps.uri(s) == bizSteps.uri(e.BizStep) }
	return (len(d.Types) == 0 || slices.Contains(d.Types, e.Type)) && (len(d.Steps) == 0 || slices.ContainsFunc(d.Steps, step))
}

// checker holds one event against one demand.
type checker struct {
	event    *Event
	demand   Demand
	problems Problems
}

func (c *checker) unmet(path, code, text, remedy string) {
	if c.demand.Note != "" {
		remedy += " " + c.demand.Note
	}
	c.problems.add(path, code, text, remedy)
}

func (c *checker) check() {
	e, d := c.event, c.demand
	for _, f := range d.Fields {
		if !e.has(f) {
			c.unmet(pathOf(f), "profile/field", "the partner asks for "+quote(f), "Add it to the event.")
		}
	}
	for _, t := range d.Transactions {
		if !slices.ContainsFunc(e.BizTransactions, func(b Typed) bool { return transactionTypes.uri(b.Type) == transactionTypes.uri(t) }) {
			c.unmet("/bizTransactionList", "profile/transaction", "the partner asks for a business transaction of type "+quote(t), "Name it in bizTransactionList.")
		}
	}
	step := func(s string) bool { return bizSteps.uri(s) == bizSteps.uri(e.BizStep) }
	if len(d.OnlySteps) > 0 && !slices.ContainsFunc(d.OnlySteps, step) {
		c.unmet("/bizStep", "profile/step", "the partner takes no events of step "+quote(e.BizStep), "Use one of "+strings.Join(d.OnlySteps, ", ")+".")
	}
	place := func(s string) bool { return canonicalText(s) == canonicalText(e.ReadPoint) }
	if len(d.OnlyReadPoints) > 0 && !slices.ContainsFunc(d.OnlyReadPoints, place) {
		c.unmet("/readPoint/id", "profile/read-point", "the partner takes no events from read point "+quote(e.ReadPoint), "Use one of "+strings.Join(d.OnlyReadPoints, ", ")+".")
	}
	for _, list := range e.quantityLists() {
		for i, q := range list.quantities {
			if unit := orPieces(q.Unit); len(d.Units) > 0 && !slices.Contains(d.Units, unit) {
				c.unmet(at(atIndex(at("", list.name), i), "uom"), "profile/unit", "the partner takes no quantities in "+quote(unit), "Use one of "+strings.Join(d.Units, ", ")+".")
			}
		}
	}
}

func orPieces(unit string) string {
	if unit == "" {
		return "-"
	}
	return unit
}

type quantityList struct {
	name       string
	quantities []Quantity
}

func (e *Event) quantityLists() []quantityList {
	return []quantityList{{"quantityList", e.Quantities}, {"childQuantityList", e.ChildQuantities},
		{"inputQuantityList", e.InputQuantities}, {"outputQuantityList", e.OutputQuantities}}
}

// pathOf is where a demanded field would stand.
func pathOf(field string) string {
	if name, ok := strings.CutPrefix(field, "ilmd/"); ok {
		return at("/ilmd", name)
	}
	return at("", field)
}

// has tells whether the event has a field that a demand names.
func (e *Event) has(field string) bool {
	if there := demandable[field]; there != nil {
		return there(e)
	}
	fields := e.Extensions
	name, inside := strings.CutPrefix(field, "ilmd/")
	if inside {
		fields = e.ILMD
	}
	asked := newScope().name(name)
	return slices.ContainsFunc(fields, func(f Field) bool {
		return f.Value.Kind != Null && (hashName(f.Name) == hashName(asked) || f.Name.full() == name)
	})
}

// full is a name as JSON-LD expands it.
func (n Name) full() string {
	if n = n.resolved(); n.Space == "" {
		return n.spelled()
	}
	return n.Space + n.Local
}
