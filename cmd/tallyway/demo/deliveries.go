package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// The companies of the story, and what they make.
const (
	dairy   = "greenfield-dairy"
	cheese  = "harbour-foods"
	carrier = "swift-cold"
	market  = "city-market"
	office  = "food-safety"

	milk       = "09506000134352"
	cream      = "09506000134369"
	gouda      = "09521234560029"
	mozzarella = "09521234560036"
	whey       = "09521234560043"
)

var catalogue = []struct {
	by string
	trace.DescribeProduct
}{
	{dairy, trace.DescribeProduct{GTIN: milk, Name: "Fresh milk", NameZh: "鲜牛奶", Unit: "KGM", ShelfLife: 14, Storage: "2–6 °C"}},
	{dairy, trace.DescribeProduct{GTIN: cream, Name: "Cream", NameZh: "稀奶油", Unit: "KGM", ShelfLife: 21, Storage: "2–6 °C"}},
	{cheese, trace.DescribeProduct{GTIN: gouda, Name: "Harbour Gouda", NameZh: "海港高达奶酪", Unit: "KGM", ShelfLife: 180, Storage: "4–8 °C"}},
	{cheese, trace.DescribeProduct{GTIN: mozzarella, Name: "Mozzarella", NameZh: "马苏里拉奶酪", Unit: "KGM", ShelfLife: 28, Storage: "2–6 °C",
		List: "cheese-fresh-soft", Brand: "Harbour", Commodity: "Cheese", Variety: "Mozzarella", Packaging: "Tub of 5 kg"}},
	{cheese, trace.DescribeProduct{GTIN: whey, Name: "Whey powder", NameZh: "乳清粉", Unit: "KGM", ShelfLife: 365, Storage: "5–25 °C"}},
}

func (d *founding) products() {
	described := map[string][]any{}
	for _, p := range catalogue {
		described[p.by] = append(described[p.by], p.DescribeProduct)
	}
	for _, by := range []string{dairy, cheese} {
		d.doAll(firmOf(by).msp, by, described[by])
	}
}

// local is where the story happens.
var local = time.FixedZone("+08:00", 8*60*60)

// ShopperPage is the page behind the QR code of the latest Gouda on the shelf.
func ShopperPage(now time.Time) string {
	made := now.In(local)
	return "/" + lotID(gouda, "G"+made.AddDate(0, 0, -6).Format("060102"))
}

// season is the story while it is told.
type season struct {
	*founding
	diary   diary
	chance  *rand.Rand
	stock   []lot // milk at the cheese maker that waits for the vat
	advices int
	packs   uint64
}

// lot is a batch that somebody holds.
type lot struct {
	id   string
	kg   int64
	made time.Time
}

// deliveries tells six weeks, day by day, up to the visitor's own: then one
// truck is on its way to the cheese maker and one waits at the retailer's ramp.
func (d *founding) deliveries() {
	s := &season{founding: d, chance: rand.New(rand.NewPCG(1871, 9))}
	today := time.Date(d.now.In(local).Year(), d.now.In(local).Month(), d.now.In(local).Day(), 0, 0, 0, 0, local)
	for day := -7 * weeks; day <= 0 && d.err == nil; day++ {
		s.day(today.AddDate(0, 0, day), -day)
	}
	s.handIn()
}

// day is one day of the season; left counts the days to the visitor's.
func (s *season) day(date time.Time, left int) {
	s.diary.today = date
	fresh := s.milking(date)
	switch {
	case left == 0:
		s.onTheWay(fresh, date)
		return
	case left%2 == 0:
		s.toTheVat(fresh, date, left)
	default:
		s.toTheShelf(fresh, date, left)
	}
	if left%4 == 2 {
		s.makeCheese(date, left)
	}
	switch left {
	case 31:
		s.mistake(date)
	case 20:
		s.hold(fresh, date)
	case 12:
		s.rehearsal(fresh, date)
	}
}

