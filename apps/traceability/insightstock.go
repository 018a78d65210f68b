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

// ages are the buckets of age, in days: each from its number on, up to the next.
var ages = []int{0, 8, 31, 91}

func ageWord(days int) string {
	switch {
	case days < 8:
		return "up to 7 days"
	case days < 31:
		return "8 to 30 days"
	case days < 91:
		return "31 to 90 days"
	}
	return "more than 90 days"
}

func ageOptions() (all []web.Option) {
	for _, days := range ages {
		all = append(all, web.Option{Value: fmt.Sprint(days), Text: ageWord(days)})
	}
	return all
}

// What the states of stock mean.
const (
	nearShare = 0.25                // of the shelf life is left
	slowAfter = 14 * 24 * time.Hour // nothing of it went out
)

// stockRow is what a company has of a lot.
type stockRow struct {
	Lot     string    `db:"lot"`
	Party   string    `db:"party"`
	Held    string    `db:"held"`
	Packed  string    `db:"packed"`
	GTIN    string    `db:"gtin"`
	Number  string    `db:"number"`
	Unit    string    `db:"unit"`
	Maker   string    `db:"maker"`
	Made    time.Time `db:"at"`
	Expiry  string    `db:"expiry"`
	Storage string    `db:"storage"`

	amount  gs1.Amount
	place   string
	arrived time.Time
	moved   time.Time // when something of it last went out, or it came
	out     *int      // minutes out of range; nil was not measured
}

func (s stockRow) age(now time.Time) int { return max(0, int(now.Sub(s.Made)/(24*time.Hour))) }

// left is how many days of shelf life are left, and which share of it.
func (s stockRow) left(now time.Time) (days int, share float64, told bool) {
	end, err := time.Parse(time.DateOnly, s.Expiry)
	if err != nil {
		return 0, 0, false
	}
	end = end.AddDate(0, 0, 1)                      // to the end of the day
	days = int(end.Sub(now).Hours()/24+1000) - 1000 // whole days, below zero as well
	if whole := end.Sub(s.Made); whole > 0 {
		share = float64(end.Sub(now)) / float64(whole)
	}
	return days, share, true
}

// states of a lot in stock, the gravest first.
func (s stockRow) states(now time.Time) (all []string) {
	_, share, told := s.left(now)
	if told && share <= 0 {
		all = append(all, "expired")
	}
	if s.out != nil && *s.out > 0 {
		all = append(all, "out")
	}
	if told && share > 0 && share <= nearShare {
		all = append(all, "near")
	}
	if now.Sub(s.moved) >= slowAfter {
		all = append(all, "slow")
	}
	return all
}

var stateChips = map[string]web.Chip{"expired": {Word: "Expired", Tone: web.Bad}, "out": {Word: "Out of range", Tone: web.Bad},
	"near": {Word: "Near expiry", Tone: web.Warn}, "slow": {Word: "Slow mover", Tone: web.Warn}}

// stocked reads what is in stock, with what happened to it.
func (q *insightQuery) stocked() (rows []stockRow, more bool, err error) {
	var args []any
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	where := "a.in_stock"
	if q.company != "" {
		where += " AND a.party = " + arg(q.company)
	}
	if q.Search != "" {
		like := arg(readmodel.Pattern(q.Search))
		where += " AND (" + readmodel.Contains("l.id", like) + " OR " + readmodel.Contains("p.name", like) + " OR " + readmodel.Contains("p.name_zh", like) + ")"
	}
	if i := slices.IndexFunc(ages, func(days int) bool { return fmt.Sprint(days) == q.Get("age") }); i >= 0 {
		where += " AND l.at <= " + arg(q.now.AddDate(0, 0, -ages[i]))
		if i+1 < len(ages) {
			where += " AND l.at > " + arg(q.now.AddDate(0, 0, -ages[i+1]))
		}
	}
	rows, err = readmodel.All[stockRow](q.c.Context(), q.app.db, `SELECT a.lot, a.party, a.held, a.packed, l.gtin, CASE WHEN l.number <> '' THEN l.number ELSE l.serial END AS number,
		l.unit, l.maker, l.at, l.expiry, COALESCE(p.storage, '') AS storage FROM tr_accounts a JOIN tr_lots l ON l.id = a.lot LEFT JOIN tr_products p ON p.gtin = l.gtin
		WHERE `+where+fmt.Sprintf(` ORDER BY CASE WHEN l.expiry = '' THEN 1 ELSE 0 END, l.expiry, l.id, a.party LIMIT %d`, mostInsight+1), args...)
	if err != nil {
		return nil, false, err
	}
	if more = len(rows) > mostInsight; more {
		rows = rows[:mostInsight]
	}
	if err := q.follow(rows); err != nil {
		return nil, false, err
	}
	if state := q.Get("state"); state != "" {
		rows = slices.DeleteFunc(rows, func(s stockRow) bool { return !slices.Contains(s.states(q.now), state) })
	}
	return rows, more, nil
}

