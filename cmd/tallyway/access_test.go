package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/web"
)

// side names the records of one company: the dairy's own, or another's.
type side struct {
	device, deviceAt, hot                                                                string // name of one, alone and behind its company, and hash of an event of its alarm
	paper, withdraws, apiWithdraws                                                       string // ids of documents
	photo, lot, gtin, gln, hash, private, pack, job, kase, closes, apiCloses, shipment   string
	accepts, declines, apiAccepts, apiDeclines, callsBack, settles, unpacks, tx, company string
	escalates, apiSettles, apiEscalates, told, holds, apiHolds                           string
	alarm, report                                                                        string
	more                                                                                 [4]string // further lots: two to add to a case, two to take out of one
	token, session, user, leaver                                                         string    // of the reader, or of a colleague
	query, dropped                                                                       string    // names of queries
	mark                                                                                 string    // stands in every list that shows the lot
}

// concern says whose a route's record is, and so what another's is answered.
type concern int

const (
	nothing concern = iota // no record, or one that all members share
	reads                  // another's is not shown, except to the regulator
	lists                  // another's is left out, except for the regulator
	acts                   // nobody acts on another's
	rules                  // nobody but the regulator acts on another's
)

// fixture is how a route is asked, and how its answer reads when it may be.
type fixture struct {
	concern concern
	ask     func(w *world, s side) call
	control int // what proves that the request is sound; 0: any status below 400
}

// call is one request: a form, a JSON body, or neither.
type call struct {
	path string
	form url.Values
	json any
	raw  []byte // an EPCIS document
	file []byte // a photo, in a form
}

func get(path string) func(*world, side) call {
	return func(*world, side) call { return call{path: path} }
}

func at(prefix string, of func(side) string) func(*world, side) call {
	return func(_ *world, s side) call { return call{path: prefix + of(s)} }
}

func lotOf(s side) string  { return s.lot }
func hashOf(s side) string { return url.PathEscape(s.hash) }

func lotURI(s side) string   { return url.PathEscape("https://id.gs1.org/" + s.lot) }
func placeURI(s side) string { return url.PathEscape("https://id.gs1.org/414/" + s.gln) }

