package traceability

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// deed is one event of a lot's history as the tables have it.
type deed struct {
	Hash     string     `db:"hash"`
	Type     string     `db:"type"`
	Author   string     `db:"author"`
	Member   string     `db:"member"` // the author's
	User     string     `db:"by_user"`
	At       time.Time  `db:"at"`
	Zone     string     `db:"zone"`
	Captured time.Time  `db:"captured"`
	Action   string     `db:"action"`
	Step     string     `db:"biz_step"`
	State    string     `db:"disposition"`
	Read     string     `db:"read_point"`
	Place    string     `db:"place"`
	Sharing  string     `db:"sharing"`
	Body     string     `db:"body"`
	Flags    string     `db:"flags"`
	Shipment string     `db:"shipment"`
	Error    string     `db:"error"`
	ErrorAt  *time.Time `db:"error_at"`
	Block    int64      `db:"block"`
	Tx       string     `db:"tx"`
}

const deedColumns = `e.hash, e.type, e.author, COALESCE((SELECT member FROM tr_parties WHERE id = e.author), '') AS member, e.by_user, e.at, e.zone, e.captured, e.action, e.biz_step, e.disposition, e.read_point,
	e.place, e.sharing, e.body, e.flags, e.shipment, e.error, e.error_at, e.block, e.tx`

// where is the place that the event names.
func (d deed) where() string {
	if d.Place != "" {
		return d.Place
	}
	return d.Read
}

// passage is what a shipment says of one lot.
type passage struct {
	Shipment string     `db:"shipment"`
	Sender   string     `db:"sender"`
	Receiver string     `db:"receiver"`
	State    string     `db:"state"`
	At       time.Time  `db:"at"`
	Event    string     `db:"event"`
	Answer   string     `db:"answer"`
	Answered *time.Time `db:"answered"`
	Reason   string     `db:"reason"`
	Block    int64      `db:"block"`
	Amount   string     `db:"amount"`
	Unit     string     `db:"unit"`
	Received string     `db:"received"`
}

// incident is a case that a lot belongs to.
type incident struct {
	ID       string     `db:"id"`
	Kind     string     `db:"kind"`
	Reason   string     `db:"reason"`
	Author   string     `db:"author"`
	Member   string     `db:"member"` // the author's
	At       time.Time  `db:"at"`
	State    string     `db:"state"`
	Closed   *time.Time `db:"closed"`
	ClosedBy string     `db:"closed_by"`
	Closing  string     `db:"closing"`
	Named    bool       `db:"named"`
	Block    int64      `db:"block"`
	Tx       string     `db:"tx"`
}

// entry is one sentence of a history.
type entry struct {
	Text   string    `json:"text"`
	Where  string    `json:"where,omitempty"`
	By     string    `json:"by,omitempty"`
	At     time.Time `json:"at"`
	Tone   string    `json:"-"`
	Block  int64     `json:"block,omitempty"`
	Tx     string    `json:"tx,omitempty"`
	Href   string    `json:"href,omitempty"`
	Struck string    `json:"declaredError,omitempty"` // why it was declared an error
}

// mostDeeds bounds a page: what is older is left to the sheet.
const mostDeeds = 400

// history is everything that the ledger tells of a lot, the latest first.
func (a *app) history(c *web.Ctx, lot lotRow, n *names, known asOf) ([]entry, error) {
	passages, err := a.passages(c.Context(), lot.ID, known)
	if err != nil {
		return nil, err
	}
	deeds, err := a.deeds(c.Context(), lot.ID, passages, known)
	if err != nil {
		return nil, err
	}
	cases, err := a.incidents(c.Context(), lot.ID, known)
	if err != nil {
		return nil, err
	}
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	s := teller{lot, n, c.T, passages}
	var all []entry
	for _, d := range deeds {
		hears, err := r.hears(d)
		if err != nil {
			return nil, err
		}
		if !hears { // that something happened is on the ledger for all to see
			all = append(all, entry{Text: c.T("Something that is not shared with you was recorded"), At: d.At, Tone: web.Idle, Block: d.Block, Tx: d.Tx})
			continue
		}
		all = append(all, s.deed(d))
	}
	for _, p := range passages {
		if !r.all && r.user.Party != p.Sender && r.user.Party != p.Receiver && s.silent(p.Event, deeds) {
			continue
		}
		all = append(all, s.unanswered(p)...)
	}
	for _, i := range cases {
		all = append(all, s.incident(i)...)
	}
	slices.SortStableFunc(all, func(x, y entry) int { return y.At.Compare(x.At) })
	return all, nil
}

