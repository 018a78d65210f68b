package traceability

import (
	"context"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	drawing "github.com/tallyway/tallyway/apps/traceability/curve"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// lotExposure is what a lot was exposed to.
type lotExposure struct {
	watch.Answer
	Low, High *float64
	Legs      []legExposure
	Points    []store.Point
	pause     time.Duration
}

// legExposure is one device's part of it.
type legExposure struct {
	companion
	Channels []string
	Exposure watch.Figures
	Doubtful bool // out of calibration
}

// mostLegPoints bounds what one channel adds: of longer times, points that hide
// no extreme.
const mostLegPoints = 20_000

// exposureOf reads what was measured where a lot was, since it came to be; nil
// where no sensor ever was.
func (a *app) exposureOf(ctx context.Context, lot lotRow, storage string) (*lotExposure, error) {
	if !a.station.HasDevices() {
		return nil, nil
	}
	with, err := a.companions(ctx, lot.ID, lot.At, a.host.Now())
	if err != nil || len(with) == 0 {
		return nil, err
	}
	x := &lotExposure{}
	x.Low, x.High = limits(storage)
	whole := x.question(lot.At, lot.At)
	for _, k := range with {
		leg := x.question(k.From, k.To)
		channels := k.Device.temperatures()
		if len(channels) == 0 {
			continue
		}
		for _, channel := range channels {
			c, err := a.station.Store.Curve(ctx, k.Device.id(), channel, k.From, k.To, mostLegPoints)
			if err != nil {
				return nil, err
			}
			x.Points = append(x.Points, c.Points...)
			leg.Readings = append(leg.Readings, curveReadings(k.Device.id(), channel, c)...)
			pause := max(3*time.Duration(k.Device.Interval)*time.Second, 2*time.Minute, 2*c.Step)
			leg.Intervals[k.Device.id()] = max(leg.Intervals[k.Device.id()], pause/3) // a reading stands for three
			x.pause = max(x.pause, pause)
		}
		leg.Stays = []watch.Stay{{Device: k.Device.id(), From: k.From, To: k.To}}
		x.Legs = append(x.Legs, legExposure{k, channels, watch.Exposure(leg.Question).Figures, k.Device.doubtful(k.From)})
		whole.add(leg)
	}
	if len(x.Legs) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(x.Points, func(p, q store.Point) int { return p.At.Compare(q.At) })
	x.Answer = watch.Exposure(whole.Question)
	return x, nil
}

// exposureQuestion is a question that grows leg by leg.
type exposureQuestion struct{ watch.Question }

func (x *lotExposure) question(from, to time.Time) exposureQuestion {
	return exposureQuestion{watch.Question{Kind: "temperature", From: from, To: to, Low: x.Low, High: x.High, Intervals: map[iot.ID]time.Duration{}}}
}

func (q *exposureQuestion) add(leg exposureQuestion) {
	q.Stays, q.Readings = append(q.Stays, leg.Stays...), append(q.Readings, leg.Readings...)
	if leg.To.After(q.To) {
		q.To = leg.To
	}
	for id, interval := range leg.Intervals {
		q.Intervals[id] = max(q.Intervals[id], interval)
	}
}

// temperatures are the channels that tell of goods' surroundings.
func (d deviceRow) temperatures() (all []string) {
	for _, ch := range d.Channels {
		if kind, _ := iot.KindOf(ch.Name); kind.Name == "temperature" {
			all = append(all, ch.Name)
		}
	}
	return all
}

// curveReadings are a curve's points as readings; where several readings are one
// point, both its extremes speak.
func curveReadings(id iot.ID, channel string, c *store.Curve) (all []iot.Reading) {
	add := func(at time.Time, v float64) {
		all = append(all, iot.Reading{Device: id, Channel: channel, At: at, Value: v})
	}
	for _, p := range c.Points {
		if p.Count == 1 {
			add(p.At, p.Mean)
			continue
		}
		add(p.At, p.Low)
		add(p.At.Add(p.Last.Sub(p.At)/2), p.High)
	}
	return all
}

// svg draws the exposure.
func (x *lotExposure) svg(c *web.Ctx) template.HTML {
	drawn := drawing.Curve{From: x.From, To: x.To, Low: x.Low, High: x.High, Unit: "°C", Zone: c.Zone(), Pause: x.pause}
	step := max(1, len(x.Points)/400)
	for i := 0; i < len(x.Points); i += step {
		p := drawing.Point{At: x.Points[i].At, Last: x.Points[i].Last, Low: x.Points[i].Low, High: x.Points[i].High}
		sum, n := 0.0, 0.0
		for _, q := range x.Points[i:min(i+step, len(x.Points))] {
			p.Low, p.High, sum, n = min(p.Low, q.Low), max(p.High, q.High), sum+q.Mean, n+1
			if q.Last.After(p.Last) {
				p.Last = q.Last
			}
		}
		p.Mean = sum / n
		drawn.Points = append(drawn.Points, p)
	}
	drawn.Pause = max(drawn.Pause, 2*x.To.Sub(x.From)/400)
	drawn.Label = c.T("Temperature from %s to %s °C over time", tenth(x.Min), tenth(x.Max))
	return drawn.SVG()
}

func tenth(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// exposureCard is what the page of a lot shows of it.
type exposureCard struct {
	SVG   template.HTML
	Stats []web.Stat
	Note  string
	Legs  web.Table
	Proof string
	JSON  string
}

func (a *app) exposureCard(c *web.Ctx, n *names, lot lotRow) (*exposureCard, error) {
	x, err := a.exposureOf(c.Context(), lot, a.storageOf(c.Context(), lot.GTIN))
	if err != nil || x == nil {
		return nil, err
	}
	card := &exposureCard{SVG: x.svg(c), JSON: "/api/lots/" + template.URLQueryEscaper(lot.ID) + "/exposure", Proof: "/api/lots/" + template.URLQueryEscaper(lot.ID) + "/exposure/proof"}
	if x.Known {
		card.Stats = []web.Stat{{Label: "Coldest", Value: tenth(x.Min) + " °C"}, {Label: "Warmest", Value: tenth(x.Max) + " °C"}, {Label: "Mean kinetic temperature", Value: tenth(x.MKT) + " °C"}}
	}
	if x.Low != nil {
		card.Stats = append(card.Stats, web.Stat{Label: "Minutes out of range", Value: minutes(x.Hot + x.Cold)})
	}
	card.Stats = append(card.Stats, web.Stat{Label: "Of the time measured", Value: measuredShare(x.Coverage)})
	card.Note = x.gapsInWords(c)
	card.Legs = web.Table{Label: "Devices that were with it", Columns: []web.Column{{Label: "Device"}, {Label: "Where"}, {Label: "Time"}, {Label: "Measured"}, {Label: "State"}}}
	for _, l := range x.Legs {
		cells := []any{l.Device.title(c.Lang()) + " (" + n.Party(l.Device.Owner) + ")", n.Thing(l.Thing), between(l.From.In(c.Zone()), l.To.In(c.Zone())), "", nil}
		if l.Exposure.Known {
			cells[3] = tenth(l.Exposure.Min) + " – " + tenth(l.Exposure.Max) + " °C"
		}
		if l.Doubtful {
			cells[4] = web.Chip{Word: "Out of calibration", Tone: web.Bad}
		} else if l.Device.CalUntil == "" {
			cells[4] = web.Chip{Word: "Not calibrated", Tone: web.Warn}
		}
		card.Legs.Rows = append(card.Legs.Rows, web.TableRow{Cells: cells})
	}
	return card, nil
}

// between is a span of time as it is told beside others.
func between(from, to time.Time) string {
	const day, clock = "01-02 15:04", "15:04"
	if from.YearDay() == to.YearDay() && from.Year() == to.Year() {
		return from.Format(day) + " – " + to.Format(clock)
	}
	return from.Format(day) + " – " + to.Format(day)
}

func minutes(d time.Duration) string { return web.Group(int(d.Round(time.Minute) / time.Minute)) }

// measuredShare is percent, never 100 where something is missing.
func measuredShare(percent float64) string { return tenth(math.Floor(percent*10)/10) + " %" }

// gapsInWords tells of what is hatched in the curve.
func (x *lotExposure) gapsInWords(c *web.Ctx) string {
	var parts []string
	if x.Silent >= time.Minute {
		parts = append(parts, c.T("sensors told nothing for %s min", minutes(x.Silent)))
	}
	if x.Without >= time.Minute {
		parts = append(parts, c.T("no sensor was there for %s min", minutes(x.Without)))
	}
	if len(parts) == 0 {
		return ""
	}
	return c.T("Hatched: %s.", strings.Join(parts, " · "))
}

// exposureReply is an exposure for programs.
type exposureReply struct {
	Lot string `json:"lot"`
	exposureFigures
	LimitLow  *float64   `json:"limitLow,omitempty"`
	LimitHigh *float64   `json:"limitHigh,omitempty"`
	Gaps      []gapReply `json:"gaps"`
	Legs      []legReply `json:"legs"`
}

// exposureFigures are what temperatures over a time come to, in °C and minutes.
type exposureFigures struct {
	From     time.Time  `json:"from"`
	To       time.Time  `json:"to"`
	Coverage float64    `json:"coverage"` // percent of the time
	Covered  float64    `json:"minutesMeasured"`
	Silent   float64    `json:"minutesSilent"`  // a sensor was there and told nothing
	Without  float64    `json:"minutesWithout"` // no sensor was there
	Low      *float64   `json:"low,omitempty"`
	LowAt    *time.Time `json:"lowAt,omitempty"`
	High     *float64   `json:"high,omitempty"`
	HighAt   *time.Time `json:"highAt,omitempty"`
	Mean     *float64   `json:"mean,omitempty"`
	Kinetic  *float64   `json:"meanKineticTemperature,omitempty"` // USP <1079>, of the warmest sensor
	Hot      float64    `json:"minutesAbove"`
	HotBy    float64    `json:"degreeMinutesAbove"`
	Cold     float64    `json:"minutesBelow"`
	ColdBy   float64    `json:"degreeMinutesBelow"`
}

func figuresOf(f watch.Figures) exposureFigures {
	x := exposureFigures{From: f.From, To: f.To, Coverage: f.Coverage, Covered: f.Covered.Minutes(), Silent: f.Silent.Minutes(), Without: f.Without.Minutes(),
		Hot: f.Hot.Minutes(), HotBy: f.HotDegreeMinutes, Cold: f.Cold.Minutes(), ColdBy: f.ColdDegreeMinutes}
	if f.Known {
		x.Low, x.LowAt, x.High, x.HighAt, x.Mean, x.Kinetic = &f.Min, &f.MinAt, &f.Max, &f.MaxAt, &f.Mean, &f.MKT
	}
	return x
}

// gapReply is a time of which nothing is known.
type gapReply struct {
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Reason string    `json:"reason"` // "silent": a sensor told nothing; "without": none was there
}

type legReply struct {
	Device           string          `json:"device"`
	Where            string          `json:"where"`
	Channels         []string        `json:"channels"`
	OutOfCalibration bool            `json:"outOfCalibration"`
	Exposure         exposureFigures `json:"exposure"`
}

// apiExposure answers /api/lots/{id}/exposure.
func (a *app) apiExposure(c *web.Ctx, lot lotRow) error {
	x, err := a.exposureOf(c.Context(), lot, a.storageOf(c.Context(), lot.GTIN))
	if err != nil {
		return err
	}
	reply := exposureReply{Lot: lot.ID, Gaps: []gapReply{}, Legs: []legReply{}}
	if x != nil {
		reply.exposureFigures, reply.LimitLow, reply.LimitHigh = figuresOf(x.Figures), x.Low, x.High
		for _, g := range x.Gaps() {
			reply.Gaps = append(reply.Gaps, gapReply{g.From, g.To, string(g.Cover)})
		}
		for _, l := range x.Legs {
			reply.Legs = append(reply.Legs, legReply{l.Device.id().String(), l.Thing, l.Channels, l.Doubtful, figuresOf(l.Exposure)})
		}
	}
	return c.JSON(http.StatusOK, reply)
}

// storageOf is what a product's label says of how it is kept.
func (a *app) storageOf(ctx context.Context, gtin string) string {
	text, err := readmodel.One[string](ctx, a.db, `SELECT storage FROM tr_products WHERE gtin = $1`, gtin)
	if err != nil {
		return ""
	}
	return text
}

// mostShown bounds a shopper's curve.
const mostShown = 240

// measuredCurve is what devices measured where a pack's lot was; nil where none
// did.
func (a *app) measuredCurve(ctx context.Context, w *way, storage string) (*coldCurve, error) {
	x, err := a.exposureOf(ctx, w.lot, storage)
	if err != nil || x == nil || len(x.Points) == 0 {
		return nil, err
	}
	var all []reading
	step := max(1, len(x.Points)/mostShown)
	for i := 0; i < len(x.Points); i += step {
		r := reading{At: x.Points[i].At, Low: x.Points[i].Low, High: x.Points[i].High}
		for _, p := range x.Points[i:min(i+step, len(x.Points))] {
			r.Low, r.High = min(r.Low, p.Low), max(r.High, p.High)
		}
		all = append(all, r)
	}
	return newCurve(all, storage), nil
}