// entries are one line of a form about so many kilos of the side's lot.
func entries(s side, more ...string) url.Values {
	v := url.Values{"lines.0.lot": {s.lot}, "lines.0.quantity": {"1"}, "lines.0.unit": {"KGM"}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v
}

// fixtures has a row for every route of the program, by the route's name.
var fixtures = map[string]fixture{
	"web.front":    {nothing, get("/"), 0},
	"web.login":    {nothing, get("/login"), 0},
	"web.problems": {nothing, get("/problems"), 0},
	"web.problem":  {nothing, get("/problems/trace/unit"), 0},
	"web.api":      {nothing, get("/api"), 0},
	"web.openapi":  {nothing, get("/api/openapi.json"), 0},
	"web.health":   {nothing, get("/healthz"), 0},
	"web.metrics":  {nothing, get("/metrics"), 0},
	"web.assets":   {nothing, get("/assets/missing"), 404},
	"web.icon":     {nothing, get("/favicon.ico"), 0},
	"web.live":     {nothing, get("/live"), 0},
	"web.worker":   {nothing, get("/worker.js"), 0},
	"web.manifest": {nothing, get("/manifest.webmanifest"), 0},
	"web.offline":  {nothing, get("/offline"), 0},
	"web.kept":     {nothing, get("/kept"), 0},
	"web.waiting":  {nothing, get("/waiting"), 0},
	"web.signIn": {nothing, func(w *world, s side) call {
		return call{path: "/login", form: url.Values{"name": {helper.name}, "password": {passphrase}}}
	}, 0},
	"web.signOut": {nothing, func(*world, side) call { return call{path: "/logout", form: url.Values{}} }, 0},

	"host.account": {nothing, get("/account"), 0},
	"host.password": {nothing, func(*world, side) call {
		return call{path: "/account/password", form: url.Values{"old": {passphrase}, "new": {"short"}}} // a good one would end the sessions
	}, 422},
	"host.makeToken": {nothing, func(*world, side) call {
		return call{path: "/account/tokens", form: url.Values{"label": {"x"}, "scope": {"read"}, "days": {"1"}}}
	}, 0},
	"host.revokeToken": {acts, func(_ *world, s side) call {
		return call{path: "/account/tokens/revoke", form: url.Values{"id": {s.token}}}
	}, 0},
	"host.revokeSession": {acts, func(_ *world, s side) call {
		return call{path: "/account/sessions/revoke", form: url.Values{"id": {s.session}}}
	}, 0},
	"host.transaction": {nothing, get("/transactions/" + strings.Repeat("0", 64)), 0},
	"host.members":     {nothing, get("/members.pem"), 0},
	"host.signUpForm":  {nothing, get("/signup"), 0},
	"host.signUp":      {nothing, func(w *world, _ side) call { return call{path: "/signup", form: url.Values{"name": {"x"}}} }, 422},

	"photos":             {nothing, get("/photos"), 0},
	"photos.register":    {nothing, func(w *world, _ side) call { return call{path: "/photos", file: w.photograph()} }, 0},
	"photos.verify":      {nothing, func(w *world, _ side) call { return call{path: "/photos/verify", file: w.photograph()} }, 0},
	"photos.page":        {nothing, func(_ *world, s side) call { return call{path: "/photos/" + s.photo} }, 0},
	"photos.image":       {reads, func(_ *world, s side) call { return call{path: "/photos/" + s.photo + "/image"} }, 0},
	"photos.forget":      {acts, func(_ *world, s side) call { return call{path: "/photos/" + s.photo + "/forget", form: url.Values{}} }, 0},
	"api.photos":         {lists, get("/api/photos"), 0},
	"api.photo.register": {nothing, func(w *world, _ side) call { return call{path: "/api/photos", raw: w.photograph()} }, 0},
	"api.photo.verify":   {nothing, func(w *world, _ side) call { return call{path: "/api/photos/verify", raw: w.photograph()} }, 0},
	"documents":          {lists, get("/traceability/documents"), 0},
	"documents.attach": {acts, func(w *world, s side) call {
		return call{path: "/traceability/documents", file: w.photograph(), form: documentFacts(s)}
	}, 0},
	"document.page": {reads, func(_ *world, s side) call { return call{path: "/documents/" + s.paper} }, 0},
	"document.file": {reads, func(_ *world, s side) call { return call{path: "/documents/" + s.paper + "/file"} }, 0},
	"document.withdraw": {acts, func(_ *world, s side) call {
		return call{path: "/documents/" + s.withdraws + "/withdraw", form: url.Values{}}
	}, 0},
	"api.documents": {lists, get("/api/documents"), 0},
	"api.document.attach": {acts, func(w *world, s side) call {
		return call{path: "/api/documents?" + documentFacts(s).Encode(), raw: w.photograph()}
	}, 0},
	"api.document":          {reads, func(_ *world, s side) call { return call{path: "/api/documents/" + s.paper} }, 0},
	"api.document.file":     {reads, func(_ *world, s side) call { return call{path: "/api/documents/" + s.paper + "/file"} }, 0},
	"api.document.withdraw": {acts, func(_ *world, s side) call { return call{path: "/api/documents/" + s.apiWithdraws} }, 0},
	"devices":               {nothing, get("/traceability/devices"), 0}, // whose they list, TestFromMQTTToProof asks
	"devices.live":          {nothing, get("/traceability/devices.live"), 0},
	"device":                {reads, onDevice("", nil), 0},
	"device.back":           {reads, onDevice("/attach", nil), 0},
	"device.chart":          {reads, onDevice("/chart", nil), 0},
	"device.readings.xlsx":  {reads, onDevice("/readings.xlsx", nil), 0},
	"device.readings.csv":   {reads, onDevice("/readings.csv", nil), 0},
	"devices.new":           {nothing, get("/traceability/devices/new"), 0},
	"devices.register": {nothing, func(w *world, s side) call {
		return call{path: "/traceability/devices/new", form: url.Values{"name": {"Bad Name"}, "title": {"T"}, "type": {"logger"}, "interval": {"60"}, "channels.0.name": {"temperature"}}}
	}, 422},
	"device.edit":         {reads, onDevice("/edit", nil), 0},
	"device.change":       {acts, onDevice("/edit", url.Values{"title": {"T"}, "type": {"logger"}, "interval": {"0"}, "channels.0.name": {"temperature"}}), 422},
	"device.calibrate":    {acts, onDevice("/calibrate", url.Values{"number": {"1"}, "issuer": {"Lab"}, "on": {"2026-01-01"}, "until": {"2027-01-01"}}), 0},
	"device.attach":       {acts, onDevice("/attach", url.Values{"to": {"01/09506000134352"}}), 422},
	"device.detach":       {acts, onDevice("/detach", url.Values{"from": {"00/395060001340000001"}}), 0}, // it was not attached: a flag
	"device.decommission": {acts, onDevice("/decommission", url.Values{"reason": {"bored"}}), 422},
	"device.password":     {acts, onDevice("/password", url.Values{}), 0},
	"excursions":          {nothing, get("/traceability/excursions"), 0},
	"excursions.explain": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/excursions/explain", form: url.Values{"event": {s.hot}, "cause": {"door"}, "measure": {"none"}}}
	}, 0},
	"refused":     {nothing, get("/traceability/refused"), 0},
	"api.devices": {nothing, get("/api/devices"), 0},
	"api.device":  {reads, func(_ *world, s side) call { return call{path: "/api/devices/" + s.deviceAt} }, 0},
	"api.device.register": {nothing, func(w *world, s side) call {
		return call{path: "/api/devices", json: map[string]any{"name": "Bad Name", "title": "T", "type": "logger", "interval": 60, "thing": "8004/1", "channels": []any{}}}
	}, 422},
	"api.device.calibrate": {acts, func(_ *world, s side) call {
		return call{path: "/api/devices/" + s.deviceAt + "/calibration", json: trace.Calibration{Number: "1", Issuer: "Lab", On: "2026-01-01", Until: "2027-01-01"}}
	}, 0},
	"api.device.decommission": {acts, func(_ *world, s side) call {
		return call{path: "/api/devices/" + s.deviceAt + "/decommission", json: map[string]any{"reason": "bored"}}
	}, 422},
	"api.device.password": {acts, func(_ *world, s side) call {
		return call{path: "/api/devices/" + s.deviceAt + "/password", json: map[string]any{}}
	}, 0},
	"api.device.readings": {reads, func(_ *world, s side) call { return call{path: "/api/devices/" + s.deviceAt + "/readings"} }, 0},
	"api.device.proof": {nothing, func(_ *world, s side) call {
		return call{path: "/api/devices/" + s.deviceAt + "/proof?channel=temperature&at=2026-01-01T00:00:00Z"}
	}, 404}, // nothing was measured then; whose device it is, TestFromMQTTToProof asks
	"api.excursions": {nothing, get("/api/excursions"), 0},
	"api.excursion.explain": {acts, func(_ *world, s side) call {
		return call{path: "/api/excursions/explain", json: trace.ExplainExcursion{Event: s.hot, Cause: "door", Measure: "none"}}
	}, 0},
	"api.photo": {nothing, func(_ *world, s side) call { return call{path: "/api/photos/" + s.photo} }, 0},

	"host.people": {nothing, get("/people"), 0},
	"host.addPerson": {nothing, func(w *world, s side) call {
		return call{path: "/people", form: url.Values{"name": {w.fresh("p")}, "display": {"P"}, "role": {"viewer"}, "party": {s.company}}}
	}, 0},
	"host.changePerson": {acts, func(_ *world, s side) call {
		return call{path: "/people/" + s.user + "/enable", form: url.Values{}}
	}, 0},
	"host.renewKey": {acts, func(_ *world, s side) call {
		return call{path: "/people/" + s.leaver + "/renew", form: url.Values{}}
	}, 0},
	"host.revokeKey": {acts, func(_ *world, s side) call {
		return call{path: "/people/" + s.leaver + "/revoke", form: url.Values{}}
	}, 0},

	"traceability.home":       {lists, get("/traceability"), 0},
	"traceability.companies":  {nothing, get("/traceability/companies"), 0},
	"traceability.newCompany": {nothing, get("/traceability/companies/new"), 0},
	"traceability.registerCompany": {nothing, func(w *world, s side) call {
		return call{path: "/traceability/companies/new", form: url.Values{"id": {w.fresh("c")}, "name": {"C"}, "kinds": {"carrier"}}}
	}, 0},
	"traceability.suspendCompany": {rules, func(_ *world, s side) call {
		return call{path: "/traceability/companies/" + s.company + "/suspend", form: url.Values{"reason": {"left"}}}
	}, 0},
	"traceability.reinstateCompany": {rules, func(_ *world, s side) call {
		return call{path: "/traceability/companies/" + s.company + "/reinstate", form: url.Values{}}
	}, 0},

	"lots.new": {nothing, get("/traceability/lots/new"), 0},
	"lots.log": {acts, func(w *world, s side) call {
		return call{path: "/traceability/lots/new", form: url.Values{"gtin": {s.gtin}, "number": {w.fresh("L")}, "quantity": {"10"}, "unit": {"KGM"}}}
	}, 0},
	"ship.new": {nothing, get("/traceability/ship"), 0},
	"ship.do": {acts, func(w *world, s side) call {
		return call{path: "/traceability/ship", form: entries(s, "to", market, "advice", w.fresh("DA"))}
	}, 0},
	"transform.new": {nothing, get("/traceability/transform"), 0},
	"transform.do": {acts, func(w *world, s side) call {
		return call{path: "/traceability/transform", form: entries(s, "outputs.0.gtin", milk, "outputs.0.lot", w.fresh("T"), "outputs.0.quantity", "1", "outputs.0.unit", "KGM")}
	}, 0},
	"pack.new": {nothing, get("/traceability/pack"), 0},
	"pack.do": {acts, func(w *world, s side) call {
		return call{path: "/traceability/pack", form: entries(s, "sscc", w.sscc())}
	}, 0},
	"pack.undo": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/unpack", form: url.Values{"pack": {s.unpacks}}}
	}, 0},
	"dispose.new": {nothing, get("/traceability/dispose"), 0},
	"dispose.do": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/dispose", form: entries(s, "how", "destroyed")}
	}, 0},

	"fsma":          {nothing, get("/traceability/fsma"), 0},
	"fsma.xlsx":     {nothing, get("/traceability/fsma.xlsx"), 0}, // the same rows as the page
	"fsma.package":  {nothing, func(*world, side) call { return call{path: "/traceability/fsma/package", form: url.Values{}} }, 0},
	"fsma.plan":     {nothing, get("/traceability/fsma/plan"), 0},
	"fsma.editPlan": {nothing, get("/traceability/fsma/plan/edit"), 0},
	"fsma.keepPlan": {nothing, func(*world, side) call {
		return call{path: "/traceability/fsma/plan/edit", form: url.Values{"records": {"r"}, "foods": {"f"}, "codes": {"c"}, "contact": {"n"}, "phone": {"p"}}}
	}, 0},
	"insights":      {nothing, get("/traceability/insights"), 0},
	"insights.csv":  {nothing, get("/traceability/insights.csv"), 0},
	"insights.xlsx": {nothing, get("/traceability/insights.xlsx"), 0},
	"insights.pdf":  {nothing, get("/traceability/insights.pdf"), 0},

	"lots.list":   {lists, get("/traceability/lots"), 0},
	"lots.csv":    {lists, get("/traceability/lots.csv"), 0},
	"lots.xlsx":   {nothing, get("/traceability/lots.xlsx"), 0}, // the same rows as the CSV, compressed
	"lots.pdf":    {nothing, get("/traceability/lots.pdf"), 0},
	"lots.page":   {reads, at("/traceability/lot/", lotOf), 0},
	"lots.trace":  {reads, at("/traceability/trace/", lotOf), 0},
	"lots.label":  {reads, at("/traceability/label/", lotOf), 0},
	"events.page": {reads, at("/traceability/event/", hashOf), 0},

	"shipments":      {lists, get("/traceability/shipments"), 0},
	"shipments.show": {reads, at("/traceability/shipments/", func(s side) string { return s.shipment }), 0},
	"shipments.accept": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/shipments/" + s.accepts + "/accept", form: url.Values{"all": {"on"}}}
	}, 0},
	"shipments.decline": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/shipments/" + s.declines + "/decline", form: url.Values{"reason": {"damaged"}}}
	}, 0},
	"shipments.callBack": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/shipments/" + s.callsBack + "/call-back", form: url.Values{}}
	}, 0},

	// A recall is a warning: all members read it, and anybody may drive its
	// marking on.
	"cases":     {nothing, get("/traceability/cases"), 0},
	"cases.new": {nothing, get("/traceability/cases/new"), 0},
	"cases.open": {rules, func(w *world, s side) call {
		return call{path: "/traceability/cases/new", form: url.Values{"kind": {"mock"}, "id": {w.fresh("M")}, "reason": {"exercise"}, "lots": {s.lot}}}
	}, 0},
	"cases.show": {nothing, at("/traceability/cases/", func(s side) string { return s.kase }), 0},
	"cases.extend": {nothing, func(_ *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/extend", form: url.Values{}}
	}, 0},
	"cases.release": {rules, func(_ *world, s side) call {
		return call{path: "/traceability/cases/" + s.closes + "/release", form: url.Values{"reason": {"over"}}}
	}, 0},
	"cases.acknowledge": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/acknowledge", form: url.Values{"found.0.lot": {s.lot}, "found.0.quantity": {"1"}, "found.0.unit": {"KGM"}}}
	}, 0},

	// What concerns who leads a case is theirs and the regulator's; a company
	// accounts for its own goods.
	"cases.accounts": {acts, at("/traceability/cases/", func(s side) string { return s.kase + "/reconcile" }), 0},
	"cases.reconcile": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/reconcile", form: url.Values{"lines.0.lot": {s.lot}, "lines.0.unit": {"KGM"}, "lines.0.quarantined": {"1"}}}
	}, 0},
	"cases.scope": {rules, at("/traceability/cases/", func(s side) string { return s.kase + "/scope" }), 0},
	"cases.widen": {rules, func(w *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/widen", form: url.Values{"reason": {"more"}, "lots": {s.more[0]}}}
	}, 0},
	"cases.narrow": {rules, func(w *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/narrow", form: url.Values{"reason": {"less"}, "lots": {s.more[2]}}}
	}, 0},
	"cases.upgrade": {rules, func(w *world, s side) call {
		return call{path: "/traceability/cases/" + s.holds + "/upgrade", form: url.Values{"reason": {"graver"}}}
	}, 0},
	"cases.notify": {rules, func(_ *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/notify", form: url.Values{}}
	}, 0},
	"cases.remind": {rules, func(_ *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/remind", form: url.Values{}}
	}, 0},
	"cases.progress": {reads, at("/traceability/cases/", func(s side) string { return s.kase + "/progress" }), 0},
	"cases.check": {rules, func(_ *world, s side) call {
		return call{path: "/traceability/cases/" + s.kase + "/check", form: url.Values{"party": {s.told}, "method": {"phone"}, "result": {"acted"}}}
	}, 0},
	"cases.report": {reads, at("/traceability/cases/", func(s side) string { return s.kase + "/report.pdf" }), 0},

	"mismatches":      {lists, get("/traceability/mismatches"), 0},
	"mismatches.show": {reads, at("/traceability/mismatches/", func(s side) string { return s.settles }), 0},
	"mismatches.settle": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/mismatches/" + s.settles + "/settle", form: url.Values{"outcome": {trace.OutcomeLost}}}
	}, 0},
	"mismatches.escalate": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/mismatches/" + s.escalates + "/escalate", form: url.Values{}}
	}, 0},
	"recalls":      {nothing, get("/recalls"), 0},
	"recalls.feed": {nothing, get("/recalls.atom"), 0},
	"recalls.json": {nothing, get("/recalls.json"), 0},
	"recalls.show": {nothing, get("/recalls/none"), 404},

	"products":      {nothing, get("/traceability/products"), 0},
	"products.edit": {nothing, get("/traceability/products/edit"), 0},
	"products.describe": {acts, func(w *world, s side) call {
		return call{path: "/traceability/products/edit", form: url.Values{"gtin": {s.gtin}, "name": {w.fresh("Milk")}, "unit": {"KGM"}}}
	}, 0},
	"places.edit": {nothing, get("/traceability/places/edit"), 0},
	"places.describe": {acts, func(w *world, s side) call {
		return call{path: "/traceability/places/edit", form: url.Values{"gln": {s.gln}, "name": {w.fresh("Plant")}, "country": {"CN"}}}
	}, 0},

	"demands":      {nothing, get("/traceability/demands"), 0},
	"demands.edit": {nothing, get("/traceability/demands/edit"), 0},
	"demands.set": {nothing, func(w *world, s side) call {
		return call{path: "/traceability/demands/edit", form: url.Values{"fields": {"eventID"}, "severity": {"flag"}, "note": {w.fresh("why")}}}
	}, 0},
	"demands.withdraw": {nothing, func(*world, side) call {
		return call{path: "/traceability/demands/withdraw", form: url.Values{"n": {"999"}}}
	}, 0},

	"subscriptions":     {nothing, get("/traceability/subscriptions"), 0},
	"subscriptions.new": {nothing, get("/traceability/subscriptions/new"), 0},
	"subscriptions.add": {nothing, func(*world, side) call {
		return call{path: "/traceability/subscriptions/new", form: url.Values{"query": {"all-events"}, "dest": {"https://receiver.example/"}, "when": {"day"}}}
	}, 0},
	"subscriptions.show": {nothing, get("/traceability/subscriptions/none"), 404},
	"subscriptions.test": {nothing, func(*world, side) call {
		return call{path: "/traceability/subscriptions/none/test", form: url.Values{}}
	}, 404},
	"subscriptions.pause": {nothing, func(*world, side) call {
		return call{path: "/traceability/subscriptions/none/pause", form: url.Values{}}
	}, 404},
	"subscriptions.resume": {nothing, func(*world, side) call {
		return call{path: "/traceability/subscriptions/none/resume", form: url.Values{}}
	}, 404},
	"subscriptions.delete": {nothing, func(*world, side) call {
		return call{path: "/traceability/subscriptions/none/delete", form: url.Values{}}
	}, 404},
	"epcis.subscriptions.get": {nothing, get("/epcis/v2/queries/none/subscriptions"), 404},
	"epcis.subscriptions.post": {nothing, func(*world, side) call {
		return call{path: "/epcis/v2/queries/none/subscriptions", json: map[string]any{"dest": "https://receiver.example/", "stream": true}}
	}, 404},
	"epcis.subscriptions.options": {nothing, get("/epcis/v2/queries/none/subscriptions"), 0},
	"epcis.subscription.get":      {nothing, get("/epcis/v2/queries/none/subscriptions/none"), 404},
	"epcis.subscription.delete":   {nothing, get("/epcis/v2/queries/none/subscriptions/none"), 404},
	"epcis.subscription.options":  {nothing, get("/epcis/v2/queries/none/subscriptions/none"), 0},
	"import.new":                  {nothing, get("/traceability/import"), 0},
	"import.template":             {nothing, get("/traceability/import/template/lots.csv"), 0},
	"import.epcis":                {nothing, get("/traceability/import/epcis"), 0},
	"import.look":                 {nothing, func(*world, side) call { return call{path: "/traceability/import", form: url.Values{"kind": {"lots"}}} }, 422}, // no file
	"import.lookEPCIS":            {nothing, func(*world, side) call { return call{path: "/traceability/import/epcis", form: url.Values{}} }, 422},
	"import.draft":                {nothing, get("/traceability/import/drafts/none"), 404},
	"import.confirm":              {nothing, func(*world, side) call { return call{path: "/traceability/import/drafts/none", form: url.Values{}} }, 404},
	"import.mend":                 {nothing, get("/traceability/import/drafts/none/mend"), 404},
	"import.jobs":                 {nothing, get("/traceability/import/jobs"), 0}, // of the reader's company
	"import.job":                  {reads, at("/traceability/import/jobs/", func(s side) string { return s.job }), 0},
	"import.live":                 {nothing, get("/traceability/import/live"), 0},

	"resolver.00":                  {nothing, get("/00/095060001340000017"), 0},
	"resolver.00.options":          {nothing, get("/00/095060001340000017"), 0},
	"resolver.01":                  {nothing, at("/", lotOf), 0},
	"resolver.01.options":          {nothing, at("/", lotOf), 0},
	"resolver.253":                 {nothing, get("/253/9506000134352"), 404},
	"resolver.253.options":         {nothing, get("/253/9506000134352"), 0},
	"resolver.255":                 {nothing, get("/255/9506000134352"), 404},
	"resolver.255.options":         {nothing, get("/255/9506000134352"), 0},
	"resolver.401":                 {nothing, get("/401/9506000134352AB"), 404},
	"resolver.401.options":         {nothing, get("/401/9506000134352AB"), 0},
	"resolver.402":                 {nothing, get("/402/95060001340000017"), 404},
	"resolver.402.options":         {nothing, get("/402/95060001340000017"), 0},
	"resolver.414":                 {nothing, at("/414/", func(s side) string { return s.gln }), 0},
	"resolver.414.options":         {nothing, at("/414/", func(s side) string { return s.gln }), 0},
	"resolver.415":                 {nothing, get("/415/9506000134352"), 0},
	"resolver.415.options":         {nothing, get("/415/9506000134352"), 0},
	"resolver.417":                 {nothing, get("/417/9506000134352"), 0},
	"resolver.417.options":         {nothing, get("/417/9506000134352"), 0},
	"resolver.8003":                {nothing, get("/8003/09506000134352"), 404},
	"resolver.8003.options":        {nothing, get("/8003/09506000134352"), 0},
	"resolver.8004":                {nothing, get("/8004/9506000134352A"), 404},
	"resolver.8004.options":        {nothing, get("/8004/9506000134352A"), 0},
	"resolver.8006":                {nothing, get("/8006/095060001343520102"), 404},
	"resolver.8006.options":        {nothing, get("/8006/095060001343520102"), 0},
	"resolver.8010":                {nothing, get("/8010/9506000134352-1"), 404},
	"resolver.8010.options":        {nothing, get("/8010/9506000134352-1"), 0},
	"resolver.8013":                {nothing, get("/8013/1987654Ad4X4bL5ttr2310c2K"), 404},
	"resolver.8013.options":        {nothing, get("/8013/1987654Ad4X4bL5ttr2310c2K"), 0},
	"resolver.8017":                {nothing, get("/8017/950600013400000015"), 404},
	"resolver.8017.options":        {nothing, get("/8017/950600013400000015"), 0},
	"resolver.8018":                {nothing, get("/8018/950600013400000015"), 404},
	"resolver.8018.options":        {nothing, get("/8018/950600013400000015"), 0},
	"resolver.compressed":          {nothing, get("/ARHKVAdpQg"), 404}, // a book of somebody else
	"resolver.compressed.options":  {nothing, get("/ARHKVAdpQg"), 0},
	"resolver.page":                {nothing, at("/scan/", lotOf), 0},
	"resolver.page.options":        {nothing, at("/scan/", lotOf), 0},
	"resolver.description":         {nothing, get("/.well-known/gs1resolver"), 0},
	"resolver.description.options": {nothing, get("/.well-known/gs1resolver"), 0},
	"resolver.context":             {nothing, get("/.well-known/gs1linkset.jsonld"), 0},
	"resolver.context.options":     {nothing, get("/.well-known/gs1linkset.jsonld"), 0},

	"links.edit": {nothing, get("/traceability/links"), 0},
	"links.publish": {acts, func(w *world, s side) call {
		return call{path: "/traceability/links", form: url.Values{"key": {"01/" + s.gtin}, "type": {"gs1:pip"}, "href": {"https://dairy.example/" + w.fresh("p")}, "title": {"Milk"}}}
	}, 0},
	"links.withdraw": {acts, func(w *world, s side) call {
		return call{path: "/traceability/links/withdraw", form: url.Values{"key": {"01/" + s.gtin}, "id": {"00"}}}
	}, 404}, // the key is theirs, but there is no such link
	"api.links": {nothing, get("/api/links"), 0},
	"api.link.publish": {acts, func(w *world, s side) call {
		return call{path: "/api/links", json: map[string]any{"key": "01/" + s.gtin, "type": "gs1:pip", "href": "https://dairy.example/" + w.fresh("p"), "title": "Milk"}}
	}, 0},
	"api.link.withdraw": {nothing, get("/api/links/00"), 404},
	"labels.page":       {lists, get("/traceability/labels"), 0},
	"labels.pdf":        {reads, at("/traceability/labels.pdf?thing=", func(s side) string { return url.QueryEscape(s.lot) }), 0},
	"packs.page":        {reads, at("/traceability/packs/", func(s side) string { return strings.TrimPrefix(s.unpacks, "00/") }), 0},

	"shopper.place": {nothing, func(_ *world, s side) call { return call{path: "/shopper/place?of=/" + s.lot} }, 0},
	"shopper.sharePlace": {nothing, func(_ *world, s side) call {
		return call{path: "/shopper/place", form: url.Values{"of": {"/" + s.lot}, "city": {"nowhere"}}} // a good one is one of so many an hour
	}, 422},
	"shopper.thanks": {nothing, get("/shopper/thanks"), 0},
	"shopper.report": {nothing, func(_ *world, s side) call { return call{path: "/shopper/report?of=/" + s.lot} }, 0},
	"shopper.sendReport": {nothing, func(_ *world, s side) call {
		return call{path: "/shopper/report", form: url.Values{"of": {"/" + s.lot}, "kind": {"other"}, "text": {"?"}}}
	}, 422},

	"scans":       {lists, get("/traceability/scans"), 0},
	"scans.csv":   {lists, get("/traceability/scans.csv"), 0},
	"scans.xlsx":  {nothing, get("/traceability/scans.xlsx"), 0}, // the same rows as the CSV, compressed
	"alarms":      {lists, get("/traceability/alarms"), 0},
	"alarms.show": {reads, at("/traceability/alarms/", func(s side) string { return s.alarm }), 0},
	"alarms.judge": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/alarms/" + s.alarm, form: url.Values{"reason": {"test"}}}
	}, 0},
	"alarms.unwarn": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/alarms/" + s.alarm + "/unwarn", form: url.Values{}}
	}, 404}, // nothing is published of it
	"api.alarms": {lists, get("/api/alarms"), 0},
	"api.alarm":  {reads, at("/api/alarms/", func(s side) string { return s.alarm }), 0},
	"api.alarm.judge": {acts, func(_ *world, s side) call {
		return call{path: "/api/alarms/" + s.alarm + "/judge", json: map[string]any{"reason": "test"}}
	}, 0},
	"reports":      {lists, get("/traceability/reports"), 0},
	"reports.show": {reads, at("/traceability/reports/", func(s side) string { return s.report }), 0},
	"reports.work": {acts, func(_ *world, s side) call {
		return call{path: "/traceability/reports/" + s.report, form: url.Values{"state": {"working"}}}
	}, 0},

	"api.lots":      {lists, get("/api/lots?limit=200"), 0},
	"api.lot":       {reads, at("/api/lots/", lotOf), 0},
	"api.shipments": {lists, get("/api/shipments?limit=200"), 0},
	"api.shipment":  {reads, at("/api/shipments/", func(s side) string { return s.shipment }), 0},
	"api.shipment.accept": {acts, func(_ *world, s side) call {
		return call{path: "/api/shipments/" + s.apiAccepts + "/accept", json: map[string]any{}}
	}, 0},
	"api.shipment.decline": {acts, func(_ *world, s side) call {
		return call{path: "/api/shipments/" + s.apiDeclines + "/decline", json: map[string]any{"reason": "damaged"}}
	}, 0},
	"api.recalls": {lists, get("/api/recalls?limit=200"), 0},
	"api.recall.open": {rules, func(w *world, s side) call {
		return call{path: "/api/recalls", json: trace.Recall{ID: w.fresh("M"), Kind: trace.KindMock, Lots: []string{s.lot}, Reason: "exercise"}}
	}, 0},
	"api.recall": {reads, at("/api/recalls/", func(s side) string { return s.kase }), 0},
	"api.recall.release": {rules, func(_ *world, s side) call {
		return call{path: "/api/recalls/" + s.apiCloses + "/release", json: map[string]any{"reason": "over"}}
	}, 0},
	"api.recall.acknowledge": {acts, func(w *world, s side) call {
		return call{path: "/api/recalls/" + s.kase + "/acknowledge", json: map[string]any{"found": []trace.Line{{Lot: s.lot, Amount: gs1.Whole(1), Unit: "KGM"}}}}
	}, 0},
	"api.recall.reconcile": {acts, func(w *world, s side) call {
		return call{path: "/api/recalls/" + s.kase + "/reconcile", json: map[string]any{"lines": []trace.Booked{{Lot: s.lot, Quarantined: gs1.Whole(1)}}}}
	}, 0},
	"api.recall.widen": {rules, func(w *world, s side) call {
		return call{path: "/api/recalls/" + s.kase + "/widen", json: map[string]any{"lots": []string{s.more[1]}, "reason": "more"}}
	}, 0},
	"api.recall.narrow": {rules, func(w *world, s side) call {
		return call{path: "/api/recalls/" + s.kase + "/narrow", json: map[string]any{"lots": []string{s.more[3]}, "reason": "less"}}
	}, 0},
	"api.recall.upgrade": {rules, func(w *world, s side) call {
		return call{path: "/api/recalls/" + s.apiHolds + "/upgrade", json: map[string]any{"reason": "graver"}}
	}, 0},
	"api.recall.notify": {rules, func(w *world, s side) call {
		return call{path: "/api/recalls/" + s.kase + "/notify", json: map[string]any{"companies": []trace.Concerned{{Party: s.told, Lots: 1}}}}
	}, 0},
	"api.recall.check": {rules, func(w *world, s side) call {
		return call{path: "/api/recalls/" + s.kase + "/check", json: map[string]any{"party": s.told, "method": "phone", "contacted": true, "result": "acted"}}
	}, 0},
	"api.mismatches": {lists, get("/api/mismatches?limit=200"), 0},
	"api.mismatch":   {reads, at("/api/mismatches/", func(s side) string { return s.settles }), 0},
	"api.mismatch.settle": {acts, func(_ *world, s side) call {
		return call{path: "/api/mismatches/" + s.apiSettles + "/settle", json: map[string]any{"outcome": trace.OutcomeLost}}
	}, 0},
	"api.mismatch.escalate": {acts, func(_ *world, s side) call {
		return call{path: "/api/mismatches/" + s.apiEscalates + "/escalate", json: map[string]any{}}
	}, 0},
	"api.trace":       {reads, at("/api/trace/", lotOf), 0},
	"api.transaction": {nothing, at("/api/transactions/", func(s side) string { return s.tx }), 0},
	"api.command": {nothing, func(_ *world, s side) call {
		return call{path: "/api/commands/trace.Extend", json: trace.Extend{Case: s.kase}}
	}, 0},

	"epcis.root.get":     {nothing, get("/epcis/v2"), 0},
	"epcis.root.options": {nothing, get("/epcis/v2"), 0},
	"epcis.capture.post": {nothing, func(w *world, s side) call {
		return call{path: "/epcis/v2/capture", raw: w.document(s)}
	}, 0},
	"epcis.capture.get":        {nothing, get("/epcis/v2/capture"), 0}, // the captures of the reader's company
	"epcis.capture.options":    {nothing, get("/epcis/v2/capture"), 0},
	"epcis.captureJob.get":     {reads, at("/epcis/v2/capture/", func(s side) string { return s.job }), 0},
	"epcis.captureJob.options": {nothing, at("/epcis/v2/capture/", func(s side) string { return s.job }), 0},
	"epcis.events.post": {nothing, func(w *world, s side) call {
		return call{path: "/epcis/v2/events", raw: w.document(s)}
	}, 0},
	"epcis.events.get":              {lists, get("/epcis/v2/events?perPage=200"), 0},
	"epcis.events.options":          {nothing, get("/epcis/v2/events"), 0},
	"epcis.event.get":               {reads, at("/epcis/v2/events/", hashOf), 0},
	"epcis.event.options":           {nothing, at("/epcis/v2/events/", hashOf), 0},
	"epcis.eventTypes.get":          {nothing, get("/epcis/v2/eventTypes"), 0},
	"epcis.eventTypes.options":      {nothing, get("/epcis/v2/eventTypes"), 0},
	"epcis.eventType.get":           {nothing, get("/epcis/v2/eventTypes/ObjectEvent"), 0},
	"epcis.eventType.options":       {nothing, get("/epcis/v2/eventTypes/ObjectEvent"), 0},
	"epcis.eventTypeEvents.get":     {lists, get("/epcis/v2/eventTypes/ObjectEvent/events?perPage=200"), 0},
	"epcis.eventTypeEvents.options": {nothing, get("/epcis/v2/eventTypes/ObjectEvent/events"), 0},
	"epcis.nextPageToken.delete":    {nothing, get("/epcis/v2/nextPageToken/none"), 400}, // a token is its reader's own
	"epcis.nextPageToken.options":   {nothing, get("/epcis/v2/nextPageToken/none"), 0},
	"epcis.epcs.get":                {lists, get("/epcis/v2/epcs?perPage=500"), 0},
	"epcis.epcs.options":            {nothing, get("/epcis/v2/epcs"), 0},
	"epcis.epc.get":                 {reads, at("/epcis/v2/epcs/", lotURI), 0},
	"epcis.epc.options":             {nothing, at("/epcis/v2/epcs/", lotURI), 0},
	"epcis.bizSteps.get":            {nothing, get("/epcis/v2/bizSteps"), 0},
	"epcis.bizSteps.options":        {nothing, get("/epcis/v2/bizSteps"), 0},
	"epcis.bizStep.get":             {nothing, get("/epcis/v2/bizSteps/shipping"), 0},
	"epcis.bizStep.options":         {nothing, get("/epcis/v2/bizSteps/shipping"), 0},
	"epcis.dispositions.get":        {nothing, get("/epcis/v2/dispositions"), 0},
	"epcis.dispositions.options":    {nothing, get("/epcis/v2/dispositions"), 0},
	"epcis.disposition.get":         {nothing, get("/epcis/v2/dispositions/active"), 0},
	"epcis.disposition.options":     {nothing, get("/epcis/v2/dispositions/active"), 0},
	"epcis.readPoints.get":          {nothing, get("/epcis/v2/readPoints"), 0},
	"epcis.readPoints.options":      {nothing, get("/epcis/v2/readPoints"), 0},
	"epcis.readPoint.get":           {nothing, at("/epcis/v2/readPoints/", placeURI), 0},
	"epcis.readPoint.options":       {nothing, at("/epcis/v2/readPoints/", placeURI), 0},
	"epcis.bizLocations.get":        {nothing, get("/epcis/v2/bizLocations"), 0},
	"epcis.bizLocations.options":    {nothing, get("/epcis/v2/bizLocations"), 0},
	"epcis.bizLocation.get":         {nothing, at("/epcis/v2/bizLocations/", placeURI), 0},
	"epcis.bizLocation.options":     {nothing, at("/epcis/v2/bizLocations/", placeURI), 0},
	"epcis.queries.get":             {nothing, get("/epcis/v2/queries"), 0}, // the queries of the reader's company
	"epcis.queries.options":         {nothing, get("/epcis/v2/queries"), 0},
	"epcis.queries.post": {nothing, func(w *world, _ side) call {
		return call{path: "/epcis/v2/queries", json: map[string]any{"name": w.fresh("q"), "query": map[string]any{}}}
	}, 0},
	"epcis.query.get":           {reads, at("/epcis/v2/queries/", func(s side) string { return s.query }), 0},
	"epcis.query.options":       {nothing, at("/epcis/v2/queries/", func(s side) string { return s.query }), 0},
	"epcis.query.delete":        {acts, at("/epcis/v2/queries/", func(s side) string { return s.dropped }), 0},
	"epcis.queryEvents.get":     {reads, func(_ *world, s side) call { return call{path: "/epcis/v2/queries/" + s.query + "/events"} }, 0},
	"epcis.queryEvents.options": {nothing, func(_ *world, s side) call { return call{path: "/epcis/v2/queries/" + s.query + "/events"} }, 0},
}

