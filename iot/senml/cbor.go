package senml

import (
	"math"
	"math/big"

	"github.com/fxamacker/cbor/v2"

	"github.com/tallyway/tallyway/iot"
)

// labels are the short names of fields in CBOR (section 6, table 4).
var labels = map[int64]string{-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs", 0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd"}

var reader = func() cbor.DecMode {
	mode, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, MaxNestedLevels: iot.MaxDepth, MaxArrayElements: iot.MaxMeasurements + 16, MaxMapPairs: 64,
		UTF8: cbor.UTF8RejectInvalid}.DecMode()
	if err != nil {
		panic(err) // the options are constants
	}
	return mode
}()

// readCBOR reads an array of maps (section 6).
func readCBOR(payload []byte) (all []raw, err error) {
	var records []map[any]any
	if err := reader.Unmarshal(payload, &records); err != nil {
		return nil, refuse("section 6", "the payload is no CBOR array of maps")
	}
	if len(records) > iot.MaxMeasurements {
		return nil, iot.ErrPayloadSize.Refuse("%s records", len(records))
	}
	for _, record := range records {
		var r raw
		for key, value := range record {
			name, ok := fieldName(key)
			if !ok {
				continue
			}
			v, err := plain(name, value)
			if err != nil {
				return nil, err
			}
			if err := r.set(name, v); err != nil {
				return nil, err
			}
		}
		all = append(all, r)
	}
	return all, nil
}

func fieldName(key any) (string, bool) {
	switch k := key.(type) {
	case string:
		return k, true
	case uint64:
		return labels[int64(min(k, math.MaxInt64))], labels[int64(min(k, math.MaxInt64))] != ""
	case int64:
		return labels[k], labels[k] != ""
	}
	return "", false
}

// plain is a value as JSON would tell it.
func plain(name string, value any) (any, error) {
	number := func(v float64) (any, error) {
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, refuse("section 4.3", "the field %s is no number", name)
		}
		return v, nil
	}
	switch v := value.(type) {
	case uint64:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case float64:
		return number(v)
	case big.Int:
		f, _ := new(big.Float).SetInt(&v).Float64()
		return number(f)
	case cbor.Tag:
		f, ok := fraction(v)
		if !ok {
			return nested{}, nil
		}
		return number(f)
	case []byte:
		if name == "vd" {
			return string(v), nil
		}
		return nested{}, nil
	case string, bool:
		return v, nil
	}
	return nested{}, nil
}

// fraction is a decimal fraction (tag 4) or a big float (tag 5) of RFC 8949,
// section 3.4.4, of a size that sensors have.
func fraction(t cbor.Tag) (float64, bool) {
	pair, ok := t.Content.([]any)
	if !ok || len(pair) != 2 || t.Number != 4 && t.Number != 5 {
		return 0, false
	}
	exponent, ok1 := whole(pair[0])
	mantissa, ok2 := whole(pair[1])
	if !ok1 || !ok2 || math.Abs(exponent) > 400 {
		return 0, false
	}
	if t.Number == 5 {
		return math.Ldexp(mantissa, int(exponent)), true
	}
	if exponent < 0 {
		return mantissa / math.Pow(10, -exponent), true // 231 / 10 is 23.1, 231 * 0.1 is not
	}
	return mantissa * math.Pow(10, exponent), true
}

func whole(v any) (float64, bool) {
	switch v := v.(type) {
	case uint64:
		return float64(v), true
	case int64:
		return float64(v), true
	}
	return 0, false
}
