package traceability

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// stay is how long a lot was with a company before a step.
type stay struct {
	Lot   string    `db:"lot"`
	Party string    `db:"party"`
	Maker string    `db:"maker"`
	Made  time.Time `db:"made"`
	Left  time.Time `db:"left_at"`
}

// stays are what is asked for each step: when a lot left a company by it.
var stays = []struct{ step, from string }{
	{"until it was shipped", `SELECT l.lot, s.sender AS party, lo.maker, lo.at AS made, s.at AS left_at FROM tr_shipments s JOIN tr_shipment_lines l ON l.shipment = s.id
		JOIN tr_lots lo ON lo.id = l.lot WHERE s.state IN ('offered', 'accepted') AND s.at >= $1 AND s.at < $2 AND ($3 = '' OR s.sender = $4)`},
	{"until it was used", `SELECT n.thing AS lot, e.author AS party, lo.maker, lo.at AS made, e.at AS left_at FROM tr_events e JOIN tr_named n ON n.hash = e.hash
		JOIN tr_lots lo ON lo.id = n.thing WHERE n.role = 'input' AND e.error = '' AND e.at >= $1 AND e.at < $2 AND ($3 = '' OR e.author = $4)`},
	{"until it was sold", `SELECT n.thing AS lot, e.author AS party, lo.maker, lo.at AS made, e.at AS left_at FROM tr_events e JOIN tr_named n ON n.hash = e.hash
		JOIN tr_lots lo ON lo.id = n.thing WHERE e.biz_step IN ('retail_selling', 'dispensing') AND e.error = '' AND e.at >= $1 AND e.at < $2 AND ($3 = '' OR e.author = $4)`},
}

// dwell tells how long goods stay with each company before each step, and on
// the delivery to it.
func (q *insightQuery) dwell() (insight, error) {
	in := insight{Title: "How long goods stay", Asks: "From arrival, or from being made, until a lot was shipped, used or sold; and how long deliveries were on the way.",
		Columns: []insightColumn{{Label: "Company", Sort: "place", Kind: export.Text}, {Label: "Step", Kind: export.Text}, {Label: "Times", Sort: "count", Kind: export.Integer}, {Label: "Half of them took less, hours", Sort: "median", Kind: export.Quantity}, {Label: "The longest took, hours", Sort: "longest", Kind: export.Quantity}},
		Empty:   web.Empty{Title: "Nothing moved in this time.", Text: "Choose a longer time."}}
	type key struct{ party, step string }
	hours := map[key][]float64{}
	from, to := q.period()
	for _, s := range stays {
		rows, err := readmodel.All[stay](q.c.Context(), q.app.db, s.from+fmt.Sprintf(` ORDER BY left_at DESC, lot LIMIT %d`, mostInsight+1), from, to, q.company, q.company)
		if err != nil {
			return in, err
		}
		in.More = in.More || len(rows) > mostInsight
		rows = rows[:min(len(rows), mostInsight)]
		var lots []string
		for _, r := range rows {
			lots = append(lots, r.Lot)
		}
		slices.Sort(lots)
		arrived, err := q.arrivals(slices.Compact(lots))
		if err != nil {
			return in, err
		}
		for _, r := range rows {
			if came, ok := r.came(arrived[[2]string{r.Lot, r.Party}]); ok {
				k := key{r.Party, s.step}
				hours[k] = append(hours[k], r.Left.Sub(came).Hours())
			}
		}
	}
	ways, more, err := q.ways()
	if err != nil {
		return in, err
	}
	in.More = in.More || more
	for _, w := range ways {
		k := key{w.Receiver, "on the way"}
		hours[k] = append(hours[k], w.hours())
	}
	keys := slices.SortedFunc(maps.Keys(hours), func(a, b key) int {
		return cmp.Or(cmp.Compare(q.n.Party(a.party), q.n.Party(b.party)), cmp.Compare(a.step, b.step))
	})
	for _, k := range keys {
		in.Rows = append(in.Rows, q.dwellLine(q.n.Party(k.party), k.step, hours[k]))
	}
	in.Bars = bars(keys, func(k key) string { return q.n.Party(k.party) + " · " + q.c.T(k.step) }, func(k key) (float64, string) {
		m := median(hours[k])
		return m, q.c.T("%s hours", decimal(m))
	})
	return in, nil
}

