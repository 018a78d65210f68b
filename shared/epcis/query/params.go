package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// This file is the list of parameters with a fixed name. Those that name a field, a type or a unit are in named.go.

// aliases are other spellings, most of them the standard's own: its text, its OpenAPI file and its query schema differ.
var aliases = map[string]string{
	"EQ_eventType":                  "eventType",
	"EXISTS_sensorElement":          "EXISTS_sensorElementList",
	"GE_errorDeclaration_Time":      "GE_errorDeclarationTime",
	"LT_errorDeclaration_Time":      "LT_errorDeclarationTime",
	"EQ_persistentDispositionSet":   "EQ_persistentDisposition_set",
	"EQ_persistentDispositionUnset": "EQ_persistentDisposition_unset",
	"EQ_correctiveEventIDs":         "EQ_correctiveEventID",
	"EQ_chemicalsubstance":          "EQ_chemicalSubstance",
	"GE_sensorTime":                 "GE_time",
	"LT_sensorTime":                 "LT_time",
}

// a rule makes the term of a parameter.
type rule func(param string, values []string) (Term, error)

var fixed map[string]rule

func init() {
	fixed = map[string]rule{
		"eventType":                      oneOf(epcis.Types(), func(e *epcis.Event) string { return e.Type }),
		"EQ_action":                      oneOf([]string{epcis.Add, epcis.Observe, epcis.Delete}, func(e *epcis.Event) string { return e.Action }),
		"EQ_bizStep":                     word(epcis.BizStepWord, func(e *epcis.Event) []string { return []string{e.BizStep} }),
		"EQ_disposition":                 word(epcis.DispositionWord, func(e *epcis.Event) []string { return []string{e.Disposition} }),
		"EQ_persistentDisposition_set":   word(epcis.DispositionWord, func(e *epcis.Event) []string { return e.PersistentSet }),
		"EQ_persistentDisposition_unset": word(epcis.DispositionWord, func(e *epcis.Event) []string { return e.PersistentUnset }),
		"EQ_readPoint":                   uri(func(e *epcis.Event) []string { return []string{e.ReadPoint} }),
		"WD_readPoint":                   within(func(e *epcis.Event) string { return e.ReadPoint }),
		"EQ_bizLocation":                 uri(func(e *epcis.Event) []string { return []string{e.BizLocation} }),
		"WD_bizLocation":                 within(func(e *epcis.Event) string { return e.BizLocation }),
		"EQ_transformationID":            uri(func(e *epcis.Event) []string { return []string{e.TransformationID} }),
		"EQ_eventID":                     eventID,
		"EQ_userID":                      userID,
		"EXISTS_errorDeclaration":        exists(func(e *epcis.Event) bool { return e.Error != nil }),
		"EQ_errorReason":                 word(epcis.ErrorReasonWord, ofError(func(d *epcis.ErrorDeclaration) []string { return []string{d.Reason} })),
		"EQ_correctiveEventID":           uri(ofError(func(d *epcis.ErrorDeclaration) []string { return d.Corrective })),
		"EXISTS_sensorElementList":       exists(func(e *epcis.Event) bool { return len(e.Sensors) > 0 }),
		"EQ_booleanValue":                boolean,
	}
	times := map[string]func(e *epcis.Event) []time.Time{
		"eventTime":            func(e *epcis.Event) []time.Time { return []time.Time{e.Time} },
		"recordTime":           func(e *epcis.Event) []time.Time { return []time.Time{e.RecordTime} },
		"errorDeclarationTime": errorTimes,
		"time":                 sensorTimes,
		"startTime":            ofMetadata(func(m *epcis.SensorMetadata) time.Time { return m.Start }),
		"endTime":              ofMetadata(func(m *epcis.SensorMetadata) time.Time { return m.End }),
	}
	for name, of := range times {
		fixed["GE_"+name], fixed["LT_"+name] = timed("GE", of), timed("LT", of)
	}
	for name, of := range matched {
		fixed["MATCH_"+name] = match(of)
	}
	for name, p := range sensorTexts {
		fixed["EQ_"+name] = word(p.form, p.of)
	}
	for _, op := range []string{"EQ", "GT", "GE", "LT", "LE"} {
		fixed[op+"_quantity"] = number(op, plainQuantities)
		fixed[op+"_percRank"] = number(op, ofReports(func(r *epcis.SensorReport) epcis.Number { return r.PercRank }))
	}
}