// ownOnly are the reads that not even a regulator has of another's.
var ownOnly = []string{"epcis.captureJob.get", "import.job", "epcis.query.get", "epcis.queryEvents.get", "api.photos"}

// world is the running program with one company's records and another's.
type world struct {
	*testing.T
	h          *host.Host
	own, other side
	held       map[string]held // credentials by user
	clock      atomic.Int64    // how far the host's clock is off
	count      int
}

// held is what one person can show.
type held struct {
	credentials []credential
	token       string // id of a token to revoke
	session     string // id of a session to revoke
}

// credential is one way to say who one is.
type credential struct {
	name           string
	cookie, bearer string
	scope          accounts.Scope // of a token
	dead           bool
}

func (w *world) fresh(prefix string) string {
	w.count++
	return fmt.Sprintf("%s%d", prefix, w.count)
}

func (w *world) sscc() string {
	w.count++
	key, err := gs1.SSCC(0, "9506000134", uint64(w.count))
	if err != nil {
		w.Fatal(err)
	}
	return key.Path()[3:]
}

// document logs a fresh lot of the side's product.
func (w *world) document(s side) []byte {
	return document(w, events.Logged(place(dairy), w.now(), kilos(lotID(s.gtin, w.fresh("E")), 5), ""))
}

// now is a moment before the host's present, different at each call.
func (w *world) now() time.Time {
	w.count++
	return w.h.Now().Add(-10*time.Minute + time.Duration(w.count)*time.Millisecond)
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, held: map[string]held{}}
	w.clock.Store(int64(-30 * time.Hour))
	w.h = open(t, host.Config{Data: filepath.Join(t.TempDir(), "data"), MQTT: "embedded://127.0.0.1:0",
		Clock: func() time.Time { return time.Now().Add(time.Duration(w.clock.Load())) }})
	t.Cleanup(func() { shut(t, w.h) })
	old := map[string][]credential{}
	for _, p := range inMatrix {
		old[p.name] = []credential{{name: "expired session", cookie: w.login(p.name), dead: true},
			{name: "expired token", bearer: apiToken(t, w.h, p, time.Minute, accounts.Admin), dead: true}}
	}
	w.clock.Store(0)
	for _, p := range inMatrix {
		w.hold(p, old[p.name])
	}
	w.records()
	w.other.token, w.other.session, w.other.user = w.spares(helper)
	w.other.user = banker.name
	w.own.leaver, w.other.leaver = w.leaver(helper), w.leaver(banker)
	return w
}

