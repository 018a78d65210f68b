package query

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tallyway/tallyway/shared/epcis"
)

const head = `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"ex":"https://ns.example.com/epcis/"}],`

// The events that the parameters are tried on: each is meant by its own row and by no other's value.
var bodies = map[string]string{
	"object": head + `"type":"ObjectEvent","eventID":"urn:uuid:1","eventTime":"2026-03-01T08:00:00Z","eventTimeZoneOffset":"+08:00","recordTime":"2026-03-01T09:00:00Z",
		"epcList":["urn:epc:id:sgtin:9506000.013435.S1"],"quantityList":[{"epcClass":"urn:epc:class:lgtin:9506000.013435.L1","quantity":480.5,"uom":"KGM"}],
		"action":"ADD","bizStep":"commissioning","disposition":"active","persistentDisposition":{"set":["completeness_verified"],"unset":["completeness_inferred"]},
		"readPoint":{"id":"urn:epc:id:sgln:9506000.13435.7","ex:gate":"north","ex:door":{"ex:leaf":"left"}},"bizLocation":{"id":"https://id.gs1.org/414/9506000134352","ex:floor":3},
		"bizTransactionList":[{"type":"po","bizTransaction":"urn:epc:id:gdti:0614141.00001.1618034"}],
		"sourceList":[{"type":"owning_party","source":"urn:epc:id:pgln:9506000.13435"}],"destinationList":[{"type":"possessing_party","destination":"https://id.gs1.org/417/9521321000018"}],
		"ilmd":{"cbvmda:itemExpirationDate":"2026-06-01","ex:fat":3.8,"ex:farm":{"ex:herd":"H7","ex:cows":40}},
		"ex:size":12,"ex:at":"2026-03-01T16:00:00+08:00","ex:colour":["red","blue"],"ex:box":{"ex:lid":{"ex:screw":5}}}`,
	"wrong": head + `"type":"ObjectEvent","eventID":"urn:uuid:2","eventTime":"2026-04-01T08:00:00Z","eventTimeZoneOffset":"+08:00","recordTime":"2026-04-01T09:00:00Z",
		"errorDeclaration":{"declarationTime":"2026-04-02T00:00:00Z","reason":"incorrect_data","correctiveEventIDs":["urn:uuid:3"],"ex:who":"inspector","ex:form":{"ex:page":2}},
		"epcList":["https://id.gs1.org/00/095060001343520017"],"action":"OBSERVE","bizStep":"https://ns.example.com/step/dusting","disposition":"in_transit","readPoint":{"id":"https://id.gs1.org/414/9521321000018"}}`,
	"pack": head + `"type":"AggregationEvent","eventTime":"2026-05-01T08:00:00Z","eventTimeZoneOffset":"+08:00","recordTime":"2026-05-01T09:00:00Z",
		"parentID":"urn:epc:id:sscc:9506000.0000000001","childEPCs":["https://id.gs1.org/01/09521321000018/21/C9"],"childQuantityList":[{"epcClass":"https://id.gs1.org/01/09521321000018","quantity":24}],
		"action":"DELETE","bizStep":"unpacking","bizTransactionList":[{"type":"inv","bizTransaction":"urn:example:inv:7"}]}`,
	"make": head + `"type":"TransformationEvent","eventTime":"2026-06-01T08:00:00Z","eventTimeZoneOffset":"+08:00","recordTime":"2026-06-01T09:00:00Z",
		"inputEPCList":["urn:epc:id:sgtin:9521321.000001.I1"],"inputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521321000018/10/IN","quantity":2,"uom":"TNE"}],
		"outputEPCList":["urn:epc:id:sgtin:9521321.000001.O1"],"outputQuantityList":[{"epcClass":"https://id.gs1.org/01/09521321000018/10/OUT","quantity":1000,"uom":"LTR"}],
		"transformationID":"urn:epc:id:gdti:9521321.00001.T1"}`,
	"sensor": head + `"type":"AssociationEvent","eventTime":"2026-07-01T08:00:00Z","eventTimeZoneOffset":"+08:00","recordTime":"2026-07-01T09:00:00Z","parentID":"urn:epc:id:grai:9521321.00001.G1","action":"OBSERVE",
		"childEPCs":["urn:epc:id:giai:9521321.77"],
		"sensorElementList":[{"sensorMetadata":{"time":"2026-07-01T07:00:00Z","startTime":"2026-07-01T06:00:00Z","endTime":"2026-07-01T06:30:00Z","deviceID":"urn:epc:id:giai:9521321.1","deviceMetadata":"https://m.example/1","rawData":"https://r.example/1","dataProcessingMethod":"https://p.example/1","bizRules":"https://b.example/1","ex:mount":"wall","ex:case":{"ex:seal":"S"}},
			"sensorReport":[{"type":"Temperature","value":8.5,"minValue":2,"maxValue":9.5,"meanValue":5,"sDev":1,"percRank":95,"percValue":9,"uom":"CEL","time":"2026-07-01T06:15:00Z","component":"x","coordinateReferenceSystem":"https://crs.example/1","ex:drift":0.2,"ex:probe":{"ex:tip":"T"}},
				{"type":"RelativeHumidity","exception":"ALARM_CONDITION","value":60,"uom":"P1","microorganism":"https://mo.example/1","chemicalSubstance":"https://cs.example/1","stringValue":"ok","booleanValue":true,"hexBinaryValue":"F0A1","uriValue":"https://id.gs1.org/253/9521321000018D1","deviceID":"urn:epc:id:giai:9521321.2"}],
			"ex:layer":"top","ex:stack":{"ex:row":4}}]}`,
}

