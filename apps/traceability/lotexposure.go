package traceability

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"strconv"
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
	watch.Exposure
	Low, High *float64
	Legs      []legExposure
	Points    []store.Point
	from, to  time.Time
	pause     time.Duration
}

// legExposure is one device's part of it.
type legExposure struct {
	companion
	Channel  string
	Exposure watch.Exposure
	Doubtful bool // out of calibration
}

// mostLegPoints bounds what one device adds: of longer times, points that hide no
// extreme.
const mostLegPoints = 20_000

// exposureOf reads what was measured where a lot was; nil where nothing was.
func (a *app) exposureOf(ctx context.Context, lot lotRow, storage string) (*lotExposure, error) {
	if !a.station.HasDevices() {
		return nil, nil
	}
	with, err := a.companions(ctx, lot.ID, lot.At, a.host.Now())
	if err != nil || len(with) == 0 {
		return nil, err
	}
	x := &lotExposure{from: with[0].From, to: with[0].To}
	x.Low, x.High = limits(storage)
	var points []watch.Point
	var stretches []watch.Span
	for _, k := range with {
		channel := k.Device.main()
		if kind, _ := iot.KindOf(channel); kind.Name != "temperature" {
			continue
		}
		c, err := a.station.Store.Curve(ctx, k.Device.id(), channel, k.From, k.To, mostLegPoints)
		if err != nil {
			return nil, err
		}
		hold := max(3*time.Duration(k.Device.Interval)*time.Second, 2*time.Minute, 2*c.Step)
		x.pause = max(x.pause, hold)
		own := pointsOf(c)
		span := []watch.Span{{From: k.From, To: k.To}}
		x.Legs = append(x.Legs, legExposure{k, channel, watch.Expose(own, span, hold, x.Low, x.High), k.Device.doubtful(k.From)})
		points, stretches = append(points, own...), append(stretches, span...)
		x.Points = append(x.Points, c.Points...)
		if k.From.Before(x.from) {
			x.from = k.From
		}
		if k.To.After(x.to) {
			x.to = k.To
		}
	}
	if len(x.Legs) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(x.Points, func(p, q store.Point) int { return p.At.Compare(q.At) })
	x.Exposure = watch.Expose(points, stretches, x.pause, x.Low, x.High)
	return x, nil
}

// pointsOf are a curve's points as values; where several readings are one point,
// both its extremes speak.
func pointsOf(c *store.Curve) (all []watch.Point) {
	for _, p := range c.Points {
		if p.Count == 1 {
			all = append(all, watch.Point{At: p.At, Value: p.Mean})
			continue
		}
		all = append(all, watch.Point{At: p.At, Value: p.Low}, watch.Point{At: p.At.Add(p.Last.Sub(p.At) / 2), Value: p.High})
	}
	return all
}

// svg draws the exposure.
func (x *lotExposure) svg(c *web.Ctx) template.HTML {
	drawn := drawing.Curve{From: x.from, To: x.to, Low: x.Low, High: x.High, Unit: "°C", Zone: c.Zone(), Pause: x.pause}
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
	drawn.Pause = max(drawn.Pause, 2*x.to.Sub(x.from)/400)
	drawn.Label = c.T("Temperature from %s to %s °C over time", tenth(x.Exposure.Low), tenth(x.Exposure.High))
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
	card.Stats = []web.Stat{{Label: "Coldest", Value: tenth(x.Exposure.Low) + " °C"}, {Label: "Warmest", Value: tenth(x.Exposure.High) + " °C"},
		{Label: "Mean kinetic temperature", Value: tenth(x.Kinetic) + " °C"}}
	if x.Low != nil {
		card.Stats = append(card.Stats, web.Stat{Label: "Minutes out of range", Value: web.Group(int(x.Hot + x.Cold))})
	}
	if x.Missing >= 1 {
		card.Note = c.T("Hatched: nothing was measured for %s minutes.", web.Group(int(x.Missing)))
	}
	card.Legs = web.Table{Label: "Devices that were with it", Columns: []web.Column{{Label: "Device"}, {Label: "Where"}, {Label: "From"}, {Label: "Until"}, {Label: "Measured"}, {Label: "State"}}}
	for _, l := range x.Legs {
		cells := []any{l.Device.title(c.Lang()) + " (" + n.Party(l.Device.Owner) + ")", n.Thing(l.Thing), l.From, l.To, "", nil}
		if l.Exposure.Readings > 0 {
			cells[4] = tenth(l.Exposure.Low) + " – " + tenth(l.Exposure.High) + " °C"
		}
		if l.Doubtful {
			cells[5] = web.Chip{Word: "Out of calibration", Tone: web.Bad}
		} else if l.Device.CalUntil == "" {
			cells[5] = web.Chip{Word: "Not calibrated", Tone: web.Warn}
		}
		card.Legs.Rows = append(card.Legs.Rows, web.TableRow{Cells: cells})
	}
	return card, nil
}

// exposureReply is an exposure for programs.
type exposureReply struct {
	Lot string `json:"lot"`
	watch.Exposure
	LimitLow  *float64   `json:"limitLow,omitempty"`
	LimitHigh *float64   `json:"limitHigh,omitempty"`
	Legs      []legReply `json:"legs"`
}

type legReply struct {
	Device           string         `json:"device"`
	Where            string         `json:"where"`
	From             time.Time      `json:"from"`
	To               time.Time      `json:"to"`
	Channel          string         `json:"channel"`
	OutOfCalibration bool           `json:"outOfCalibration"`
	Exposure         watch.Exposure `json:"exposure"`
}

// apiExposure answers /api/lots/{id}/exposure.
func (a *app) apiExposure(c *web.Ctx, lot lotRow) error {
	x, err := a.exposureOf(c.Context(), lot, a.storageOf(c.Context(), lot.GTIN))
	if err != nil {
		return err
	}
	reply := exposureReply{Lot: lot.ID, Legs: []legReply{}}
	if x != nil {
		reply.Exposure, reply.LimitLow, reply.LimitHigh = x.Exposure, x.Low, x.High
		for _, l := range x.Legs {
			reply.Legs = append(reply.Legs, legReply{l.Device.id().String(), l.Thing, l.From, l.To, l.Channel, l.Doubtful, l.Exposure})
		}
	}
	return c.JSON(http.StatusOK, reply)
}

// apiExposureProof answers /api/lots/{id}/exposure/proof with the sealed windows
// of the devices, whole.
func (a *app) apiExposureProof(c *web.Ctx, lot lotRow) error {
	if a.station.Store == nil {
		return errNoStation.Refuse("")
	}
	with, err := a.companions(c.Context(), lot.ID, lot.At, a.host.Now())
	if err != nil {
		return err
	}
	p, err := a.wholeWindows(c.Context(), with)
	if err != nil {
		return err
	}
	if p.Ledger == nil {
		return store.ErrNotSealed.Refuse("%s", lot.ID)
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+fileName(lot)+`-readings-proof.json"`)
	return c.JSON(http.StatusOK, p)
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
