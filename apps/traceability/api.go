package traceability

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) apiRoutes() []web.Route {
	own := web.AnyUser.Owned()
	return []web.Route{
		{Method: "GET", Path: "/api/lots", Name: "api.lots", Access: own, Handler: a.apiLots, Doc: &web.Doc{
			Summary: "The lots up and down your chain.", List: true, States: lotStates, Reply: lotReply{}}},
		{Method: "GET", Path: "/api/lots/*", Name: "api.lot", Access: own, Handler: a.apiLot, Doc: &web.Doc{
			Summary: "One lot, by its id such as 01/09506000134352/10/L1, with who holds it; with /trace behind the id, its whole trace, also as .csv, .xlsx and .pdf; with /bundle, its proof bundle (ZIP).",
			Reply:   lotReply{}, Query: []web.Param{knownParam}}},
		{Method: "GET", Path: "/api/shipments", Name: "api.shipments", Access: own, Handler: a.apiShipments, Doc: &web.Doc{
			Summary: "The shipments that you send, receive or carry, the newest first.", List: true, States: shipmentStates, Reply: shipmentReply{}}},
		{Method: "GET", Path: "/api/shipments/:id", Name: "api.shipment", Access: own, Handler: a.apiShipment, Doc: &web.Doc{
			Summary: "One shipment.", Reply: shipmentReply{}}},
		{Method: "POST", Path: "/api/shipments/:id/accept", Name: "api.shipment.accept", Access: own, Handler: a.apiAccept, Doc: &web.Doc{
			Summary: "Accept a shipment; without lines and packs, all of it. It is shared as the shipment is, unless the header Tallyway-Sharing says otherwise.", Body: acceptance{}, Reply: committed[trace.Outcome]{}}},
		{Method: "POST", Path: "/api/shipments/:id/decline", Name: "api.shipment.decline", Access: own, Handler: a.apiDecline, Doc: &web.Doc{
			Summary: "Give a shipment back to its sender.", Body: reasonBody{}, Reply: committed[trace.ShipmentState]{}}},
		{Method: "GET", Path: "/api/recalls", Name: "api.recalls", Access: own, Handler: a.apiRecalls, Doc: &web.Doc{
			Summary: "Recalls, holds and mock recalls that concern you, the newest first.", List: true, States: caseStates, Reply: recallReply{}}},
		{Method: "POST", Path: "/api/recalls", Name: "api.recall.open", Access: own, Handler: a.apiRecall, Doc: &web.Doc{
			Summary: "Recall lots, put them on hold, or try a recall; everything made of them is blocked as well.",
			Body:    trace.Recall{}, Reply: committed[trace.CaseState]{}, Status: http.StatusCreated}},
		{Method: "GET", Path: "/api/recalls/:id", Name: "api.recall", Access: own, Handler: a.apiShowRecall, Doc: &web.Doc{
			Summary: "One case with its lots.", Reply: recallReply{}, Query: []web.Param{knownParam}}},
		{Method: "POST", Path: "/api/recalls/:id/release", Name: "api.recall.release", Access: own, Handler: a.apiRelease, Doc: &web.Doc{
			Summary: "Close a case: it blocks nothing any more. A recall of which not all is accounted for needs the reason why not.", Body: releaseBody{}, Reply: committed[trace.CaseState]{}}},
		{Method: "GET", Path: "/api/trace/*", Name: "api.trace", Access: own, Handler: a.apiTrace, Doc: &web.Doc{
			Summary: "What a lot was made of and what was made of it.", Reply: traceReply{},
			Query: []web.Param{{Name: "direction", Summary: "back, forward or both (the default)"},
				{Name: "depth", Summary: "steps at most; all by default"}, knownParam}}},
		{Method: "GET", Path: "/api/transactions/:id", Name: "api.transaction", Access: web.AnyUser, Handler: a.apiTransaction, Doc: &web.Doc{
			Summary: "What became of a transaction.", Reply: transactionReply{}}},
		{Method: "POST", Path: "/api/commands/:name", Name: "api.command", Access: web.AnyUser, Handler: a.apiCommand, Doc: &web.Doc{
			Summary: "Run one command of the contracts by its name; the contract decides whether you may.",
			Body:    json.RawMessage{}, Reply: committed[json.RawMessage]{}}},
	}
}

// knownParam asks for the ledger's knowledge of a time.
var knownParam = web.Param{Name: "knownAt", Summary: "what the ledger knew at that time (RFC 3339); now by default"}

// committed is the answer to a write: where it stands, if there was anything to
// write, and what the contract replied.
type committed[R any] struct {
	Tx    string `json:"tx,omitempty"`
	Block uint64 `json:"block,omitempty"`
	Reply R      `json:"reply"`
}

