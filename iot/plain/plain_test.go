package plain

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

func mapping(t testing.TB, text string) Mapping {
	t.Helper()
	m, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const logger = `{"each":"/data","time":"/ts","format":"unix-ms","channels":{"temperature":{"at":"/t/0","unit":"FAH"},"door":{"at":"/d~1s","on":["open"]},"battery":{"at":"/mv","unit":"mV","times":0.1,"plus":2}}}`

func TestMapping(t *testing.T) {
	at := time.UnixMilli(1795852000123).UTC()
	for _, c := range []struct {
		mapping, payload string
		want             []iot.Measurement
	}{
		{logger, `{"data":[{"ts":1795852000123,"t":["41.5",1],"d/s":"open","mv":10},{"ts":"1795852000123","t":[40],"d/s":"shut","mv":null}]}`, []iot.Measurement{
			{Channel: "battery", Unit: "mV", At: at, Value: 3}, {Channel: "door", At: at, Value: 1}, {Channel: "temperature", Unit: "FAH", At: at, Value: 41.5},
			{Channel: "door", At: at, Value: 0}, {Channel: "temperature", Unit: "FAH", At: at, Value: 40}}},
		{`{"time":"/at","channels":{"temperature.rear":{"at":"/a/b"},"door":{"at":"/open"}}}`, `{"at":"2026-11-28T10:00:00+02:00","a":{"b":-1.5},"open":true}`, []iot.Measurement{
			{Channel: "door", At: time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC), Value: 1}, {Channel: "temperature.rear", At: time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC), Value: -1.5}}},
		{`{"channels":{"temperature":{"at":"/t"}}}`, `{"t":4}`, []iot.Measurement{{Channel: "temperature", Value: 4}}},
		{`{"channels":{"temperature":{"at":"/t"}}}`, `{}`, nil},
	} {
		if got, err := mapping(t, c.mapping).Measurements([]byte(c.payload)); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.payload, got, err)
		}
	}
	for _, payload := range []string{``, `nonsense`, `{"data":{}}`, `{"data":[{}]}`, `{"data":[{"ts":"x"}]}`, `{"data":[{"ts":1e30}]}`, `{"data":[{"ts":1,"t":[{}]}]}`, `{"data":[]} {}`} {
		if _, err := mapping(t, logger).Measurements([]byte(payload)); !errors.Is(err, iot.ErrPayload) {
			t.Errorf("%s: %v", payload, err)
		}
	}
	for _, payload := range []string{strings.Repeat("[", 20) + strings.Repeat("]", 20), `{"data":[` + strings.Repeat(`{},`, 2000) + `{}]}`} {
		if _, err := mapping(t, logger).Measurements([]byte(payload)); !errors.Is(err, iot.ErrPayloadSize) {
			t.Errorf("%.40s: %v", payload, err)
		}
	}
}

func TestMappingsAreChecked(t *testing.T) {
	for _, text := range []string{``, `[]`, `{}`, `{"channels":{}}`, `{"channels":{"temp":{"at":"/t"}}}`, `{"channels":{"temperature":{}}}`, `{"channels":{"temperature":{"at":"t"}}}`,
		`{"channels":{"temperature":{"at":"/t"}},"format":"local"}`, `{"channels":{"temperature":{"at":"/t"}},"each":"x"}`, `{"channels":{"temperature":{"at":"/t","x":1}}}`} {
		if m, err := Parse([]byte(text)); !errors.Is(err, ErrMapping) {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add(logger, `{"data":[{"ts":1795852000123,"t":["41.5",1],"d/s":"open","mv":10}]}`)
	f.Add(`{"channels":{"temperature":{"at":"/t"}}}`, `{"t":4}`)
	f.Fuzz(func(t *testing.T, text, payload string) {
		m, err := Parse([]byte(text))
		if err != nil {
			m = mapping(t, logger)
		}
		_, err = m.Measurements([]byte(payload))
		var no *chaincode.Refusal
		if err != nil && !errors.As(err, &no) {
			t.Errorf("%v is no refusal", err)
		}
	})
}
