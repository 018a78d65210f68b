package traceability

import (
	"context"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
)

// narrator says what an event will do before it is done: "Logs 500 kg of Fresh
// milk, lot L-118, 2026-11-20".
type narrator struct {
	*names
	say func(text string, facts ...any) string
}

func (a *app) narrator(ctx context.Context, lang string) narrator {
	return narrator{&names{ctx, a.directory, lang, map[string]string{}},
		func(text string, facts ...any) string { return a.host.Web.Words().T(lang, text, facts...) }}
}

// mostGoods is how many lots a sentence names.
const mostGoods = 6

// event is the sentence of one event.
func (n narrator) event(e *epcis.Event) string {
	text := n.deed(e)
	if date := bestBeforeOf(e); date != "" {
		text += n.say(", best before %s", date)
	}
	at := e.Time
	if zone, err := time.Parse("-07:00", e.Offset); err == nil {
		at = at.In(zone.Location())
	}
	form := "2006-01-02 15:04"
	if at.Hour() == 0 && at.Minute() == 0 {
		form = "2006-01-02"
	}
	return text + ", " + at.Format(form)
}

func (n narrator) deed(e *epcis.Event) string {
	goods := n.goods(e.Quantities, e.EPCs)
	switch {
	case e.Error != nil:
		return n.say("Declares an earlier event an error")
	case e.Type == epcis.TransformationEvent:
		return n.say("Makes %s out of %s", orElse(n.goods(e.OutputQuantities, e.OutputEPCs), n.say("nothing yet")), orElse(n.goods(e.InputQuantities, e.InputEPCs), n.say("what the process took in before")))
	case e.Type == epcis.AggregationEvent:
		return n.packing(e)
	case e.Type == epcis.AssociationEvent:
		return n.say("Attaches %s to %s", n.goods(e.ChildQuantities, e.ChildEPCs), n.thing(e.Parent))
	case e.Type != epcis.ObjectEvent:
		return n.say("Reports on %s", goods)
	case e.Action == epcis.Add:
		return n.say("Logs %s", goods)
	case e.BizStep == "retail_selling" || e.BizStep == "dispensing":
		return n.say("Sells %s", goods)
	case e.Action == epcis.Delete:
		return n.say("Destroys %s", goods)
	case e.BizStep == "shipping":
		return n.shipping(e, goods)
	case e.BizStep == "receiving" || e.BizStep == "accepting":
		return n.receiving(e, goods)
	case e.BizStep == "":
		return n.say("Reports on %s", goods)
	}
	return n.say("Reports on %s: %s", goods, n.say(stepWord(e.BizStep)))
}

func (n narrator) packing(e *epcis.Event) string {
	inside := orElse(n.goods(e.ChildQuantities, e.ChildEPCs), n.say("everything"))
	switch e.Action {
	case epcis.Add:
		return n.say("Packs %s into %s", inside, n.thing(e.Parent))
	case epcis.Delete:
		return n.say("Takes %s out of %s", inside, n.thing(e.Parent))
	}
	return n.say("Reports that %s holds %s", n.thing(e.Parent), inside)
}

func (n narrator) shipping(e *epcis.Event, goods string) string {
	text := n.say("Ships %s to %s", goods, orElse(n.partner(e.Destinations, "owning_party"), n.say("nobody who is named")))
	if carrier := n.partner(e.Destinations, "possessing_party"); carrier != "" && carrier != n.partner(e.Destinations, "owning_party") {
		text += n.say(", carried by %s", carrier)
	}
	if e.Disposition == "returned" {
		text += n.say(", as a return")
	}
	return text
}

func (n narrator) receiving(e *epcis.Event, goods string) string {
	text := n.say("Takes in %s", goods)
	if from := n.partner(e.Sources, "owning_party"); from != "" {
		text = n.say("Takes in %s from %s", goods, from)
	}
	if strings.HasPrefix(e.Disposition, "non_sellable") {
		text += n.say(", kept apart")
	}
	return text
}

// goods names lots with their quantities, and packs.
func (n narrator) goods(quantities []epcis.Quantity, epcs []string) string {
	var all []string
	for _, q := range quantities {
		amount := n.say("some")
		if q.HasAmount {
			amount = n.Quantity(q.Amount.String(), q.Unit)
		}
		all = append(all, amount+n.say(" of ")+n.thing(q.Class))
	}
	for _, id := range epcs {
		all = append(all, n.thing(id))
	}
	if len(all) > mostGoods {
		all = append(all[:mostGoods], n.say("%s more", len(all)-mostGoods))
	}
	return strings.Join(all, "; ")
}

// thing is a lot, a single thing or a pack as people call it.
func (n narrator) thing(uri string) string {
	id := lotID(uri)
	key, err := gs1.Parse(id)
	switch {
	case err != nil:
		return uri
	case key.Primary.AI == "00":
		return packTitle(id)
	case key.Lot() != "":
		return n.say("%s, lot %s", n.Product(key.GTIN()), key.Lot())
	case key.GTIN() != "":
		return strings.TrimSpace(n.Product(key.GTIN()) + " " + key.Serial())
	}
	return uri
}

// partner is the company in a role at one end.
func (n narrator) partner(ends []epcis.Typed, role string) string {
	for _, t := range ends {
		if t.Type != role {
			continue
		}
		if id, ok := strings.CutPrefix(t.Value, "urn:tallyway:party:"); ok {
			return n.Party(id)
		}
		key, err := gs1.Parse(t.Value)
		if err != nil {
			return t.Value
		}
		return n.find("partner", key.Primary.Value, `SELECT name, name_zh FROM tr_parties WHERE gln = $1`)
	}
	return ""
}

func bestBeforeOf(e *epcis.Event) string {
	for _, f := range e.ILMD {
		if f.Name.Local == "bestBeforeDate" {
			return f.Value.Text
		}
	}
	return ""
}

// command is the sentence of a description.
func (n narrator) command(command any, known bool) string {
	format := "Describes %s (%s)"
	if known {
		format = "Changes what is said of %s (%s)"
	}
	switch c := command.(type) {
	case trace.DescribeProduct:
		return n.say(format, c.Name, c.GTIN)
	case trace.DescribePlace:
		return n.say(format, c.Name, c.GLN)
	}
	return ""
}
