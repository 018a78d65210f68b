package traceability

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/quantity"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// Which way a trace goes.
const (
	both    = "both"
	back    = "back"
	forward = "forward"
)

// mostTraced is how many lots one trace holds in each direction.
const mostTraced = 5000

// card is one box of a trace: a lot, or several that share it.
type card struct {
	ID      string    `json:"id"`
	Product string    `json:"product"`
	GTIN    string    `json:"gtin,omitempty"`
	Number  string    `json:"lot"`
	Maker   string    `json:"maker,omitempty"`
	Amount  string    `json:"made,omitempty"` // where its maker's account is seen
	At      time.Time `json:"at"`
	Place   string    `json:"place,omitempty"`
	Word    string    `json:"state"`
	Depth   int       `json:"depth"`
	Seed    bool      `json:"seed,omitempty"`
	Part    *partView `json:"share,omitempty"`       // of the seed in it, or of it in the seed
	Missing string    `json:"unaccounted,omitempty"` // where all accounts are seen
	Count   int       `json:"-"`                     // lots behind one card
	Href    string    `json:"-"`
	Tone    string    `json:"-"`
	Open    string    `json:"-"` // opens the lots behind it
	Way     string    `json:"-"` // shows the way between it and the seed
	row     lotRow
	zone    string // of the event that made it
	until   time.Time
	on      bool // on the way that is shown
	part    *quantity.Part
	whole   gs1.Quantity // that it is a part of
	thing   string       // the kind of link that it is here for; "" is a lot
}

// partView is how much of a seed is in a lot made of it, or of a lot in a seed
// made of it: fractions of the former, and what they come to.
type partView struct {
	Least   string `json:"least"` // fraction: "1/3"
	Most    string `json:"most"`
	Even    string `json:"even,omitempty"` // if every process mixes evenly
	AtLeast string `json:"atLeast"`        // amount
	AtMost  string `json:"atMost"`
	Evenly  string `json:"evenly,omitempty"`
	Unit    string `json:"unit"`
	Rounded bool   `json:"rounded,omitempty"` // the fractions had grown too long
}

// tongue is the reader's language; web.Ctx is one.
type tongue interface {
	T(text string, facts ...any) string
	Lang() string
}

// Title is the card in one line.
func (k card) Title() string { return strings.TrimSpace(k.Product + " " + k.Number) }

// strand is one arrow of a trace: how much of the one went into the other.
type strand struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Amount string `json:"amount,omitempty"` // where the account is seen that it is a part of
	size   gs1.Quantity
	kind   string // "" is a making; else a tie of link.Kind
	on     bool
}

// pedigree is a trace that can be drawn, listed and handed out as data.
type pedigree struct {
	seed    lotRow
	nodes   []card
	strands []strand
	links   []link
	hidden  int // lots outside the reader's chain
	cut     bool
	grouped bool
	thin    int // arrows that are not drawn
}

// traceAsk is what a trace is asked for.
type traceAsk struct {
	way   string
	depth int  // 0 is all
	known asOf // of the past
}

// tracing is one trace while it is put together, for one reader.
type tracing struct {
	*pedigree
	app   *app
	ctx   context.Context
	names *names
	who   *reader
	near  near
	asked traceAsk
	rows  map[string]lotRow // of every lot that an amount is told of
}

// pedigree walks the chain of a lot, as far as its reader may see.
func (a *app) pedigree(c *web.Ctx, lot lotRow, asked traceAsk) (*tracing, error) {
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	t := &tracing{pedigree: &pedigree{seed: lot}, app: a, ctx: c.Context(), names: a.names(c), who: r, asked: asked, rows: map[string]lotRow{}}
	depths, edges, err := t.walk()
	if err != nil {
		return nil, err
	}
	if t.near, err = r.near(slices.Collect(maps.Keys(depths))...); err != nil {
		return nil, err
	}
	if err := t.cards(depths); err != nil {
		return nil, err
	}
	return t, t.amounts(edges)
}

