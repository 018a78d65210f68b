package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// object is JSON whose members encoding/json sorts.
type object = map[string]any

// command reads the fields of a command.
func (s *story) command(where, rest string) []byte {
	body := object{}
	for _, f := range fields(rest) {
		key, value, ok := strings.Cut(f, "=")
		if !ok {
			s.t.Fatalf("%s: %q is not field=value", where, f)
		}
		if name, raw := strings.CutSuffix(key, ":"); raw {
			body[name] = json.RawMessage(value)
			continue
		}
		body[key] = s.value(value)
	}
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatalf("%s: %v", where, err)
	}
	return b
}

func (s *story) value(text string) any {
	if list, ok := strings.CutPrefix(text, "["); ok {
		values := []any{}
		for part := range strings.SplitSeq(strings.TrimSuffix(list, "]"), ",") {
			if part != "" {
				values = append(values, s.value(part))
			}
		}
		return values
	}
	if name, ok := strings.CutPrefix(text, "@"); ok {
		return strings.TrimPrefix(s.uri(name), "https://id.gs1.org/")
	}
	return strings.Trim(text, `"`)
}

// fields splits at blanks that are not within quotes or braces.
func fields(s string) []string {
	var all []string
	var b strings.Builder
	quoted, depth := false, 0
	for _, c := range s {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
		if c == ' ' && !quoted && depth == 0 {
			all = append(all, b.String())
			b.Reset()
			continue
		}
		b.WriteRune(c)
	}
	all = append(all, b.String())
	return slices.DeleteFunc(all, func(f string) bool { return f == "" })
}

// A verb is an EPCIS event in a few words:
//
//	log      480 KGM of milk/L1, milk#S1, P1
//	ship     480 KGM of milk/L1, P1 to harbour
//	receive  480 KGM of milk/L1 [from dairy]
//	make     40 KGM of cheese/C1 from 400 KGM of milk/L1
//	pack     480 KGM of milk/L1 into P1
//	unpack   [480 KGM of milk/L1] from P1
//	attach   urn:x:logger to P1
//	detach   [urn:x:logger] from P1
//	sell, destroy, observe (alarm=9.5: a sensor's alarm at so many degrees)
//	retract  first          (declares the step "first" an error)
//
// Options follow as key=value: step, disposition, doc, time, expires, lot, run,
// reason, corrective of the event; sharing, with, salt, tolerance of the
// command.
type verb struct {
	event   object
	options map[string]string
}

func (s *story) verb(st step, word, rest string) []byte {
	v := verb{event: object{"@context": []string{"https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"},
		"eventTimeZoneOffset": "+00:00", "eventTime": s.at.Add(time.Minute).Format(time.RFC3339)}, options: map[string]string{}}
	words := slices.DeleteFunc(strings.Fields(rest), func(f string) bool {
		key, value, ok := strings.Cut(f, "=")
		if ok {
			v.options[key] = value
		}
		return ok
	})
	if word == "retract" {
		v.retract(s, words[0])
	} else {
		s.fillEvent(st, v, word, strings.Join(words, " "))
	}
	v.finish()
	if st.label != "" && word != "retract" {
		b, _ := json.Marshal(v.event)
		s.names[st.label+".event"] = string(b)
	}
	return v.command()
}

// fillEvent says what happened.
func (s *story) fillEvent(st step, v verb, word, rest string) {
	object := func(action, step string) {
		v.event["type"], v.event["action"], v.event["bizStep"] = "ObjectEvent", action, step
	}
	things, far := rest, ""
	for _, preposition := range []string{" to ", " from ", " into "} {
		if before, after, ok := strings.Cut(" "+rest+" ", preposition); ok {
			things, far = before, strings.TrimSpace(after)
		}
	}
	switch word {
	case "log":
		object("ADD", "commissioning")
	case "ship":
		object("OBSERVE", "shipping")
		if far != "" {
			v.event["destinationList"] = []any{map[string]any{"type": "owning_party", "destination": s.partyURI(far)}}
		}
	case "receive":
		object("OBSERVE", "receiving")
		if far != "" {
			v.event["sourceList"] = []any{map[string]any{"type": "owning_party", "source": s.partyURI(far)}}
		}
	case "sell":
		object("OBSERVE", "retail_selling")
	case "destroy":
		object("DELETE", "destroying")
	case "observe":
		object("OBSERVE", "inspecting")
	case "make":
		v.event["type"], v.event["bizStep"] = "TransformationEvent", "commissioning"
		s.things(st, v.event, "outputEPCList", "outputQuantityList", things)
		s.things(st, v.event, "inputEPCList", "inputQuantityList", far)
		return
	case "pack", "unpack":
		v.event["type"], v.event["action"], v.event["bizStep"] = "AggregationEvent", "ADD", "packing"
		if word == "unpack" {
			v.event["action"], v.event["bizStep"] = "DELETE", "unpacking"
		}
		v.event["parentID"] = s.uri(far)
		s.things(st, v.event, "childEPCs", "childQuantityList", things)
		return
	case "attach", "detach":
		v.event["type"], v.event["action"], v.event["bizStep"] = "AssociationEvent", "ADD", "installing"
		if word == "detach" {
			v.event["action"], v.event["bizStep"] = "DELETE", "removing"
		}
		v.event["parentID"] = s.uri(far)
		s.things(st, v.event, "childEPCs", "childQuantityList", things)
		return
	default:
		s.t.Fatalf("%s: %s is no verb", st.where, word)
	}
	s.things(st, v.event, "epcList", "quantityList", things)
}