func (a *app) deeds(ctx context.Context, lot string, passages []passage, known asOf) ([]deed, error) {
	hashes := []string{}
	for _, p := range passages {
		hashes = append(hashes, p.Event)
		if p.Answer != "" {
			hashes = append(hashes, p.Answer)
		}
	}
	hashes = hashes[:min(len(hashes), mostDeeds)]
	list, args := inList(2, append(hashes, ""))
	captured, args := known.table(`1 = 1`, `e.captured <= $then`, append([]any{lot}, args...))
	all, err := readmodel.All[deed](ctx, a.db, `SELECT `+deedColumns+` FROM tr_events e
		WHERE (e.hash IN (SELECT hash FROM tr_named WHERE thing = $1) OR e.hash IN `+list+`) AND `+captured+`
		ORDER BY e.at DESC, e.block DESC LIMIT `+itoa(mostDeeds), args...)
	if err != nil || known.IsZero() {
		return all, err
	}
	later, err := a.retractedAfter(ctx, known, all)
	for i, d := range all {
		if later[d.Hash] {
			all[i].Error, all[i].ErrorAt = "", nil
		}
	}
	return all, err
}

func (a *app) passages(ctx context.Context, lot string, known asOf) ([]passage, error) {
	table, args := known.shipments([]any{lot})
	all, err := readmodel.All[passage](ctx, a.db, `SELECT l.shipment, s.sender, s.receiver, s.state, s.at, s.event, s.answer, s.answered, s.reason, s.block,
		l.amount, l.unit, l.received FROM tr_shipment_lines l JOIN `+table+` s ON s.id = l.shipment WHERE l.lot = $1 ORDER BY s.at DESC LIMIT `+itoa(mostDeeds), args...)
	for i, p := range all {
		if p.State == trace.Offered {
			all[i].Received = "" // nobody had said what arrived
		}
	}
	return all, err
}

func (a *app) incidents(ctx context.Context, lot string, known asOf) ([]incident, error) {
	marked, args := known.table(`1 = 1`, `EXISTS (SELECT 1 FROM tr_case_lots_then t WHERE t.kase = c.id AND t.lot = l.lot AND t.since <= $then AND (t.until IS NULL OR t.until > $then))`, []any{lot})
	all, err := readmodel.All[incident](ctx, a.db, `SELECT c.id, c.kind, c.reason, c.author, c.at, c.state, c.closed, c.closed_by, c.closing, l.named, c.block, c.tx
		FROM tr_case_lots l JOIN tr_cases c ON c.id = l.kase WHERE l.lot = $1 AND `+marked+` ORDER BY c.at DESC`, args...)
	for i, x := range all {
		if !known.IsZero() && x.Closed != nil && x.Closed.After(known.Time) {
			all[i].State, all[i].Closed, all[i].ClosedBy, all[i].Closing = trace.CaseOpen, nil, "", ""
		}
	}
	return all, err
}

// teller says what happened to one lot.
type teller struct {
	lot      lotRow
	names    *names
	say      func(text string, facts ...any) string
	passages []passage
}

// silent reports whether a hand-over's event is one that is not for all of the
// chain: then neither is what became of it.
func (s teller) silent(hash string, deeds []deed) bool {
	return slices.ContainsFunc(deeds, func(d deed) bool { return d.Hash == hash && d.Sharing != trace.Linked && d.Sharing != trace.Public })
}

func (s teller) deed(d deed) entry {
	e := entry{By: d.User, At: d.At, Block: d.Block, Tx: d.Tx, Href: eventHref(d.Hash), Where: s.place(d.where())}
	e.Text, e.Tone = s.sentence(d)
	if d.Error != "" {
		e.Tone, e.Struck = web.Idle, s.say(errorWord(d.Error))
	}
	return e
}

func (s teller) place(gln string) string {
	if gln == "" {
		return ""
	}
	name, city := s.names.Place(gln), s.names.City(gln)
	if city == "" || name == city {
		return name
	}
	return name + ", " + city
}