func events(t testing.TB) map[string]*epcis.Event {
	t.Helper()
	all := map[string]*epcis.Event{}
	for name, body := range bodies {
		doc, err := epcis.DecodeJSON([]byte(body))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = &doc.Events[0]
	}
	return all
}

// around is the master data that the tests know.
var around = Around{User: "lin", MasterData: func(id string) *epcis.VocabularyElement {
	text := func(s string) epcis.Value { return epcis.Value{Kind: epcis.Text, Text: s} }
	switch id {
	case "https://id.gs1.org/414/9506000134352":
		return &epcis.VocabularyElement{ID: id, Attributes: []epcis.Attribute{{ID: "urn:epcglobal:cbv:mda:city", Value: text("Harbin")}},
			Children: []string{"https://id.gs1.org/414/9521321000018"}}
	case "https://id.gs1.org/414/9506000134352/254/7":
		return &epcis.VocabularyElement{ID: id, Attributes: []epcis.Attribute{{ID: "cbvmda:site", Value: text("plant")}}}
	case "https://id.gs1.org/01/09506000134352/10/L1":
		return &epcis.VocabularyElement{ID: id, Attributes: []epcis.Attribute{{ID: "cbvmda:netWeight", Value: text("480.50")}}}
	case "red":
		return &epcis.VocabularyElement{ID: id, Attributes: []epcis.Attribute{{ID: "https://ns.example.com/epcis/hue", Value: text("0")}}}
	}
	return nil
}}

