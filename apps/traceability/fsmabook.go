package traceability

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// recordQuery is the records that one reader asked for.
type recordQuery struct {
	web.List
	app  *app
	who  *reader
	kept []keptFood // of events whose body is not for everybody
}

// keptFood is what such an event tells of a food, with what its process used.
type keptFood struct {
	food
	cte  fsma.CTE
	used []fsma.Line
}

// food is a line with what decides who reads it.
type food struct {
	Line     fsma.Line
	Author   string
	Sharing  string
	Shipment string
	sides    [3]string // sender, receiver and carrier of its shipment
}

// foodRow is a row of tr_fsma with its event's.
type foodRow struct {
	Hash     string    `db:"hash"`
	N        int       `db:"n"`
	At       time.Time `db:"at"`
	Line     string    `db:"line"`
	Author   string    `db:"author"`
	Sharing  string    `db:"sharing"`
	Shipment string    `db:"shipment"`
	Sender   string    `db:"sender"`
	Receiver string    `db:"receiver"`
	Carrier  string    `db:"carrier"`
}

func (r foodRow) food() (food, error) {
	f := food{Author: r.Author, Sharing: r.Sharing, Shipment: r.Shipment, sides: [3]string{r.Sender, r.Receiver, r.Carrier}}
	return f, json.Unmarshal([]byte(r.Line), &f.Line)
}

// readsFood reports whether the reader may read what an event with a body tells
// of one food: less than they read of the event, where it is about others' too.
func (r *reader) readsFood(f food) bool {
	switch {
	case r.all, f.Author == r.user.Party, f.Sharing == trace.Public:
		return true
	case f.Sharing != trace.Linked || r.user.Party == "":
		return false
	}
	for _, side := range f.sides {
		if side == r.user.Party {
			return true
		}
	}
	return f.Line.Lot != "" && r.reads(f.Line.Lot)
}

// where is the condition on tr_fsma f and tr_events e.
func (q *recordQuery) where(arg func(any) string) string {
	all := []string{"e.error = ''"}
	if q.Search != "" {
		like := arg(readmodel.Pattern(q.Search))
		all = append(all, `(`+readmodel.Contains("f.lot", like)+` OR f.gtin IN (SELECT gtin FROM tr_products WHERE `+
			readmodel.Contains("name", like)+` OR `+readmodel.Contains("name_zh", like)+`))`)
	}
	for filter, column := range map[string]string{"product": "f.gtin", "place": "f.place", "company": "e.author"} {
		if v := q.Get(filter); v != "" {
			all = append(all, column+" = "+arg(v))
		}
	}
	if q.Get("whose") == "own" {
		all = append(all, "e.author = "+arg(q.who.user.Party))
	}
	if from, ok := q.day("from"); ok {
		all = append(all, "f.at >= "+arg(from))
	}
	if to, ok := q.day("to"); ok {
		all = append(all, "f.at < "+arg(to.AddDate(0, 0, 1)))
	}
	return strings.Join(all, " AND ")
}

// day is a date of the filters, in UTC.
func (q *recordQuery) day(filter string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, q.Get(filter))
	return t, err == nil
}

// foodPage is how many rows are read at once: memory does not grow with them.
const foodPage = 1000

// rows are the records of one event that the reader may read, the oldest first.
func (q *recordQuery) rows(ctx context.Context, cte fsma.CTE) iter.Seq2[fsma.Row, error] {
	return func(yield func(fsma.Row, error) bool) {
		b := newBook(q)
		for page, err := range ahead(ctx, 1, q.pages(ctx, cte)) {
			if err != nil {
				yield(fsma.Row{}, err)
				return
			}
			if !b.give(ctx, cte, page, yield) {
				return
			}
		}
		for _, k := range q.kept {
			if k.cte == cte && !b.giveKept(ctx, k, yield) {
				return
			}
		}
	}
}

// pages are all pages of one event.
func (q *recordQuery) pages(ctx context.Context, cte fsma.CTE) iter.Seq2[[]foodRow, error] {
	return func(yield func([]foodRow, error) bool) {
		var after *foodRow
		for {
			page, err := q.page(ctx, cte, after)
			if !yield(page, err) || err != nil || len(page) < foodPage {
				return
			}
			after = &page[len(page)-1]
		}
	}
}