func (w *world) login(name string) string {
	w.Helper()
	_, secret, err := w.h.Accounts.Login(context.Background(), accounts.Attempt{Name: name, Password: passphrase, Address: "127.0.0.1"}, "")
	if err != nil {
		w.Fatal(err)
	}
	return secret
}

// hold gives a person every credential of the matrix.
func (w *world) hold(p person, all []credential) {
	ctx := context.Background()
	all = append(all, credential{name: "session", cookie: w.login(p.name)})
	for _, s := range []accounts.Scope{accounts.Read, accounts.Write, accounts.Capture, accounts.Admin} {
		all = append(all, credential{name: "token " + string(s), bearer: apiToken(w, w.h, p, time.Hour, s), scope: s})
	}
	secret, revoked, err := w.h.Accounts.CreateToken(ctx, p.name, "revoked", []accounts.Scope{accounts.Admin}, time.Hour)
	if err == nil {
		err = w.h.Accounts.RevokeToken(ctx, p.name, revoked.ID)
	}
	if err != nil {
		w.Fatal(err)
	}
	all = append(all, credential{name: "revoked token", bearer: secret, dead: true})
	gone := p
	gone.name += "-gone"
	if err := enter(ctx, w.h, gone); err != nil {
		w.Fatal(err)
	}
	all = append(all, credential{name: "session, certificate revoked", cookie: w.login(gone.name), dead: true},
		credential{name: "token, certificate revoked", bearer: apiToken(w, w.h, gone, time.Hour, accounts.Admin), dead: true})
	if err := w.h.Wallet.Revoke(gone.msp, gone.name); err != nil {
		w.Fatal(err)
	}
	token, session, _ := w.spares(p)
	w.held[p.name] = held{all, token, session}
}