// control reads the parameters that do not choose events. It reports whether it knows the parameter.
func (r *reader) control(param string, values []string) (bool, error) {
	switch param {
	case "orderBy":
		v, err := single(param, values)
		if err != nil {
			return true, err
		}
		f, ok := fieldOf(v, r.prefixes)
		if v != "eventTime" && v != "recordTime" && !ok {
			return true, refuse(param, quote(v)+" is no field to order by.", "Use eventTime, recordTime, or an extension field with its prefix.")
		}
		r.q.OrderBy, r.q.order = v, f
	case "orderDirection":
		v, err := single(param, values)
		if err != nil {
			return true, err
		}
		if v != "ASC" && v != "DESC" {
			return true, refuse(param, quote(v)+" is no direction.", "Use ASC or DESC.")
		}
		r.q.Ascending = v == "ASC"
	case "eventCountLimit", "maxEventCount":
		v, err := single(param, values)
		if err != nil {
			return true, err
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return true, refuse(param, quote(v)+" is no number of events.", "Use a whole number from 1.")
		}
		if param == "maxEventCount" {
			r.q.Max = n
		} else {
			r.q.Limit = n
		}
	default:
		return false, nil
	}
	return true, nil
}

func single(param string, values []string) (string, error) {
	if len(values) != 1 || values[0] == "" {
		return "", refuse(param, "It takes one value.", "Give one.")
	}
	return values[0], nil
}

// given refuses empty values.
func given(param string, values []string) error {
	if slices.Contains(values, "") {
		return refuse(param, "A value is empty.", "Give a value, or leave the parameter out.")
	}
	return nil
}

// oneOf is for fields with a closed list of values.
func oneOf(known []string, of func(e *epcis.Event) string) rule {
	return func(param string, values []string) (Term, error) {
		for i, v := range values {
			values[i] = strings.TrimPrefix(v, "epcis:")
			if !slices.Contains(known, values[i]) {
				return Term{}, refuse(param, quote(v)+" is none of its values.", "Use "+strings.Join(known, ", ")+".")
			}
		}
		return Term{param, values, func(e *epcis.Event, _ Around) bool { return slices.Contains(values, of(e)) }}, nil
	}
}

// word is for fields whose values have several spellings; form brings them to one.
func word(form func(string) string, of func(e *epcis.Event) []string) rule {
	return func(param string, values []string) (Term, error) {
		if err := given(param, values); err != nil {
			return Term{}, err
		}
		for i := range values {
			values[i] = form(values[i])
		}
		return Term{param, values, func(e *epcis.Event, _ Around) bool {
			return slices.ContainsFunc(of(e), func(v string) bool { return v != "" && slices.Contains(values, form(v)) })
		}}, nil
	}
}

// uri is for identifiers: GS1 keys are alike in EPC and Digital Link form.
func uri(of func(e *epcis.Event) []string) rule { return word(canonical, of) }

func canonical(uri string) string {
	c, _ := gs1.Canonical(uri)
	return c
}

func asIs(s string) string { return s }

// timed compares times.
func timed(op string, of func(e *epcis.Event) []time.Time) rule {
	return func(param string, values []string) (Term, error) {
		v, err := single(param, values)
		if err != nil {
			return Term{}, err
		}
		t, ok := epcis.ParseTime(strings.Replace(v, " ", "+", 1)) // a + that was not escaped in its URL
		if !ok {
			return Term{}, refuse(param, quote(v)+" is no time with a zone.", "Write it like 2026-03-01T08:30:00Z, and + as %2B in a URL.")
		}
		return Term{param, []string{t.Format(time.RFC3339Nano)}, func(e *epcis.Event, _ Around) bool {
			return slices.ContainsFunc(of(e), func(x time.Time) bool { return !x.IsZero() && holds(op, x.Compare(t)) })
		}}, nil
	}
}

// number compares numbers without a unit.
func number(op string, of func(e *epcis.Event) []gs1.Amount) rule {
	return func(param string, values []string) (Term, error) {
		amounts, err := amounts(param, op, values)
		if err != nil {
			return Term{}, err
		}
		return Term{param, values, func(e *epcis.Event, _ Around) bool {
			for _, x := range of(e) {
				if slices.ContainsFunc(amounts, func(a gs1.Amount) bool { return holds(op, x.Cmp(a)) }) {
					return true
				}
			}
			return false
		}}, nil
	}
}

// amounts reads the numbers of a parameter: of an order relation, one.
func amounts(param, op string, values []string) ([]gs1.Amount, error) {
	if op != "EQ" && len(values) != 1 {
		return nil, refuse(param, "It takes one number.", "Give one.")
	}
	var all []gs1.Amount
	for _, v := range values {
		a, err := gs1.ParseAmount(v)
		if err != nil {
			return nil, refuse(param, quote(v)+" is no number.", "Write digits with a decimal point, such as 4.5.")
		}
		all = append(all, a)
	}
	return all, nil
}