// walk finds the lots with their steps from the seed, and what lies between.
func (t *tracing) walk() (map[string]int, map[lineage.Edge]bool, error) {
	depths, edges := map[string]int{}, map[lineage.Edge]bool{}
	for _, d := range []struct {
		way       string
		direction lineage.Direction
		sign      int
	}{{back, lineage.Back, -1}, {forward, lineage.Forward, 1}} {
		if t.asked.way != both && t.asked.way != d.way {
			continue
		}
		walk, err := t.app.walk(t.ctx, t.asked.known, d.direction, mostTraced, t.asked.depth, t.seed.ID)
		if err != nil {
			return nil, nil, err
		}
		t.cut = t.cut || walk.Cut
		for _, lot := range walk.Nodes {
			switch _, seen := depths[lot.Name]; {
			case seen:
			case !t.who.reads(lot.Name):
				t.hidden++
			default:
				depths[lot.Name] = d.sign * lot.Depth
			}
		}
		for _, e := range walk.Edges {
			edges[e] = true
		}
	}
	return depths, edges, nil
}

func (t *tracing) cards(depths map[string]int) error {
	ids, n := slices.Sorted(maps.Keys(depths)), t.names
	type placed struct {
		lotRow
		Place string `db:"place"`
		Zone  string `db:"zone"`
		Open  bool   `db:"open"` // its making is told to the whole chain
	}
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		table, args := t.asked.known.lots(args)
		rows, err := readmodel.All[placed](t.ctx, t.app.db, `SELECT `+lotColumns+`, COALESCE(NULLIF(e.place, ''), e.read_point, '') AS place, COALESCE(e.zone, '') AS zone, COALESCE(e.sharing IN ('linked', 'public'), TRUE) AS open
			FROM `+table+` l LEFT JOIN tr_events e ON e.hash = l.origin WHERE l.id IN `+list, args...)
		if err != nil {
			return fmt.Errorf("read the lots of a trace: %w", err)
		}
		for _, r := range rows {
			if !r.Open && !t.who.all && r.Maker != t.who.user.Party {
				r.Place = ""
			}
			k := card{ID: r.ID, Product: n.Product(r.GTIN), GTIN: r.GTIN, Number: r.name(), Maker: n.Party(r.Maker),
				At: r.At, Place: n.City(r.Place), Depth: depths[r.ID], Seed: r.ID == t.seed.ID, Count: 1, Href: lotHref(r.ID), row: r.lotRow, zone: r.Zone}
			if t.near.sees(r.ID, r.Maker) {
				k.Amount = n.Quantity(r.Made, r.Unit)
			}
			k.Word, k.Tone = blockWord(r.Blocked)
			t.nodes = append(t.nodes, k)
			t.rows[r.ID] = r.lotRow
		}
	}
	slices.SortFunc(t.nodes, func(x, y card) int {
		return cmp.Or(cmp.Compare(x.Depth, y.Depth), cmp.Compare(x.row.GTIN, y.row.GTIN), x.At.Compare(y.At), cmp.Compare(x.ID, y.ID))
	})
	return nil
}

// blockWord is whether a lot may move, in a word and a tone.
func blockWord(blocked string) (word, tone string) {
	switch blocked {
	case trace.KindRecall:
		return "Recalled", web.Bad
	case trace.KindHold:
		return "On hold", web.Warn
	}
	return "Free to move", web.Good
}

// line is one line of a process as the tables have it.
type line struct {
	Process string `db:"process"`
	Side    string `db:"side"`
	Lot     string `db:"lot"`
	Amount  string `db:"amount"`
	Unit    string `db:"unit"`
}

