package traceability

import (
	"net/http"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/web"
)

// The life of a case, and mismatches, for programs.

func (a *app) apiCaseRoutes() []web.Route {
	own := web.AnyUser.Owned()
	doc := func(summary string, body any) *web.Doc {
		return &web.Doc{Summary: summary, Body: body, Reply: committed[trace.CaseState]{}}
	}
	const one = "/api/recalls/:id"
	return []web.Route{
		{Method: "POST", Path: one + "/acknowledge", Name: "api.recall.acknowledge", Access: own, Handler: onCase(a, func(id string, in ackBody) any { return trace.Acknowledge{Case: id, Found: in.Found} }),
			Doc: doc("Acknowledge a notice, with what was put apart.", ackBody{})},
		{Method: "POST", Path: one + "/reconcile", Name: "api.recall.reconcile", Access: own, Handler: onCase(a, func(id string, in bookBody) any { return trace.Reconcile{Case: id, Lines: in.Lines} }),
			Doc: doc("Account for what became of your share of each lot: never more than you had.", bookBody{})},
		{Method: "POST", Path: one + "/widen", Name: "api.recall.widen", Access: own, Handler: onCase(a, func(id string, in lotsBody) any { return trace.Widen{Case: id, Lots: in.Lots, Reason: in.Reason} }),
			Doc: doc("Add lots to a case.", lotsBody{})},
		{Method: "POST", Path: one + "/narrow", Name: "api.recall.narrow", Access: own, Handler: onCase(a, func(id string, in lotsBody) any { return trace.Narrow{Case: id, Lots: in.Lots, Reason: in.Reason} }),
			Doc: doc("Take lots out of a case. What only they reached is free when the rest is marked anew.", lotsBody{})},
		{Method: "POST", Path: one + "/upgrade", Name: "api.recall.upgrade", Access: own, Handler: onCase(a, func(id string, in upgradeBody) any {
			return trace.Upgrade{Case: id, Reason: in.Reason, Code: in.Code, Terms: in.Terms}
		}), Doc: doc("Turn a hold into a recall, without a gap.", upgradeBody{})},
		{Method: "POST", Path: one + "/notify", Name: "api.recall.notify", Access: own, Handler: onCase(a, func(id string, in notifyBody) any { return trace.Notify{Case: id, Companies: in.Companies} }),
			Doc: doc("Notify companies of a case, or remind them.", notifyBody{})},
		{Method: "POST", Path: one + "/check", Name: "api.recall.check", Access: own, Handler: onCase(a, func(id string, in checkBody) any {
			return trace.CheckConsignee{Case: id, Party: in.Party, Check: in.Check}
		}), Doc: doc("Record what a check of one notified company found.", checkBody{})},
		{Method: "GET", Path: "/api/mismatches", Name: "api.mismatches", Access: own, Handler: a.apiMismatches, Doc: &web.Doc{
			Summary: "Shipments of yours of which something else arrived, the newest first.", List: true, States: mismatchStates, Reply: mismatchReply{}}},
		{Method: "GET", Path: "/api/mismatches/:id", Name: "api.mismatch", Access: own, Handler: a.apiMismatch, Doc: &web.Doc{
			Summary: "One mismatch by the id of its shipment: what differs, what was said, what is open.", Reply: mismatchReply{}}},
		{Method: "POST", Path: "/api/mismatches/:id/settle", Name: "api.mismatch.settle", Access: own, Handler: a.apiSettle, Doc: &web.Doc{
			Summary: "Say what became of all that is open, of some of one lot, or of one pack. What two say alike is booked.", Body: settleBody{}, Reply: committed[trace.ShipmentState]{}}},
		{Method: "POST", Path: "/api/mismatches/:id/escalate", Name: "api.mismatch.escalate", Access: own, Handler: a.apiEscalate, Doc: &web.Doc{
			Summary: "Ask the regulator in as a witness.", Reply: committed[trace.ShipmentState]{}}},
	}
}

type (
	ackBody struct {
		Found []trace.Line `json:"found,omitempty"`
	}
	bookBody struct {
		Lines []trace.Booked `json:"lines"`
	}
	lotsBody struct {
		Lots   []string `json:"lots"`
		Reason string   `json:"reason"`
	}
	upgradeBody struct {
		Reason string `json:"reason"`
		Code   string `json:"code,omitempty"`
		trace.Terms
	}
	notifyBody struct {
		Companies []trace.Concerned `json:"companies"`
	}
	checkBody struct {
		Party string `json:"party"`
		trace.Check
	}
	settleBody struct {
		Outcome string     `json:"outcome"`
		Item    string     `json:"item,omitempty"` // lot or pack; empty: all that is open
		Amount  gs1.Amount `json:"amount,omitzero"`
		Unit    string     `json:"unit,omitempty"`
	}
)

// onCase reads a body, does a command about the case of the address, and goes
// on marking where there is more to mark.
func onCase[B any](a *app, command func(id string, in B) any) func(*web.Ctx) error {
	return func(c *web.Ctx) error {
		var in B
		if err := c.ReadJSON(&in); err != nil {
			return err
		}
		state, receipt, err := host.Do[trace.CaseState](c.Context(), a.host, host.ActorOf(c.User()), command(idOf(c), in))
		if err == nil {
			state, err = a.extend(c, state)
		}
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, committed[trace.CaseState]{receipt.TxID, receipt.Block, state})
	}
}

// mismatchReply is a mismatch as programs see it.
type mismatchReply struct {
	mismatchRow
	dispute
}

var mismatchStates = []string{"open", "overdue", "escalated", "settled"}

func (a *app) apiMismatches(c *web.Ctx) error {
	list := apiList(c, mismatchStates)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	rows, err := a.mismatchRows(c, r, list.Get("state"), "", "%", list.After, list.Limit+1)
	if err != nil {
		return err
	}
	disputes, err := a.disputesOf(c.Context(), rows)
	if err != nil {
		return err
	}
	var items []mismatchReply
	for i, m := range rows {
		items = append(items, mismatchReply{m, disputes[i]})
	}
	return apiPage(c, items, list.Limit, func(m mismatchReply) string { return m.ID })
}

func (a *app) apiMismatch(c *web.Ctx) error {
	m, _, err := a.theMismatch(c)
	if err != nil {
		return err
	}
	d, err := a.disputeOf(c, m)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, mismatchReply{m, d})
}

func (a *app) apiSettle(c *web.Ctx) error {
	var in settleBody
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	if _, _, err := a.theMismatch(c); err != nil {
		return err
	}
	return apiDo[trace.ShipmentState](a, c, http.StatusOK, trace.Settle{Shipment: idOf(c), Outcome: in.Outcome, Item: in.Item, Amount: in.Amount, Unit: in.Unit})
}

func (a *app) apiEscalate(c *web.Ctx) error {
	if _, _, err := a.theMismatch(c); err != nil {
		return err
	}
	return apiDo[trace.ShipmentState](a, c, http.StatusOK, trace.Escalate{Shipment: idOf(c)})
}
