package senml

import (
	"math/big"

	"github.com/fxamacker/cbor/v2"

	"github.com/tallyway/tallyway/iot"
)

// labels of CBOR (table 4); text labels are for extensions only.
var labels = map[int64]string{-1: "bver", -2: "bn", -3: "bt", -4: "bu", -5: "bv", -6: "bs",
	0: "n", 1: "u", 2: "v", 3: "vs", 4: "vb", 5: "s", 6: "t", 7: "ut", 8: "vd"}

var mode = func() cbor.DecMode {
	m, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  iot.MaxDepth,
		MaxArrayElements: iot.MaxMeasurements,
		MaxMapPairs:      256,
		UTF8:             cbor.UTF8RejectInvalid,
		IntDec:           cbor.IntDecConvertSignedOrBigInt,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return m
}()

// ReadCBOR reads a pack in CBOR (section 6).
func ReadCBOR(payload []byte) (Pack, error) {
	if len(payload) > iot.MaxPayload {
		return nil, iot.ErrPayloadSize.Refuse("%s bytes", len(payload))
	}
	var list []any
	if err := mode.Unmarshal(payload, &list); err != nil {
		return nil, refuse(err)
	}
	return pack(list, named)
}

func refuse(err error) error {
	switch e := err.(type) {
	case *cbor.MaxArrayElementsError, *cbor.MaxMapPairsError, *cbor.MaxNestedLevelError:
		return iot.ErrPayloadSize.Refuse("%s", e)
	case *cbor.DupMapKeyError:
		return iot.ErrPayload.Refuse("the label %s stands twice", e.Key)
	}
	return iot.ErrPayload.Refuse("it is no pack in CBOR: %s", err)
}

// named gives a record's fields by the labels of JSON.
func named(record any) (map[string]any, error) {
	m, ok := record.(map[any]any)
	if !ok {
		return nil, iot.ErrPayload.Refuse("a record is a map")
	}
	fields := make(map[string]any, len(m))
	for key, v := range m {
		switch key := key.(type) {
		case int64:
			if label, known := labels[key]; known {
				fields[label] = plain(label, v)
			}
		case string:
			if known(key) {
				return nil, iot.ErrPayload.Refuse("the label %s is a number in CBOR", key).On(key)
			}
			fields[key] = v
		default:
			return nil, iot.ErrPayload.Refuse("a label is a number or text")
		}
	}
	return fields, nil
}

func known(text string) bool {
	for _, label := range labels {
		if label == text {
			return true
		}
	}
	return false
}

// plain makes CBOR's several numbers one; a version is an unsigned integer.
func plain(label string, v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case big.Int:
		f, _ := new(big.Float).SetInt(&v).Float64()
		return f
	case float64:
		if label == "bver" {
			return nil
		}
	case cbor.Tag:
		if f, ok := decimal(v); ok && label != "bver" {
			return f
		}
	}
	return v
}

// decimal is a decimal fraction (RFC 8949, section 3.4.4). Powers beyond those
// of a float64 are refused before they are worked out.
func decimal(t cbor.Tag) (float64, bool) {
	parts, ok := t.Content.([]any)
	if t.Number != 4 || !ok || len(parts) != 2 {
		return 0, false
	}
	exponent, ok := parts[0].(int64)
	if !ok || exponent < -400 || exponent > 400 {
		return 0, false
	}
	mantissa, ok := parts[1].(int64)
	if !ok {
		return 0, false
	}
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(exponent, -exponent)), nil)
	r := new(big.Rat).SetInt64(mantissa)
	if exponent < 0 {
		r.Quo(r, new(big.Rat).SetInt(ten))
	} else {
		r.Mul(r, new(big.Rat).SetInt(ten))
	}
	f, _ := r.Float64()
	return f, true
}

var writing = func() cbor.EncMode {
	m, err := cbor.EncOptions{ShortestFloat: cbor.ShortestFloat16, Sort: cbor.SortBytewiseLexical, TextMarshaler: cbor.TextMarshalerNone}.EncMode()
	if err != nil {
		panic(err)
	}
	return m
}()

// WriteCBOR writes a pack that ReadCBOR reads, in the fewest bytes.
func WriteCBOR(p Pack) ([]byte, error) {
	for i := range p {
		if p[i].BaseVersion != nil { // only an unsigned integer is allowed
			return nil, ErrVersion.Refuse("version %s is not written", *p[i].BaseVersion)
		}
	}
	return writing.Marshal(p)
}