// apiDo submits a command and answers with its reply.
func apiDo[R any](a *app, c *web.Ctx, status int, command any) error {
	reply, receipt, err := host.Do[R](c.Context(), a.host, host.ActorOf(c.User()), command)
	if err != nil {
		return err
	}
	return c.JSON(status, committed[R]{receipt.TxID, receipt.Block, reply})
}

// apiList reads what is asked of a list of the API.
func apiList(c *web.Ctx, states []string) web.List {
	var options []web.Option
	for _, s := range states {
		options = append(options, web.Option{Value: s})
	}
	return c.List(web.ListOptions{Filters: []web.Filter{{Name: "state", Options: options}}})
}

// apiPage cuts a list at its limit; id tells after which record the next page
// begins.
func apiPage[T any](c *web.Ctx, items []T, limit int, id func(T) string) error {
	page := web.Page[T]{Items: items}
	if len(items) > limit {
		page.Items = items[:limit]
		page.Next = id(items[limit-1])
	}
	if page.Items == nil {
		page.Items = []T{}
	}
	return c.JSON(http.StatusOK, page)
}

// lotReply is a lot with who has and had what of it.
type lotReply struct {
	lotRow
	Holdings []holdingReply `json:"holdings,omitempty"`
}

type holdingReply struct {
	Party     string `json:"party" db:"party"`
	Held      string `json:"held" db:"held"`
	Packed    string `json:"packed" db:"packed"`
	Sent      string `json:"sent" db:"sent"`
	Used      string `json:"used" db:"used"`
	Sold      string `json:"sold" db:"sold"`
	Destroyed string `json:"destroyed" db:"destroyed"`
	Gone      string `json:"gone" db:"gone"`
	Lost      string `json:"lost" db:"lost"`
}

// lotStates narrow the list of lots: free to move, on hold, recalled.
var lotStates = []string{"free", "hold", "recall"}

func (a *app) apiLots(c *web.Ctx) error {
	list := apiList(c, lotStates)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	blocked, narrowed := strings.TrimPrefix(list.Get("state"), "free"), list.Get("state") != ""
	var items []lotReply
	for after := list.After; len(items) <= list.Limit; {
		ids, err := r.lotsAfter(after, list.Limit+1)
		if err != nil {
			return err
		}
		some, err := a.lotsOf(r, ids, asOf{})
		if err != nil {
			return err
		}
		near, err := r.near(ids...)
		if err != nil {
			return err
		}
		for _, l := range some {
			l.Made = near.made(l.lotRow, 1) // a list reads no accounts: some may be withheld
			if !narrowed || l.Blocked == blocked {
				items = append(items, l)
			}
		}
		if len(ids) <= list.Limit {
			break
		}
		after = ids[len(ids)-1]
	}
	return apiPage(c, items, list.Limit, func(l lotReply) string { return l.ID })
}

// lotsOf reads lots by their ids, which are sorted. A chain may name lots that
// the ledger keeps no account of: those are left out.
func (a *app) lotsOf(r *reader, ids []string, known asOf) (lots []lotReply, err error) {
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		table, args := known.lots(args)
		rows, err := readmodel.All[lotReply](r.ctx, a.db, `SELECT `+lotColumns+` FROM `+table+` l WHERE l.id IN `+list+` ORDER BY l.id`, args...)
		if err != nil {
			return nil, err
		}
		lots = append(lots, rows...)
	}
	return lots, nil
}

func (a *app) apiLot(c *web.Ctx) error {
	lot, suffix, err := a.asked(c, "/api/lots/", append([]string{"/bundle", "/exposure", "/exposure.pdf", "/exposure.xlsx", "/exposure/proof"}, lotSuffixes...)...)
	if err != nil {
		return err
	}
	switch suffix {
	case "":
	case "/bundle":
		return a.bundleOfLot(c, lot)
	case "/exposure":
		return a.apiExposure(c, lot)
	case "/exposure.pdf", "/exposure.xlsx":
		return a.exposureReport(c, lot, strings.TrimPrefix(suffix, "/exposure."))
	case "/exposure/proof":
		return a.apiExposureProof(c, lot)
	default:
		return a.apiTraceOf(c, lot, suffix)
	}
	known, err := askedMoment(c)
	if err != nil {
		return err
	}
	if lot, err = a.lotThen(c.Context(), lot, known); err != nil {
		return err
	}
	l := lotReply{lotRow: lot}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	near, err := r.near(lot.ID)
	if err != nil {
		return err
	}
	table, args := known.accounts([]any{lot.ID})
	holdings, err := readmodel.All[holdingReply](c.Context(), a.db, `SELECT a.party, a.held, a.packed, a.sent, a.used, a.sold, a.destroyed, a.gone, a.lost
		FROM `+table+` a WHERE a.lot = $1 ORDER BY a.party`, args...)
	if err != nil {
		return err
	}
	for _, h := range holdings {
		if near.sees(lot.ID, h.Party) {
			l.Holdings = append(l.Holdings, h)
		}
	}
	l.Made = near.made(lot, len(holdings)-len(l.Holdings))
	return c.JSON(http.StatusOK, l)
}