// parameters holds, for each parameter, a value and the events that it means, all others of bodies excluded.
var parameters = []struct{ param, value, means string }{
	{"eventType", "ObjectEvent", "object wrong"},
	{"eventType", "AggregationEvent|epcis:TransformationEvent", "make pack"},
	{"GE_eventTime", "2026-06-01T16:00:00+08:00", "make sensor"},
	{"GE_eventTime", "2026-06-01T16:00:00 08:00", "make sensor"},
	{"LT_eventTime", "2026-04-01T08:00:00Z", "object"},
	{"GE_recordTime", "2026-07-01T09:00:00Z", "sensor"},
	{"LT_recordTime", "2026-03-01T09:00:00.001Z", "object"},
	{"EQ_action", "ADD", "object"},
	{"EQ_action", "OBSERVE|DELETE", "pack sensor wrong"},
	{"EQ_bizStep", "commissioning", "object"},
	{"EQ_bizStep", "urn:epcglobal:cbv:bizstep:commissioning", "object"},
	{"EQ_bizStep", "https://ref.gs1.org/cbv/BizStep-unpacking|https://ns.example.com/step/dusting", "pack wrong"},
	{"EQ_disposition", "cbv:Disp-active", "object"},
	{"EQ_persistentDisposition_set", "completeness_verified", "object"},
	{"EQ_persistentDisposition_set", "completeness_inferred", ""},
	{"EQ_persistentDisposition_unset", "https://ref.gs1.org/cbv/Disp-completeness_inferred", "object"},
	{"EQ_readPoint", "https://id.gs1.org/414/9506000134352/254/7", "object"},
	{"EQ_readPoint", "urn:epc:id:sgln:9506000.13435.0", ""},
	{"WD_readPoint", "urn:epc:id:sgln:9506000.13435.0", "object wrong"},
	{"WD_readPoint", "https://id.gs1.org/414/9521321000018", "wrong"},
	{"EQ_bizLocation", "urn:epc:id:sgln:9506000.13435.0", "object"},
	{"WD_bizLocation", "https://example.org/414/9506000134352", "object"},
	{"EQ_transformationID", "https://id.gs1.org/253/9521321000018T1", "make"},
	{"EQ_bizTransaction_po", "urn:epc:id:gdti:0614141.00001.1618034", "object"},
	{"EQ_bizTransaction_inv", "urn:epc:id:gdti:0614141.00001.1618034", ""},
	{"EQ_bizTransaction_urn:epcglobal:cbv:btt:inv", "urn:example:inv:7", "pack"},
	{"EQ_source_owning_party", "https://id.gs1.org/417/9506000134352", "object"},
	{"EQ_source_possessing_party", "https://id.gs1.org/417/9506000134352", ""},
	{"EQ_destination_possessing_party", "urn:epc:id:pgln:9521321.00001", "object"},
	{"EQ_destination_owning_party", "urn:epc:id:pgln:9521321.00001", ""},
	{"MATCH_epc", "https://example.org/01/09506000134352/21/S1", "object"},
	{"MATCH_epc", "urn:epc:idpat:sgtin:9506000.013435.*", "object"},
	{"MATCH_epc", "urn:epc:idpat:sgtin:9521321.*.*", "pack"},
	{"MATCH_epc", "urn:epc:idpat:sgtin:*.*.*", "object pack"},
	{"MATCH_epc", "https://id.gs1.org/01/09521321000018/21/*", "pack"},
	{"MATCH_epc", "urn:epc:idpat:sscc:9506000.*|urn:epc:id:giai:9521321.77", "sensor wrong"},
	{"MATCH_epc", "urn:epc:idpat:giai:9521321.*", "sensor"},
	{"MATCH_parentID", "https://id.gs1.org/00/095060000000000015", "pack"},
	{"MATCH_parentID", "urn:epc:idpat:grai:9521321.*.*", "sensor"},
	{"MATCH_parentID", "urn:epc:idpat:grai:9521321.00001.*", "sensor"},
	{"MATCH_inputEPC", "urn:epc:idpat:sgtin:9521321.000001.*", "make"},
	{"MATCH_inputEPC", "urn:epc:id:sgtin:9521321.000001.O1", ""},
	{"MATCH_outputEPC", "urn:epc:id:sgtin:9521321.000001.O1", "make"},
	{"MATCH_anyEPC", "urn:epc:idpat:sgtin:9521321.000001.*", "make pack"},
	{"MATCH_anyEPC", "urn:epc:idpat:sscc:*.*", "pack wrong"},
	{"MATCH_epcClass", "https://id.gs1.org/01/09506000134352/10/L1", "object"},
	{"MATCH_epcClass", "urn:epc:idpat:sgtin:9521321.000001.*", "pack"},
	{"MATCH_epcClass", "urn:epc:classpat:lgtin:9506000.*.*", "object"},
	{"MATCH_inputEPCClass", "urn:epc:class:lgtin:9521321.000001.IN", "make"},
	{"MATCH_inputEPCClass", "urn:epc:class:lgtin:9521321.000001.OUT", ""},
	{"MATCH_outputEPCClass", "https://id.gs1.org/01/09521321000018/10/OUT", "make"},
	{"MATCH_anyEPCClass", "https://id.gs1.org/01/09521321000018/10/*", "make"},
	{"MATCH_anyEPCClass", "urn:epc:class:lgtin:9521321.000001.*|urn:epc:class:lgtin:9506000.013435.L1", "make object"},
	{"EQ_quantity", "480.50", "object"},
	{"EQ_quantity", "24|2", "make pack"},
	{"GT_quantity", "480.5", "make"},
	{"GE_quantity", "480.5", "make object"},
	{"LT_quantity", "24", "make"},
	{"LE_quantity", "24", "make pack"},
	{"EQ_quantity_GRM", "480500", "object"},
	{"GT_quantity_KGM", "480.5", "make"},
	{"GE_quantity_KGM", "480.5", "make object"},
	{"LT_quantity_MTQ", "1.001", "make"},
	{"LE_quantity_EA", "24", "pack"},
	{"EQ_eventID", "urn:uuid:2|urn:uuid:9", "wrong"},
	{"EXISTS_errorDeclaration", "", "wrong"},
	{"EXISTS_errorDeclaration", "true", "wrong"},
	{"EXISTS_errorDeclaration", "false", "make object pack sensor wrong"},
	{"GE_errorDeclarationTime", "2026-04-02T00:00:00Z", "wrong"},
	{"GE_errorDeclaration_Time", "2026-04-02T00:00:01Z", ""},
	{"LT_errorDeclarationTime", "2026-04-02T00:00:01Z", "wrong"},
	{"LT_errorDeclaration_Time", "2026-04-02T00:00:00Z", ""},
	{"EQ_errorReason", "urn:epcglobal:cbv:er:incorrect_data", "wrong"},
	{"EQ_errorReason", "did_not_occur", ""},
	{"EQ_correctiveEventID", "urn:uuid:3", "wrong"},
	{"EQ_correctiveEventID", "urn:uuid:2", ""},
	{"EQ_userID", "lin", "make object pack sensor wrong"},
	{"EQ_userID", "wu", ""},
	{"EXISTS_sensorElement", "", "sensor"},
	{"EXISTS_sensorElementList", "true", "sensor"},
	{"GE_time", "2026-07-01T07:00:00Z", "sensor"},
	{"GE_time", "2026-07-01T07:00:01Z", ""},
	{"LT_time", "2026-07-01T06:15:01Z", "sensor"},
	{"LT_time", "2026-07-01T06:15:00Z", ""},
	{"GE_startTime", "2026-07-01T06:00:00Z", "sensor"},
	{"GE_startTime", "2026-07-01T06:00:01Z", ""},
	{"LT_startTime", "2026-07-01T06:00:01Z", "sensor"},
	{"LT_startTime", "2026-07-01T06:00:00Z", ""},
	{"GE_endTime", "2026-07-01T06:30:00Z", "sensor"},
	{"GE_endTime", "2026-07-01T06:30:01Z", ""},
	{"LT_endTime", "2026-07-01T06:30:01Z", "sensor"},
	{"LT_endTime", "2026-07-01T06:30:00Z", ""},
	{"EQ_type", "gs1:Temperature", "sensor"},
	{"EQ_type", "Mass", ""},
	{"EQ_exception", "https://gs1.org/voc/ALARM_CONDITION", "sensor"},
	{"EQ_exception", "ERROR_CONDITION", ""},
	{"EQ_component", "x", "sensor"},
	{"EQ_component", "y", ""},
	{"EQ_deviceID", "https://id.gs1.org/8004/95213211", "sensor"},
	{"EQ_deviceID", "urn:epc:id:giai:9521321.2", "sensor"},
	{"EQ_deviceID", "urn:epc:id:giai:9521321.3", ""},
	{"EQ_deviceMetadata", "https://m.example/1", "sensor"},
	{"EQ_deviceMetadata", "https://m.example/2", ""},
	{"EQ_rawData", "https://r.example/1", "sensor"},
	{"EQ_rawData", "https://r.example/2", ""},
	{"EQ_dataProcessingMethod", "https://p.example/1", "sensor"},
	{"EQ_dataProcessingMethod", "https://p.example/2", ""},
	{"EQ_bizRules", "https://b.example/1", "sensor"},
	{"EQ_bizRules", "https://b.example/2", ""},
	{"EQ_microorganism", "https://mo.example/1", "sensor"},
	{"EQ_microorganism", "https://mo.example/2", ""},
	{"EQ_chemicalSubstance", "https://cs.example/1", "sensor"},
	{"EQ_chemicalSubstance", "https://cs.example/2", ""},
	{"EQ_coordinateReferenceSystem", "https://crs.example/1", "sensor"},
	{"EQ_coordinateReferenceSystem", "https://crs.example/2", ""},
	{"EQ_stringValue", "ok", "sensor"},
	{"EQ_stringValue", "no", ""},
	{"EQ_booleanValue", "true", "sensor"},
	{"EQ_booleanValue", "false", ""},
	{"EQ_hexBinaryValue", "f0a1", "sensor"},
	{"EQ_hexBinaryValue", "f0a2", ""},
	{"EQ_uriValue", "urn:epc:id:gdti:9521321.00001.D1", "sensor"},
	{"EQ_uriValue", "urn:epc:id:gdti:9521321.00001.D2", ""},
	{"EQ_value_CEL", "8.5", "sensor"},
	{"EQ_value_FAH", "47.3", "sensor"},
	{"EQ_value_KEL", "281.65|1", "sensor"},
	{"EQ_value_LTR", "8.5", ""},
	{"GT_value_FAH", "47.2", "sensor"},
	{"GT_value_CEL", "8.5", ""},
	{"GE_value_CEL", "8.5", "sensor"},
	{"GE_value_CEL", "8.6", ""},
	{"LT_value_KEL", "281.66", "sensor"},
	{"LT_value_CEL", "8.5", ""},
	{"LE_value_CEL", "8.5", "sensor"},
	{"LE_value_NX", "599", ""},
	{"LE_value_NX", "600", "sensor"},
	{"EQ_minValue_FAH", "35.6", "sensor"},
	{"GE_minValue_CEL", "2.1", ""},
	{"LT_minValue_CEL", "2.1", "sensor"},
	{"GT_maxValue_CEL", "9.4", "sensor"},
	{"LE_maxValue_CEL", "9.4", ""},
	{"EQ_meanValue_CEL", "5.0", "sensor"},
	{"GT_meanValue_CEL", "5", ""},
	{"EQ_sDev_FAH", "1.8", "sensor"},
	{"EQ_sDev_KEL", "1", "sensor"},
	{"GT_sDev_CEL", "1", ""},
	{"GE_percValue_CEL", "9", "sensor"},
	{"GT_percValue_CEL", "9", ""},
	{"EQ_percRank", "95", "sensor"},
	{"GE_percRank", "95", "sensor"},
	{"GT_percRank", "95", ""},
	{"LT_percRank", "95.5", "sensor"},
	{"LE_percRank", "94", ""},
	{"EQ_ex:size", "12.0", "object"},
	{"EQ_ex:size", "13", ""},
	{"EQ_https://ns.example.com/epcis/size", "12", "object"},
	{"EQ_https://ns.example.com/epcis/#size", "12", "object"},
	{"EQ_other:size", "12", ""},
	{"EQ_ex:colour", "blue|green", "object"},
	{"EQ_ex:at", "2026-03-01T08:00:00Z", "object"},
	{"GT_ex:at", "2026-03-01T07:59:59Z", "object"},
	{"GE_ex:size", "12", "object"},
	{"GT_ex:size", "12", ""},
	{"LT_ex:size", "13", "object"},
	{"LE_ex:size", "11.9", ""},
	{"EXISTS_ex:size", "", "object"},
	{"EXISTS_ex:lid", "", ""},
	{"EQ_INNER_ex:screw", "5", "object"},
	{"EQ_INNER_ex:size", "12", ""},
	{"GE_INNER_ex:screw", "6", ""},
	{"EXISTS_INNER_ex:lid", "", "object"},
	{"EXISTS_INNER_ex:herd", "", ""},
	{"EQ_ILMD_ex:fat", "3.80", "object"},
	{"EQ_ILMD_ex:size", "12", ""},
	{"GE_ILMD_cbvmda:itemExpirationDate", "2026-06-01", "object"},
	{"GE_ILMD_urn:epcglobal:cbv:mda:itemExpirationDate", "2026-06-01", "object"},
	{"LT_ILMD_cbvmda:itemExpirationDate", "2026-06-01T00:00:00Z", ""},
	{"EXISTS_ILMD_ex:farm", "", "object"},
	{"EXISTS_ILMD_ex:herd", "", ""},
	{"EQ_INNER_ILMD_ex:herd", "H7", "object"},
	{"GT_INNER_ILMD_ex:cows", "39", "object"},
	{"GT_INNER_ILMD_ex:cows", "40", ""},
	{"EXISTS_INNER_ILMD_ex:cows", "", "object"},
	{"EXISTS_INNER_ILMD_ex:fat", "", ""},
	{"EQ_ERROR_DECLARATION_ex:who", "inspector", "wrong"},
	{"EQ_ERROR_DECLARATION_ex:who", "owner", ""},
	{"EXISTS_ERROR_DECLARATION_ex:who", "", "wrong"},
	{"EXISTS_ERROR_DECLARATION_ex:page", "", ""},
	{"GE_INNER_ERROR_DECLARATION_ex:page", "2", "wrong"},
	{"GT_INNER_ERROR_DECLARATION_ex:page", "2", ""},
	{"EXISTS_INNER_ERROR_DECLARATION_ex:page", "", "wrong"},
	{"EQ_SENSORELEMENT_ex:layer", "top", "sensor"},
	{"EQ_SENSORELEMENT_ex:layer", "bottom", ""},
	{"LE_INNER_SENSORELEMENT_ex:row", "4", "sensor"},
	{"LT_INNER_SENSORELEMENT_ex:row", "4", ""},
	{"EXISTS_SENSORELEMENT_ex:stack", "", "sensor"},
	{"EXISTS_SENSORELEMENT_ex:row", "", ""},
	{"EQ_SENSORMETADATA_ex:mount", "wall", "sensor"},
	{"EQ_SENSORMETADATA_ex:mount", "roof", ""},
	{"EQ_INNER_SENSORMETADATA_ex:seal", "S", "sensor"},
	{"EXISTS_SENSORMETADATA_ex:mount", "", "sensor"},
	{"EXISTS_SENSORMETADATA_ex:seal", "", ""},
	{"EQ_SENSORREPORT_ex:drift", "0.20", "sensor"},
	{"GT_SENSORREPORT_ex:drift", "0.2", ""},
	{"EQ_INNER_SENSORREPORT_ex:tip", "T", "sensor"},
	{"EXISTS_SENSORREPORT_ex:drift", "", "sensor"},
	{"EXISTS_SENSORREPORT_ex:tip", "", ""},
	{"EQ_readPoint_ex:gate", "north", "object"},
	{"EQ_readPoint_ex:gate", "south", ""},
	{"EQ_INNER_readPoint_ex:leaf", "left", "object"},
	{"EQ_bizLocation_ex:floor", "3", "object"},
	{"EQ_bizLocation_ex:floor", "4", ""},
	{"HASATTR_bizLocation", "city", "object"},
	{"HASATTR_bizLocation", "cbvmda:site", ""},
	{"HASATTR_readPoint", "urn:epcglobal:cbv:mda:site|city", "object"},
	{"HASATTR_epcClass", "cbvmda:netWeight", "object"},
	{"HASATTR_ex:colour", "ex:hue", "object"},
	{"HASATTR_ex:colour", "ex:tone", ""},
	{"EQATTR_bizLocation_city", "Harbin", "object"},
	{"EQATTR_bizLocation_city", "Dalian", ""},
	{"EQ_ATTR_epcClass_netWeight", "480.5", "object"},
	{"EQATTR_ex:colour_ex:hue", "0", "object"},
	{"EQATTR_ex:colour_ex:hue", "1", ""},
}

