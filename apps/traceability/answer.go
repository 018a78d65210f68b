package traceability

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// What the two sides of a shipment answer: accept, decline, call back.

// acceptForm is what arrived: each line filled in with what was shipped.
type acceptForm struct {
	All   bool         `form:"all"` // everything arrived as it was shipped
	Apart bool         `form:"apart"`
	At    time.Time    `form:"at"`
	Lines []acceptLine `form:"lines"`
	Packs []string     `form:"packs"`
	Share audience     `form:"share"`
}

type acceptLine struct {
	Lot      string `form:"lot,required"`
	Quantity amount `form:"quantity,required"`
	Unit     string `form:"unit"`
}

type declineForm struct {
	Reason string `form:"reason,required"`
}

// accept takes a shipment over.
func (a *app) accept(c *web.Ctx) error {
	s, err := a.shipment(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[acceptForm]) error { return a.showShipment(c, s, shipmentForms{Accept: f}) }
	return web.Post(c, acceptForm{}, show, func(f *web.Form[acceptForm]) (string, error) {
		if err := a.accepted(c, s, f); err != nil {
			return "", blame(f, err, "lines", map[string]string{trace.ErrFuture.Code: "at", ErrNothingArrived.Code: "lines.0.quantity"})
		}
		c.Flash("The shipment is accepted.")
		return "/traceability/shipments/" + s.ID, nil
	})
}

func (a *app) accepted(c *web.Ctx, s shipment, f *web.Form[acceptForm]) error {
	switch { // said here before an event is built; the contract says it again of what has changed since
	case s.Receiver != c.User().Party:
		return trace.ErrNotAddressed.Refuse("shipment %s goes to %s", s.ID, orElse(s.Receiver, "nobody here"))
	case s.State != trace.Offered:
		return trace.ErrShipmentDone.Refuse("%s is %s", s.ID, s.State)
	}
	from, err := a.company(c.Context(), s.Sender)
	if err != nil {
		return err
	}
	own, err := a.own(c)
	if err != nil {
		return err
	}
	v := f.Value
	arrived := events.Arrival{From: from, To: own, Shipment: s.ID, Documents: strings.Fields(s.Documents), Packs: v.Packs, Apart: v.Apart}
	for _, l := range v.Lines {
		if l.Quantity.Sign() > 0 {
			arrived.Goods = append(arrived.Goods, l.Quantity.of(lotID(l.Lot), l.Unit))
		}
	}
	if v.All {
		if arrived.Goods, arrived.Packs, err = a.everything(c.Context(), s.ID); err != nil {
			return err
		}
		if v.Share, err = a.likewise(c.Context(), s); err != nil {
			return err
		}
	}
	if len(arrived.Goods)+len(arrived.Packs) == 0 {
		return ErrNothingArrived.Refuse("")
	}
	_, err = a.submit(c, events.Received(arrived, a.when(v.At, f.Field("at.zone", ""))), v.Share)
	return err
}

// likewise shares an answer that chose nothing as the shipment that it answers
// is shared. Whom a restricted one names beside the two sides and the carrier,
// its receiver may not know: these are named.
func (a *app) likewise(ctx context.Context, s shipment) (audience, error) {
	mode, err := readmodel.One[string](ctx, a.db, `SELECT sharing FROM tr_events WHERE hash = $1`, s.Event)
	if err != nil {
		return audience{}, fmt.Errorf("read how the shipment %s is shared: %w", s.ID, err)
	}
	who := audience{Mode: mode}
	if mode == trace.Restricted {
		who.With = nonEmpty([]string{s.Sender, s.Carrier})
	}
	return who, nil
}

// everything is what was shipped.
func (a *app) everything(ctx context.Context, id string) (all []events.Goods, packs []string, err error) {
	lines, err := a.shipmentLines(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range lines {
		if !l.Packed {
			all = append(all, events.Goods{Lot: l.Lot, Amount: parseAmount(l.Amount), Unit: l.Unit})
		}
	}
	boxes, err := a.shipmentPacks(ctx, id)
	for _, b := range boxes {
		packs = append(packs, b.Pack)
	}
	return all, packs, err
}

// decline gives a shipment back.
func (a *app) decline(c *web.Ctx) error {
	s, err := a.shipment(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[declineForm]) error { return a.showShipment(c, s, shipmentForms{Decline: f}) }
	return web.Post(c, declineForm{}, show, func(f *web.Form[declineForm]) (string, error) {
		if _, err := do[trace.ShipmentState](a, c, trace.Decline{Shipment: s.ID, Reason: f.Value.Reason}); err != nil {
			return "", err
		}
		c.Flash("The shipment is declined.")
		return "/traceability/shipments/" + s.ID, nil
	})
}

// callBack takes a shipment back that nobody has answered.
func (a *app) callBack(c *web.Ctx) error {
	s, err := a.shipment(c)
	if err != nil {
		return err
	}
	show := func(*web.Form[struct{}]) error { return a.showShipment(c, s, shipmentForms{}) }
	return web.Post(c, struct{}{}, show, func(*web.Form[struct{}]) (string, error) {
		if _, err := do[trace.ShipmentState](a, c, trace.CallBack{Shipment: s.ID}); err != nil {
			return "", err
		}
		c.Flash("The shipment is called back.")
		return "/traceability/shipments/" + s.ID, nil
	})
}

var declineReasons = []web.Option{{Value: "damaged", Text: "Damaged"}, {Value: "wrong-goods", Text: "Wrong goods"},
	{Value: "temperature", Text: "Cold chain broken"}, {Value: "not-ordered", Text: "Not ordered"}, {Value: "other", Text: "Another reason"}}

var outcomes = []web.Option{{Value: trace.OutcomeLost, Text: "It was lost on the way"}, {Value: trace.OutcomeReturned, Text: "It is still with the sender"},
	{Value: trace.OutcomeFound, Text: "The receiver found it later"}, {Value: trace.OutcomeMiscounted, Text: "The sender miscounted"}, {Value: trace.OutcomeDamaged, Text: "It was destroyed on the way"}}

var surplusOutcomes = []web.Option{{Value: trace.OutcomeKept, Text: "Too many: the receiver keeps it"}, {Value: trace.OutcomeSentBack, Text: "Too many: it goes back"}}

func outcomeText(value string) string { return textOf(slices.Concat(outcomes, surplusOutcomes), value) }

func reasonText(value string) string { return textOf(declineReasons, value) }

func textOf(options []web.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Text
		}
	}
	return value
}