func (q *recordQuery) page(ctx context.Context, cte fsma.CTE, after *foodRow) ([]foodRow, error) {
	var args []any
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	where := "f.cte = " + arg(string(cte)) + " AND f.side <> 'in' AND " + q.where(arg)
	if after != nil {
		where += " AND (f.at, f.hash, f.n) > (" + arg(after.At) + ", " + arg(after.Hash) + ", " + arg(after.N) + ")"
	}
	return readmodel.All[foodRow](ctx, q.app.db, `SELECT f.hash, f.n, f.at, f.line, e.author, e.sharing, e.shipment,
		COALESCE(s.sender, '') AS sender, COALESCE(s.receiver, '') AS receiver, COALESCE(s.carrier, '') AS carrier
		FROM tr_fsma f JOIN tr_events e ON e.hash = f.hash LEFT JOIN tr_shipments s ON s.id = e.shipment
		WHERE `+where+fmt.Sprintf(` ORDER BY f.at, f.hash, f.n LIMIT %d`, foodPage), args...)
}

// book is what the rows at hand need: master data and history, read in one
// statement each. Master data stays from one page to the next.
type book struct {
	q        *recordQuery
	products map[string]fsma.Product
	places   map[string]fsma.Place
	past     map[string][]fsma.Past
	origins  map[string]string
	used     map[string][]fsma.Line // by event
}

func newBook(q *recordQuery) *book {
	return &book{q: q, products: map[string]fsma.Product{}, places: map[string]fsma.Place{}}
}

func (b *book) Product(gtin string) fsma.Product { return b.products[gtin] }
func (b *book) Of(lot string) []fsma.Past        { return b.past[lot] }
func (b *book) Origin(lot string) string         { return b.origins[lot] }

func (b *book) Place(id string) fsma.Place {
	if p, ok := b.places[id]; ok {
		return p
	}
	return fsma.Place{GLN: id}
}

// give completes a page and hands it on.
func (b *book) give(ctx context.Context, cte fsma.CTE, page []foodRow, yield func(fsma.Row, error) bool) bool {
	var foods []food
	for _, r := range page {
		f, err := r.food()
		if err != nil {
			return yield(fsma.Row{}, fmt.Errorf("read the record of %s: %w", r.Hash, err))
		}
		if b.q.who.readsFood(f) {
			foods = append(foods, f)
		}
	}
	if err := b.prepare(ctx, cte, foods); err != nil {
		return yield(fsma.Row{}, err)
	}
	for _, f := range foods {
		for _, used := range orBlank(b.used[f.Line.Event]) {
			if !yield(fsma.Complete(cte, f.Line, used, b, b), nil) {
				return false
			}
		}
	}
	return true
}

func (b *book) giveKept(ctx context.Context, k keptFood, yield func(fsma.Row, error) bool) bool {
	b.used = map[string][]fsma.Line{k.Line.Event: k.used}
	if err := b.look(ctx, k.cte, []food{k.food}); err != nil {
		return yield(fsma.Row{}, err)
	}
	for _, used := range orBlank(k.used) {
		if !yield(fsma.Complete(k.cte, k.Line, used, b, b), nil) {
			return false
		}
	}
	return true
}

func orBlank(used []fsma.Line) []fsma.Line {
	if len(used) == 0 {
		return []fsma.Line{{}}
	}
	return used
}

// prepare reads what a page needs: the inputs of its processes first, for their
// lots have a history too.
func (b *book) prepare(ctx context.Context, cte fsma.CTE, foods []food) error {
	b.used = map[string][]fsma.Line{}
	if cte == fsma.InitialPacking || cte == fsma.Transformation {
		if err := b.readUsed(ctx, foods); err != nil {
			return err
		}
	}
	return b.look(ctx, cte, foods)
}

// mostUsed bounds the foods with which one product is paired.
const mostUsed = 200