// leaver is a colleague of a person, whose key comes and goes.
func (w *world) leaver(of person) string {
	of.name += "-leaver"
	if err := enter(context.Background(), w.h, of); err != nil {
		w.Fatal(err)
	}
	return of.name
}

// spares are a token and a session of a person that may be revoked.
func (w *world) spares(p person) (token, session, name string) {
	_, t, err := w.h.Accounts.CreateToken(context.Background(), p.name, "spare", []accounts.Scope{accounts.Read}, time.Hour)
	if err != nil {
		w.Fatal(err)
	}
	_, s, err := w.h.Accounts.BySession(context.Background(), w.login(p.name))
	if err != nil {
		w.Fatal(err)
	}
	return t.ID, s.ID, p.name
}

// records makes what the routes are asked for.
func (w *world) records() {
	w.own = side{gtin: milk, gln: place(dairy).GLN, company: spare, user: helper.name, lot: lotID(milk, "OWNLOT"), mark: "OWNLOT"}
	w.other = side{gtin: gouda, gln: place(harbour).GLN, company: bank, lot: lotID(gouda, "ELSELOT"), mark: "ELSELOT"}
	w.own.hash = w.capture(operator, events.Logged(place(dairy), w.now(), kilos(w.own.lot, 100000), "")).Hash
	w.other.hash = w.capture(stranger, events.Logged(place(harbour), w.now(), kilos(w.other.lot, 1000), "")).Hash
	sent := lotID(gouda, "SENTLOT") // the harbour's goods that the dairy has to do with
	w.capture(stranger, events.Logged(place(harbour), w.now(), kilos(sent, 1000), ""))

	for _, to := range []*string{&w.own.accepts, &w.own.declines, &w.own.apiAccepts, &w.own.apiDeclines} {
		*to = w.ship(stranger, dairy, sent)
	}
	w.own.callsBack, w.own.settles, w.own.shipment = w.ship(operator, market, w.own.lot), w.ship(operator, market, w.own.lot), w.ship(operator, market, w.own.lot)
	short := events.Arrival{From: place(dairy), To: place(market), Goods: []events.Goods{kilos(w.own.lot, 4)}, Documents: w.documents(w.own.settles)}
	w.capture(shop, events.Received(short, w.now()))
	for _, to := range []*string{&w.own.escalates, &w.own.apiSettles, &w.own.apiEscalates} {
		*to = w.differs(operator, dairy, w.own.lot)
	}
	foreign := w.ship(stranger, market, w.other.lot)
	w.other.shipment, w.other.accepts, w.other.declines, w.other.apiAccepts, w.other.apiDeclines = foreign, foreign, foreign, foreign, foreign
	w.other.callsBack = foreign
	elsewhere := w.differs(stranger, harbour, w.other.lot)
	w.other.settles, w.other.escalates, w.other.apiSettles, w.other.apiEscalates = elsewhere, elsewhere, elsewhere, elsewhere
	w.own.told, w.other.told = dairy, harbour

	w.own.unpacks = w.pack(operator, "9506000134", w.own.lot)
	w.other.unpacks = w.pack(stranger, "9521234560", w.other.lot)
	for _, side := range []*side{&w.own, &w.other} {
		for i := range side.more {
			side.more[i] = w.another(*side)
		}
		side.holds, side.apiHolds = w.holding(*side), w.holding(*side)
	}
	w.own.kase, w.own.closes, w.own.apiCloses = w.mock(operator, w.own.lot, w.own.more[2:]...), w.mock(operator, w.own.lot), w.mock(operator, w.own.lot)
	w.other.kase = w.mock(stranger, w.other.lot, w.other.more[2:]...)
	w.other.closes, w.other.apiCloses = w.mock(stranger, w.other.lot), w.mock(stranger, w.other.lot)
	for _, told := range []struct {
		by person
		s  side
	}{{operator, w.own}, {stranger, w.other}} {
		if _, _, err := host.Do[any](context.Background(), w.h, told.by.actor(), trace.Notify{Case: told.s.kase, Companies: []trace.Concerned{{Party: told.s.told, Lots: 1}}}); err != nil {
			w.Fatal(err)
		}
	}
	w.own.job = w.job(operator, events.Logged(place(dairy), w.now(), kilos(lotID(milk, "JOB"), 5), ""))
	w.other.job = w.job(stranger, events.Logged(place(harbour), w.now(), kilos(lotID(gouda, "JOB"), 5), ""))
	w.own.query, w.own.dropped = w.keepQuery(operator, "milk"), w.keepQuery(operator, "whey")
	w.other.query, w.other.dropped = w.keepQuery(stranger, "herring"), w.keepQuery(stranger, "cod")
	_, receipt, err := host.Do[any](context.Background(), w.h, operator.actor(), trace.DescribeProduct{GTIN: milk, Name: "Milk", Unit: "KGM"})
	if err != nil {
		w.Fatal(err)
	}
	w.own.photo, w.other.photo = w.onRecord(operator), w.onRecord(stranger)
	for _, to := range []*string{&w.own.paper, &w.own.withdraws, &w.own.apiWithdraws} {
		*to = w.attached(operator, w.own)
	}
	for _, to := range []*string{&w.other.paper, &w.other.withdraws, &w.other.apiWithdraws} {
		*to = w.attached(stranger, w.other)
	}
	w.own.device, w.other.device = w.device(operator, "probe-own", "8004/9506000134PROBE"), w.device(stranger, "probe-other", "8004/9521234560PROBE")
	w.own.deviceAt, w.other.deviceAt = dairy+"/"+w.own.device, harbour+"/"+w.other.device
	w.own.hot, w.other.hot = w.alarmed(operator, "8004/9506000134PROBE"), w.alarmed(stranger, "8004/9521234560PROBE")
	w.own.tx, w.other.tx = receipt.TxID, receipt.TxID
	w.other.private = w.secret()
	if _, _, err := host.Do[any](context.Background(), w.h, stranger.actor(), trace.DescribeProduct{GTIN: gouda, Name: "Gouda", Unit: "KGM"}); err != nil {
		w.Fatal(err)
	}
	w.own.alarm, w.own.report = w.scanned(w.own, milk, dairy)
	w.other.alarm, w.other.report = w.scanned(w.other, gouda, harbour)
}

// scanned leaves what shoppers do about a side's product: counts, an alarm and a
// report about safety.
func (w *world) scanned(s side, gtin, brand string) (alarm, report string) {
	w.count++
	alarm, report = fmt.Sprintf("a%031d", w.count), fmt.Sprintf("b%031d", w.count)
	thing := "01/" + gtin + "/21/" + s.mark
	for _, row := range [][]any{
		{`INSERT INTO tr_scan_days (day, gtin, place, count) VALUES ($1, $2, $3, 9)`, w.h.Now().Format(time.DateOnly), gtin, s.mark},
		{`INSERT INTO tr_alarms (id, thing, lot, gtin, brand, state, score, signs, first, latest, reason, note, judge, judged, revision)
			VALUES ($1, $2, $3, $4, $5, 'open', 70, '[{"kind":"resold","weight":70,"times":1}]', $6, $7, '', '', '', NULL, 1)`, alarm, thing, s.lot, gtin, brand, w.h.Now(), w.h.Now()},
		{`INSERT INTO tr_reports (id, at, gtin, lot, serial, brand, kind, safety, text, bought, contact, lang, state, note, editor, edited)
			VALUES ($1, $2, $3, $4, '', $5, 'illness', TRUE, 'bad', '', '', 'en', 'new', '', '', NULL)`, report, w.h.Now(), gtin, s.mark, brand},
	} {
		if _, err := w.h.DB.ExecContext(context.Background(), row[0].(string), row[1:]...); err != nil {
			w.Fatal(err)
		}
	}
	return alarm, report
}

func (w *world) capture(by person, e epcis.Event) trace.Outcome { return capture(w, w.h, by, e) }

func (w *world) ship(by person, to, lot string) string {
	return w.capture(by, events.Shipped(events.Consignment{From: place(by.party), To: place(to), Advice: w.fresh("DA"), Goods: []events.Goods{kilos(lot, 5)}}, w.now())).Shipment
}

func (w *world) documents(shipment string) []string {
	var text string
	if err := w.h.DB.QueryRowContext(context.Background(), `SELECT documents FROM tr_shipments WHERE id = $1`, shipment).Scan(&text); err != nil {
		w.Fatal(err)
	}
	return strings.Fields(text)
}

func (w *world) pack(by person, prefix, lot string) string {
	w.count++
	key, err := gs1.SSCC(0, prefix, uint64(w.count))
	if err != nil {
		w.Fatal(err)
	}
	w.capture(by, events.Packed(place(by.party), w.now(), key.Path(), []events.Goods{kilos(lot, 1)}, nil))
	return key.Path()
}

