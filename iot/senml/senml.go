// Package senml reads Sensor Measurement Lists (RFC 8428) in JSON and CBOR, and
// resolves them: what base fields say of all records, each record says then by
// itself.
package senml

import (
	"math"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// Record is one resolved record (section 4.6).
type Record struct {
	Version int
	Name    string
	Unit    string
	Time    float64 // seconds of the Unix epoch; below 2^28 from now on
	Value   *float64
	Bool    *bool
	String  *string
	Data    *string // base64 as sent
	Sum     *float64
	Update  *float64 // seconds
}

// version is what this package understands (section 4.4).
const version = 10

// relative is below which a time counts from now (section 4.5.3).
const relative = 1 << 28

// raw is a record as it was sent; nil is a field that it has not got.
type raw struct {
	bn, bu, n, u, vs, vd    *string
	bt, bv, bs, v, s, t, ut *float64
	bver                    *float64
	vb                      *bool
}

// refuse names the clause of RFC 8428 that a pack breaks.
func refuse(clause, format string, facts ...any) *chaincode.Refusal {
	return iot.ErrPayload.Refuse(format+" (RFC 8428, "+clause+")", facts...)
}

// Pack reads a pack in JSON, or in CBOR, and resolves it.
func Pack(payload []byte, cbor bool) ([]Record, error) {
	read := readJSON
	if cbor {
		read = readCBOR
	}
	records, err := read(payload)
	if err != nil {
		return nil, err
	}
	return resolve(records)
}

func resolve(records []raw) ([]Record, error) {
	var all []Record
	var base raw
	for _, r := range records {
		base.carry(r)
		if !r.says() {
			continue // base fields only: they hold for what follows
		}
		x, err := base.resolve(r)
		if err != nil {
			return nil, err
		}
		all = append(all, x)
	}
	if v := base.bver; v != nil && (*v != math.Trunc(*v) || *v < 1 || *v > version) {
		return nil, refuse("section 4.4", "version %s", *v)
	}
	return all, nil
}

// carry takes over the base fields that a record sets anew.
func (b *raw) carry(r raw) {
	take(&b.bn, r.bn)
	take(&b.bu, r.bu)
	take(&b.bt, r.bt)
	take(&b.bv, r.bv)
	take(&b.bs, r.bs)
	take(&b.bver, r.bver)
}

func take[T any](into **T, v *T) {
	if v != nil {
		*into = v
	}
}

func (r raw) says() bool {
	return r.n != nil || r.v != nil || r.vs != nil || r.vb != nil || r.vd != nil || r.s != nil || r.t != nil || r.u != nil || r.ut != nil
}

// resolve is one record with what the base fields say of it.
func (b raw) resolve(r raw) (Record, error) {
	x := Record{Name: or(b.bn) + or(r.n), Unit: or(b.bu), Time: or(b.bt) + or(r.t), Bool: r.vb, String: r.vs, Data: r.vd, Update: r.ut, Version: version}
	if r.u != nil {
		x.Unit = *r.u
	}
	if b.bver != nil {
		x.Version = int(*b.bver)
	}
	if r.v != nil {
		v := or(b.bv) + *r.v
		x.Value = &v
	}
	if r.s != nil || b.bs != nil {
		s := or(b.bs) + or(r.s)
		x.Sum = &s
	}
	values := 0
	for _, is := range []bool{r.v != nil, r.vs != nil, r.vb != nil, r.vd != nil} {
		if is {
			values++
		}
	}
	switch {
	case !isName(x.Name):
		return x, refuse("section 4.5.1", "the name is %s", x.Name[:min(len(x.Name), 100)])
	case values > 1:
		return x, refuse("section 4.2", "%s has %s values", x.Name, values)
	case values == 0 && x.Sum == nil:
		return x, refuse("section 4.2", "%s has no value", x.Name)
	}
	return x, nil
}

func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// isName keeps names to the characters of section 4.5.1.
func isName(text string) bool {
	const first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return text != "" && strings.Contains(first, text[:1]) && strings.Trim(text, first+"-:./_") == ""
}

// Measurements are what a pack tells of a device, received at a moment. A
// record's channel is what follows the last ":" or "/" of its name. Strings and
// data are no measurements and are left out; a name that is another device's is
// refused.
func Measurements(id iot.ID, payload []byte, cbor bool, received time.Time) ([]iot.Measurement, error) {
	records, err := Pack(payload, cbor)
	if err != nil {
		return nil, err
	}
	all := make([]iot.Measurement, 0, len(records))
	for _, r := range records {
		m, ok, err := r.measurement(id, received)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, m)
		}
	}
	return all, nil
}

func (r Record) measurement(id iot.ID, received time.Time) (m iot.Measurement, ok bool, err error) {
	i := strings.LastIndexAny(r.Name, ":/")
	if other, is := iot.ParseID(strings.Trim(r.Name[:max(i, 0)], ":/")); is && other != id {
		return m, false, iot.ErrNotYourTopic.Refuse("%s tells of %s", id, other)
	}
	m = iot.Measurement{Channel: strings.ToLower(r.Name[i+1:]), Unit: r.Unit}
	switch {
	case r.Value != nil:
		m.Value = *r.Value
	case r.Bool != nil && *r.Bool:
		m.Value = 1
	case r.Bool == nil:
		return m, false, nil
	}
	at := r.Time
	if math.IsNaN(at) || math.Abs(at) > 1e11 {
		return m, false, iot.ErrClock.Refuse("%s seconds, while it is %s", at, received.UTC().Format(time.RFC3339))
	}
	if at < relative {
		m.At = received.Add(time.Duration(math.Round(at*1e6)) * time.Microsecond)
		return m, true, nil
	}
	m.At = time.UnixMicro(int64(math.Round(at * 1e6))).UTC()
	return m, true, nil
}
