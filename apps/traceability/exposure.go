package traceability

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// reading is a temperature of a lot: at a moment, or the extremes of a span.
type reading struct {
	Lot   string     `db:"lot"`
	At    time.Time  `db:"at"`
	Until *time.Time `db:"until"`
	Low   float64    `db:"low"`
	High  float64    `db:"high"`
}

// recordReadings keeps the temperatures that an event tells of its lots.
func recordReadings(ctx context.Context, tx *readmodel.Tx, c trace.Captured, e *epcis.Event) error {
	if e == nil || len(e.Sensors) == 0 || e.Action == epcis.Delete {
		return nil
	}
	all := readingsOf(e)
	for _, named := range c.Named {
		if named.Role == "parent" {
			continue
		}
		for n, r := range all {
			err := run(ctx, tx, `INSERT INTO tr_readings (lot, hash, n, at, until, low, high) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
				named.ID, c.Hash, n, r.At, r.Until, r.Low, r.High)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// readingsOf are an event's temperatures in °C (EPCIS 2.0, section 7.3.7).
func readingsOf(e *epcis.Event) (all []reading) {
	for _, s := range e.Sensors {
		for _, r := range s.Reports {
			low, high, ok := celsius(r)
			if r.Type != "Temperature" || !ok {
				continue
			}
			x := reading{At: e.Time, Low: low, High: high}
			switch {
			case !s.Metadata.Start.IsZero() && s.Metadata.End.After(s.Metadata.Start):
				end := s.Metadata.End.UTC()
				x.At, x.Until = s.Metadata.Start.UTC(), &end
			case !r.Time.IsZero():
				x.At = r.Time.UTC()
			case !s.Metadata.Time.IsZero():
				x.At = s.Metadata.Time.UTC()
			}
			all = append(all, x)
		}
	}
	return all
}

// celsius is a report's lowest and highest value.
func celsius(r epcis.SensorReport) (low, high float64, ok bool) {
	for _, n := range []epcis.Number{r.Value, r.MeanValue, r.MinValue, r.MaxValue} {
		v, err := strconv.ParseFloat(string(n), 64)
		if err != nil {
			continue
		}
		switch r.Unit {
		case "CEL":
		case "FAH":
			v = (v - 32) * 5 / 9
		case "KEL":
			v -= 273.15
		default:
			return 0, 0, false
		}
		if !ok {
			low, high, ok = v, v, true
		}
		low, high = min(low, v), max(high, v)
	}
	return low, high, ok
}

// storageRange reads "2 to 6 °C" as people write it on labels.
var storageRange = regexp.MustCompile(`^\s*([-−+]?\d+(?:[.,]\d+)?)\s*(?:°\s*C\s*)?(?:to|–|-|…|\.\.|~|至)\s*([-−+]?\d+(?:[.,]\d+)?)\s*°?\s*C?\s*$`)

// rangeOf is the range of temperature of a product's storage; ok is false where
// the text tells none.
func rangeOf(storage string) (low, high float64, ok bool) {
	m := storageRange.FindStringSubmatch(storage)
	if m == nil {
		return 0, 0, false
	}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(strings.NewReplacer("−", "-", ",", ".").Replace(s), 64)
		if err != nil {
			return 0 // the expression lets nothing else through
		}
		return v
	}
	low, high = number(m[1]), number(m[2])
	return low, high, low <= high
}

// holds is how long a reading at a moment speaks for, when no other follows.
const holds = 15 * time.Minute

// minutesOut is how long a lot was outside a range: a reading speaks until the
// next one, at most for the time that holds; a span counts whole when either of
// its extremes lies outside. Readings come in the order of time; time that two
// of them tell of counts once.
func minutesOut(all []reading, low, high float64) int {
	var out time.Duration
	var until time.Time // up to where time is counted
	for i, r := range all {
		end := r.At.Add(holds)
		if r.Until != nil {
			end = *r.Until
		} else if i+1 < len(all) && all[i+1].At.Before(end) {
			end = all[i+1].At
		}
		if r.Low >= low && r.High <= high {
			continue
		}
		begin := r.At
		if begin.Before(until) {
			begin = until
		}
		if end.After(begin) {
			out += end.Sub(begin)
			until = end
		}
	}
	return int(out.Round(time.Minute) / time.Minute)
}

// exposure tells for lots how many minutes each was outside its product's
// storage range, of those that have a range and were measured. It is the one
// place where insights learn of temperatures.
func (a *app) exposure(ctx context.Context, storage map[string]string) (map[string]int, error) {
	var lots []string
	for lot, text := range storage {
		if _, _, ok := rangeOf(text); ok {
			lots = append(lots, lot)
		}
	}
	slices.Sort(lots)
	byLot := map[string][]reading{}
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		rows, err := readmodel.All[reading](ctx, a.db, `SELECT r.lot, r.at, r.until, r.low, r.high FROM tr_readings r JOIN tr_events e ON e.hash = r.hash
			WHERE e.error = '' AND r.lot IN `+list+` ORDER BY r.lot, r.at, r.hash, r.n`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			byLot[r.Lot] = append(byLot[r.Lot], r)
		}
	}
	minutes := map[string]int{}
	for lot, all := range byLot {
		low, high, _ := rangeOf(storage[lot])
		minutes[lot] = minutesOut(all, low, high)
	}
	return minutes, nil
}
