package senml

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

var (
	truck = iot.ID{Party: "swift-cold", Name: "truck-7"}
	now   = time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
)

func TestMeasurements(t *testing.T) {
	for payload, want := range map[string][]iot.Measurement{
		`[{"n":"temperature","u":"Cel","v":4.1}]`:                                                          {{Channel: "temperature", Unit: "Cel", At: now, Value: 4.1}},
		`[{"bn":"swift-cold/truck-7/","bt":1.795852e9,"bu":"Cel","n":"Temperature.rear","t":-5.25,"v":4}]`: {{Channel: "temperature.rear", Unit: "Cel", At: time.UnixMicro(1795851994750000).UTC(), Value: 4}},
		`[{"bn":"urn:dev:ow:10e2073a01080063:","n":"door","vb":true,"t":-60},{"n":"note","vs":"x"}]`:       {{Channel: "door", At: now.Add(-time.Minute), Value: 1}},
		`[{"bn":"x:","bv":20,"bu":"%RH"},{"n":"humidity","v":1.5},{"n":"humidity","u":"/","v":-19.5,"t":1}]`: {
			{Channel: "humidity", Unit: "%RH", At: now, Value: 21.5}, {Channel: "humidity", Unit: "/", At: now.Add(time.Second), Value: 0.5}},
		`[{"n":"temperature","v":4,"extra":{"deep":[1,{"a":2}]}}]`: {{Channel: "temperature", At: now, Value: 4}},
		`[]`: {},
	} {
		got, err := Measurements(truck, []byte(payload), false, now)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n%+v, %v\n%+v", payload, got, err, want)
		}
		if got, err := Measurements(truck, inCBOR(t, payload), true, now); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("in CBOR: %s\n%+v, %v\n%+v", payload, got, err, want)
		}
	}
}

// inCBOR is a pack with the labels of section 6.
func inCBOR(t testing.TB, payload string) []byte {
	var records []map[string]any
	if err := json.Unmarshal([]byte(payload), &records); err != nil {
		t.Fatal(err)
	}
	all := make([]map[any]any, len(records))
	for i, r := range records {
		all[i] = map[any]any{}
		for name, v := range r {
			var key any = name
			for label, known := range labels {
				if known == name {
					key = label
				}
			}
			all[i][key] = v
		}
	}
	b, err := cbor.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatIsNoPackIsRefused(t *testing.T) {
	for payload, clause := range map[string]string{
		`{}`: "section 5", `[1]`: "section 5", `[{"n":"a","v":1}`: "section 5", `[{"n":"a","v":1}] []`: "section 5", `[{"n":"a" "v":1}]`: "section 5", `nonsense`: "section 5",
		`[{"n":"a","v":1,"v":2}]`:     "section 4.3",
		`[{"n":"a","v":"1"}]`:         "section 4.3",
		`[{"n":"a","vb":1}]`:          "section 4.3",
		`[{"n":"a","v":1e999}]`:       "section 4.3",
		`[{"n":"a","v":1,"must_":2}]`: "section 4.4",
		`[{"bver":11,"n":"a","v":1}]`: "section 4.4",
		`[{"n":"a"}]`:                 "section 4.2",
		`[{"n":"a","v":1,"vb":true}]`: "section 4.2",
		`[{"v":1}]`:                   "section 4.5.1",
		`[{"n":"-a","v":1}]`:          "section 4.5.1",
		`[{"n":"a b","v":1}]`:         "section 4.5.1",
	} {
		_, err := Measurements(truck, []byte(payload), false, now)
		var no *chaincode.Refusal
		if !errors.As(err, &no) || no.Code != iot.ErrPayload.Code || !strings.Contains(no.Detail(), clause+")") {
			t.Errorf("%s: %v", payload, err)
		}
	}
	deep := `[{"n":"a","v":1,"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}]`
	many := `[` + strings.Repeat(`{"n":"a","v":1},`, iot.MaxMeasurements) + `{"n":"a","v":1}]`
	for _, payload := range []string{deep, many} {
		if _, err := Measurements(truck, []byte(payload), false, now); !errors.Is(err, iot.ErrPayloadSize) {
			t.Errorf("%.50s: %v", payload, err)
		}
	}
	if _, err := Measurements(truck, []byte(`[{"n":"swift-cold/truck-8/temperature","v":1}]`), false, now); !errors.Is(err, iot.ErrNotYourTopic) {
		t.Error(err)
	}
	if _, err := Measurements(truck, []byte(`[{"n":"temperature","t":1e300,"v":1}]`), false, now); !errors.Is(err, iot.ErrClock) {
		t.Error(err)
	}
	for _, v := range []any{math.NaN(), math.Inf(1), []any{1}} {
		b, _ := cbor.Marshal([]map[any]any{{0: "temperature", 2: v}})
		if _, err := Measurements(truck, b, true, now); !errors.Is(err, iot.ErrPayload) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

func TestDecimalFractions(t *testing.T) {
	b, err := cbor.Marshal([]map[any]any{{0: "temperature", 2: cbor.Tag{Number: 4, Content: []any{-1, 231}}}, {0: "temperature", 2: cbor.Tag{Number: 5, Content: []any{-1, 3}}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Measurements(truck, b, true, now)
	if err != nil || len(got) != 2 || got[0].Value != 23.1 || got[1].Value != 1.5 {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzSenML(f *testing.F) {
	for _, seed := range []string{`[{"n":"temperature","u":"Cel","v":4.1}]`, `[{"bn":"a:","bt":1276020076.001,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},{"n":"current","t":-5,"v":1.2}]`, `[{"n":"x","x_":1}]`, `[[[`} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Add(inCBOR(f, `[{"n":"temperature","u":"Cel","v":4.1}]`), true)
	f.Fuzz(func(t *testing.T, payload []byte, isCBOR bool) {
		all, err := Measurements(truck, payload, isCBOR, now)
		var no *chaincode.Refusal
		if err != nil && !errors.As(err, &no) {
			t.Errorf("%v is no refusal", err)
		}
		for _, m := range all {
			if m.At.IsZero() || math.IsNaN(m.Value) {
				t.Errorf("%+v", m)
			}
		}
		_ = fmt.Sprint(err)
	})
}