func (w *world) mock(by person, lot string, more ...string) string {
	id := w.fresh("CASE-" + by.name + "-")
	if _, _, err := host.Do[any](context.Background(), w.h, by.actor(), trace.Recall{ID: id, Kind: trace.KindMock, Lots: append([]string{lot}, more...), Reason: "exercise"}); err != nil {
		w.Fatal(err)
	}
	return id
}

// differs is a shipment of which less arrived, with both sides at odds.
func (w *world) differs(by person, from, lot string) string {
	id := w.ship(by, market, lot)
	w.capture(shop, events.Received(events.Arrival{From: place(from), To: place(market), Shipment: id, Goods: []events.Goods{kilos(lot, 4)}, Documents: w.documents(id)}, w.now()))
	for _, said := range []struct {
		by      person
		outcome string
	}{{by, trace.OutcomeReturned}, {shop, trace.OutcomeDamaged}} {
		if _, _, err := host.Do[any](context.Background(), w.h, said.by.actor(), trace.Settle{Shipment: id, Outcome: said.outcome}); err != nil {
			w.Fatal(err)
		}
	}
	return id
}

// owner is who made a side's lot.
func (w *world) owner(s side) (person, string, string) {
	if s.gtin == gouda {
		return stranger, harbour, gouda
	}
	return operator, dairy, milk
}

// another is a further lot of the same maker.
func (w *world) another(s side) string {
	by, firm, gtin := w.owner(s)
	id := lotID(gtin, w.fresh("MORE"))
	w.capture(by, events.Logged(place(firm), w.now(), kilos(id, 5), ""))
	return id
}

// holding is an open hold of a lot of the side's maker.
func (w *world) holding(s side) string {
	by, _, _ := w.owner(s)
	id := w.fresh("HOLD-" + by.name + "-")
	if _, _, err := host.Do[any](context.Background(), w.h, by.actor(), trace.Recall{ID: id, Kind: trace.KindHold, Lots: []string{w.another(s)}, Reason: "smell"}); err != nil {
		w.Fatal(err)
	}
	return id
}

// photograph is a photo that nobody has yet.
func (w *world) photograph() []byte {
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		w.Fatal(err)
	}
	return append(file.Bytes(), w.fresh("photo")...)
}

// onRecord puts one on record.
func (w *world) onRecord(by person) string {
	a := w.send("POST", call{path: "/api/photos", raw: w.photograph()}, credential{bearer: apiToken(w, w.h, by, time.Hour, accounts.Write)})
	var said struct{ Reply trace.PhotoState }
	if err := json.Unmarshal(a.body, &said); err != nil || a.status != http.StatusCreated {
		w.Fatal(a, err)
	}
	return said.Reply.SHA256
}

// documentFacts are what is said of a document about the side's lot.
func documentFacts(s side) url.Values {
	return url.Values{"about": {s.lot}, "kind": {trace.LabResult}, "title": {"About " + s.mark}}
}

// onDevice asks something of the side's device.
func onDevice(suffix string, form url.Values) func(*world, side) call {
	return func(_ *world, s side) call {
		return call{path: "/traceability/devices/" + s.deviceAt + suffix, form: form}
	}
}

// device is one of the person's company.
func (w *world) device(by person, name, thing string) string {
	register := trace.RegisterDevice{Name: name, Title: name, Type: trace.Sensor, Thing: thing, Interval: 60, Channels: []trace.Channel{{Name: "temperature", Unit: "CEL"}}}
	if _, _, err := host.Do[trace.DeviceState](context.Background(), w.h, by.actor(), register); err != nil {
		w.Fatal(err)
	}
	return name
}

// alarmed is an event in which a device says that it is too warm.
func (w *world) alarmed(by person, thing string) string {
	at := w.now()
	return w.capture(by, epcis.Event{Type: epcis.ObjectEvent, Time: at, Offset: "+00:00", Action: epcis.Observe, BizStep: "sensor_reporting", EPCs: []string{"https://id.gs1.org/" + thing},
		Sensors: []epcis.SensorElement{{Reports: []epcis.SensorReport{{Type: "Temperature", Value: "9.5", Unit: "CEL", Exception: "ALARM_CONDITION"}}}}}).Hash
}

// attached is a document about the side's lot, for the lot's chain.
func (w *world) attached(by person, s side) string {
	a := w.send("POST", call{path: "/api/documents?" + documentFacts(s).Encode(), raw: w.photograph()}, credential{bearer: apiToken(w, w.h, by, time.Hour, accounts.Write)})
	var said struct{ Reply trace.DocumentState }
	if err := json.Unmarshal(a.body, &said); err != nil || a.status != http.StatusCreated {
		w.Fatal(a, err)
	}
	return said.Reply.ID
}

// job captures by a document and waits for what becomes of it.
func (w *world) job(by person, e epcis.Event) string {
	c := credential{bearer: apiToken(w, w.h, by, time.Hour, accounts.Capture)}
	a := w.send("POST", call{path: "/epcis/v2/capture", raw: document(w, e)}, c)
	for range 200 {
		var job struct{ Running bool }
		state := w.send("GET", call{path: a.header.Get("Location")}, c)
		if err := json.Unmarshal(state.body, &job); err != nil || state.status != 200 {
			w.Fatal(a, state)
		}
		if !job.Running {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return a.header.Get("Location")[len("/epcis/v2/capture/"):]
}

// keepQuery keeps a query under a name.
func (w *world) keepQuery(by person, name string) string {
	c := credential{bearer: apiToken(w, w.h, by, time.Hour, accounts.Write)}
	if a := w.send("POST", call{path: "/epcis/v2/queries", json: map[string]any{"name": name, "query": map[string]any{}}}, c); a.status != 201 {
		w.Fatal(a)
	}
	return name
}

// secret is the hash of an event that the harbour keeps to itself.
func (w *world) secret() string {
	command, err := events.Capture(events.Logged(place(harbour), w.now(), kilos(lotID(gouda, "PRIVATE"), 5), ""), gs1.Amount{})
	if err != nil {
		w.Fatal(err)
	}
	command.Sharing, command.Salt = trace.Private, bytes.Repeat([]byte{7}, 32)
	outcome, _, err := host.Do[trace.Outcome](context.Background(), w.h, stranger.actor(), command)
	if err != nil {
		w.Fatal(err)
	}
	return outcome.Hash
}

// request is a call with a credential and, for a session, its CSRF token.
func (w *world) request(method string, c call, by credential) *http.Request {
	w.Helper()
	var body []byte
	kind := ""
	switch {
	case c.file != nil:
		var form bytes.Buffer
		parts := multipart.NewWriter(&form)
		for name, values := range c.form {
			for _, value := range values {
				if err := parts.WriteField(name, value); err != nil {
					w.Fatal(err)
				}
			}
		}
		entry := "photo"
		if c.form != nil {
			entry = "file"
		}
		into, err := parts.CreateFormFile(entry, "photo.png")
		if err != nil {
			w.Fatal(err)
		}
		into.Write(c.file)
		parts.Close()
		body, kind = form.Bytes(), parts.FormDataContentType()
	case c.raw != nil:
		body, kind = c.raw, "application/ld+json"
	case c.json != nil:
		body, _ = json.Marshal(c.json)
		kind = "application/json"
	case c.form != nil:
		body, kind = []byte(c.form.Encode()), "application/x-www-form-urlencoded"
	}
	r, err := http.NewRequest(method, w.h.Address()+c.path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Idempotency-Key", w.fresh("key"))
	}
	if by.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+by.bearer)
	}
	if by.cookie != "" {
		r.AddCookie(&http.Cookie{Name: web.SessionCookie, Value: by.cookie})
		r.Header.Set("X-CSRF-Token", accounts.CSRF(by.cookie))
	}
	return r
}

func (w *world) send(method string, c call, by credential) answer {
	w.Helper()
	return send(w, w.request(method, c, by))
}

// footprint is the ledger's head and the number of rows of every table: what a
// refused request leaves as it was. Failed sign-ins are counted on purpose.
func (w *world) footprint() string {
	w.Helper()
	if rowsQuery == "" {
		rows, err := w.h.DB.QueryContext(context.Background(), `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'account_failures' ORDER BY name`)
		if err != nil {
			w.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				w.Fatal(err)
			}
			rowsQuery += ` || ' ` + name + `=' || (SELECT COUNT(*) FROM ` + name + `)`
		}
	}
	var counts string
	if err := w.h.DB.QueryRowContext(context.Background(), `SELECT ''`+rowsQuery).Scan(&counts); err != nil {
		w.Fatal(err)
	}
	return fmt.Sprintf("block %d%s", w.h.Ledger.Head().Block, counts)
}

var rowsQuery string

// The rules by which access is refused, before a handler is asked.
var accessRules = []string{web.ErrSignIn.Code, web.ErrRole.Code, web.ErrScope.Code, web.ErrForged.Code, chaincode.ErrRole.Code}

// expected is the rule that refuses a credential at a row, or "".
func expected(row web.Row, p *person, c credential) string {
	stranger := p == nil || c.dead
	switch {
	case c.dead && c.bearer != "": // a token that is shown is believed or refused, never overlooked
		return web.ErrSignIn.Code
	case row.Access.Who() == "public":
		return ""
	case stranger:
		return web.ErrSignIn.Code
	case row.Access.Who() == "roles" && !slices.ContainsFunc(row.Access.Roles, func(r string) bool { return slices.Contains(p.roles, r) }):
		return web.ErrRole.Code
	case c.bearer != "" && !covers(c.scope, row.Access.Scope):
		return web.ErrScope.Code
	}
	return ""
}

// covers reads the scopes as the page of tokens explains them.
func covers(has accounts.Scope, needs string) bool {
	return needs == "" || has == accounts.Admin || string(has) == needs || has == accounts.Write && needs == "read"
}

// TestAccessMatrix asks every route as everybody, for their own record and for
// another's, and holds the answers against what the routes declare.
func TestAccessMatrix(t *testing.T) {
	w := newWorld(t)
	rows := w.h.Web.Matrix()
	for _, row := range rows {
		if _, ok := fixtures[row.Name]; !ok {
			t.Errorf("%s %s (%s) has no row in fixtures: say how it is asked and whose its record is", row.Method, row.Path, row.Name)
		}
	}
	for name := range fixtures {
		if !slices.ContainsFunc(rows, func(r web.Row) bool { return r.Name == name }) {
			t.Errorf("fixtures has a row for %s, which is no route", name)
		}
	}
	if t.Failed() {
		return
	}
	slices.SortStableFunc(rows, func(a, b web.Row) int { // signing out ends the sessions
		return int(index(a.Name == "web.signOut")) - int(index(b.Name == "web.signOut"))
	})
	refused := w.refusals(rows)
	foreign := w.strangers(rows)
	forged := w.forgeries(rows)
	allowed := w.admissions(rows)
	t.Logf("%d routes: %d cells refused, %d on another's record, %d forged, %d let in", len(rows), refused, foreign, forged, allowed)
}

