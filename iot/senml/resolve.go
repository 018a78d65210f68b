package senml

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/iot"
)

// absolute is the first second since 1970 that is not relative to now (section
// 4.5.3): 2 to the power of 28.
const absolute = 1 << 28

// latest keeps times to years of four digits; a clock that is only wrong is
// refused by iot.ErrClock, later.
const latest = 253402300800

// Resolve gives the pack's resolved form (section 4.6): no base fields but a
// version other than 10, no relative times, in the order of time.
func (p Pack) Resolve(now time.Time) (Pack, error) {
	r, err := p.apply()
	if err != nil {
		return nil, err
	}
	for i := range r {
		r[i].Time = ptr(seconds(instant(*r[i].Time, now)))
		if r[i].UpdateTime != nil && *r[i].UpdateTime < absolute {
			r[i].UpdateTime = ptr(seconds(instant(*r[i].UpdateTime, now)))
		}
	}
	slices.SortStableFunc(r, func(a, b Entry) int { return cmp.Compare(*a.Time, *b.Time) })
	return r, nil
}

// apply puts the base fields into their records. Times may stay relative.
func (p Pack) apply() (Pack, error) {
	var version, bt, bv, bs float64 = 10, 0, 0, 0
	var bn, bu string
	r := make(Pack, 0, len(p))
	for i, e := range p {
		set(&bn, e.BaseName)
		set(&bu, e.BaseUnit)
		set(&bt, e.BaseTime)
		set(&bv, e.BaseValue)
		set(&bs, e.BaseSum)
		switch {
		case e.BaseVersion == nil:
		case i > 0 && *e.BaseVersion != version:
			return nil, ErrVersion.Refuse("record %s: version %s, and %s before", i+1, *e.BaseVersion, version).On("bver")
		case !readable(*e.BaseVersion):
			return nil, ErrVersion.Refuse("version %s", *e.BaseVersion).On("bver")
		default:
			version = *e.BaseVersion
		}
		if e.baseOnly() {
			continue
		}
		if err := e.check(bn, i); err != nil {
			return nil, err
		}
		e = e.resolved(bn, bu, bt, bv, bs)
		if version != 10 {
			e.BaseVersion = ptr(version)
		}
		if err := e.bounded(i); err != nil {
			return nil, err
		}
		r = append(r, e)
	}
	return r, nil
}

// readable tells which versions are known: those before 10, the RFC's own, and
// the one with secondary units (RFC 8798, RFC 9100).
func readable(version float64) bool {
	return version == math.Trunc(version) && (version >= 1 && version <= 10 || version == 26)
}

// baseOnly is a record that sets base fields for those behind it. Section 4.2
// wants a value in every record; gateways in the field send such a header, and
// it is clear.
func (e Entry) baseOnly() bool {
	return e.Name == nil && e.Unit == nil && e.values() == 0 && e.Sum == nil && e.Time == nil && e.UpdateTime == nil &&
		(e.BaseName != nil || e.BaseTime != nil || e.BaseUnit != nil || e.BaseValue != nil || e.BaseSum != nil || e.BaseVersion != nil)
}

func (e Entry) values() int {
	n := 0
	for _, there := range []bool{e.Value != nil, e.Text != nil, e.Truth != nil, e.Data != nil} {
		if there {
			n++
		}
	}
	return n
}

// check holds one record to sections 4.2 and 4.5.1.
func (e Entry) check(base string, i int) error {
	if n := e.values(); n > 1 || n == 0 && e.Sum == nil {
		return ErrOneValue.Refuse("record %s holds %s", i+1, n).On("v")
	}
	name := base + value(e.Name)
	if name == "" || strings.Trim(name, letters+"-:./_") != "" || !strings.Contains(letters, name[:1]) {
		return ErrName.Refuse("record %s: %s", i+1, strconv.Quote(name[:min(len(name), 120)])).On("n")
	}
	return nil
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// resolved is section 4.1: a base name leads a name, a base unit stands in for a
// missing one, the others are added to what is there.
func (e Entry) resolved(bn, bu string, bt, bv, bs float64) Entry {
	r := Entry{Name: ptr(bn + value(e.Name)), Unit: e.Unit, Value: plus(e.Value, bv), Sum: plus(e.Sum, bs),
		Text: e.Text, Truth: e.Truth, Data: e.Data, UpdateTime: e.UpdateTime, Time: ptr(bt + value(e.Time))}
	if e.Unit == nil && bu != "" {
		r.Unit = &bu
	}
	return r
}

// bounded refuses what only became too large by its base.
func (e Entry) bounded(i int) error {
	switch t := *e.Time; {
	case math.Abs(t) > latest:
		return iot.ErrClock.Refuse("record %s: %s s", i+1, t).On("t")
	case e.Value != nil && math.IsInf(*e.Value, 0):
		return iot.ErrValue.Refuse("record %s", i+1).On("v")
	case e.Sum != nil && math.IsInf(*e.Sum, 0):
		return iot.ErrValue.Refuse("record %s", i+1).On("s")
	}
	return nil
}

// instant is a resolved record's time in whole microseconds.
func instant(t float64, now time.Time) time.Time {
	micros := int64(math.Round(t * 1e6))
	if t < absolute {
		micros += now.UnixMicro()
	}
	return time.UnixMicro(micros).UTC()
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func ptr[T any](v T) *T { return &v }

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func value[T any](p *T) T {
	var v T
	set(&v, p)
	return v
}

func plus(v *float64, base float64) *float64 {
	if v == nil {
		return nil
	}
	return ptr(*v + base)
}