// follow finds where each lot lies, since when, and when something of it last
// went out.
func (q *insightQuery) follow(rows []stockRow) error {
	storage, lots := map[string]string{}, []string{}
	for _, s := range rows {
		if _, seen := storage[s.Lot]; !seen {
			lots = append(lots, s.Lot)
		}
		storage[s.Lot] = s.Storage
	}
	arrived, err := q.arrivals(lots)
	if err != nil {
		return err
	}
	left, places, err := q.movements(lots)
	if err != nil {
		return err
	}
	minutes, err := q.app.exposure(q.c.Context(), storage)
	if err != nil {
		return err
	}
	for i := range rows {
		s := &rows[i]
		key := [2]string{s.Lot, s.Party}
		s.amount = parseAmount(s.Held).Add(parseAmount(s.Packed))
		s.place = places[key]
		if s.arrived = s.Made; len(arrived[key]) > 0 {
			s.arrived = arrived[key][len(arrived[key])-1]
		}
		if s.moved = s.arrived; left[key].After(s.moved) {
			s.moved = left[key]
		}
		if n, ok := minutes[s.Lot]; ok {
			s.out = &n
		}
	}
	return nil
}

// arrivals are when each company took lots over, in the order of time.
func (q *insightQuery) arrivals(lots []string) (map[[2]string][]time.Time, error) {
	type row struct {
		Lot   string    `db:"lot"`
		Party string    `db:"party"`
		At    time.Time `db:"at"`
	}
	all := map[[2]string][]time.Time{}
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		rows, err := readmodel.All[row](q.c.Context(), q.app.db, `SELECT DISTINCT l.lot, s.receiver AS party, e.at FROM tr_shipment_lines l JOIN tr_shipments s ON s.id = l.shipment
			JOIN tr_events e ON e.hash = s.answer WHERE s.state = 'accepted' AND l.lot IN `+list+` ORDER BY e.at`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			key := [2]string{r.Lot, r.Party}
			all[key] = append(all[key], r.At)
		}
	}
	return all, nil
}

// movements are when something of a lot last left a company, and at which of
// its places the lot was last told of.
func (q *insightQuery) movements(lots []string) (left map[[2]string]time.Time, places map[[2]string]string, err error) {
	type row struct {
		Lot   string    `db:"lot"`
		Party string    `db:"party"`
		At    time.Time `db:"at"`
		Place string    `db:"place"`
		Out   bool      `db:"gone"`
	}
	left, places = map[[2]string]time.Time{}, map[[2]string]string{}
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		told, err := readmodel.All[row](q.c.Context(), q.app.db, `SELECT n.thing AS lot, e.author AS party, e.at, CASE WHEN e.place <> '' THEN e.place ELSE e.read_point END AS place,
			(n.role = 'input' OR e.biz_step IN ('shipping', 'retail_selling', 'dispensing', 'destroying')) AS gone
			FROM tr_named n JOIN tr_events e ON e.hash = n.hash WHERE e.error = '' AND n.thing IN `+list+` ORDER BY e.at`, args...)
		if err != nil {
			return nil, nil, err
		}
		sent, err := readmodel.All[row](q.c.Context(), q.app.db, `SELECT l.lot, s.sender AS party, s.at, '' AS place, (1 = 1) AS gone FROM tr_shipment_lines l
			JOIN tr_shipments s ON s.id = l.shipment WHERE s.state IN ('offered', 'accepted') AND l.lot IN `+list, args...)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range append(told, sent...) {
			key := [2]string{r.Lot, r.Party}
			if r.Out && r.At.After(left[key]) {
				left[key] = r.At
			}
			if r.Place != "" {
				places[key] = r.Place
			}
		}
	}
	return left, places, nil
}

// where is a place for people: its own name, with whose it is for who reads of
// many companies.
func (q *insightQuery) where(place, party string) string {
	name := q.n.Place(place)
	if name == "" {
		return q.n.Party(party)
	}
	if q.company == "" {
		return name + " · " + q.n.Party(party)
	}
	return name
}

func (q *insightQuery) stock() (insight, error) {
	in := insight{Title: "Stock, age and shelf life", Asks: "Each lot in stock: how old it is, what is left of its shelf life, how long it has been here and was out of its storage range.",
		Columns: []insightColumn{{Label: "Lot", Sort: "lot", Kind: export.Text}, {Label: "Product", Sort: "product", Kind: export.Text}, {Label: "Place", Sort: "place", Kind: export.Text}, {Label: "In stock", Sort: "stock", Kind: export.Quantity}, {Label: "Unit", Kind: export.Text, Sheet: true},
			{Label: "Age in days", Sort: "age", Kind: export.Integer}, {Label: "Days left", Sort: "left", Kind: export.Integer}, {Label: "Shelf life left, %", Sort: "share", Kind: export.Quantity}, {Label: "Here for days", Sort: "dwell", Kind: export.Quantity},
			{Label: "Minutes out of range", Sort: "out", Kind: export.Integer}, {Label: "State", Kind: export.Text}},
		Empty: web.Empty{Title: "Nothing is in stock.", Text: "Log a lot or accept a shipment, and it is told of here."}}
	rows, more, err := q.stocked()
	if err != nil {
		return in, err
	}
	in.More = more
	buckets := map[int]int{}
	for _, s := range rows {
		in.Rows = append(in.Rows, q.stockLine(s))
		for i := len(ages) - 1; i >= 0; i-- {
			if s.age(q.now) >= ages[i] {
				buckets[ages[i]]++
				break
			}
		}
	}
	if len(rows) > 0 {
		in.Bars = bars(ages, func(days int) string { return q.c.T(ageWord(days)) }, func(days int) (float64, string) {
			return float64(buckets[days]), q.c.T("%s lots", web.Group(buckets[days]))
		})
	}
	return in, nil
}