func (b *book) readUsed(ctx context.Context, foods []food) error {
	for _, some := range chunks(distinct(foods, func(f food) string { return f.Line.Event })) {
		list, args := inList(1, some)
		rows, err := readmodel.All[foodRow](ctx, b.q.app.db, `SELECT f.hash, f.line, e.author, e.sharing FROM tr_fsma f JOIN tr_events e ON e.hash = f.hash
			WHERE f.side = 'in' AND f.hash IN `+list+` ORDER BY f.hash, f.n`, args...)
		if err != nil {
			return err
		}
		for _, r := range rows {
			f, err := r.food()
			if err != nil {
				return err
			}
			if b.q.who.readsFood(f) && len(b.used[r.Hash]) < mostUsed {
				b.used[r.Hash] = append(b.used[r.Hash], f.Line)
			}
		}
	}
	return nil
}

// look reads history and master data of some foods.
func (b *book) look(ctx context.Context, cte fsma.CTE, foods []food) error {
	lots := distinct(foods, func(f food) string { return f.Line.Lot })
	for _, used := range b.used {
		for _, l := range used {
			lots = append(lots, l.Lot)
		}
	}
	b.past, b.origins = map[string][]fsma.Past{}, map[string]string{}
	var err error
	switch cte {
	case fsma.Harvesting, fsma.Cooling, fsma.InitialPacking:
		err = b.readPast(ctx, lots)
	case fsma.Shipping, fsma.Receiving:
		err = b.readOrigins(ctx, lots)
	}
	if err != nil {
		return err
	}
	if err := b.readProducts(ctx, foods); err != nil {
		return err
	}
	return b.readPlaces(ctx, foods)
}

func (b *book) readPast(ctx context.Context, lots []string) error {
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		type row struct {
			foodRow
			CTE string `db:"cte"`
		}
		rows, err := readmodel.All[row](ctx, b.q.app.db, `SELECT f.cte, f.line, e.author, e.sharing FROM tr_fsma f JOIN tr_events e ON e.hash = f.hash
			WHERE f.lot IN `+list+` AND f.cte IN ('harvesting', 'cooling', 'before') AND e.error = '' ORDER BY f.at, f.hash, f.n`, args...)
		if err != nil {
			return err
		}
		for _, r := range rows {
			f, err := r.food()
			if err != nil {
				return err
			}
			if b.q.who.readsFood(f) {
				b.past[f.Line.Lot] = append(b.past[f.Line.Lot], fsma.Past{CTE: fsma.CTE(r.CTE), Line: f.Line})
			}
		}
	}
	return nil
}

// readOrigins finds where lot codes were assigned: at the place of the event
// that made the lot where the reader may read it, else at its maker's, whom the
// ledger tells everybody.
func (b *book) readOrigins(ctx context.Context, lots []string) error {
	type row struct {
		Lot   string `db:"lot"`
		Place string `db:"place"`
	}
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		makers, err := readmodel.All[row](ctx, b.q.app.db, `SELECT l.id AS lot, p.gln AS place FROM tr_lots l JOIN tr_parties p ON p.id = l.maker WHERE l.id IN `+list, args...)
		if err != nil {
			return err
		}
		told, err := readmodel.All[row](ctx, b.q.app.db, `SELECT f.lot, f.place FROM tr_fsma f JOIN tr_events e ON e.hash = f.hash WHERE f.lot IN `+list+`
			AND (f.side = 'out' OR f.cte IN ('first-receiving', 'transformation') AND f.side = '') AND e.error = ''`, args...)
		if err != nil {
			return err
		}
		for _, r := range makers {
			b.origins[r.Lot] = r.Place
		}
		for _, r := range told {
			if r.Place != "" && b.q.who.reads(r.Lot) {
				b.origins[r.Lot] = r.Place
			}
		}
	}
	return nil
}