// milking logs the day's lot.
func (s *season) milking(date time.Time) lot {
	made := s.clock(date, 5, 40)
	l := lot{id: lotID(milk, "M"+date.Format("060102")), kg: 1200 + 20*s.chance.Int64N(40), made: made}
	s.capture(dairy, made, events.Logged(companyOf(dairy), made, s.goods(l.id, l.kg), bestBefore(made, 14)))
	return l
}

// toTheVat ships most of the milk to the cheese maker.
func (s *season) toTheVat(l lot, date time.Time, left int) {
	kg := l.kg * 4 / 5
	short := int64(0)
	if left == 24 || left == 6 {
		short = 12 // a can fell off the ramp
	}
	at := s.clock(date, 8, 10)
	advice, shipped := s.ship(dairy, cheese, at, []events.Goods{s.goods(l.id, kg)}, nil)
	s.skim(lot{l.id, l.kg - kg, l.made}, date)
	if left == 16 { // the truck came too warm, and nobody makes food of that
		s.handIn()
		s.at(at.Add(5 * time.Hour))
		s.do(trade, cheese, trace.Decline{Shipment: shipped.Shipment, Reason: "temperature"})
		s.destroy(dairy, at.Add(24*time.Hour), l.id, kg)
		return
	}
	s.receive(dairy, cheese, at.Add(5*time.Hour+20*time.Minute), advice, []events.Goods{s.goods(l.id, kg-short)}, nil)
	s.stock = append(s.stock, lot{l.id, kg - short, l.made})
	if left == 24 { // the two sides agree about this can, not yet about the other
		s.handIn()
		s.at(at.Add(28 * time.Hour))
		s.do(trade, cheese, trace.Settle{Shipment: shipped.Shipment, Outcome: trace.OutcomeLost})
		s.at(at.Add(30 * time.Hour))
		s.do(trade, dairy, trace.Settle{Shipment: shipped.Shipment, Outcome: trace.OutcomeLost})
	}
}

// skim makes cream of what the dairy keeps, and sells it through the retailer.
func (s *season) skim(rest lot, date time.Time) {
	at := s.clock(date, 10, 30)
	id := lotID(cream, "C"+date.Format("060102"))
	kg := rest.kg / 8
	s.transform(dairy, at, "cream-"+date.Format("060102"), "CHURN-"+date.Format("060102"), []events.Goods{s.goods(rest.id, rest.kg)},
		[]events.Made{{Goods: s.goods(id, kg), BestBefore: bestBefore(at, 21)}})
	arrived := s.deliver(dairy, at.Add(3*time.Hour), []events.Goods{s.goods(id, kg)}, nil)
	s.sell(id, arrived, kg*2/3, kg-kg*2/3)
}

// toTheShelf ships milk to the retailer, who sells it within days, but for
// what the customers of a slow week leave.
func (s *season) toTheShelf(l lot, date time.Time, left int) {
	kg := l.kg * 3 / 4
	arrived := s.deliver(dairy, s.clock(date, 7, 30), []events.Goods{s.goods(l.id, kg)}, nil)
	leave := int64(0)
	if left%14 == 11 {
		leave = kg / 25
	}
	first := kg * 3 / 5
	s.sell(l.id, arrived, first, kg-first-leave)
	if leave > 0 {
		s.destroy(market, arrived.AddDate(0, 0, 14), l.id, leave)
	}
	s.skim(lot{l.id, l.kg - kg, l.made}, date)
}

// deliver brings goods to the retailer, and says when they arrived.
func (s *season) deliver(from string, at time.Time, all []events.Goods, packs []string) (arrived time.Time) {
	advice, _ := s.ship(from, market, at, all, packs)
	arrived = at.Add(7 * time.Hour)
	s.receive(from, market, arrived, advice, all, packs)
	return arrived
}