// shipmentReply is a shipment with what is in it.
type shipmentReply struct {
	shipment
	Lines []shipmentLine `json:"lines,omitempty"`
	Packs []string       `json:"packs,omitempty"`
}

var shipmentStates = []string{trace.Offered, trace.Accepted, trace.Declined, trace.Cancelled, trace.Departed}

func (a *app) apiShipments(c *web.Ctx) error {
	list := apiList(c, shipmentStates)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	query, args := `SELECT `+shipmentColumns+` FROM tr_shipments WHERE state LIKE $1`, []any{orAny(list.Get("state"))}
	if !r.all {
		query, args = query+` AND $2 <> '' AND (sender = $2 OR receiver = $2 OR carrier = $2)`, append(args, r.user.Party)
	}
	items, err := newest[shipmentReply](r, query, "tr_shipments", list, args)
	if err != nil {
		return err
	}
	return apiPage(c, items, list.Limit, func(s shipmentReply) string { return s.ID })
}

// orAny is a filter's choice, or the pattern that fits all.
func orAny(choice string) string {
	if choice == "" {
		return "%"
	}
	return choice
}

// newest reads one more record than a page holds, from the newest on, after
// the one that the page before ended with.
func newest[T any](r *reader, query, table string, list web.List, args []any) ([]T, error) {
	if list.After != "" {
		n := len(args) + 1
		query += fmt.Sprintf(` AND EXISTS (SELECT 1 FROM %[1]s AS last WHERE last.id = $%[2]d
			AND (%[1]s.at < last.at OR %[1]s.at = last.at AND %[1]s.id < last.id))`, table, n)
		args = append(args, list.After)
	}
	return readmodel.All[T](r.ctx, r.app.db, query+` ORDER BY at DESC, id DESC LIMIT `+strconv.Itoa(list.Limit+1), args...)
}

func (a *app) apiShipment(c *web.Ctx) error {
	s, err := a.shipment(c)
	if err != nil {
		return err
	}
	reply := shipmentReply{shipment: s}
	if reply.Lines, err = a.shipmentLines(c.Context(), s.ID); err != nil {
		return err
	}
	packs, err := a.shipmentPacks(c.Context(), s.ID)
	if err != nil {
		return err
	}
	for _, p := range packs {
		reply.Packs = append(reply.Packs, p.Pack)
	}
	return c.JSON(http.StatusOK, reply)
}

// acceptance says what arrived, where that is not all that was shipped.
type acceptance struct {
	At          time.Time    `json:"at,omitzero"` // now by default
	Lines       []trace.Line `json:"lines,omitempty"`
	Packs       []string     `json:"packs,omitempty"`
	Disposition string       `json:"disposition,omitempty"` // "in_progress" by default; "recalled" for goods kept apart
}

func (a *app) apiAccept(c *web.Ctx) error {
	var in acceptance
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	s, err := a.shipment(c)
	if err != nil {
		return err
	}
	if s.Receiver != c.User().Party {
		return trace.ErrNotAddressed.Refuse("shipment %s goes to %s", s.ID, s.Receiver)
	}
	if s.State != trace.Offered {
		return trace.ErrShipmentDone.Refuse("%s is %s", s.ID, s.State)
	}
	if in.At.IsZero() {
		in.At = a.host.Now().UTC()
	}
	e, err := a.receiving(c, s, in)
	if err != nil {
		return err
	}
	command, err := events.Capture(e, gs1.Amount{})
	if err != nil {
		return trace.ErrEvent.Refuse("%s", err)
	}
	share := sharingOf(c.Request().Header)
	if share.Sharing == "" {
		who, err := a.likewise(c.Context(), s)
		if err != nil {
			return err
		}
		if share, err = who.sharing(); err != nil {
			return err
		}
	}
	return apiDo[trace.Outcome](a, c, http.StatusOK, share.capture(command.Event))
}