func (b *book) readProducts(ctx context.Context, foods []food) error {
	want := map[string]bool{}
	for _, f := range foods {
		want[f.Line.GTIN] = true
		for _, l := range b.used[f.Line.Event] {
			want[l.GTIN] = true
		}
	}
	type row struct {
		GTIN      string `db:"gtin"`
		Name      string `db:"name"`
		Owner     string `db:"owner"`
		List      string `db:"list"`
		KillStep  bool   `db:"kill_step"`
		Brand     string `db:"brand"`
		Commodity string `db:"commodity"`
		Variety   string `db:"variety"`
		Packaging string `db:"packaging"`
	}
	for _, some := range chunks(unseen(want, b.products)) {
		list, args := inList(1, some)
		rows, err := readmodel.All[row](ctx, b.q.app.db, `SELECT p.gtin, p.name, p.owner, f.list, f.kill_step, f.brand, f.commodity, f.variety, f.packaging
			FROM tr_products p JOIN tr_product_facts f ON f.gtin = p.gtin WHERE p.gtin IN `+list, args...)
		if err != nil {
			return err
		}
		for _, r := range rows {
			b.products[r.GTIN] = fsma.Product{GTIN: r.GTIN, Name: r.Name, Brand: r.Brand, Commodity: r.Commodity, Variety: r.Variety, Packaging: r.Packaging,
				Category: r.List, KillStep: r.KillStep, Owner: r.Owner}
		}
	}
	return nil
}

func (b *book) readPlaces(ctx context.Context, foods []food) error {
	want := map[string]bool{}
	add := func(l fsma.Line) {
		for _, id := range []string{l.Place, l.Area, l.Source, l.Dest, l.From, l.To, l.Facts.Farm, l.Facts.Cooler} {
			want[id] = true
		}
	}
	for _, f := range foods {
		add(f.Line)
		want[b.origins[f.Line.Lot]] = true
	}
	for _, lines := range b.used {
		for _, l := range lines {
			add(l)
		}
	}
	for _, past := range b.past {
		for _, p := range past {
			add(p.Line)
		}
	}
	delete(want, "")
	return b.fetchPlaces(ctx, unseen(want, b.places))
}

// partyURN is how events name a company that has no GLN of its own.
const partyURN = "urn:tallyway:party:"

// fetchPlaces reads places by GLN. A company by its name in this network stands
// for its main place.
func (b *book) fetchPlaces(ctx context.Context, ids []string) error {
	mains, err := b.mainPlaces(ctx, ids)
	if err != nil {
		return err
	}
	glns := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return strings.HasPrefix(id, partyURN) })
	for _, gln := range mains {
		glns = append(glns, gln)
	}
	if err := b.fetchByGLN(ctx, glns); err != nil {
		return err
	}
	for id, gln := range mains {
		b.places[id] = b.places[gln]
	}
	return nil
}

func (b *book) mainPlaces(ctx context.Context, ids []string) (map[string]string, error) {
	mains := map[string]string{}
	var companies []string
	for _, id := range ids {
		if company, ok := strings.CutPrefix(id, partyURN); ok {
			companies = append(companies, company)
		}
	}
	type row struct {
		ID  string `db:"id"`
		GLN string `db:"gln"`
	}
	for _, some := range chunks(companies) {
		list, args := inList(1, some)
		rows, err := readmodel.All[row](ctx, b.q.app.db, `SELECT id, gln FROM tr_parties WHERE gln <> '' AND id IN `+list, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			mains[partyURN+r.ID] = r.GLN
		}
	}
	return mains, nil
}

func (b *book) fetchByGLN(ctx context.Context, glns []string) error {
	type row struct {
		GLN      string `db:"gln"`
		Name     string `db:"name"`
		City     string `db:"city"`
		Country  string `db:"country"`
		Owner    string `db:"owner"`
		Phone    string `db:"phone"`
		Street   string `db:"street"`
		Region   string `db:"region"`
		Postcode string `db:"postcode"`
	}
	for _, some := range chunks(glns) {
		list, args := inList(1, some)
		parties, err := readmodel.All[row](ctx, b.q.app.db, `SELECT gln, name, '' AS city, '' AS country, id AS owner, '' AS phone, '' AS street, '' AS region, '' AS postcode
			FROM tr_parties WHERE gln IN `+list, args...)
		if err != nil {
			return err
		}
		places, err := readmodel.All[row](ctx, b.q.app.db, `SELECT p.gln, p.name, p.city, p.country, p.owner, f.phone, f.street, f.region, f.postcode
			FROM tr_places p JOIN tr_place_facts f ON f.gln = p.gln WHERE p.gln IN `+list, args...)
		if err != nil {
			return err
		}
		for _, gln := range some {
			b.places[gln] = fsma.Place{GLN: gln}
		}
		for _, r := range append(parties, places...) { // what the place's owner says comes last
			b.places[r.GLN] = fsma.Place{GLN: r.GLN, Name: r.Name, Phone: r.Phone, Street: r.Street, City: r.City, Region: r.Region, Postcode: r.Postcode, Country: r.Country, Owner: r.Owner}
		}
	}
	return nil
}