// sell books the till's sums as the store closes: one the day after the
// arrival, then one every second day.
func (s *season) sell(id string, arrived time.Time, sums ...int64) {
	for i, kg := range sums {
		y, m, day := arrived.In(local).Date()
		at := time.Date(y, m, day+1+2*i, 21, s.chance.IntN(30), 0, 0, local)
		s.capture(market, at, events.Sold(companyOf(market), at, []events.Goods{s.goods(id, kg)}))
	}
}

func (s *season) destroy(by string, at time.Time, id string, kg int64) {
	s.capture(by, at, events.Destroyed(companyOf(by), at, []events.Goods{s.goods(id, kg)}))
}

// makeCheese turns the milk that waits into a lot of cheese and of whey, packs
// the cheese and sends a part of it to the retailer.
func (s *season) makeCheese(date time.Time, left int) {
	at := s.clock(date, 15, 0)
	var in []events.Goods
	total := int64(0)
	for _, l := range s.stock {
		in = append(in, s.goods(l.id, l.kg))
		total += l.kg
	}
	s.stock = nil
	if total == 0 {
		return
	}
	gtin, letter, life := gouda, "G", 180
	if left%8 == 2 {
		gtin, letter, life = mozzarella, "Z", 28
	}
	number := letter + date.Format("060102")
	wheel, powder := lotID(gtin, number), lotID(whey, "W"+date.Format("060102"))
	made := total / 10
	sent := made / 2 // Gouda ripens on
	switch {
	case gtin == mozzarella && left == 26:
		sent = made * 4 / 5 // the last of it is best used soon
	case gtin == mozzarella:
		sent = made
	}
	order := "VAT-" + number
	if left == 10 {
		order = "" // forgotten: the records of this lot lack a reference document
	}
	s.transform(cheese, at, "vat-"+number, order, in, []events.Made{
		{Goods: s.goods(wheel, made), BestBefore: bestBefore(at, life)},
		{Goods: s.goods(powder, total/20), BestBefore: bestBefore(at, 365)}})
	pack := s.pack(wheel, sent, at.Add(40*time.Minute))
	arrived := s.deliver(cheese, s.clock(date, 22, 30), nil, []string{pack})
	out := s.clock(date.AddDate(0, 0, 1), 9, 0)
	s.capture(market, out, events.Unpacked(companyOf(market), out, pack))
	if left == 26 { // the last tubs stand in a cold room whose door was left open
		s.chill(wheel, made-sent, s.clock(date.AddDate(0, 0, 1), 11, 0))
	}
	if gtin == mozzarella {
		s.sell(wheel, arrived, sent/2, sent/4, sent-sent/2-sent/4)
	} else {
		s.sell(wheel, arrived, sent/2)
	}
}

// chill is what a cold room's sensor told of a lot in an hour: for twenty
// minutes it was too warm.
func (s *season) chill(id string, kg int64, at time.Time) {
	e := epcis.Event{Type: epcis.ObjectEvent, Action: epcis.Observe, BizStep: "sensor_reporting", Time: at.UTC().Truncate(time.Millisecond), Offset: "+08:00",
		ReadPoint: "https://id.gs1.org/414/" + companyOf(cheese).GLN, BizLocation: "https://id.gs1.org/414/" + companyOf(cheese).GLN}
	e.Quantities = []epcis.Quantity{{Class: "https://id.gs1.org/" + id, Amount: gs1.Whole(kg), HasAmount: true, Unit: "KGM"}}
	for i, celsius := range []epcis.Number{"4.1", "4.3", "7.2", "8.4", "5.6", "4.2"} {
		e.Sensors = append(e.Sensors, epcis.SensorElement{Metadata: epcis.SensorMetadata{Time: e.Time.Add(time.Duration(10*i-60) * time.Minute)},
			Reports: []epcis.SensorReport{{Type: "Temperature", Value: celsius, Unit: "CEL"}}})
	}
	s.capture(cheese, at, e)
}