// came is the last arrival before the lot left; its maker had it from the day on
// which it was made.
func (s stay) came(arrived []time.Time) (time.Time, bool) {
	for _, at := range slices.Backward(arrived) {
		if !at.After(s.Left) {
			return at, true
		}
	}
	return s.Made, s.Maker == s.Party && !s.Made.After(s.Left)
}

func (q *insightQuery) dwellLine(company, step string, hours []float64) insightRow {
	r := insightRow{Raw: []any{company, q.c.T(step), len(hours), median(hours), slices.Max(hours)}}
	r.Cells = []any{company, q.c.T(step), len(hours), decimal(median(hours)), decimal(slices.Max(hours))}
	return r
}

// median of what is not empty; of two in the middle, their mean.
func median(all []float64) float64 {
	s := slices.Sorted(slices.Values(all))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}

// delivery is one that arrived.
type delivery struct {
	ID       string    `db:"id"`
	Sender   string    `db:"sender"`
	Receiver string    `db:"receiver"`
	At       time.Time `db:"at"`
	Arrived  time.Time `db:"arrived"`
	Short    bool      `db:"short"` // a mismatch was found
}

func (w delivery) hours() float64 { return w.Arrived.Sub(w.At).Hours() }

// ways are the deliveries to or from the company that arrived in the time.
func (q *insightQuery) ways() ([]delivery, bool, error) {
	from, to := q.period()
	rows, err := readmodel.All[delivery](q.c.Context(), q.app.db, `SELECT s.id, s.sender, s.receiver, s.at, e.at AS arrived, (s.mismatch <> '') AS short FROM tr_shipments s JOIN tr_events e ON e.hash = s.answer
		WHERE s.state = 'accepted' AND s.at >= $1 AND s.at < $2 AND ($3 = '' OR s.sender = $4 OR s.receiver = $5)`+fmt.Sprintf(` ORDER BY s.at DESC, s.id LIMIT %d`, mostInsight+1),
		from, to, q.company, q.company, q.company)
	if len(rows) > mostInsight {
		return rows[:mostInsight], true, err
	}
	return rows, false, err
}

// lateAfter is how much longer than usual a delivery may take: nobody promises
// a time on the ledger, so the lane's own median is what it is measured by.
const lateAfter = 1.5

// deliveries tells for each lane whether goods arrive in time and in full, and
// how much of their shelf life was used up at the hand-over.
func (q *insightQuery) deliveries() (insight, error) {
	in := insight{Title: "Deliveries", Asks: "In time is up to one and a half times what half of a lane's deliveries take; in full is without a mismatch. Shelf life used is counted at the arrival.",
		Columns: []insightColumn{{Label: "From", Kind: export.Text}, {Label: "To", Sort: "place", Kind: export.Text}, {Label: "Deliveries", Sort: "count", Kind: export.Integer}, {Label: "Usual hours", Sort: "usual", Kind: export.Quantity},
			{Label: "In time, %", Sort: "late", Kind: export.Quantity}, {Label: "In full, %", Sort: "full", Kind: export.Quantity}, {Label: "Shelf life used, %", Sort: "share", Kind: export.Quantity}},
		Empty: web.Empty{Title: "Nothing arrived in this time.", Text: "Choose a longer time."}}
	ways, more, err := q.ways()
	if err != nil {
		return in, err
	}
	in.More = more
	used, err := q.shelfUsed(ways)
	if err != nil {
		return in, err
	}
	lanes := map[[2]string][]delivery{}
	for _, w := range ways {
		lane := [2]string{w.Sender, w.Receiver}
		lanes[lane] = append(lanes[lane], w)
	}
	keys := slices.SortedFunc(maps.Keys(lanes), func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(len(lanes[b]), len(lanes[a])), cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
	})
	inTime := map[[2]string]float64{}
	for _, lane := range keys {
		r, share := q.laneLine(lane, lanes[lane], used)
		inTime[lane] = share
		in.Rows = append(in.Rows, r)
	}
	in.Bars = bars(keys, func(lane [2]string) string { return q.n.Party(lane[0]) + " → " + q.n.Party(lane[1]) },
		func(lane [2]string) (float64, string) {
			return inTime[lane], q.c.T("%s %% in time", decimal(inTime[lane]))
		})
	return in, nil
}

