package scans

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
)

// LotMemory is what is kept of where a lot's things were looked at.
type LotMemory struct {
	Placed int       `json:"placed"` // looks with a place
	Abroad []Foreign `json:"abroad,omitempty"`
	Signs  []Sign    `json:"signs,omitempty"`
}

// Foreign is a country or a square of the map that the lot was not sent to.
type Foreign struct {
	Where string   `json:"where"`
	Count int      `json:"count"`
	Known []uint64 `json:"known,omitempty"` // the latest things, or visitors where a code names none
}

const (
	mostForeign = 24
	// A few of every hundred shoppers travel with what they bought: so many looks
	// are expected anywhere, and so many more are no chance.
	travellers = 0.06
	fewest     = 4
)

// See takes a look at one of the lot's things in, and reports whether it brought
// the sign of a lot on a wrong way, or more of it.
func (m *LotMemory) See(s Scan, w Way) bool {
	if s.Point == nil && s.Country == "" || w.Open || w.Stage < Moving {
		return false
	}
	m.Placed++
	where := w.foreign(s)
	if where == "" {
		return false
	}
	i := slices.IndexFunc(m.Abroad, func(f Foreign) bool { return f.Where == where })
	if i < 0 {
		if len(m.Abroad) == mostForeign {
			least := slices.MinFunc(m.Abroad, func(a, b Foreign) int { return a.Count - b.Count })
			m.Abroad = slices.DeleteFunc(m.Abroad, func(f Foreign) bool { return f.Where == least.Where })
		}
		i = len(m.Abroad)
		m.Abroad = append(m.Abroad, Foreign{Where: where})
	}
	f := &m.Abroad[i]
	once := s.once()
	if once != 0 && slices.Contains(f.Known, once) {
		return false
	}
	f.Count++
	if f.Known = append(f.Known, once); len(f.Known) > mostVisitors {
		f.Known = f.Known[1:]
	}
	if f.Count < fewest || float64(f.Count) <= fewest-1+travellers*float64(m.Placed) {
		return false
	}
	return m.region(Sign{Kind: Region, Weight: weights[Region].once, Count: f.Count, Where: where})
}

// once is what counts once in a region: a thing, however many of a household look
// at it, and a visitor where the code names no single thing.
func (s Scan) once() uint64 {
	if s.Thing == "" {
		return s.Visitor
	}
	h := fnv.New64a()
	h.Write([]byte(s.Thing))
	return h.Sum64()
}

// region keeps the sign of each region apart.
func (m *LotMemory) region(s Sign) bool {
	i := slices.IndexFunc(m.Signs, func(known Sign) bool { return known.Where == s.Where })
	if i >= 0 {
		more := s.Count >= 2*m.Signs[i].Count
		m.Signs[i].Times++
		if more {
			m.Signs[i].Count, m.Signs[i].Weight = s.Count, weights[Region].more
		}
		return more
	}
	if s.Times = 1; len(m.Signs) < mostForeign {
		m.Signs = append(m.Signs, s)
	}
	return true
}

// foreign names the country or the square of the map of a look where the lot was
// not sent; "" where it was, or may have been carried.
func (w Way) foreign(s Scan) string {
	if s.Point == nil {
		if s.Country == "" || len(w.Countries) == 0 || slices.Contains(w.Countries, s.Country) {
			return ""
		}
		return s.Country
	}
	w.Stage = max(w.Stage, Shop) // its things may be further than the record says
	km, stray := w.stray(*s.Point)
	switch {
	case !stray:
		return ""
	case s.Country != "" && len(w.Countries) > 0 && !slices.Contains(w.Countries, s.Country):
		return s.Country
	case km < 2*travel:
		return ""
	}
	return fmt.Sprintf("%+d%+d", int(math.Floor(s.Point.Lat/3)*3), int(math.Floor(s.Point.Lon/3)*3))
}