// pack puts so much of a lot on a pallet with a number of the cheese maker's.
func (s *season) pack(id string, kg int64, at time.Time) string {
	s.packs++
	key, err := gs1.SSCC(0, firmOf(cheese).Prefixes[0], s.packs)
	s.try(err)
	s.capture(cheese, at, events.Packed(companyOf(cheese), at, key.Path(), []events.Goods{s.goods(id, kg)}, nil))
	return key.Path()
}

// onTheWay is the visitor's day: milk on the road to the cheese maker, and the
// last cream at the retailer's ramp.
func (s *season) onTheWay(l lot, date time.Time) {
	at := s.clock(date, 6, 30)
	s.ship(dairy, cheese, at, []events.Goods{s.goods(l.id, l.kg/2)}, nil)
	s.ship(dairy, market, at.Add(20*time.Minute), []events.Goods{s.goods(l.id, l.kg/4)}, nil)
}

// mistake is an event that its author takes back and corrects.
func (s *season) mistake(date time.Time) {
	at := s.clock(date, 11, 0)
	id := lotID(cream, "X"+date.Format("060102"))
	wrong := events.Logged(companyOf(dairy), at, s.goods(id, 1900), bestBefore(at, 21))
	right := events.Logged(companyOf(dairy), at, s.goods(id, 190), bestBefore(at, 21))
	s.capture(dairy, at, wrong)
	hash, err := right.Hash()
	s.try(err)
	wrong.Error = &epcis.ErrorDeclaration{Time: at.Add(15 * time.Minute).UTC(), Reason: "incorrect_data", Corrective: []string{hash}}
	s.capture(dairy, at.Add(15*time.Minute), wrong)
	s.capture(dairy, at.Add(20*time.Minute), right)
	arrived := s.deliver(dairy, at.Add(2*time.Hour), []events.Goods{s.goods(id, 190)}, nil)
	s.sell(id, arrived, 110, 80)
}

// hold is a lot that the regulator looked into and released.
func (s *season) hold(l lot, date time.Time) {
	if !s.h.Holds(regulator) {
		return
	}
	s.handIn()
	id := "HOLD-" + date.Format("060102")
	s.at(s.clock(date, 16, 45))
	s.do(regulator, office, trace.Recall{ID: id, Kind: trace.KindHold, Lots: []string{l.id}, Code: "residues",
		Reason: "Antibiotic residues suspected in the tank sample; second sample under way."})
	s.at(s.clock(date.AddDate(0, 0, 2), 9, 15))
	s.do(regulator, office, trace.Release{Case: id, Reason: "Second sample clear."})
}

// rehearsal is a mock recall: it finds everything and blocks nothing.
func (s *season) rehearsal(l lot, date time.Time) {
	if !s.h.Holds(regulator) {
		return
	}
	s.handIn()
	id := "MOCK-" + date.Format("060102")
	s.at(s.clock(date, 17, 30))
	s.do(regulator, office, trace.Recall{ID: id, Kind: trace.KindMock, Lots: []string{l.id}, Reason: "Quarterly exercise.",
		Terms: trace.Terms{Hours: 4, ReasonZh: "季度演练。", Contact: "Food Safety Office"}})
	lines := s.accountsOf(id)
	var told trace.Notify
	for _, who := range []string{cheese, market, dairy} {
		if n := len(lines[who]); n > 0 {
			told.Companies = append(told.Companies, trace.Concerned{Party: who, Lots: n})
		}
	}
	if told.Case = id; len(told.Companies) > 0 {
		s.do(regulator, office, told)
	}
	for i, to := range told.Companies {
		s.at(s.clock(date, 18, 10+20*i))
		s.do(trade, to.Party, trace.Acknowledge{Case: id})
		s.at(s.clock(date, 18, 20+20*i))
		s.do(trade, to.Party, trace.Reconcile{Case: id, Lines: lines[to.Party]})
	}
	s.at(s.clock(date.AddDate(0, 0, 1), 10, 0))
	s.do(regulator, office, trace.Release{Case: id, Reason: "Exercise over: every lot found."})
}