func (q *insightQuery) laneLine(lane [2]string, ways []delivery, used map[string][]float64) (insightRow, float64) {
	var hours, shares []float64
	for _, w := range ways {
		hours = append(hours, w.hours())
		shares = append(shares, used[w.ID]...)
	}
	usual, inTime, full := median(hours), 0, 0
	for _, w := range ways {
		if w.hours() <= usual*lateAfter {
			inTime++
		}
		if !w.Short {
			full++
		}
	}
	percent := func(n int) float64 { return float64(n) * 100 / float64(len(ways)) }
	r := insightRow{Raw: []any{q.n.Party(lane[0]), q.n.Party(lane[1]), len(ways), usual, percent(inTime), percent(full), nil}}
	r.Cells = []any{r.Raw[0], r.Raw[1], len(ways), decimal(usual), decimal(percent(inTime)), decimal(percent(full)), nil}
	if len(shares) > 0 {
		r.Raw[6], r.Cells[6] = median(shares), decimal(median(shares))
	}
	if inTime < len(ways) || full < len(ways) {
		r.Tone = web.Warn
	}
	return r, percent(inTime)
}

// shelfUsed is which share of its shelf life each line of the deliveries had
// used up when it arrived, in percent.
func (q *insightQuery) shelfUsed(ways []delivery) (map[string][]float64, error) {
	type row struct {
		Shipment string    `db:"shipment"`
		Made     time.Time `db:"at"`
		Expiry   string    `db:"expiry"`
	}
	arrived, ids := map[string]time.Time{}, []string{}
	for _, w := range ways {
		arrived[w.ID] = w.Arrived
		ids = append(ids, w.ID)
	}
	used := map[string][]float64{}
	for _, some := range chunks(ids) {
		list, args := inList(1, some)
		rows, err := readmodel.All[row](q.c.Context(), q.app.db, `SELECT l.shipment, lo.at, lo.expiry FROM tr_shipment_lines l JOIN tr_lots lo ON lo.id = l.lot WHERE lo.expiry <> '' AND l.shipment IN `+list, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if _, share, told := (stockRow{Made: r.Made, Expiry: r.Expiry}).left(arrived[r.Shipment]); told {
				used[r.Shipment] = append(used[r.Shipment], (1-share)*100)
			}
		}
	}
	return used, nil
}

// processLine is one side of a process.
type processLine struct {
	Process string    `db:"process"`
	Side    string    `db:"side"`
	Lot     string    `db:"lot"`
	Amount  string    `db:"amount"`
	Unit    string    `db:"unit"`
	GTIN    string    `db:"gtin"`
	Maker   string    `db:"maker"`
	At      time.Time `db:"at"`
}

func (l processLine) quantity() gs1.Quantity {
	return gs1.Quantity{Amount: parseAmount(l.Amount), Unit: l.Unit}
}

// making is what one process made of one product.
type making struct {
	process, gtin, maker, lot string
	at                        time.Time
	in, out                   gs1.Quantity
	yield                     float64
}

