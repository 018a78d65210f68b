package traceability

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

const milkPath = "01/09506000134352/10/"

func problemCode(t *testing.T, r machineAnswer, status int) string {
	t.Helper()
	var p web.Problem
	r.want(t, status).into(t, &p)
	return p.Code
}

func TestAPIFollowsADelivery(t *testing.T) {
	w := startMachines(t)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking("L1", 480, 1))).want(t, 201)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking("L2", 480, 2))).want(t, 201)
	if code := problemCode(t, w.call(t, "city-market", "GET", "/api/lots/"+milkPath+"L1", nil), 404); code != trace.ErrNoLot.Code {
		t.Errorf("another's lot: %s", code)
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L1", 100, 1)), sharingHeader, trace.Public).want(t, 201)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L2", 100, 2))).want(t, 201)

	var shipments web.Page[shipmentReply]
	w.call(t, "city-market", "GET", "/api/shipments?state=offered", nil).want(t, 200).into(t, &shipments)
	if len(shipments.Items) != 2 || shipments.Items[0].Sender != "greenfield-dairy" {
		t.Fatalf("%+v", shipments)
	}
	newer, older := "/api/shipments/"+shipments.Items[0].ID, "/api/shipments/"+shipments.Items[1].ID
	w.call(t, "stranger", "GET", older, nil).want(t, 404)
	if code := problemCode(t, w.call(t, "greenfield-dairy", "POST", older+"/accept", []byte(`{}`)), 403); code != trace.ErrNotAddressed.Code {
		t.Errorf("the sender accepts: %s", code)
	}
	var accepted committed[trace.Outcome]
	w.call(t, "city-market", "POST", older+"/accept", []byte(`{}`)).want(t, 200).into(t, &accepted)
	if accepted.Reply.Shipment != shipments.Items[1].ID {
		t.Errorf("accepted %+v", accepted)
	}
	if shared, err := readmodel.One[string](t.Context(), w.DB, `SELECT sharing FROM tr_events WHERE hash = $1`, accepted.Reply.Hash); err != nil || shared != trace.Public {
		t.Errorf("the answer to a public shipment is %s: %v", shared, err)
	}
	w.call(t, "city-market", "POST", older+"/accept", []byte(`{}`)).want(t, 409)
	w.call(t, "city-market", "POST", newer+"/decline", []byte(`{"reason": "temperature"}`)).want(t, 200)
	var declined shipmentReply
	w.call(t, "greenfield-dairy", "GET", newer, nil).want(t, 200).into(t, &declined)
	if declined.State != trace.Declined || declined.Reason != "temperature" || len(declined.Lines) != 1 {
		t.Errorf("%+v", declined)
	}
	var lot lotReply
	w.call(t, "city-market", "GET", "/api/lots/"+milkPath+"L1", nil).want(t, 200).into(t, &lot)
	if len(lot.Holdings) != 2 || lot.Holdings[0].Party != "city-market" || lot.Holdings[0].Held != "100" {
		t.Errorf("%+v", lot)
	}
	w.call(t, "city-market", "GET", "/api/lots/"+url.PathEscape("https://id.gs1.org/"+milkPath+"L1"), nil).want(t, 200)
	var tx transactionReply
	w.call(t, "city-market", "GET", "/api/transactions/"+accepted.Tx, nil).want(t, 200).into(t, &tx)
	if tx.State != "committed" || tx.Block != accepted.Block {
		t.Errorf("%+v", tx)
	}
	w.call(t, "city-market", "GET", "/api/transactions/none", nil).want(t, 404)
}