func (q *insightQuery) stockLine(s stockRow) insightRow {
	days, share, told := s.left(q.now)
	dwell := max(0, q.now.Sub(s.arrived).Hours()/24)
	r := insightRow{Href: lotHref(s.Lot), Raw: []any{s.Number, q.n.Product(s.GTIN), q.where(s.place, s.Party), s.amount, q.n.Unit(s.Unit), s.age(q.now), nil, nil, dwell, nil, ""}}
	r.Cells = []any{s.Number, r.Raw[1], r.Raw[2], q.figure(s.amount, s.Unit), s.age(q.now), nil, nil, decimal(dwell), nil, web.Chip{Word: "in order", Tone: web.Good}}
	if told {
		r.Raw[6], r.Raw[7] = days, share*100
		r.Cells[5], r.Cells[6] = days, decimal(share*100)
	}
	if s.out != nil {
		r.Raw[9], r.Cells[8] = *s.out, *s.out
	}
	r.Raw[10] = q.c.T("in order")
	if states := s.states(q.now); len(states) > 0 {
		chip := stateChips[states[0]]
		r.Tone, r.Cells[9], r.Raw[10] = chip.Tone, chip, q.c.T(chip.Word)
	}
	return r
}

// figure is an amount with its unit, for the page.
func (q *insightQuery) figure(a gs1.Amount, unit string) web.Num {
	return web.Num{Text: grouped(q.n.Amount(a.String())), Unit: q.n.Unit(unit)}
}

// floatOf is an amount for orders and pictures; what is told is exact.
func floatOf(a gs1.Amount) (f float64, err error) {
	_, err = fmt.Sscan(a.Decimal(6), &f)
	return f, err
}

// byProduct sums stock up by product, place and age.
func (q *insightQuery) byProduct() (insight, error) {
	in := insight{Title: "Stock by product and place", Asks: "What is in stock of each product at each place, by age.",
		Columns: []insightColumn{{Label: "Product", Sort: "product", Kind: export.Text}, {Label: "Place", Sort: "place", Kind: export.Text}, {Label: "Age", Kind: export.Text}, {Label: "Lots", Sort: "lots", Kind: export.Integer},
			{Label: "In stock", Sort: "stock", Kind: export.Quantity}, {Label: "Unit", Kind: export.Text, Sheet: true}, {Label: "Minutes out of range", Sort: "out", Kind: export.Integer}},
		Empty: web.Empty{Title: "Nothing is in stock.", Text: "Log a lot or accept a shipment, and it is told of here."}}
	rows, more, err := q.stocked()
	if err != nil {
		return in, err
	}
	in.More = more
	type key struct {
		gtin, place, unit string
		age               int
	}
	type sum struct {
		key
		lots, out int
		amount    gs1.Amount
	}
	sums := map[key]*sum{}
	for _, s := range rows {
		age := 0
		for _, from := range ages {
			if s.age(q.now) >= from {
				age = from
			}
		}
		k := key{s.GTIN, q.where(s.place, s.Party), s.Unit, age}
		if sums[k] == nil {
			sums[k] = &sum{key: k}
		}
		sums[k].lots++
		sums[k].amount = sums[k].amount.Add(s.amount)
		if s.out != nil {
			sums[k].out += *s.out
		}
	}
	all := slices.SortedFunc(maps.Values(sums), func(a, b *sum) int {
		return cmp.Or(cmp.Compare(q.n.Product(a.gtin), q.n.Product(b.gtin)), cmp.Compare(a.place, b.place), cmp.Compare(a.age, b.age), cmp.Compare(a.unit, b.unit))
	})
	for _, s := range all {
		r := insightRow{Href: q.With("view", ""), Raw: []any{q.n.Product(s.gtin), s.place, q.c.T(ageWord(s.age)), s.lots, s.amount, q.n.Unit(s.unit), s.out}}
		r.Cells = []any{r.Raw[0], r.Raw[1], r.Raw[2], s.lots, q.figure(s.amount, s.unit), s.out}
		in.Rows = append(in.Rows, r)
	}
	in.Bars = bars(all, func(s *sum) string { return q.n.Product(s.gtin) + " · " + s.place + " · " + q.c.T(ageWord(s.age)) },
		func(s *sum) (float64, string) { return float64(s.lots), q.c.T("%s lots", web.Group(s.lots)) })
	return in, nil
}