// receiving is the event of an acceptance: of what it names, or else of
// everything that was shipped.
func (a *app) receiving(c *web.Ctx, s shipment, in acceptance) (e epcis.Event, err error) {
	arrived := events.Arrival{Shipment: s.ID, Documents: strings.Fields(s.Documents), Packs: in.Packs}
	for _, l := range in.Lines {
		arrived.Goods = append(arrived.Goods, events.Goods{Lot: l.Lot, Amount: l.Amount, Unit: l.Unit})
	}
	if len(in.Lines)+len(in.Packs) == 0 {
		if arrived.Goods, arrived.Packs, err = a.everything(c.Context(), s.ID); err != nil {
			return e, err
		}
	}
	if arrived.From, err = a.company(c.Context(), s.Sender); err != nil {
		return e, err
	}
	if arrived.To, err = a.company(c.Context(), s.Receiver); err != nil {
		return e, err
	}
	e = events.Received(arrived, in.At)
	if in.Disposition != "" {
		e.Disposition = in.Disposition
	}
	return e, nil
}

// reasonBody is why something is declined or released.
type reasonBody struct {
	Reason string `json:"reason"`
}

// releaseBody is why a case is closed.
type releaseBody struct {
	Reason       string `json:"reason"`
	Unreconciled string `json:"unreconciled,omitempty"`
}

func (a *app) apiDecline(c *web.Ctx) error {
	var in reasonBody
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	if _, err := a.shipment(c); err != nil {
		return err
	}
	return apiDo[trace.ShipmentState](a, c, http.StatusOK, trace.Decline{Shipment: idOf(c), Reason: in.Reason})
}

// recallReply is a case with those of its lots that the reader may see.
type recallReply struct {
	kase
	caseTerms
	Lots     []string     `json:"lots,omitempty"`
	Notices  []noticeRow  `json:"notices,omitempty"`  // all of them for who leads the case, else your own
	Bookings []bookingRow `json:"bookings,omitempty"` // likewise
}

var caseStates = []string{trace.CaseOpen, trace.CaseOver}

func (a *app) apiRecalls(c *web.Ctx) error {
	list := apiList(c, caseStates)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	var items []recallReply
	for at := list; ; {
		some, err := newest[kase](r, `SELECT `+caseColumns+` FROM tr_cases WHERE state LIKE $1`, "tr_cases", at, []any{orAny(at.Get("state"))})
		if err != nil {
			return err
		}
		for _, k := range some {
			lots, err := a.caseLots(r, k)
			if err != nil {
				return err
			}
			if len(lots) > 0 || r.leads(k) {
				items = append(items, recallReply{kase: k})
			}
		}
		if len(some) <= list.Limit || len(items) > list.Limit {
			return apiPage(c, items, list.Limit, func(k recallReply) string { return k.ID })
		}
		at.After = some[len(some)-1].ID
	}
}

func (a *app) apiRecall(c *web.Ctx) error {
	var in trace.Recall
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	state, receipt, err := host.Do[trace.CaseState](c.Context(), a.host, host.ActorOf(c.User()), in)
	if err != nil {
		return err
	}
	if state, err = a.extend(c, state); err != nil {
		return err
	}
	if err := a.notifyAll(c, state.Case); err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/recalls/"+url.PathEscape(in.ID))
	return c.JSON(http.StatusCreated, committed[trace.CaseState]{receipt.TxID, receipt.Block, state})
}

func (a *app) apiShowRecall(c *web.Ctx) error {
	k, err := a.kaseThen(c)
	if err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	lots, err := a.caseLots(r, k)
	if err != nil {
		return err
	}
	if len(lots) == 0 && !r.leads(k) {
		return trace.ErrNoCase.Refuse("%s", k.ID)
	}
	reply := recallReply{kase: k, Lots: lots}
	if reply.caseTerms, err = a.terms(c.Context(), k.ID); err != nil {
		return err
	}
	if reply.Notices, err = a.notices(r, k); err != nil {
		return err
	}
	if reply.Bookings, err = a.bookings(r, k); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, reply)
}

func (a *app) apiRelease(c *web.Ctx) error {
	var in releaseBody
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	return apiDo[trace.CaseState](a, c, http.StatusOK, trace.Release{Case: idOf(c), Reason: in.Reason, Unreconciled: in.Unreconciled})
}

// traceReply is a lot's lineage as far as the reader may see it.
type traceReply struct {
	Lot   string      `json:"lot"`
	Nodes []traceNode `json:"nodes"`
	Edges []traceEdge `json:"edges"`
	Cut   bool        `json:"cut"` // there is more than one answer holds
}