// accountsOf is what each company has, and has had, of the lots of a case.
func (s *season) accountsOf(id string) map[string][]trace.Booked {
	all := map[string][]trace.Booked{}
	lots, err := readmodel.All[string](s.ctx, s.h.DB, `SELECT lot FROM tr_case_lots WHERE kase = $1 ORDER BY lot`, id)
	s.try(err)
	for _, id := range lots {
		status, err := host.Ask[trace.Status](s.ctx, s.h, host.Actor{MSP: regulator, User: office}, trace.LotStatus{Lot: id})
		s.try(err)
		for _, share := range status.Holdings {
			a := share.Account
			b := trace.Booked{Lot: id, Quarantined: a.Held.Add(a.Packed), Destroyed: a.Destroyed, Returned: a.Sent, Beyond: a.Sold.Add(a.Left).Add(a.Lost)}
			if !b.Sum().IsZero() {
				all[share.Party] = append(all[share.Party], b)
			}
		}
	}
	return all
}

// ship sends goods off with the carrier, under a despatch advice. The outcome
// is there when the diary has been handed in.
func (s *season) ship(from, to string, at time.Time, all []events.Goods, packs []string) (advice string, outcome *trace.Outcome) {
	s.advices++
	advice = fmt.Sprintf("DA-%s-%03d", at.Format("0601"), s.advices)
	outcome = s.capture(from, at, events.Shipped(events.Consignment{From: companyOf(from), To: companyOf(to), Carrier: companyOf(carrier),
		Advice: advice, Goods: all, Packs: packs}, at))
	return advice, outcome
}

func (s *season) receive(from, to string, at time.Time, advice string, all []events.Goods, packs []string) {
	s.capture(to, at, events.Received(events.Arrival{From: companyOf(from), To: companyOf(to), Documents: []string{documentOf(from, advice)},
		Goods: all, Packs: packs}, at))
}

func documentOf(from, advice string) string {
	return "urn:epcglobal:cbv:bt:" + companyOf(from).GLN + ":" + advice
}

func (s *season) transform(by string, at time.Time, id, order string, in []events.Goods, out []events.Made) {
	for _, e := range events.Transformed(companyOf(by), at, "urn:tallyway:process:"+by+":"+id, in, out) {
		e.BizTransactions = companyOf(by).Document("prodorder", order)
		s.capture(by, at, e)
	}
}

// capture notes an event in its company's diary. What would lie ahead of the
// visitor has not happened.
func (s *season) capture(by string, at time.Time, e epcis.Event) *trace.Outcome {
	outcome := &trace.Outcome{}
	if s.err != nil || at.After(s.now) {
		return outcome
	}
	command, err := events.Capture(e, gs1.Amount{})
	s.try(err)
	noted := at.Add(time.Duration(20+s.chance.IntN(200)) * time.Second) // people write down what they have done
	s.diary.note(by, noted, command, outcome)
	return outcome
}

// clock is a time of the day, a few minutes early or late. On the visitor's
// own day it keeps before their now.
func (s *season) clock(date time.Time, hour, minute int) time.Time {
	t := date.Add(time.Duration(hour)*time.Hour + time.Duration(minute+s.chance.IntN(17))*time.Minute)
	if t.After(s.now) && t.Sub(s.now) < 24*time.Hour {
		return s.now.Add(-time.Duration(1+s.chance.IntN(40)) * time.Minute).In(local)
	}
	return t
}

func (s *season) goods(id string, kg int64) events.Goods {
	return events.Goods{Lot: id, Amount: gs1.Whole(kg), Unit: "KGM"}
}

func lotID(gtin, number string) string { return strings.Join([]string{"01", gtin, "10", number}, "/") }

func bestBefore(made time.Time, days int) string {
	return made.AddDate(0, 0, days).Format(time.DateOnly)
}