func TestAPIRecallsAndReleases(t *testing.T) {
	w := startMachines(t)
	for i, lot := range []string{"L1", "L2", "L3"} {
		w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(milking(lot, 480, i))).want(t, 201)
	}
	body := []byte(`{"id": "R/1", "kind": "recall", "lots": ["` + milkPath + `L1"], "reason": "Listeria was found.", "code": "listeria"}`)
	if code := problemCode(t, w.call(t, "stranger", "POST", "/api/recalls", body), 403); code != trace.ErrNotYoursToBlock.Code {
		t.Errorf("a stranger recalls: %s", code)
	}
	at := w.call(t, "food-safety", "POST", "/api/recalls", body).want(t, 201).Header.Get("Location")
	if at != "/api/recalls/"+url.PathEscape("R/1") {
		t.Errorf("Location %s", at)
	}
	w.call(t, "stranger", "GET", at, nil).want(t, 404)
	var seen recallReply
	w.call(t, "greenfield-dairy", "GET", at, nil).want(t, 200).into(t, &seen)
	if seen.State != trace.CaseOpen || !slices.Equal(seen.Lots, []string{milkPath + "L1"}) || !seen.Done {
		t.Errorf("%+v", seen)
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L1", 1, 1))).
		refusal(t, 422, trace.ErrRecalled.Code, "ValidationException")

	var page web.Page[lotReply]
	w.call(t, "greenfield-dairy", "GET", "/api/lots?state=recall", nil).want(t, 200).into(t, &page)
	if len(page.Items) != 1 || page.Items[0].Number != "L1" {
		t.Errorf("%+v", page)
	}
	w.call(t, "food-safety", "POST", at+"/release", []byte(`{"reason": "The test was wrong.", "unreconciled": "The goods were fine."}`)).want(t, 200)
	var all []string
	for next := ""; ; next = page.Next {
		page = web.Page[lotReply]{}
		w.call(t, "greenfield-dairy", "GET", "/api/lots?state=free&limit=2&after="+url.QueryEscape(next), nil).want(t, 200).into(t, &page)
		for _, l := range page.Items {
			all = append(all, l.Number)
		}
		if page.Next == "" {
			break
		}
	}
	if !slices.Equal(all, []string{"L1", "L2", "L3"}) {
		t.Errorf("paging shows %v", all)
	}
}

func TestCommandsLeaveTheDecisionToTheContract(t *testing.T) {
	w := startMachines(t)
	run := func(by, name string, command any) machineAnswer {
		body, err := json.Marshal(command)
		if err != nil {
			t.Fatal(err)
		}
		return w.call(t, by, "POST", "/api/commands/"+name, body)
	}
	event := trace.Capture{Event: []byte(milking("L1", 1, 1))}
	if code := problemCode(t, run("food-safety", "trace.Capture", event), 403); code != chaincode.ErrRole.Code {
		t.Errorf("a regulator makes milk: %s", code)
	}
	run("greenfield-dairy", "trace.Capture", event).want(t, 200)
	body, _ := json.Marshal(trace.Capture{Event: []byte(milking("L2", 1, 2))})
	var done committed[[]chaincode.Answer]
	run("greenfield-dairy", "chaincode.Batch", chaincode.Batch{Commands: []chaincode.Item{{Name: "trace.Capture", Body: body}}}).want(t, 200).into(t, &done)
	if len(done.Reply) != 1 || done.Reply[0].Refusal != nil {
		t.Errorf("%+v", done)
	}
	for _, name := range []string{"trace.GetEvent", "trace.Nothing"} {
		if code := problemCode(t, run("greenfield-dairy", name, map[string]string{}), 404); code != chaincode.ErrUnknownFunction.Code {
			t.Errorf("%s: %s", name, code)
		}
	}
	var lineage traceReply
	w.call(t, "greenfield-dairy", "GET", "/api/trace/"+milkPath+"L1?direction=back", nil).want(t, 200).into(t, &lineage)
	if len(lineage.Nodes) != 1 || lineage.Nodes[0].Depth != 0 {
		t.Errorf("%+v", lineage)
	}
	w.call(t, "greenfield-dairy", "GET", "/api/trace/"+milkPath+"L1?direction=up", nil).want(t, 422)
	w.call(t, "stranger", "GET", "/api/trace/"+milkPath+"L1", nil).want(t, 404)
}