// traceNode is a lot of the lineage: depth steps back (negative) or forward.
type traceNode struct {
	Lot     string `json:"lot"`
	Depth   int    `json:"depth"`
	Maker   string `json:"maker,omitempty"`
	Blocked string `json:"blocked,omitempty"`
}

type traceEdge struct {
	From string `json:"from"`
	To   string `json:"to"`
}

var errDirection = chaincode.Rule{Code: "api/direction", Kind: chaincode.Malformed,
	Text: "A lot is traced back, forward or both ways.", Remedy: "Send direction=back, forward or both."}

func (a *app) apiTrace(c *web.Ctx) error {
	ways := map[string][]lineage.Direction{"back": {lineage.Back}, "forward": {lineage.Forward}, "both": {lineage.Back, lineage.Forward}, "": {lineage.Back, lineage.Forward}}
	direction := c.QueryParam("direction")
	if ways[direction] == nil {
		return errDirection.Refuse("%s", direction).On("direction")
	}
	lot, _, err := a.asked(c, "/api/trace/")
	if err != nil {
		return err
	}
	asked, err := askedTrace(c)
	if err != nil {
		return err
	}
	if lot, err = a.lotThen(c.Context(), lot, asked.known); err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	reply := traceReply{Lot: lot.ID, Nodes: []traceNode{}, Edges: []traceEdge{}}
	for _, way := range ways[direction] {
		walk, err := a.walk(c.Context(), asked.known, way, mostTraced, asked.depth, lot.ID)
		if err != nil {
			return err
		}
		if err := reply.add(r, walk, way, asked.known); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, reply)
}

// add takes over a walk, without what the reader may not see.
func (t *traceReply) add(r *reader, w lineage.Walk, way lineage.Direction, known asOf) error {
	sign := 1
	if way == lineage.Back {
		sign = -1
	}
	var ids []string
	depth := map[string]int{}
	for _, n := range w.Nodes {
		if r.reads(n.Name) {
			ids = append(ids, n.Name)
			depth[n.Name] = sign * n.Depth
		}
	}
	slices.Sort(ids)
	lots, err := r.app.lotsOf(r, ids, known)
	if err != nil {
		return err
	}
	for _, l := range lots {
		if depth[l.ID] != 0 || !slices.ContainsFunc(t.Nodes, func(n traceNode) bool { return n.Lot == l.ID }) {
			t.Nodes = append(t.Nodes, traceNode{l.ID, depth[l.ID], l.Maker, l.Blocked})
		}
	}
	for _, e := range w.Edges {
		_, from := depth[e.From]
		_, to := depth[e.To]
		if from && to {
			t.Edges = append(t.Edges, traceEdge{e.From, e.To})
		}
	}
	t.Cut = t.Cut || w.Cut
	return nil
}

// transactionReply is what became of a transaction.
type transactionReply struct {
	Tx    string     `json:"tx"`
	State string     `json:"state"` // "committed", "invalid" or "unknown"
	Block uint64     `json:"block,omitempty"`
	Index int        `json:"index,omitempty"`
	At    *time.Time `json:"at,omitempty"`
}

var errNoTransaction = chaincode.Rule{Code: "api/no-transaction", Kind: chaincode.NotFound,
	Text: "The ledger has no such transaction.", Remedy: "Check the id. If the request was sent a moment ago, ask again."}

func (a *app) apiTransaction(c *web.Ctx) error {
	id := idOf(c)
	receipt, err := a.host.Ledger.Outcome(c.Context(), id)
	reply := transactionReply{Tx: id, State: "committed", Block: receipt.Block, Index: receipt.Index, At: &receipt.At}
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return errNoTransaction.Refuse("%s", id)
	case errors.Is(err, ledger.ErrInvalid):
		reply = transactionReply{Tx: id, State: "invalid", Block: receipt.Block, Index: receipt.Index}
	case errors.As(err, new(*ledger.Unknown)):
		reply = transactionReply{Tx: id, State: "unknown"}
	case err != nil:
		return err
	}
	return c.JSON(http.StatusOK, reply)
}

// apiCommand runs any command. Queries are not for this door: what a reader
// may see, the pages and lists decide.
func (a *app) apiCommand(c *web.Ctx) error {
	name := c.Param("name")
	f, known := a.host.Program.Contracts.Function(name)
	if !known || f.Query {
		return chaincode.ErrUnknownFunction.Refuse("%s", name)
	}
	var body json.RawMessage
	if err := c.ReadJSON(&body); err != nil {
		return err
	}
	receipt, err := a.host.Run(c.Context(), host.ActorOf(c.User()), name, body)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, committed[json.RawMessage]{receipt.TxID, receipt.Block, receipt.Reply})
}
