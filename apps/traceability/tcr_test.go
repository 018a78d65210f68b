//go:build conformance

package traceability

import (
	"strings"
	"testing"
	"time"
)

// The test case requirements 53 and 54 of EPCIS 2.0, step by step.

func sensing(elements string) string {
	return `{"@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"ex": "https://ex.example/"}], "type": "ObjectEvent", "action": "OBSERVE",
		"eventTime": "2026-03-01T06:00:00Z", "eventTimeZoneOffset": "+00:00", "bizStep": "sensor_reporting", "readPoint": {"id": "https://id.gs1.org/414/9506000134352"},
		"sensorElementList": [` + elements + `]}`
}

func TestConformanceTCR53(t *testing.T) {
	w := startMachinesAt(t, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	found := func(q string) int {
		t.Helper()
		return len(eventsOf(t, w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events?"+q, nil)))
	}
	// step 1: set1, with every attribute, own fields on all three levels, and an event without a sensor element
	all := sensing(`{"sensorMetadata": {"time": "2026-03-01T05:00:00Z", "startTime": "2026-03-01T04:00:00Z", "endTime": "2026-03-01T05:30:00Z", "deviceID": "urn:x:d1", "deviceMetadata": "urn:x:m1",
		"rawData": "urn:x:r1", "dataProcessingMethod": "urn:x:p1", "bizRules": "urn:x:b1", "ex:meta": 1},
		"sensorReport": [{"type": "Temperature", "value": 26.0, "uom": "CEL", "minValue": 25, "maxValue": 27, "meanValue": 26, "sDev": 0.5, "percRank": 50, "percValue": 25.5, "component": "x",
		"microorganism": "urn:x:micro", "chemicalSubstance": "urn:x:chem", "stringValue": "S", "booleanValue": true, "hexBinaryValue": "f0f0", "uriValue": "urn:x:u", "exception": "ALARM_CONDITION", "ex:report": 3}],
		"ex:element": 2}`)
	job := w.captured(t, "greenfield-dairy", documentOf(all, milking("L1", 5, 1)), "GS1-Capture-Error-Behaviour", "proceed")
	if job.Events[0].Status != statusCaptured || job.Events[1].Status != statusCaptured {
		t.Fatalf("step 1: %+v", job.Events)
	}
	for step, q := range map[string][2]string{ // what finds the event, and what does not
		"3":  {"EXISTS_sensorElement=", ""},
		"4":  {"GE_time=2026-03-01T04:30:00Z&LT_time=2026-03-01T05:30:00Z", "LT_time=2026-03-01T05:00:00Z"},
		"5a": {"GE_startTime=2026-03-01T04:00:00Z", "LT_startTime=2026-03-01T04:00:00Z"},
		"5b": {"LT_endTime=2026-03-01T06:00:00Z", "GE_endTime=2026-03-01T06:00:00Z"},
		"6":  {"EQ_type=gs1:Temperature", "EQ_type=gs1:RelativeHumidity"},
		"7":  {"EQ_deviceID=urn:x:d1", "EQ_deviceID=urn:x:d2"}, "8": {"EQ_dataProcessingMethod=urn:x:p1", "EQ_dataProcessingMethod=urn:x:p2"},
		"9": {"EQ_microorganism=urn:x:micro", "EQ_microorganism=urn:x:no"}, "10": {"EQ_chemicalSubstance=urn:x:chem", "EQ_chemicalSubstance=urn:x:no"},
		"11": {"EQ_bizRules=urn:x:b1", "EQ_bizRules=urn:x:b2"}, "12": {"EQ_value_CEL=26", "LT_value_CEL=26"}, "13": {"GE_minValue_CEL=25", "LT_minValue_CEL=25"},
		"14": {"GE_maxValue_CEL=27", "LT_maxValue_CEL=27"}, "15": {"GE_meanValue_CEL=26", "LT_meanValue_CEL=26"}, "16": {"EQ_stringValue=S", "EQ_stringValue=T"},
		"17": {"EQ_booleanValue=true", "EQ_booleanValue=false"}, "18": {"EQ_hexBinaryValue=f0f0", "EQ_hexBinaryValue=0f0f"}, "19": {"EQ_uriValue=urn:x:u", "EQ_uriValue=urn:x:v"},
		"23": {"GE_sDev_CEL=0.5", "LT_sDev_CEL=0.5"}, "24": {"GE_percRank=50", "LT_percRank=50"},
		"25": {"GE_percValue_CEL=25", "LT_percValue_CEL=25"}, "26": {"EQ_type=gs1:Temperature&LT_value_KEL=300", "EQ_type=gs1:Temperature&GE_value_KEL=300"},
	} {
		if n := found(q[0]); n != 1 {
			t.Errorf("step %s: %s finds %d", step, q[0], n)
		}
		if q[1] != "" && found(q[1]) != 0 {
			t.Errorf("step %s: %s finds something", step, q[1])
		}
	}
	if n := found("GE_recordTime=2026-03-01T00:00:00Z"); n != 2 {
		t.Errorf("step 2: %d", n)
	}
	for step, q := range map[string]string{"20": "SENSORELEMENT_ex:element=2", "21": "SENSORMETADATA_ex:meta=1", "22": "SENSORREPORT_ex:report=3"} {
		for op, want := range map[string]int{"EQ_": 1, "GE_": 1, "LE_": 1, "GT_": 0, "LT_": 0} {
			events := eventsOf(t, w.call(t, "greenfield-dairy", "GET", "/epcis/v2/events?"+op+q, nil, "GS1-Extensions", "ex=https://ex.example/"))
			if len(events) != want {
				t.Errorf("step %s: %s%s finds %d", step, op, q, len(events))
			}
		}
	}
	inline := `"deviceID": "urn:x:D", "deviceMetadata": "urn:x:M", "rawData": "urn:x:R", "dataProcessingMethod": "urn:x:P", "time": "2026-03-01T05:55:00Z"`
	report := `{"type": "Temperature", "value": 4, "uom": "CEL"}`
	set2 := documentOf(sensing(`{"sensorMetadata": {`+inline+`}, "sensorReport": [`+report+`]}`), sensing(`{"sensorReport": [`+report[:len(report)-1]+`, `+inline+`}]}`))
	if job := w.captured(t, "greenfield-dairy", set2); !job.Success {
		t.Fatalf("step 27: %+v", job)
	}
	for _, q := range []string{"EQ_deviceID=urn:x:D", "EQ_deviceMetadata=urn:x:M", "EQ_rawData=urn:x:R", "EQ_dataProcessingMethod=urn:x:P", "GE_time=2026-03-01T05:55:00Z"} {
		if n := found(q); n != 2 {
			t.Errorf("step 28: %s finds %d", q, n)
		}
	}
	for _, name := range []string{`"deviceID": "urn:x:a"`, `"deviceMetadata": "urn:x:a"`, `"rawData": "urn:x:a"`, `"dataProcessingMethod": "urn:x:a"`, `"time": "2026-03-01T05:00:00Z"`} {
		set3 := sensing(`{"sensorMetadata": {` + name + `}, "sensorReport": [` + report[:len(report)-1] + `, ` + name + `}]}`)
		w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", []byte(set3)).refusal(t, 422, "epcis/sensor-inline", "ValidationException") // step 29
	}
}

func TestConformanceTCR54(t *testing.T) {
	w := startMachinesAt(t, time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	event := func(action string, drop ...string) []byte {
		e := `{"@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", "type": "AssociationEvent", "action": "` + action + `", "eventTime": "2026-03-01T06:00:00Z", "eventTimeZoneOffset": "+00:00",
			"parentID": "urn:epc:id:sgln:9506000.13435.0", "childEPCs": ["https://id.gs1.org/8004/95060001"], "bizStep": "assembling"}`
		for _, d := range drop {
			e = strings.Replace(e, d, "", 1)
		}
		return []byte(e)
	}
	const parent, children = `"parentID": "urn:epc:id:sgln:9506000.13435.0",`, `"childEPCs": ["https://id.gs1.org/8004/95060001"],`
	at := w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", event("ADD")).want(t, 201).Header.Get("Location") // steps 1 and 2
	if events := eventsOf(t, w.call(t, "greenfield-dairy", "GET", at, nil)); len(events) != 1 || events[0].Type != "AssociationEvent" {
		t.Errorf("step 2: %+v", events)
	}
	for _, action := range []string{"ADD", "DELETE"} { // step 3
		w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", event(action, parent)).refusal(t, 422, "epcis/missing", "ValidationException")
	}
	for _, action := range []string{"ADD", "OBSERVE"} { // step 4
		w.call(t, "greenfield-dairy", "POST", "/epcis/v2/events", event(action, children)).refusal(t, 422, "epcis/missing", "ValidationException")
	}
}