// amounts puts amounts to the edges (how much of one lot went into the process
// that the other came out of), and to the lots how much of the seed is in them.
func (t *tracing) amounts(edges map[lineage.Edge]bool) error {
	processes, err := t.processes()
	if err != nil {
		return err
	}
	sums := map[lineage.Edge]gs1.Quantity{}
	for _, lines := range processes {
		for _, in := range lines {
			for _, out := range lines {
				if e := (lineage.Edge{From: in.Lot, To: out.Lot}); in.Side == "in" && out.Side == "out" && edges[e] {
					sums[e] = gs1.Quantity{Amount: sums[e].Amount.Add(parseAmount(in.Amount)), Unit: in.Unit}
				}
			}
		}
	}
	in := map[string]bool{}
	for _, k := range t.nodes {
		in[k.ID] = true
	}
	for e := range edges {
		if !in[e.From] || !in[e.To] {
			continue
		}
		s := strand{From: e.From, To: e.To}
		if sum := sums[e]; sum.Amount.Sign() > 0 && t.near.sees(e.From, t.rows[e.To].Maker) {
			s.size = sum
			s.Amount = t.names.Quantity(sum.Amount.String(), sum.Unit)
		}
		t.strands = append(t.strands, s)
	}
	slices.SortFunc(t.strands, func(x, y strand) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return t.parts(processes)
}

// processes are all lines of the processes that any lot of the trace took part
// in, as they were known.
func (t *tracing) processes() (map[string][]line, error) {
	all, seen := map[string][]line{}, map[string]bool{}
	var found []string
	for _, some := range chunks(slices.Sorted(maps.Keys(t.rows))) {
		list, args := inList(1, some)
		table, args := t.asked.known.lines(args)
		ids, err := readmodel.All[string](t.ctx, t.app.db, `SELECT DISTINCT p.process FROM `+table+` p WHERE p.lot IN `+list, args...)
		if err != nil {
			return nil, fmt.Errorf("read the processes of a trace: %w", err)
		}
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				found = append(found, id)
			}
		}
	}
	for _, some := range chunks(found) {
		list, args := inList(1, some)
		table, args := t.asked.known.lines(args)
		lines, err := readmodel.All[line](t.ctx, t.app.db, `SELECT p.process, p.side, p.lot, p.amount, p.unit FROM `+table+` p WHERE p.process IN `+list+` ORDER BY p.process, p.side, p.lot`, args...)
		if err != nil {
			return nil, fmt.Errorf("read the amounts of a trace: %w", err)
		}
		for _, l := range lines {
			all[l.Process] = append(all[l.Process], l)
		}
	}
	return all, nil
}

// parts says how much of the seed is in each lot. It is told as far as the
// reader sees every amount that it is worked out of: each line of each process
// between, and how much was made of each lot.
func (t *tracing) parts(processes map[string][]line) error {
	if err := t.strangers(processes); err != nil {
		return err
	}
	flow := quantity.Flow{Made: map[string]gs1.Quantity{}}
	for id, row := range t.rows {
		if t.near.sees(id, row.Maker) {
			flow.Made[id] = gs1.Quantity{Amount: parseAmount(row.Made), Unit: row.Unit}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(processes)) {
		flow.Processes = append(flow.Processes, t.process(processes[id]))
	}
	for _, id := range slices.Sorted(maps.Keys(t.rows)) {
		if row := t.rows[id]; row.Batch != "" {
			flow.Processes = append(flow.Processes, t.piece(row))
		}
	}
	seed, told := flow.Made[t.seed.ID]
	if !told {
		return nil
	}
	var down, up map[string]quantity.Part
	if t.asked.way != back {
		down = flow.Forward(t.seed.ID)
	}
	if t.asked.way != forward {
		up = flow.Back(t.seed.ID)
	}
	for i := range t.nodes {
		k := &t.nodes[i]
		if p, ok := down[k.ID]; ok && k.Depth > 0 {
			k.part, k.whole = &p, seed
		} else if p, ok := up[k.ID]; ok && k.Depth < 0 {
			k.part, k.whole = &p, flow.Made[k.ID]
		}
	}
	return nil
}

// piece is how a single thing comes of its batch: as one of so many, where the
// batch is counted in pieces. Of a batch by weight nobody knows how much one piece
// is, and nothing is told of what lies behind it.
func (t *tracing) piece(item lotRow) quantity.Process {
	batch := t.rows[item.Batch]
	one := gs1.Quantity{Amount: gs1.Whole(1), Unit: item.Unit}
	_, err := one.In(batch.Unit)
	return quantity.Process{In: []quantity.Line{{Lot: item.Batch, Quantity: one}}, Out: []quantity.Line{{Lot: item.ID, Quantity: one}},
		Hidden: err != nil || batch.ID == "" || !t.who.reads(batch.ID) || !t.near.sees(batch.ID, item.Maker)}
}

func (t *tracing) process(lines []line) (p quantity.Process) {
	maker := ""
	for _, l := range lines {
		if l.Side == "out" {
			maker = t.rows[l.Lot].Maker
		}
	}
	for _, l := range lines {
		if maker == "" || !t.who.reads(l.Lot) || !t.near.sees(l.Lot, maker) {
			p.Hidden = true
		}
		x := quantity.Line{Lot: l.Lot, Quantity: gs1.Quantity{Amount: parseAmount(l.Amount), Unit: l.Unit}}
		if l.Side == "in" {
			p.In = append(p.In, x)
		} else {
			p.Out = append(p.Out, x)
		}
	}
	p.Hidden = p.Hidden || len(p.In) == 0 || len(p.Out) == 0
	return p
}

// strangers reads the lots that stand beside those of the trace in a process.
func (t *tracing) strangers(processes map[string][]line) error {
	more := map[string]bool{}
	for _, lines := range processes {
		for _, l := range lines {
			if _, known := t.rows[l.Lot]; !known && t.who.reads(l.Lot) {
				more[l.Lot] = true
			}
		}
	}
	ids := slices.Sorted(maps.Keys(more))
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		table, args := t.asked.known.lots(args)
		rows, err := readmodel.All[lotRow](t.ctx, t.app.db, `SELECT `+lotColumns+` FROM `+table+` l WHERE l.id IN `+list, args...)
		if err != nil {
			return fmt.Errorf("read the lots beside a trace: %w", err)
		}
		for _, r := range rows {
			t.rows[r.ID] = r
		}
	}
	near, err := t.who.near(ids...)
	maps.Copy(t.near.of, near.of)
	return err
}