// TestGuestsAreLetInNowhereElse signs a public account in and asks every route.
func TestGuestsAreLetInNowhereElse(t *testing.T) {
	w := newWorld(t)
	guest := person{name: "guest", msp: producers, roles: []string{party.Public}}
	if err := enter(context.Background(), w.h, guest); err != nil {
		t.Fatal(err)
	}
	session, let := credential{cookie: w.login(guest.name)}, 0
	for _, row := range w.h.Web.Matrix() {
		if row.Access.LetsGuests() {
			let++
			continue
		}
		a := w.send(row.Method, fixtures[row.Name].ask(w, w.own), session)
		if a.status != http.StatusForbidden || a.code() != web.ErrRole.Code {
			t.Errorf("%s: a guest is answered %v", row.Name, a)
		}
	}
	a := w.send("GET", call{path: "/"}, session)
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/photos" {
		t.Errorf("a guest is led to %s by %d", a.header.Get("Location"), a.status)
	}
	t.Logf("%d routes let guests in", let)
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

// each visits every person and credential; nobody has none.
func (w *world) each(visit func(p *person, c credential)) {
	visit(nil, credential{name: "nobody"})
	for _, p := range inMatrix {
		for _, c := range w.held[p.name].credentials {
			visit(&p, c)
		}
	}
}

func name(p *person, c credential) string {
	if p == nil {
		return c.name
	}
	return p.name + " by " + c.name
}

// refusals asks what must be refused: it comes first, so that nothing changes.
func (w *world) refusals(rows []web.Row) (cells int) {
	before := w.footprint()
	for _, row := range rows {
		w.each(func(p *person, c credential) {
			want := expected(row, p, c)
			if want == "" {
				return
			}
			cells++
			status := map[string]int{web.ErrSignIn.Code: 401}[want]
			if status == 0 {
				status = 403
			}
			a := w.send(row.Method, fixtures[row.Name].ask(w, w.sideOf(p, w.own)), c)
			if a.status != status || a.code() != want {
				w.Errorf("%s: %s is answered %v, want %d %s", row.Name, name(p, c), a, status, want)
			}
			if after := w.footprint(); after != before {
				w.Errorf("%s: %s was refused and left a mark:\n%s\n%s", row.Name, name(p, c), before, after)
				before = after
			}
			if p == nil && row.Method == "GET" && !strings.HasPrefix(row.Path, "/api/") && !strings.HasPrefix(row.Path, "/epcis/") {
				w.toLogin(row)
			}
		})
	}
	return cells
}

// toLogin expects a browser to be led to the sign-in and back.
func (w *world) toLogin(row web.Row) {
	c := fixtures[row.Name].ask(w, w.own)
	r := w.request("GET", c, credential{})
	r.Header.Set("Accept", "text/html")
	a := send(w, r)
	if want := "/login?next=" + url.QueryEscape(r.URL.RequestURI()); a.status != http.StatusSeeOther || a.header.Get("Location") != want {
		w.Errorf("%s: a browser is sent to %q by %d, want %s", row.Name, a.header.Get("Location"), a.status, want)
	}
}

// sideOf fills in what a person has of their own.
func (w *world) sideOf(p *person, s side) side {
	if p != nil && s.lot == w.own.lot {
		s.token, s.session = w.held[p.name].token, w.held[p.name].session
	}
	return s
}

// strangers asks for another's record whoever may use the route: the record
// decides, and refuses.
func (w *world) strangers(rows []web.Row) (cells int) {
	before := w.footprint()
	for _, row := range rows {
		f := fixtures[row.Name]
		if f.concern == nothing {
			continue
		}
		if !row.Access.Owner {
			w.Errorf("%s has records of its own but is not declared Owned", row.Name)
		}
		w.each(func(p *person, c credential) {
			if p == nil || expected(row, p, c) != "" {
				return
			}
			supervises := !c.dead && slices.Contains(p.roles, party.Regulator) && !slices.Contains(ownOnly, row.Name)
			if supervises && f.concern == rules {
				return // admissions lets the regulator act
			}
			cells++
			a := w.send(row.Method, f.ask(w, w.other), c)
			switch {
			case supervises && f.concern == lists && (a.status >= 400 || !w.other.isIn(a)), supervises && f.concern == reads && a.status >= 400:
				w.Errorf("%s: the regulator is not shown a company's record: %v", row.Name, a)
			case !supervises && f.concern == lists && (a.status >= 400 || w.other.isIn(a)):
				w.Errorf("%s: %s is shown another's record, or nothing: %v", row.Name, name(p, c), a)
			case (!supervises && f.concern == reads || f.concern >= acts) && (a.status < 400 || a.status >= 500):
				w.Errorf("%s: %s is answered %v about another's record", row.Name, name(p, c), a)
			}
			if after := w.footprint(); after != before {
				w.Errorf("%s: %s acted on another's record:\n%s\n%s", row.Name, name(p, c), before, after)
				before = after
			}
		})
	}
	return cells
}

// forgeries sends what another site could send through a visitor's browser.
func (w *world) forgeries(rows []web.Row) (cells int) {
	before := w.footprint()
	for _, row := range rows {
		if !row.CSRF {
			continue
		}
		for _, p := range inMatrix {
			i := slices.IndexFunc(w.held[p.name].credentials, func(c credential) bool { return c.name == "session" })
			c := w.held[p.name].credentials[i]
			if expected(row, &p, c) != "" {
				continue
			}
			for lie, forge := range map[string]func(*http.Request){
				"no token":          func(r *http.Request) { r.Header.Del("X-CSRF-Token") },
				"a guess":           func(r *http.Request) { r.Header.Set("X-CSRF-Token", "guess") },
				"another's token":   func(r *http.Request) { r.Header.Set("X-CSRF-Token", accounts.CSRF("another session")) },
				"from another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
			} {
				cells++
				r := w.request(row.Method, fixtures[row.Name].ask(w, w.sideOf(&p, w.own)), c)
				forge(r)
				if a := send(w, r); a.status != 403 || a.code() != web.ErrForged.Code {
					w.Errorf("%s: %s with %s is answered %v", row.Name, p.name, lie, a)
				}
			}
		}
	}
	if after := w.footprint(); after != before {
		w.Errorf("a forged request left a mark:\n%s\n%s", before, after)
	}
	return cells
}

// admissions asks what is allowed. That some answer is a success proves that
// the refusals above were not for want of a sound request.
func (w *world) admissions(rows []web.Row) (cells int) {
	for _, row := range rows {
		f, proven := fixtures[row.Name], false
		var last answer
		w.each(func(p *person, c credential) {
			if expected(row, p, c) != "" {
				return
			}
			cells++
			a := w.send(row.Method, f.ask(w, w.sideOf(p, w.own)), c)
			if a.status == 401 || slices.Contains(accessRules, a.code()) && !w.contractDecides(row, p, a) {
				w.Errorf("%s: %s is refused by %v", row.Name, name(p, c), a)
			}
			if a.status >= 500 {
				w.Errorf("%s: %s meets a fault: %v", row.Name, name(p, c), a)
			}
			if f.control == 0 && a.status < 400 || a.status == f.control {
				proven = true
			} else {
				last = a
			}
			if p == nil || !slices.Contains(p.roles, party.Regulator) || f.concern != rules {
				return
			}
			if a = w.send(row.Method, f.ask(w, w.other), c); a.status == 401 || slices.Contains(accessRules, a.code()) {
				w.Errorf("%s: the regulator is refused by %v", row.Name, a)
			}
		})
		if !proven {
			w.Errorf("%s: nobody succeeds, so the refusals prove nothing; the last answer: %v", row.Name, last)
		}
	}
	return cells
}

// leftToContract are the routes of machines that leave the role to the
// contract, with the command that they send.
var leftToContract = map[string]string{
	"epcis.events.post": "trace.Capture", "api.shipment.accept": "trace.Capture", "api.shipment.decline": "trace.Decline",
	"api.recall.open": "trace.Recall", "api.recall.release": "trace.Release", "api.recall.acknowledge": "trace.Acknowledge", "api.recall.reconcile": "trace.Reconcile",
	"api.recall.widen": "trace.Widen", "api.recall.narrow": "trace.Narrow", "api.recall.upgrade": "trace.Upgrade", "api.recall.notify": "trace.Notify", "api.recall.check": "trace.CheckConsignee",
	"api.mismatch.settle": "trace.Settle", "api.mismatch.escalate": "trace.Escalate",
}

// contractDecides reports whether the contract was right to refuse: the person
// lacks the command's role, or even the dairy's record is another's to them.
func (w *world) contractDecides(row web.Row, p *person, a answer) bool {
	if p == nil || a.code() != chaincode.ErrRole.Code {
		return false
	}
	f, sends := w.h.Program.Contracts.Function(leftToContract[row.Name])
	lacks := sends && !slices.ContainsFunc(f.Roles, func(r string) bool { return slices.Contains(p.roles, r) })
	return lacks || p.party != dairy && (sends || fixtures[row.Name].concern != nothing)
}

// isIn reports whether an answer names the side's lot, shipment, case or photo.
func (s side) isIn(a answer) bool {
	text := string(a.body)
	return strings.Contains(text, s.mark) || strings.Contains(text, s.shipment) || strings.Contains(text, s.kase) || strings.Contains(text, s.photo)
}

// TestContractsAskForTheRole calls every function of the contracts as
// everybody, past all pages: alone, and inside a batch.
func TestContractsAskForTheRole(t *testing.T) {
	h := open(t, host.Config{Data: filepath.Join(t.TempDir(), "data")})
	defer shut(t, h)
	head, cells := h.Ledger.Head(), 0
	for _, f := range h.Program.Contracts.Functions() {
		for _, p := range inMatrix {
			cells++
			may := len(f.Roles) == 0 || slices.ContainsFunc(f.Roles, func(r string) bool { return slices.Contains(p.roles, r) })
			err := callDirectly(t, h, p, f.Name, f.Query, []byte(`{}`))
			if errors.Is(err, chaincode.ErrRole) == may {
				t.Errorf("%s by %s: %v", f.Name, p.name, err)
			}
			if f.Query || may || f.Name == "chaincode.Batch" {
				continue
			}
			cells++
			batch := fmt.Sprintf(`{"commands":[{"name":%q,"body":{}}]}`, f.Name)
			request := submission(t, h, p, "chaincode.Batch", []byte(batch))
			receipt, err := h.Ledger.Submit(context.Background(), request)
			if (err == nil && !bytes.Contains(receipt.Reply, []byte(chaincode.ErrRole.Code))) || err != nil && !errors.Is(err, chaincode.ErrRole) {
				t.Errorf("%s in a batch by %s: %v %s", f.Name, p.name, err, receipt.Reply)
			}
			head = h.Ledger.Head()
		}
		if f.Name != "chaincode.Batch" && f.Name != "party.List" && h.Ledger.Head() != head {
			t.Errorf("%s moved the ledger", f.Name)
			head = h.Ledger.Head()
		}
	}
	t.Logf("%d cells", cells)
}