// things writes "480 KGM of milk/L1, milk#S1, P1" into an event's two lists.
func (s *story) things(st step, event object, epcs, quantities, text string) {
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		switch {
		case len(words) == 0:
		case len(words) == 1:
			event[epcs] = append(list(event[epcs]), s.uri(words[0]))
		case words[len(words)-2] == "of":
			q := object{"epcClass": s.uri(words[len(words)-1])}
			if words[0] != "some" {
				q["quantity"] = json.Number(words[0])
			}
			if len(words) == 4 {
				q["uom"] = words[1]
			}
			event[quantities] = append(list(event[quantities]), q)
		default:
			s.t.Fatalf("%s: %q is no quantity", st.where, part)
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// uri is a thing's: milk/L1 is a lot of the product that "let milk" names,
// milk#S1 one piece, and a plain name what "let" says.
func (s *story) uri(name string) string {
	for _, key := range []struct{ mark, ai string }{{"/", "/10/"}, {"#", "/21/"}} {
		if product, number, ok := strings.Cut(name, key.mark); ok && s.names[product] != "" {
			return s.names[product] + key.ai + number
		}
	}
	if uri := s.names[name]; uri != "" {
		return uri
	}
	return name
}

// partyURI is what "let" says of a name, else the company of that user.
func (s *story) partyURI(name string) string {
	if uri := s.names[name]; uri != "" {
		return uri
	}
	if u, ok := s.users[name]; ok {
		return "urn:tallyway:party:" + u.Party
	}
	return name
}

// retract repeats an earlier event with an error declaration.
func (v verb) retract(s *story, label string) {
	if err := json.Unmarshal([]byte(s.names[label+".event"]), &v.event); err != nil {
		s.t.Fatalf("no event %s: %v", label, err)
	}
	declaration := object{"declarationTime": s.at.Add(time.Minute).Format(time.RFC3339), "reason": "incorrect_data"}
	if id := v.options["corrective"]; id != "" {
		declaration["correctiveEventIDs"] = []string{id}
	}
	v.event["errorDeclaration"] = declaration
}

// finish applies the options that concern the event.
func (v verb) finish() {
	for key, value := range v.options {
		switch key {
		case "step":
			v.event["bizStep"] = value
		case "alarm", "fault":
			exception := map[string]string{"alarm": "ALARM_CONDITION", "fault": "ERROR_CONDITION"}[key]
			v.event["sensorElementList"] = []any{object{"sensorReport": []any{object{"type": "Temperature", "value": json.Number(value), "uom": "CEL", "exception": exception}}}}
		case "disposition":
			v.event["disposition"] = value
		case "time":
			v.event["eventTime"] = value
		case "doc":
			v.event["bizTransactionList"] = []any{object{"type": "desadv", "bizTransaction": value}}
		case "run":
			v.event["transformationID"] = value
		case "expires":
			v.ilmd()["cbvmda:itemExpirationDate"] = value
		case "lot":
			v.ilmd()["cbvmda:lotNumber"] = value
		case "carrier":
			v.event["destinationList"] = append(list(v.event["destinationList"]), object{"type": "possessing_party", "destination": value})
		}
	}
}

func (v verb) ilmd() object {
	if v.event["ilmd"] == nil {
		v.event["ilmd"] = object{}
	}
	return v.event["ilmd"].(object)
}

// command is the event as a trace.Capture.
func (v verb) command() []byte {
	c := object{"event": v.event}
	for key, value := range v.options {
		switch key {
		case "sharing", "tolerance":
			c[key] = value
		case "salt":
			c[key] = []byte(value)
		case "with":
			c[key] = strings.Split(value, ",")
		}
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("encode an event of strings: %v", err))
	}
	return b
}