// sentence says what one event did with the lot, and in what tone.
func (s teller) sentence(d deed) (string, string) {
	who := s.names.Party(d.Author)
	for _, p := range s.passages {
		switch d.Hash {
		case p.Event:
			return s.shipped(p)
		case p.Answer:
			return s.accepted(p)
		}
	}
	parts := s.parts(d)
	mine := parts.of("object", s.lot.ID)
	switch {
	case d.Type == epcis.TransformationEvent:
		return s.transformed(d, parts), web.Good
	case d.Type == epcis.AggregationEvent && d.Action == epcis.Add:
		return s.amount("%s packed %s", "%s packed it", who, parts.of("child", s.lot.ID)) + s.into(parts.parent), web.Good
	case d.Type == epcis.AggregationEvent && d.Action == epcis.Delete:
		return s.amount("%s unpacked %s", "%s unpacked it", who, parts.of("child", s.lot.ID)), web.Good
	case d.Type == epcis.ObjectEvent && d.Action == epcis.Add:
		return s.amount("%s logged %s", "%s logged it", who, mine), web.Good
	}
	for _, v := range verbs {
		if v.step == d.Step {
			return s.amount(v.with, v.without, who, mine), v.tone
		}
	}
	if d.Step == "" {
		return s.say("%s reported on it", who), web.Idle
	}
	return s.say("%s reported: %s", who, s.say(stepWord(d.Step))), web.Idle
}

// verbs are the steps that move goods without a second company.
var verbs = []struct{ step, with, without, tone string }{
	{"receiving", "%s took in %s", "%s took it in", web.Good},
	{"shipping", "%s moved %s to another place of its own", "%s moved it to another place of its own", web.Good},
	{"retail_selling", "%s sold %s", "%s sold it", web.Good},
	{"destroying", "%s destroyed %s", "%s destroyed it", web.Warn},
	{"decommissioning", "%s took %s out of use", "%s took it out of use", web.Warn},
	{"consuming", "%s used up %s", "%s used it up", web.Good},
	{"inspecting", "%s inspected %s", "%s inspected it", web.Good},
	{"sampling", "%s took a sample of %s", "%s took a sample of it", web.Good},
	{"storing", "%s stored %s", "%s stored it", web.Good},
	{"holding", "%s put %s apart", "%s put it apart", web.Warn},
	{"sensor_reporting", "%s measured %s", "%s measured it", web.Busy},
}

// stepWord is a CBV business step in words.
func stepWord(step string) string {
	if i := strings.LastIndexAny(step, "/:"); i >= 0 {
		step = step[i+1:]
	}
	return strings.ReplaceAll(step, "_", " ")
}

func errorWord(reason string) string {
	switch reason {
	case "incorrect_data":
		return "some of it was wrong"
	case "did_not_occur":
		return "it did not happen"
	}
	return stepWord(reason)
}

func (s teller) amount(with, without, who, quantity string) string {
	if quantity == "" {
		return s.say(without, who)
	}
	return s.say(with, who, quantity)
}

func (s teller) into(pack string) string {
	if pack == "" {
		return ""
	}
	return s.say(" into %s", packTitle(pack))
}

func (s teller) shipped(p passage) (string, string) {
	sender, quantity := s.names.Party(p.Sender), s.names.Quantity(p.Amount, p.Unit)
	if p.Receiver == "" {
		return s.say("%s shipped %s out of the network", sender, quantity), web.Idle
	}
	tone := web.Good
	if p.State == trace.Offered {
		tone = web.Busy
	}
	return s.say("%s shipped %s to %s", sender, quantity, s.names.Party(p.Receiver)), tone
}

func (s teller) accepted(p passage) (string, string) {
	receiver, was := s.names.Party(p.Receiver), s.names.Quantity(p.Amount, p.Unit)
	if p.Received == "" || p.Received == p.Amount {
		return s.say("%s accepted %s from %s", receiver, was, s.names.Party(p.Sender)), web.Good
	}
	short := parseAmount(p.Amount).Sub(parseAmount(p.Received))
	text, difference := "%s accepted %s of %s, %s short", short
	if short.Sign() < 0 {
		text, difference = "%s received %s where %s were shipped, %s more", gs1.Amount{}.Sub(short)
	}
	return s.say(text, receiver, grouped(s.names.Amount(p.Received)), was, s.names.Quantity(difference.String(), p.Unit)), web.Warn
}

// unanswered tells of a shipment that came back: no event says so.
func (s teller) unanswered(p passage) []entry {
	if p.Answered == nil {
		return nil
	}
	e := entry{At: *p.Answered, Block: p.Block, Tone: web.Warn}
	quantity := s.names.Quantity(p.Amount, p.Unit)
	switch p.State {
	case trace.Declined:
		e.Text = s.say("%s declined %s: %s", s.names.Party(p.Receiver), quantity, s.say(stepWord(p.Reason)))
	case trace.Cancelled:
		e.Text = s.say("%s called %s back", s.names.Party(p.Sender), quantity)
	default:
		return nil
	}
	return []entry{e}
}