// showParts writes the parts of some lots out.
func showParts(nodes []card) {
	for i, k := range nodes {
		if k.part != nil {
			nodes[i].Part = viewPart(*k.part, k.whole)
		}
	}
}

func viewPart(p quantity.Part, whole gs1.Quantity) *partView {
	v := &partView{Least: p.Least.RatString(), Most: p.Most.RatString(), Unit: whole.Unit, Rounded: p.Rounded,
		AtLeast: quantity.Of(p.Least, whole).Amount.String(), AtMost: quantity.Of(p.Most, whole).Amount.String()}
	if p.Even != nil {
		v.Even, v.Evenly = p.Even.RatString(), quantity.Of(p.Even, whole).Amount.String()
	}
	return v
}

// said is the part in words: "25 kg (10–40 kg)".
func (v *partView) said(n *names) string {
	if v == nil {
		return ""
	}
	least, most := grouped(n.Amount(v.AtLeast)), n.Quantity(v.AtMost, v.Unit)
	span := least + "–" + most
	if v.AtLeast == v.AtMost {
		span = most
	}
	if v.Even == "" || v.AtLeast == v.AtMost {
		return span
	}
	return n.Quantity(v.Evenly, v.Unit) + " (" + span + ")"
}

// unaccounted fills in, for some of the lots, what was made and is in no
// account. It is told where the reader sees every account.
func (t *tracing) unaccounted(nodes []card) error {
	ids := make([]string, len(nodes))
	for i, k := range nodes {
		ids[i] = k.ID
	}
	type account struct {
		Lot string `db:"lot"`
		holdingReply
	}
	sums, withheld := map[string]gs1.Amount{}, map[string]bool{}
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		table, args := t.asked.known.accounts(args)
		rows, err := readmodel.All[account](t.ctx, t.app.db, `SELECT a.lot, a.party, a.held, a.packed, a.sent, a.used, a.sold, a.destroyed, a.gone, a.lost FROM `+table+` a WHERE a.lot IN `+list, args...)
		if err != nil {
			return fmt.Errorf("read the accounts of a trace: %w", err)
		}
		for _, r := range rows {
			if !t.near.sees(r.Lot, r.Party) {
				withheld[r.Lot] = true
				continue
			}
			for _, amount := range []string{r.Held, r.Packed, r.Sent, r.Used, r.Sold, r.Destroyed, r.Gone, r.Lost} {
				if amount != "0" {
					sums[r.Lot] = sums[r.Lot].Add(parseAmount(amount))
				}
			}
		}
	}
	for i, k := range nodes {
		if _, counted := t.rows[k.ID]; counted && !withheld[k.ID] {
			nodes[i].Missing = parseAmount(k.row.Made).Sub(sums[k.ID]).String()
		}
	}
	return nil
}
