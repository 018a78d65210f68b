package traceability

import (
	"context"
	"strings"
	"testing"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

func (w *machineWorld) demand(t testing.TB, by string, p epcis.Profile) {
	t.Helper()
	if _, _, err := host.Do[trace.Asked](context.Background(), w.Host, actor(by), trace.Demand{Profile: p}); err != nil {
		t.Fatal(err)
	}
}

// TestPartnersDemandsAreTold: a sender is told of each event all that its
// receiver asks for and it lacks; what is only flagged is taken.
func TestPartnersDemandsAreTold(t *testing.T) {
	w := startMachines(t)
	w.captured(t, "greenfield-dairy", documentOf(milking("L1", 480, 1)))
	before := shippingMilk("L1", 1, 1)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(before)).want(t, 201)
	w.demand(t, "city-market", epcis.Profile{
		{Steps: []string{"shipping"}, Transactions: []string{"po"}, Units: []string{"LTR"}, Note: "We book by order."},
		{Fields: []string{"eventID"}, Severity: epcis.Flag}})
	job := w.captured(t, "greenfield-dairy", documentOf(milking("L2", 5, 2), shippingMilk("L1", 10, 3)), "GS1-Capture-Error-Behaviour", "proceed")
	told := job.Events[1].Problems
	if job.Events[0].Status != statusCaptured || job.Events[1].Status != statusRefused || len(told) != 2 {
		t.Fatalf("%+v", job.Events)
	}
	if p := told[0]; p.Path != "/epcisBody/eventList/1/bizTransactionList" || p.Code != "trace/demand" || !strings.Contains(p.Remedy, "We book by order.") {
		t.Errorf("%+v", p)
	}
	if p := told[1]; p.Path != "/epcisBody/eventList/1/quantityList/0/uom" {
		t.Errorf("%+v", p)
	}
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(before)).refusal(t, 409, "epcis/already-captured", "ResourceAlreadyExistsException")
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L1", 10, 3))).refusal(t, 422, "trace/demand", "ValidationException")

	w.demand(t, "city-market", epcis.Profile{{Fields: []string{"eventID"}, Severity: epcis.Flag}})
	var reply eventReply
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L1", 10, 3))).want(t, 201).into(t, &reply)
	if strings.Join(reply.Flags, " ") != trace.FlagDemand {
		t.Errorf("%+v", reply)
	}
	w.demand(t, "city-market", nil)
	w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(shippingMilk("L1", 10, 4))).want(t, 201)
}

// TestContractDemandsToo: who writes past the address of this host is refused
// by the contract.
func TestContractDemandsToo(t *testing.T) {
	w := startMachines(t)
	w.captured(t, "greenfield-dairy", documentOf(milking("L1", 480, 1)))
	w.demand(t, "city-market", epcis.Profile{{Transactions: []string{"po"}}})
	_, _, err := host.Do[trace.Outcome](context.Background(), w.Host, actor("greenfield-dairy"), trace.Capture{Event: []byte(shippingMilk("L1", 10, 3))})
	if err == nil || !strings.Contains(err.Error(), "trace/demand") {
		t.Error(err)
	}
}

// TestDemandPage: a company tries a demand on its latest hand-overs, saves it,
// changes it and withdraws it, on a phone and in Chinese too.
func TestDemandPage(t *testing.T) {
	w := startMachines(t)
	w.captured(t, "greenfield-dairy", documentOf(milking("L1", 480, 1), shippingMilk("L1", 10, 3)))
	b := webtest.NewBrowser(t, webtest.Desktop)
	b.Login(w.Address(), "city-market", password)
	b.Open(w.Address() + "/traceability/demands/edit")
	b.Type("#f-transactions", "po")
	b.Type("#f-note", "We book by order.")
	b.Click("button[name=preview]")
	b.See("#preview")
	if text := b.Text("main"); !strings.Contains(text, "profile/transaction") {
		t.Errorf("the preview tells nothing: %s", text)
	}
	b.Screenshot("demand-preview")
	b.Click("button[data-send]")
	b.See(`a[href="/traceability/demands/edit"]`)
	b.Screenshot("demands")
	for _, v := range []webtest.Viewport{webtest.Phone, webtest.Desktop} {
		b.View(v)
		for _, lang := range []string{"en", "zh-CN"} {
			b.Speak(lang)
			for name, path := range map[string]string{"demands": "/traceability/demands", "demand": "/traceability/demands/edit?n=0"} {
				b.Open(w.Address() + path)
				if cut := b.Overflow(); cut > 0 {
					t.Errorf("%s on a %s in %s is %d pixels too wide", name, v.Name, lang, cut)
				}
				b.Screenshot(name + "-" + v.Name + "-" + lang)
			}
		}
	}
	b.Quiet()
}
