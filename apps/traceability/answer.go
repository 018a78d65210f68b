package traceability

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// What the two sides of a shipment answer: accept, decline, call back, settle.

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

type settleForm struct {
	Outcome string `form:"outcome,required"`
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

// settle says what became of what is missing.
func (a *app) settle(c *web.Ctx) error {
	s, err := a.shipment(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[settleForm]) error { return a.showShipment(c, s, shipmentForms{Settle: f}) }
	return web.Post(c, settleForm{}, show, func(f *web.Form[settleForm]) (string, error) {
		state, err := do[trace.ShipmentState](a, c, trace.Settle{Shipment: s.ID, Outcome: f.Value.Outcome})
		if err != nil {
			return "", blame(f, err, "", map[string]string{trace.ErrReason.Code: "outcome"})
		}
		if state.State == trace.MismatchSettled {
			c.Flash("The mismatch is settled.")
		} else {
			c.Flash("Your answer is noted; the other side has to say the same.")
		}
		return "/traceability/shipments/" + s.ID, nil
	})
}

var declineReasons = []web.Option{{Value: "damaged", Text: "Damaged"}, {Value: "wrong-goods", Text: "Wrong goods"},
	{Value: "temperature", Text: "Cold chain broken"}, {Value: "not-ordered", Text: "Not ordered"}, {Value: "other", Text: "Another reason"}}

var outcomes = []web.Option{{Value: trace.OutcomeLost, Text: "It was lost on the way"}, {Value: trace.OutcomeReturned, Text: "It is still with the sender"}}

func outcomeText(value string) string { return textOf(outcomes, value) }

func reasonText(value string) string { return textOf(declineReasons, value) }

func textOf(options []web.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Text
		}
	}
	return value
}