func (s teller) transformed(d deed, parts parts) string {
	who, took := s.names.Party(d.Author), parts.of("input", s.lot.ID)
	if took != "" || parts.has("input", s.lot.ID) {
		others := s.lots(parts.output)
		switch {
		case others == "":
			return s.amount("%s used %s", "%s used it", who, took)
		case took == "":
			return s.say("%s made %s from it", who, others)
		}
		return s.say("%s used %s to make %s", who, took, others)
	}
	gave := parts.of("output", s.lot.ID)
	if from := s.lots(parts.input); from != "" {
		return s.amount("%s made %s", "%s made it", who, gave) + s.say(" from %s", from)
	}
	return s.amount("%s made %s", "%s made it", who, gave)
}

// lots names some lots: "Fresh milk M1, Fresh milk M2 and 3 more".
func (s teller) lots(all []part) string {
	var said []string
	for _, p := range all {
		said = append(said, s.names.Lot(p.lot))
	}
	said = slices.Compact(said)
	const most = 3
	if len(said) > most+1 {
		return strings.Join(said[:most], ", ") + " " + s.say("and %s more", len(said)-most)
	}
	return strings.Join(said, ", ")
}

func (s teller) incident(i incident) []entry {
	text := map[string]string{trace.KindRecall: "%s recalled it: %s", trace.KindHold: "%s put it on hold: %s", trace.KindMock: "%s tried out a recall of it: %s"}[i.Kind]
	if !i.Named {
		text = map[string]string{trace.KindRecall: "Recalled with what it was made of, by %s: %s", trace.KindHold: "On hold with what it was made of, by %s: %s",
			trace.KindMock: "Found by a mock recall of %s: %s"}[i.Kind]
	}
	tone := map[string]string{trace.KindRecall: web.Bad, trace.KindHold: web.Warn, trace.KindMock: web.Idle}[i.Kind]
	all := []entry{{Text: s.say(text, s.names.Party(i.Author), i.Reason), At: i.At, Tone: tone, Block: i.Block, Tx: i.Tx, Href: caseHref(i.ID)}}
	if i.Closed != nil && i.State == trace.CaseOver {
		all = append(all, entry{Text: s.say("%s closed the case %s: %s", s.names.Party(i.ClosedBy), i.ID, i.Closing), At: *i.Closed, Tone: web.Good, Href: caseHref(i.ID)})
	}
	return all
}

// part is a lot that an event names, with how much of it.
type part struct{ role, lot, text string }

// parts are all of an event's, as far as the reader may see its body.
type parts struct {
	all           []part
	input, output []part
	parent        string
}

func (p parts) of(role, lot string) string {
	for _, x := range p.all {
		if x.role == role && x.lot == lot {
			return x.text
		}
	}
	return ""
}

func (p parts) has(role, lot string) bool {
	return slices.ContainsFunc(p.all, func(x part) bool { return x.role == role && x.lot == lot })
}

func (s teller) parts(d deed) (p parts) {
	e, err := bodyOf(d.Body)
	if err != nil {
		return p
	}
	add := func(role string, epcs []string, quantities []epcis.Quantity) (added []part) {
		for _, uri := range epcs {
			added = append(added, part{role, lotID(uri), ""})
		}
		for _, q := range quantities {
			text := ""
			if q.HasAmount {
				text = s.names.Quantity(q.Amount.String(), q.Unit)
			}
			added = append(added, part{role, lotID(q.Class), text})
		}
		p.all = append(p.all, added...)
		return added
	}
	add("object", e.EPCs, e.Quantities)
	add("child", e.ChildEPCs, e.ChildQuantities)
	p.input = add("input", e.InputEPCs, e.InputQuantities)
	p.output = add("output", e.OutputEPCs, e.OutputQuantities)
	p.parent = e.Parent
	return p
}

// bodyOf reads the body of an event that is shared with its reader.
func bodyOf(body string) (*epcis.Event, error) {
	doc, err := epcis.DecodeJSON([]byte(body))
	if err != nil || len(doc.Events) == 0 {
		return nil, errNoBody
	}
	return &doc.Events[0], nil
}