// exists is for parameters without a value. As OpenAPI types them as booleans, false asks for nothing.
func exists(has func(e *epcis.Event) bool) rule {
	return func(param string, values []string) (Term, error) {
		on, err := wanted(param, values)
		if err != nil || !on {
			return Term{}, err
		}
		return Term{param, []string{""}, func(e *epcis.Event, _ Around) bool { return has(e) }}, nil
	}
}

func wanted(param string, values []string) (bool, error) {
	if len(values) == 1 {
		switch values[0] {
		case "", "true", "1", "null":
			return true, nil
		case "false", "0":
			return false, nil
		}
	}
	return false, refuse(param, "It takes no value.", "Give true, or leave the parameter out.")
}

func boolean(param string, values []string) (Term, error) {
	if len(values) != 1 || values[0] != "true" && values[0] != "false" {
		return Term{}, refuse(param, "It is true or false.", "Give one of the two.")
	}
	want := values[0] == "true"
	return Term{param, values, func(e *epcis.Event, _ Around) bool {
		for _, r := range reports(e) {
			if r.BooleanValue != nil && *r.BooleanValue == want {
				return true
			}
		}
		return false
	}}, nil
}

// eventID takes an event's id, or its hash, by which the repository knows it.
func eventID(param string, values []string) (Term, error) {
	if err := given(param, values); err != nil {
		return Term{}, err
	}
	hashed := slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(v, "ni:") })
	return Term{param, values, func(e *epcis.Event, _ Around) bool {
		if slices.Contains(values, e.ID) && e.ID != "" {
			return true
		}
		if !hashed {
			return false
		}
		hash, err := e.Hash()
		return err == nil && slices.Contains(values, hash)
	}}, nil
}

func userID(param string, values []string) (Term, error) {
	if err := given(param, values); err != nil {
		return Term{}, err
	}
	return Term{param, values, func(_ *epcis.Event, a Around) bool { return a.User != "" && slices.Contains(values, a.User) }}, nil
}

func ofError(of func(d *epcis.ErrorDeclaration) []string) func(e *epcis.Event) []string {
	return func(e *epcis.Event) []string {
		if e.Error == nil {
			return nil
		}
		return of(e.Error)
	}
}

func errorTimes(e *epcis.Event) []time.Time {
	if e.Error == nil {
		return nil
	}
	return []time.Time{e.Error.Time}
}

// matched are the lists of the MATCH_ parameters.
var matched = map[string]func(e *epcis.Event) []string{
	"epc":       func(e *epcis.Event) []string { return slices.Concat(e.EPCs, e.ChildEPCs) },
	"parentID":  func(e *epcis.Event) []string { return []string{e.Parent} },
	"inputEPC":  func(e *epcis.Event) []string { return e.InputEPCs },
	"outputEPC": func(e *epcis.Event) []string { return e.OutputEPCs },
	"anyEPC": func(e *epcis.Event) []string {
		return slices.Concat(e.EPCs, e.ChildEPCs, e.InputEPCs, e.OutputEPCs, []string{e.Parent})
	},
	"epcClass":       func(e *epcis.Event) []string { return classes(e.Quantities, e.ChildQuantities) },
	"inputEPCClass":  func(e *epcis.Event) []string { return classes(e.InputQuantities) },
	"outputEPCClass": func(e *epcis.Event) []string { return classes(e.OutputQuantities) },
	"anyEPCClass": func(e *epcis.Event) []string {
		return classes(e.Quantities, e.ChildQuantities, e.InputQuantities, e.OutputQuantities)
	},
}

func classes(lists ...[]epcis.Quantity) []string {
	var all []string
	for _, list := range lists {
		for _, q := range list {
			all = append(all, q.Class)
		}
	}
	return all
}

func match(of func(e *epcis.Event) []string) rule {
	return func(param string, values []string) (Term, error) {
		if err := given(param, values); err != nil {
			return Term{}, err
		}
		var patterns []gs1.Pattern
		for _, v := range values {
			p, err := gs1.ParsePattern(v)
			if err != nil {
				return Term{}, refuseKey(param, err)
			}
			patterns = append(patterns, p)
		}
		return Term{param, values, func(e *epcis.Event, _ Around) bool {
			for _, id := range of(e) {
				if id != "" && slices.ContainsFunc(patterns, func(p gs1.Pattern) bool { return p.Match(id) }) {
					return true
				}
			}
			return false
		}}, nil
	}
}

func refuseKey(param string, err error) error {
	if e, ok := err.(*gs1.Error); ok {
		return refuse(param, e.Text, e.Remedy)
	}
	return refuse(param, err.Error(), "Check the identifier.")
}

// quote shows a foreign word in a message, cut to a readable length.
func quote(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}
