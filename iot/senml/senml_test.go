package senml

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

var (
	truck = iot.ID{Party: "swift-cold", Name: "truck-7"}
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

func clock() time.Time { return noon }

func at(micros int64) time.Time { return time.UnixMicro(micros).UTC() }

func TestMeasurements(t *testing.T) {
	for _, c := range []struct {
		name, pack string
		want       []iot.Measurement
	}{
		{"no time", `[{"n":"temperature","u":"Cel","v":4.1}]`, []iot.Measurement{{Channel: "temperature", Unit: "Cel", Value: 4.1}}},
		{"now is when it came", `[{"bt":5,"n":"temperature","t":-5,"v":4.1}]`, []iot.Measurement{{Channel: "temperature", Value: 4.1}}},
		{"relative", `[{"n":"temperature","t":-1.5,"v":4}]`, []iot.Measurement{{Channel: "temperature", At: noon.Add(-1500 * time.Millisecond), Value: 4}}},
		{"the last relative second", `[{"n":"temperature","t":268435455,"v":4}]`, []iot.Measurement{{Channel: "temperature", At: noon.Add(268435455 * time.Second), Value: 4}}},
		{"the first absolute second", `[{"n":"temperature","t":268435456,"v":4}]`, []iot.Measurement{{Channel: "temperature", At: at(268435456e6), Value: 4}}},
		{"a base makes it absolute", `[{"bt":1772366400.001,"n":"temperature","t":-0.0004,"v":4}]`, []iot.Measurement{{Channel: "temperature", At: at(1772366400000600), Value: 4}}},
		{"base fields hold on, and change", `[{"bn":"truck-7:","bu":"Cel","bv":1,"n":"temperature","v":2},{"n":"temperature.rear","v":3,"u":"K"},{"bn":"truck-7/","bu":"%RH","bv":0,"n":"humidity","v":60}]`,
			[]iot.Measurement{{Channel: "temperature", Unit: "Cel", Value: 3}, {Channel: "temperature.rear", Unit: "K", Value: 4}, {Channel: "humidity", Unit: "%RH", Value: 60}}},
		{"a header of base fields", `[{"bn":"swift-cold/truck-7/","bt":1772366400},{"n":"temperature","v":4}]`, []iot.Measurement{{Channel: "temperature", At: noon, Value: 4}}},
		{"truth", `[{"n":"door","vb":true},{"n":"door","t":-1,"vb":false}]`, []iot.Measurement{{Channel: "door", Value: 1}, {Channel: "door", At: noon.Add(-time.Second)}}},
		{"what does not measure is passed over", `[{"n":"firmware","vs":"1.2"},{"n":"blob","vd":"AQI"},{"n":"energy","s":12},{"n":"battery","v":80,"x":{"y":[1]}}]`, []iot.Measurement{{Channel: "battery", Value: 80}}},
		{"the topic's whole name", `[{"bn":"tw/swift-cold/truck-7/","n":"temperature","v":4}]`, []iot.Measurement{{Channel: "temperature", Value: 4}}},
		{"a urn", `[{"bn":"urn:dev:mac:Truck-7:","n":"temperature","v":4}]`, []iot.Measurement{{Channel: "temperature", Value: 4}}},
		{"secondary units", `[{"bver":26,"n":"pressure","u":"hPa","v":1013}]`, []iot.Measurement{{Channel: "pressure", Unit: "hPa", Value: 1013}}},
	} {
		got, err := JSON(truck, clock).Decode([]byte(c.pack))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v\nwant %+v", c.name, got, err, c.want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	deep := strings.Repeat("[", 17) + strings.Repeat("]", 17)
	for _, c := range []struct {
		clause, pack string
		want         chaincode.Rule
	}{
		{"4: one record or more", `[]`, iot.ErrPayload},
		{"4: an array", `{"n":"temperature","v":1}`, iot.ErrPayload},
		{"4: of objects", `[1]`, iot.ErrPayload},
		{"4.2: one value", `[{"n":"temperature","v":1,"vb":true}]`, ErrOneValue},
		{"4.2: a value or a sum", `[{"n":"temperature"}]`, ErrOneValue},
		{"4.2: numbers", `[{"n":"temperature","v":"1"}]`, iot.ErrPayload},
		{"4.2: truth", `[{"n":"door","vb":1}]`, iot.ErrPayload},
		{"4.2: text", `[{"n":1,"v":1}]`, iot.ErrPayload},
		{"4.4: a newer version", `[{"bver":11,"n":"temperature","v":1}]`, ErrVersion},
		{"4.4: a whole version", `[{"bver":9.5,"n":"temperature","v":1}]`, ErrVersion},
		{"4.4: a positive version", `[{"bver":0,"n":"temperature","v":1}]`, ErrVersion},
		{"4.4: one version", `[{"bver":5,"n":"temperature","v":1},{"bver":6,"n":"temperature","v":1,"t":-1}]`, ErrVersion},
		{"4.4: one version, the first being 10", `[{"n":"temperature","v":1},{"bver":5,"n":"temperature","v":1,"t":-1}]`, ErrVersion},
		{"4.4: must understand", `[{"n":"temperature","v":1,"max_":3}]`, ErrMustUnderstand},
		{"4.5.1: no name", `[{"v":1}]`, ErrName},
		{"4.5.1: characters", `[{"n":"temp erature","v":1}]`, ErrName},
		{"4.5.1: beyond ASCII", `[{"n":"温度","v":1}]`, ErrName},
		{"4.5.1: first character", `[{"bn":"_","n":"temperature","v":1}]`, ErrName},
		{"4.5.3: a time that no calendar has", `[{"bt":1e300,"n":"temperature","v":1}]`, iot.ErrClock},
		{"5: base64url without padding", `[{"n":"x","vd":"AQI="}]`, iot.ErrPayload},
		{"5: UTF-8", "[{\"n\":\"x\",\"vs\":\"\xff\"}]", iot.ErrPayload},
		{"a member twice", `[{"n":"temperature","v":1,"v":2}]`, iot.ErrPayload},
		{"NaN", `[{"n":"temperature","v":NaN}]`, iot.ErrPayload},
		{"no float64", `[{"n":"temperature","v":1e400}]`, iot.ErrValue},
		{"no float64 by its base", `[{"bv":1e308,"n":"temperature","v":1e308}]`, iot.ErrValue},
		{"no float64 by its base sum", `[{"bs":1e308,"n":"temperature","s":1e308}]`, iot.ErrValue},
		{"null", `[{"n":"temperature","v":null}]`, iot.ErrPayload},
		{"a second document", `[{"n":"temperature","v":1}] 1`, iot.ErrPayload},
		{"cut off", `[{"n":"temperature","v":1}`, iot.ErrPayload},
		{"nothing", ``, iot.ErrPayload},
		{"depth", deep, iot.ErrPayloadSize},
		{"records", "[" + strings.Repeat(`{"n":"temperature","v":1},`, iot.MaxMeasurements) + `{"n":"temperature","v":1}]`, iot.ErrPayloadSize},
		{"bytes", strings.Repeat(" ", iot.MaxPayload+1), iot.ErrPayloadSize},
		{"text in a channel that measures", `[{"n":"temperature","vs":"warm"}]`, iot.ErrValue},
		{"another device", `[{"bn":"truck-8:","n":"temperature","v":1}]`, iot.ErrNotYourTopic},
		{"another company's", `[{"bn":"other/truck-7/","n":"temperature","v":1}]`, iot.ErrNotYourTopic},
		{"another device's urn", `[{"bn":"urn:dev:ow:10e2073a01080063:","n":"temperature","v":1}]`, iot.ErrNotYourTopic},
		{"one of two", `[{"n":"temperature","v":1},{"n":"truck-8/temperature","v":1}]`, iot.ErrNotYourTopic},
	} {
		if got, err := JSON(truck, clock).Decode([]byte(c.pack)); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %.80s: %v, %v; want %s", c.clause, c.pack, got, err, c.want.Code)
		}
	}
}

func TestCBOR(t *testing.T) {
	for _, c := range []struct {
		name, hex string
		want      float64
		err       error
	}{
		{"a float", "81a2006b74656d706572617475726502fb4010666666666666", 4.1, nil},
		{"an integer", "81a2006b74656d70657261747572650223", -4, nil},
		{"a decimal fraction", "81a2006b74656d706572617475726502c482201829", 4.1, nil},
		{"of indefinite length", "9fbf006b74656d706572617475726502f94400ffff", 4, nil},
		{"a huge power", "81a2006b74656d706572617475726502c4821a7fffffff01", 0, iot.ErrPayload},
		{"a tiny power", "81a2006b74656d706572617475726502c4823a7fffffff01", 0, iot.ErrPayload},
		{"NaN", "81a2006b74656d706572617475726502f97e00", 0, iot.ErrValue},
		{"infinity", "81a2006b74656d706572617475726502f97c00", 0, iot.ErrValue},
		{"a label twice", "81a3006b74656d706572617475726502010202", 0, iot.ErrPayload},
		{"a known label as text", "81a1616e6b74656d7065726174757265", 0, iot.ErrPayload},
		{"a label that must be understood", "81a3006b74656d70657261747572650201626d5f01", 0, ErrMustUnderstand},
		{"a version of floats", "81a320f9490000616102" + "01", 0, iot.ErrPayload},
		{"a huge count", "9b7fffffffffffffff", 0, iot.ErrPayloadSize},
		{"a huge count that fits 32 bits", "9a00ffffff", 0, iot.ErrPayloadSize},
		{"depth", strings.Repeat("81", 40) + "00", 0, iot.ErrPayloadSize},
		{"no array", "a0", 0, iot.ErrPayload},
		{"something behind", "81a2006b74656d7065726174757265022300", 0, iot.ErrPayload},
		{"nothing", "", 0, iot.ErrPayload},
		{"a time of tag 1", "81a2006b74656d706572617475726502c11a514b67b0", 0, iot.ErrPayload},
	} {
		payload, err := hex.DecodeString(c.hex)
		if err != nil {
			t.Fatal(err)
		}
		got, err := CBOR(truck, clock).Decode(payload)
		switch {
		case c.err != nil && !errors.Is(err, c.err):
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.err)
		case c.err == nil && (err != nil || len(got) != 1 || got[0].Value != c.want):
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

// packs draws packs that hold.
func packs(t *rapid.T) Pack {
	number := rapid.Custom(func(t *rapid.T) *float64 {
		return ptr(rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Map(rapid.IntRange(-300, 300), func(i int) float64 { return float64(i) / 10 })).Draw(t, "number"))
	})
	maybe := func(label string) *float64 { return rapid.OneOf(rapid.Just[*float64](nil), number).Draw(t, label) }
	p := make(Pack, rapid.IntRange(1, 6).Draw(t, "records"))
	for i := range p {
		e := Entry{Name: ptr(rapid.SampledFrom([]string{"temperature", "humidity", "door", "x.y"}).Draw(t, "n")), Time: maybe("t"), BaseTime: maybe("bt"), BaseValue: maybe("bv"), BaseSum: maybe("bs"), Sum: maybe("s"), UpdateTime: maybe("ut")}
		switch rapid.IntRange(0, 3).Draw(t, "value") {
		case 0:
			e.Truth = ptr(rapid.Bool().Draw(t, "vb"))
		case 1:
			e.Text = ptr(rapid.String().Draw(t, "vs"))
		case 2:
			e.Data = ptr(Octets(rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "vd")))
		default:
			e.Value = number.Draw(t, "v")
		}
		p[i] = e
	}
	return p
}

func TestJSONAndCBORAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := packs(t)
		asJSON, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		asCBOR, err := WriteCBOR(p)
		if err != nil {
			t.Fatal(err)
		}
		j, errJ := ReadJSON(asJSON)
		c, errC := ReadCBOR(asCBOR)
		if errJ != nil || errC != nil || !reflect.DeepEqual(j, p) || !reflect.DeepEqual(c, p) {
			t.Fatalf("%s\nJSON %v %v\nCBOR %v %v", asJSON, j, errJ, c, errC)
		}
	})
}