func submission(t testing.TB, h *host.Host, p person, name string, body []byte) ledger.Request {
	t.Helper()
	signer, err := h.Wallet.Get(p.msp, p.name)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Request{Signer: signer, Name: name, Body: body, At: h.Now(), Tx: ledger.NewTx(signer)}
}

func callDirectly(t testing.TB, h *host.Host, p person, name string, query bool, body []byte) error {
	t.Helper()
	request := submission(t, h, p, name, body)
	if query {
		request.Orgs = []string{producers} // whose node keeps what the test asks for
		_, err := h.Ledger.Query(context.Background(), request)
		return err
	}
	_, err := h.Ledger.Submit(context.Background(), request)
	return err
}

// common are the functions that keep no company's record from another: what
// they read or do is public among the members.
var common = map[string]string{
	"chaincode.Batch": "each command in it is asked by itself",
	"chaincode.Plan":  "the command in it is asked by itself; it writes nothing and tells organisations only",
	"party.Found":     "once, on an empty ledger", "party.Admit": "a member's own voice",
	"party.Get": "companies are public", "party.List": "companies are public", "party.Members": "members are public",
	"trace.Extend":         "marking on is everybody's",
	"chaincode.Rehearse":   "each command in it is asked by itself; it writes nothing",
	"trace.Demand":         "what a company asks of its own senders",
	"trace.RegisterPhoto":  "whoever brings a photo is who signs; of another's lot anybody may say that it is about it",
	"trace.GetDocuments":   "as trace.GetDocument, for many",
	"trace.GetDocument":    "the record is public on the channel; the facts of a confidential one only its keeper's organisation has, and the contract asks there",
	"trace.RegisterDevice": "a name is one's own, whoever else has it; the thing that the device is bears one's own prefix",
	"trace.GetDevice":      "public on the channel", "trace.GetSeal": "public on the channel",
	"trace.GetPhoto": "the records of photos are public", "trace.AssociationsOf": "public on the channel",
	"trace.LotStatus": "public on the channel", "trace.GetShipment": "public on the channel", "trace.GetCase": "public on the channel",
}

// TestContractsKeepRecordsApart sends every command on another's record
// straight to the ledger, with the user's own signature: the contract refuses
// by itself, whatever the pages do.
func TestContractsKeepRecordsApart(t *testing.T) {
	w := newWorld(t)
	forged := func(e epcis.Event) trace.Capture {
		command, err := events.Capture(e, gs1.Amount{})
		if err != nil {
			t.Fatal(err)
		}
		return command
	}
	o, rival := w.other, place(harbour)
	all := map[string][]struct {
		by      person
		command any
	}{
		"trace.Capture": {
			{operator, forged(events.Logged(place(dairy), w.now(), kilos(lotID(gouda, "FAKE"), 5), ""))},
			{operator, forged(events.Logged(rival, w.now(), kilos(o.lot, 5), ""))},
			{operator, forged(events.Shipped(events.Consignment{From: place(dairy), To: place(market), Goods: []events.Goods{kilos(o.lot, 5)}}, w.now()))},
			{operator, forged(events.Received(events.Arrival{From: rival, To: place(dairy), Goods: []events.Goods{kilos(o.lot, 5)}, Documents: w.documents(o.shipment)}, w.now()))},
			{operator, forged(events.Sold(place(dairy), w.now(), []events.Goods{kilos(o.lot, 5)}))},
			{operator, forged(events.Destroyed(place(dairy), w.now(), []events.Goods{kilos(o.lot, 5)}))},
			{operator, forged(events.Packed(place(dairy), w.now(), "00/"+w.sscc(), []events.Goods{kilos(o.lot, 5)}, nil))},
			{operator, forged(events.Unpacked(place(dairy), w.now(), o.unpacks))},
			{operator, forged(events.Transformed(place(dairy), w.now(), "urn:uuid:6f6c1c4e-51a5-4a6c-8d5a-0c8a4f7be001", []events.Goods{kilos(o.lot, 5)}, []events.Made{{Goods: kilos(lotID(milk, "X"), 5)}})[0])},
		},
		"trace.Decline":         {{operator, trace.Decline{Shipment: o.shipment, Reason: "damaged"}}},
		"trace.CallBack":        {{operator, trace.CallBack{Shipment: o.shipment}}, {shop, trace.CallBack{Shipment: o.shipment}}},
		"trace.Settle":          {{operator, trace.Settle{Shipment: o.shipment, Outcome: trace.OutcomeLost}}, {stranger, trace.Settle{Shipment: w.own.settles, Outcome: trace.OutcomeLost}}},
		"trace.Recall":          {{operator, trace.Recall{ID: "X", Kind: trace.KindRecall, Lots: []string{o.lot}, Reason: "spite"}}, {admin, trace.Recall{ID: "X", Kind: trace.KindMock, Lots: []string{o.lot}, Reason: "spite"}}},
		"trace.Release":         {{operator, trace.Release{Case: o.kase, Reason: "over"}}, {admin, trace.Release{Case: o.kase, Reason: "over"}}},
		"trace.Escalate":        {{operator, trace.Escalate{Shipment: o.settles}}, {banker, trace.Escalate{Shipment: o.settles}}},
		"trace.Widen":           {{operator, trace.Widen{Case: o.kase, Lots: []string{o.more[0]}, Reason: "spite"}}, {admin, trace.Widen{Case: o.kase, Lots: []string{o.more[0]}, Reason: "spite"}}},
		"trace.Narrow":          {{operator, trace.Narrow{Case: o.kase, Lots: []string{o.lot}, Reason: "spite"}}},
		"trace.Upgrade":         {{operator, trace.Upgrade{Case: o.kase, Reason: "spite"}}, {admin, trace.Upgrade{Case: o.kase, Reason: "spite"}}},
		"trace.Notify":          {{operator, trace.Notify{Case: o.kase, Companies: []trace.Concerned{{Party: dairy, Lots: 1}}}}},
		"trace.CheckConsignee":  {{operator, trace.CheckConsignee{Case: o.kase, Party: harbour, Check: trace.Check{Method: "phone", Contacted: true, Result: "acted"}}}},
		"trace.Reconcile":       {{operator, trace.Reconcile{Case: o.kase, Lines: []trace.Booked{{Lot: o.lot, Quarantined: gs1.Whole(1)}}}}},
		"trace.Acknowledge":     {{operator, trace.Acknowledge{Case: o.kase, Found: []trace.Line{{Lot: o.lot, Amount: gs1.Whole(1), Unit: "KGM"}}}}},
		"trace.DescribeProduct": {{operator, trace.DescribeProduct{GTIN: gouda, Name: "Not ours", Unit: "KGM"}}, {admin, trace.DescribeProduct{GTIN: gouda, Name: "Not ours", Unit: "KGM"}}},
		"trace.DescribePlace":   {{operator, trace.DescribePlace{GLN: o.gln, Name: "Not ours", Country: "CN"}}},
		"trace.Warn":            {{operator, trace.Warn{Thing: "01/" + gouda + "/21/1", Reason: "counterfeit"}}, {admin, trace.Warn{Thing: "01/" + gouda + "/21/1", Reason: "counterfeit"}}},
		"trace.AttachDocument": {{operator, trace.AttachDocument{About: o.lot, Sharing: trace.Public, Salt: bytes.Repeat([]byte{1}, 16), Facts: trace.Facts{
			Kind: trace.LabResult, Title: "Not ours", SHA256: strings.Repeat("ab", 32), Type: "application/pdf", Size: 9}}}},
		"trace.WithdrawDocument": {{operator, trace.WithdrawDocument{ID: o.withdraws}}},
		"trace.Calibrate":        {{operator, trace.Calibrate{Device: o.device, Calibration: trace.Calibration{Number: "1", Issuer: "Not ours", On: "2026-01-01", Until: "2027-01-01"}}}},
		"trace.Decommission":     {{operator, trace.Decommission{Device: o.device, Reason: "lost"}}},
		"trace.Seal":             {{operator, trace.Seal{Windows: []trace.Window{{Device: o.device, From: w.now().Truncate(time.Hour).Add(-time.Hour), To: w.now().Truncate(time.Hour), Part: 1, Count: 1, Root: strings.Repeat("ab", 32)}}}}},
		"trace.ExplainExcursion": {{operator, trace.ExplainExcursion{Event: o.hot, Cause: "door", Measure: "none"}}},
		"trace.Unwarn":           {{operator, trace.Unwarn{Thing: "01/" + gouda + "/21/1"}}},
		"trace.Link":             {{operator, trace.Link{Key: "01/" + gouda, Type: "gs1:pip", Href: "https://dairy.example/", Title: "Not ours"}}},
		"trace.Unlink":           {{operator, trace.Unlink{Key: "01/" + gouda, ID: "00"}}},
		"trace.GetEvent":         {{banker, trace.GetEvent{Hash: o.private, Keeper: producers}}, {operator, trace.GetEvent{Hash: o.private}}},
		"party.Register":         {{admin, company("mine", party.KindCarrier, "", "")}, {member, company("judge", party.KindRegulator, "", "")}},
		"party.Change":           {{admin, party.Change{ID: harbour, Profile: party.Profile{Name: "Mine", Kinds: []string{party.KindProcessor}}}}, {member, party.Change{ID: bank, Profile: party.Profile{Name: "Mine", Kinds: []string{party.KindBank}}}}},
		"party.Suspend":          {{admin, party.Suspend{ID: harbour, Reason: "spite"}}, {member, party.Suspend{ID: bank, Reason: "spite"}}},
		"party.Reinstate":        {{admin, party.Reinstate{ID: harbour}}, {member, party.Reinstate{ID: bank}}},
	}
	for _, f := range w.h.Program.Contracts.Functions() {
		if len(all[f.Name]) == 0 && common[f.Name] == "" {
			t.Errorf("%s: say what it does to another's record, or why that is nobody's", f.Name)
		}
	}
	before := w.footprint()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f, _ := w.h.Program.Contracts.Function(name)
		for i, attempt := range all[name] {
			body, err := json.Marshal(attempt.command)
			if err != nil {
				t.Fatal(err)
			}
			var no *chaincode.Refusal
			if err := callDirectly(t, w.h, attempt.by, name, f.Query, body); !errors.As(err, &no) {
				t.Errorf("%s %d by %s: %v", name, i, attempt.by.name, err)
			} else {
				t.Logf("%s %d by %s: %s", name, i, attempt.by.name, no.Code)
			}
		}
	}
	if after := w.footprint(); after != before {
		t.Errorf("something was written:\n%s\n%s", before, after)
	}
}