// yields sets what each process made beside what the plant usually makes of the
// same product.
func (q *insightQuery) yields() (insight, error) {
	in := insight{Title: "Yield", Asks: "What came out of each process in per cent of what went in, beside what half of the plant's processes for the same product yield less than.",
		Columns: []insightColumn{{Label: "Lot", Sort: "lot", Kind: export.Text}, {Label: "Product", Sort: "product", Kind: export.Text}, {Label: "Plant", Sort: "place", Kind: export.Text}, {Label: "Made on", Sort: "at", Kind: export.Time}, {Label: "Goes in", Kind: export.Quantity},
			{Label: "Comes out", Kind: export.Quantity}, {Label: "Unit", Kind: export.Text, Sheet: true}, {Label: "Yield, %", Sort: "yield", Kind: export.Quantity}, {Label: "Usual, %", Sort: "usual", Kind: export.Quantity}, {Label: "Off by, points", Sort: "off", Kind: export.Quantity}},
		Empty: web.Empty{Title: "Nothing was made in this time.", Text: "Choose a longer time."}}
	makings, more, err := q.makings()
	if err != nil {
		return in, err
	}
	in.More = more
	history := map[[2]string][]float64{}
	for _, m := range makings {
		history[[2]string{m.maker, m.gtin}] = append(history[[2]string{m.maker, m.gtin}], m.yield)
	}
	for _, m := range makings {
		in.Rows = append(in.Rows, q.yieldLine(m, median(history[[2]string{m.maker, m.gtin}])))
	}
	kinds := slices.SortedFunc(maps.Keys(history), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	in.Bars = bars(kinds, func(k [2]string) string { return q.n.Product(k[1]) + " · " + q.n.Party(k[0]) }, func(k [2]string) (float64, string) {
		m := median(history[k])
		return m, decimal(m) + " %"
	})
	return in, nil
}

func (q *insightQuery) yieldLine(m making, usual float64) insightRow {
	off := m.yield - usual
	r := insightRow{Href: lotHref(m.lot), Raw: []any{q.n.Lot(m.lot), q.n.Product(m.gtin), q.n.Party(m.maker), m.at, m.in.Amount, m.out.Amount, q.n.Unit(m.in.Unit), m.yield, usual, off}}
	r.Cells = []any{r.Raw[0], r.Raw[1], r.Raw[2], m.at, q.figure(m.in.Amount, m.in.Unit), q.figure(m.out.Amount, m.out.Unit), decimal(m.yield), decimal(usual), decimal(off)}
	if usual > 0 && off < -usual/10 {
		r.Tone = web.Warn
	}
	return r
}

// makings are the processes of the time whose sides can be weighed in one unit,
// the latest first.
func (q *insightQuery) makings() ([]making, bool, error) {
	from, to := q.period()
	rows, err := readmodel.All[processLine](q.c.Context(), q.app.db, `SELECT p.process, p.side, p.lot, p.amount, p.unit, l.gtin, l.maker, l.at FROM tr_process_lines p JOIN tr_lots l ON l.id = p.lot
		WHERE p.process IN (SELECT o.process FROM tr_process_lines o JOIN tr_lots ol ON ol.id = o.lot WHERE o.side = 'out' AND ol.at >= $1 AND ol.at < $2 AND ($3 = '' OR ol.maker = $4)
		ORDER BY ol.at DESC, o.process`+fmt.Sprintf(` LIMIT %d) ORDER BY p.process, p.side, p.lot LIMIT %d`, mostInsight+1, 10*mostInsight), from, to, q.company, q.company)
	if err != nil {
		return nil, false, err
	}
	more := len(rows) == 10*mostInsight
	var all []making
	for len(rows) > 0 {
		end := slices.IndexFunc(rows, func(l processLine) bool { return l.Process != rows[0].Process })
		if end < 0 {
			end = len(rows)
		}
		all = append(all, weigh(rows[:end])...)
		rows = rows[end:]
	}
	slices.SortStableFunc(all, func(a, b making) int { return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.lot, b.lot)) })
	return all[:min(len(all), mostInsight)], more || len(all) > mostInsight, nil
}

// weigh gives one making for each product that came out of a process; none where
// nothing that can be weighed with it went in.
func weigh(lines []processLine) []making {
	var in gs1.Quantity
	var made []making
	for i, l := range lines {
		switch {
		case l.Side == "out":
		case i == 0:
			in = l.quantity()
		default:
			sum, err := in.Add(l.quantity())
			if err != nil {
				return nil
			}
			in = sum
		}
	}
	whole, err := floatOf(in.Amount)
	if err != nil || whole <= 0 {
		return nil
	}
	for _, l := range lines {
		if l.Side != "out" {
			continue
		}
		out, err := l.quantity().In(in.Unit)
		if err != nil {
			continue
		}
		part, _ := floatOf(out.Amount)
		made = append(made, making{process: l.Process, gtin: l.GTIN, maker: l.Maker, lot: l.Lot, at: l.At, in: in, out: out, yield: part / whole * 100})
	}
	return made
}