// TestResolvedStaysResolved: what is resolved has nothing left to resolve, and
// stands in the order of time.
func TestResolvedStaysResolved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		once, err := packs(t).Resolve(noon)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := once.Resolve(noon.Add(time.Hour))
		if err != nil || !reflect.DeepEqual(once, twice) {
			t.Fatalf("%v\n%+v\n%+v", err, once, twice)
		}
		for i := 1; i < len(once); i++ {
			if *once[i].Time < *once[i-1].Time {
				t.Fatalf("out of order: %v", once)
			}
		}
	})
}

func FuzzSenML(f *testing.F) {
	for _, seed := range []string{`[{"n":"temperature","u":"Cel","v":4.1}]`, `[{"bn":"truck-7:","bt":1772366400,"n":"door","vb":true},{"n":"x","vs":"y","t":-3}]`, `[{"n":"x","vd":"AQI","s":1,"bs":2}]`, `[[[[[]]]]]`, `[{"bver":11}]`} {
		f.Add([]byte(seed))
	}
	for _, seed := range []string{"81a2006b74656d706572617475726502fb4010666666666666", "9fbf006b74656d706572617475726502c482201829ffff", "81a320f9490000616102c249010000000000000000"} {
		b, _ := hex.DecodeString(seed)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, d := range []iot.Decoder{JSON(truck, clock), CBOR(truck, clock)} {
			got, err := d.Decode(payload)
			var refusal *chaincode.Refusal
			if err != nil && (!errors.As(err, &refusal) || got != nil) {
				t.Fatalf("%v, %v", got, err)
			}
			for _, m := range got {
				if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) || m.At.Nanosecond()%1000 != 0 {
					t.Fatalf("%+v", m)
				}
			}
		}
		if p, err := ReadCBOR(payload); err == nil {
			if j, err := json.Marshal(p); err != nil || bytes.Contains(j, []byte("NaN")) {
				t.Fatalf("%s, %v", j, err)
			}
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	pack := []byte(`[{"bn":"truck-7:","bt":1772366400,"n":"temperature","u":"Cel","v":4.1},{"n":"temperature.rear","u":"Cel","v":4.3},{"n":"humidity","u":"%RH","v":60},{"n":"door","vb":false}]`)
	for d := JSON(truck, clock); b.Loop(); {
		if _, err := d.Decode(pack); err != nil {
			b.Fatal(err)
		}
	}
}