var prefixes = Prefixes{"ex": "https://ns.example.com/epcis/"}

func meant(q *Query, all map[string]*epcis.Event) string {
	var names []string
	for _, name := range []string{"make", "object", "pack", "sensor", "wrong"} {
		if q.MatchIn(all[name], around) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

func TestParameters(t *testing.T) {
	all := events(t)
	for _, c := range parameters {
		q, err := Parse(url.Values{c.param: {c.value}}, prefixes)
		if err != nil {
			t.Errorf("%s=%s: %v", c.param, c.value, err)
			continue
		}
		if got := meant(q, all); got != c.means {
			t.Errorf("%s=%s means %q, want %q", c.param, c.value, got, c.means)
		}
	}
}

// TestEventsByHash asks for an event by the id that the repository gives it.
func TestEventsByHash(t *testing.T) {
	all := events(t)
	hash, err := all["object"].Hash()
	if err != nil {
		t.Fatal(err)
	}
	q, err := Parse(url.Values{"EQ_eventID": {hash}}, nil)
	if err != nil || meant(q, all) != "object" {
		t.Errorf("%v, %q", err, meant(q, all))
	}
}

func TestParametersAreAnd(t *testing.T) {
	q, err := Parse(url.Values{"eventType": {"ObjectEvent", "AggregationEvent"}, "EQ_bizStep": {"unpacking|shipping"}}, nil)
	if err != nil || meant(q, events(t)) != "pack" {
		t.Errorf("%v, %q", err, meant(q, events(t)))
	}
}

func TestPrefixes(t *testing.T) {
	all := events(t)
	for name, p := range map[string]Prefixes{
		"q:size":  {"q": "https://ns.example.com/epcis"}, // without the last slash
		"ex:size": nil,                                   // nobody said what it stands for: the sender's own
	} {
		q, err := Parse(url.Values{"EQ_" + name: {"12"}}, p)
		if err != nil || meant(q, all) != "object" {
			t.Errorf("%s: %v, %q", name, err, meant(q, all))
		}
	}
	if q, err := Parse(url.Values{"EQ_ex:size": {"12"}}, Prefixes{"ex": "https://elsewhere.example/"}); err != nil || meant(q, all) != "" {
		t.Errorf("another namespace: %v, %q", err, meant(q, all))
	}
	if p := ParseExtensions("a=https://a.example/ ,b=urn:b, c"); len(p) != 2 || p["a"] != "https://a.example/" || p["b"] != "urn:b" {
		t.Error(p)
	}
}

func TestParseJSON(t *testing.T) {
	all := events(t)
	for body, want := range map[string]string{
		`{}`: "make object pack sensor wrong",
		`{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",{"q":"https://ns.example.com/epcis/"}],"EQ_q:size":12}`: "object",
		`{"@context":{"q":{"@id":"https://ns.example.com/epcis/"}},"EQ_q:colour":["red"]}`:                                                     "object",
		`{"eventType":["ObjectEvent"],"EXISTS_errorDeclaration":null}`:                                                                         "wrong",
		`{"EXISTS_sensorElementList":1,"EQ_booleanValue":true,"GE_value_CEL":8.5,"EQ_value_CEL":[8.5,9]}`:                                      "sensor",
		`{"EQ_stringValue":["ok|no"]}`: "",
		`{"GE_errorDeclaration_Time":"2026-04-02T00:00:00Z","orderBy":"eventTime","orderDirection":"ASC"}`: "wrong",
	} {
		q, err := ParseJSON([]byte(body))
		if err != nil || meant(q, all) != want {
			t.Errorf("%s: %v, %q, want %q", body, err, meant(q, all), want)
		}
	}
	for body, param := range map[string]string{
		``: "query", `[]`: "query", `{`: "query", `{} {}`: "query", `{"eventType":`: "query",
		`{"eventType":["ObjectEvent"],"eventType":["ObjectEvent"]}`: "eventType",
		`{"eventType":{}}`:                        "eventType",
		`{"eventType":[null]}`:                    "eventType",
		`{"eventType":[]}`:                        "eventType",
		`{"@context":7}`:                          "@context",
		`{"EQ_action":["MOVE"]}`:                  "EQ_action",
		`{"` + strings.Repeat("x", 5000) + `":1}`: strings.Repeat("x", 77) + "...",
	} {
		_, err := ParseJSON([]byte(body))
		var no *Error
		if !errors.As(err, &no) || no.Param != param || no.Text == "" || no.Remedy == "" {
			t.Errorf("%.60s: %v, want one of %s", body, err, param)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ param, value string }{
		{"EQ_size", "1"}, {"MATCH_size", "x"}, {"size", "1"}, {"EQ_", "x"}, {"EQ_ILMD_size", "x"}, {"EXISTS_ILMD", ""}, {"GE_bizStep", "shipping"},
		{"eventType", "QuantityEvent"}, {"EQ_action", "add"}, {"EQ_bizStep", ""}, {"GE_eventTime", "2026-03-01"}, {"GE_eventTime", "2026-03-01T08:00:00"},
		{"GE_eventTime", "2026-03-01T08:00:00Z|2026-03-02T08:00:00Z"}, {"GT_quantity", "many"}, {"GT_quantity", "1|2"}, {"EQ_quantity", "x"},
		{"GE_value_XYZ", "1"}, {"GE_value_", "1"}, {"EQ_booleanValue", "yes"}, {"EXISTS_errorDeclaration", "maybe"},
		{"GT_ex:size", "large"}, {"GT_ex:size", "1|2"}, {"EQATTR_bizLocation", "x"}, {"EQATTR_bizLocation_", "x"}, {"HASATTR_size", "x"},
		{"MATCH_epc", "urn:epc:idpat:sgtin:9506000.*.S1"}, {"MATCH_epc", "urn:epc:idpat:nosuch:9506000.*"}, {"MATCH_epc", "urn:epc:idpat:sgtin:9506000.*"},
		{"MATCH_epc", "https://id.gs1.org/01/09506000134352/*"}, {"MATCH_epc", "https://id.gs1.org/*"},
		{"orderBy", "bizStep"}, {"orderDirection", "UP"}, {"eventCountLimit", "0"}, {"maxEventCount", "few"}, {"maxEventCount", "1|2"},
	} {
		_, err := Parse(url.Values{c.param: {c.value}}, prefixes)
		var no *Error
		if !errors.As(err, &no) || no.Param != c.param || no.Text == "" || no.Remedy == "" {
			t.Errorf("%s=%s: %v", c.param, c.value, err)
		}
	}
	if _, err := Parse(url.Values{"eventCountLimit": {"5"}, "maxEventCount": {"5"}}, nil); err == nil {
		t.Error("both limits were taken")
	}
	many := url.Values{}
	for i := range MaxTerms + 1 {
		many["EQ_ex:f"+strings.Repeat("x", i)] = []string{"1"}
	}
	if _, err := Parse(many, nil); err == nil {
		t.Error("too many parameters were taken")
	}
	if _, err := Parse(url.Values{"EQ_bizStep": {strings.Repeat("a|", MaxValues) + "a"}}, nil); err == nil {
		t.Error("too many values were taken")
	}
}

func TestOrder(t *testing.T) {
	all := events(t)
	for _, c := range []struct {
		by, direction string
		x, y          string
		want          int
	}{
		{"eventTime", "", "object", "pack", 1}, {"eventTime", "ASC", "object", "pack", -1}, {"recordTime", "DESC", "wrong", "sensor", 1},
		{"ex:size", "ASC", "object", "pack", -1}, {"ex:size", "DESC", "object", "pack", -1}, {"ex:size", "ASC", "make", "pack", 0},
	} {
		params := url.Values{"orderBy": {c.by}}
		if c.direction != "" {
			params.Set("orderDirection", c.direction)
		}
		q, err := Parse(params, prefixes)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.Compare(all[c.x], all[c.y]); got != c.want || q.Compare(all[c.y], all[c.x]) != -c.want {
			t.Errorf("by %s %s: %s, %s: %d, want %d", c.by, c.direction, c.x, c.y, got, c.want)
		}
	}
	q, err := Parse(url.Values{"orderBy": {"ex:size"}, "orderDirection": {"ASC"}}, prefixes)
	if err != nil || !q.OrderedByField() {
		t.Fatal(err)
	}
	size := func(n string) *epcis.Event {
		return &epcis.Event{Extensions: []epcis.Field{{Name: epcis.Name{Space: "https://ns.example.com/epcis/", Local: "size"}, Value: epcis.Value{Kind: epcis.Digits, Text: n}}}}
	}
	if q.Compare(size("9"), size("10")) >= 0 || q.Compare(size("b"), size("a")) <= 0 {
		t.Error("numbers go by their value, texts by their letters")
	}
}

func TestAnd(t *testing.T) {
	parse := func(s string) *Query {
		v, err := url.ParseQuery(s)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse(v, prefixes)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	both, err := parse("eventType=ObjectEvent&eventCountLimit=5&orderBy=recordTime").And(parse("EQ_action=OBSERVE&eventCountLimit=9&orderBy=eventTime&orderDirection=ASC"))
	if err != nil || meant(both, events(t)) != "wrong" || both.Limit != 5 || both.OrderBy != "eventTime" || !both.Ascending {
		t.Errorf("%v %+v", err, both)
	}
	if _, err := parse("eventCountLimit=5").And(parse("maxEventCount=5")); err == nil {
		t.Error("both limits were taken")
	}
	if !both.Asks("EQ_action") || both.Asks("EQ_bizStep") {
		t.Error("what was asked is not told")
	}
	if v := parse("GE_eventTime=2026-06-01T16:00:00%2B08:00").Terms[0].Values; v[0] != time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC).Format(time.RFC3339Nano) {
		t.Error(v)
	}
}