// distinct are the different keys of some foods, in their order, without "".
func distinct(foods []food, key func(food) string) []string {
	seen := map[string]bool{"": true}
	var all []string
	for _, f := range foods {
		if k := key(f); !seen[k] {
			seen[k] = true
			all = append(all, k)
		}
	}
	return all
}

// unseen are the keys that are wanted and not there yet.
func unseen[T any](want map[string]bool, there map[string]T) []string {
	var all []string
	for key := range want {
		if _, ok := there[key]; !ok {
			all = append(all, key)
		}
	}
	return all
}

// mostAsked bounds the events whose body is asked of the ledger one by one.
const mostAsked = 2000

// readKept reads restricted and private events that the reader may read: their
// bodies do not stand in the tables.
func (q *recordQuery) readKept(ctx context.Context) error {
	var args []any
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	where := []string{"e.sharing IN ('restricted', 'private')", "e.error = ''"}
	if from, ok := q.day("from"); ok {
		where = append(where, "e.at >= "+arg(from))
	}
	if to, ok := q.day("to"); ok {
		where = append(where, "e.at < "+arg(to.AddDate(0, 0, 1)))
	}
	if !q.who.all { // what others keep private the contract would refuse anyway
		where = append(where, "(e.sharing = 'restricted' OR e.author = "+arg(q.who.user.Party)+")")
	}
	if q.Get("whose") == "own" {
		where = append(where, "e.author = "+arg(q.who.user.Party))
	}
	if v := q.Get("company"); v != "" {
		where = append(where, "e.author = "+arg(v))
	}
	found, err := readmodel.All[storedEvent](ctx, q.app.db, storedEvents+` WHERE `+strings.Join(where, " AND ")+` AND EXISTS (SELECT 1 FROM tr_named n
		JOIN tr_lots l ON l.id = n.thing JOIN tr_product_facts p ON p.gtin = l.gtin WHERE n.hash = e.hash AND p.list <> '' AND NOT p.kill_step)
		ORDER BY e.at DESC LIMIT `+fmt.Sprint(mostAsked), args...)
	if err != nil {
		return err
	}
	for _, s := range found {
		if err := q.keep(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (q *recordQuery) keep(ctx context.Context, s storedEvent) error {
	event, err := q.who.read(s)
	if err != nil || event == nil {
		return err
	}
	lines, err := foodLines(ctx, q.app.db, s.Hash, s.Shipment, event)
	if err != nil {
		return err
	}
	var used []fsma.Line
	for _, l := range lines {
		if l.Line.Side == fsma.Input && len(used) < mostUsed {
			used = append(used, l.Line)
		}
	}
	for _, l := range lines {
		if l.Line.Side != fsma.Input && l.CTE != fsma.Before && q.asksFor(ctx, l.Line) {
			q.kept = append(q.kept, keptFood{food{Line: l.Line, Author: s.Author, Sharing: s.Sharing, Shipment: s.Shipment}, l.CTE, used})
		}
	}
	return nil
}

// asksFor is the part of where that the statement above could not ask.
func (q *recordQuery) asksFor(ctx context.Context, l fsma.Line) bool {
	n := &names{ctx, q.app.directory, "en", map[string]string{}}
	text := strings.ToLower(l.Lot + " " + n.Product(l.GTIN))
	return (q.Get("product") == "" || q.Get("product") == l.GTIN) && (q.Get("place") == "" || q.Get("place") == l.Place) &&
		strings.Contains(text, strings.ToLower(q.Search))
}
