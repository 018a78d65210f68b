package epcis

// allFieldsJSON is a document in which every part of the model is used at least once.
const allFieldsJSON = `{
 "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"dairy": "https://dairy.example/terms/"}, "https://unknown.example/context.jsonld"],
 "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-03-01T09:00:00+08:00",
 "id": "https://dairy.example/documents/1", "sender": "https://id.gs1.org/417/9506000134352",
 "dairy:ignoreFields": ["dairy:line"],
 "epcisHeader": {"epcisMasterData": {"vocabularyList": [{"type": "urn:epcglobal:epcis:vtype:Location", "vocabularyElementList": [
   {"id": "https://id.gs1.org/414/9506000134352", "attributes": [{"id": "cbvmda:name", "attribute": "Plant 1"}], "children": ["https://id.gs1.org/414/9506000134352/254/1"]}]}]}},
 "epcisBody": {"eventList": [
  {"type": "ObjectEvent", "eventID": "urn:uuid:0a1f4fe1-5ac4-4e94-9d7a-0c9d4e1f2a3b",
   "eventTime": "2026-03-01T08:30:00.250+08:00", "recordTime": "2026-03-01T00:31:00Z", "eventTimeZoneOffset": "+08:00",
   "certificationInfo": "https://certificates.example/ABC-1",
   "action": "ADD", "bizStep": "commissioning", "disposition": "active",
   "persistentDisposition": {"set": ["completeness_verified"], "unset": ["completeness_inferred"]},
   "epcList": ["https://id.gs1.org/01/09506000134352/21/S1"],
   "quantityList": [{"epcClass": "https://id.gs1.org/01/09506000134352/10/L1", "quantity": 480.50, "uom": "KGM"}],
   "readPoint": {"id": "https://id.gs1.org/414/9506000134352", "dairy:dock": "3"},
   "bizLocation": {"id": "urn:epc:id:sgln:9506000.13435.0"},
   "bizTransactionList": [{"type": "po", "bizTransaction": "urn:epcglobal:cbv:bt:9506000134352:PO-1"}],
   "sourceList": [{"type": "owning_party", "source": "https://id.gs1.org/417/9506000134352"}],
   "destinationList": [{"type": "location", "destination": "https://id.gs1.org/414/9506000134352"}],
   "sensorElementList": [{
     "sensorMetadata": {"startTime": "2026-03-01T00:00:00Z", "endTime": "2026-03-01T00:30:00Z", "deviceID": "https://id.gs1.org/8004/95060001", "dairy:probe": 1},
     "sensorReport": [
       {"type": "Temperature", "minValue": 3.10, "maxValue": 4, "meanValue": 3.5, "sDev": 0.1, "uom": "CEL"},
       {"type": "dairy:Smell", "booleanValue": false, "stringValue": "none", "exception": "ALARM_CONDITION", "component": "x"}],
     "dairy:shift": "early"}],
   "ilmd": {"cbvmda:lotNumber": "L1", "gs1:bestBeforeDate": "2026-03-15"},
   "errorDeclaration": {"declarationTime": "2026-03-02T00:00:00Z", "reason": "incorrect_data", "correctiveEventIDs": ["urn:uuid:1a1f4fe1-5ac4-4e94-9d7a-0c9d4e1f2a3b"], "dairy:by": "QA"},
   "dairy:line": 7, "dairy:tanks": ["A", {"dairy:no": 2.0, "inner": null}, [true]]}
 ]}}`

// shippingXML says the same in XML 1.2 style, with wrappers and old names, as shippingJSON in JSON.
const shippingXML = `<?xml version="1.0" encoding="UTF-8"?>
<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" xmlns:d="https://dairy.example/terms/" xmlns:cbvmda="urn:epcglobal:cbv:mda"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" schemaVersion="1.2" creationDate="2026-03-01T00:00:00Z">
 <EPCISBody><EventList>
  <ObjectEvent>
   <eventTime>2026-03-01T08:30:00+08:00</eventTime>
   <recordTime>2026-03-01T00:31:00Z</recordTime>
   <eventTimeZoneOffset>+08:00</eventTimeZoneOffset>
   <baseExtension><eventID>urn:uuid:0a1f4fe1-5ac4-4e94-9d7a-0c9d4e1f2a3b</eventID></baseExtension>
   <epcList><epc>urn:epc:id:sgtin:9506000.013435.S2</epc><epc>urn:epc:id:sgtin:9506000.013435.S1</epc></epcList>
   <action>ADD</action>
   <bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>
   <disposition>urn:epcglobal:cbv:disp:in_transit</disposition>
   <readPoint><id>urn:epc:id:sgln:9506000.13435.0</id></readPoint>
   <bizTransactionList><bizTransaction type="urn:epcglobal:cbv:btt:po">urn:epcglobal:cbv:bt:9506000134352:PO-1</bizTransaction></bizTransactionList>
   <extension>
    <quantityList><quantityElement><epcClass>urn:epc:class:lgtin:9506000.013435.L1</epcClass><quantity>+480.50</quantity><uom>KGM</uom></quantityElement></quantityList>
    <sourceList><source type="urn:epcglobal:cbv:sdt:owning_party">urn:epc:id:pgln:9506000.13435</source></sourceList>
    <sensorElementList><sensorElement>
      <sensorMetadata time="2026-03-01T08:00:00+08:00" d:probe="1"/>
      <sensorReport type="gs1:Temperature" value="4.00" uom="CEL"/>
      <sensorReport type="gs1:RelativeHumidity" value=".5" uom="P1" booleanValue="1"/>
    </sensorElement></sensorElementList>
    <ilmd><cbvmda:lotNumber>L1</cbvmda:lotNumber></ilmd>
   </extension>
   <d:tank d:no="2">A</d:tank><d:tank>B</d:tank><d:count xsi:type="xsd:integer" xmlns:xsd="http://www.w3.org/2001/XMLSchema">007</d:count>
  </ObjectEvent>
 </EventList></EPCISBody>
</epcis:EPCISDocument>`

const shippingJSON = `{
 "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", {"dairy": "https://dairy.example/terms/"}],
 "type": "ObjectEvent", "eventTime": "2026-03-01T00:30:00Z", "eventTimeZoneOffset": "+08:00",
 "epcList": ["https://id.gs1.org/01/09506000134352/21/S1", "https://milk.example/01/09506000134352/21/S2"],
 "quantityList": [{"epcClass": "https://id.gs1.org/01/09506000134352/10/L1", "quantity": 4.805e2, "uom": "KGM"}],
 "action": "ADD", "bizStep": "https://ref.gs1.org/cbv/BizStep-shipping", "disposition": "in_transit",
 "readPoint": {"id": "https://id.gs1.org/414/9506000134352"},
 "bizTransactionList": [{"bizTransaction": "urn:epcglobal:cbv:bt:9506000134352:PO-1", "type": "po"}],
 "sourceList": [{"type": "cbv:SDT-owning_party", "source": "https://id.gs1.org/417/9506000134352"}],
 "sensorElementList": [{"sensorMetadata": {"time": "2026-03-01T00:00:00.000Z", "dairy:probe": 1},
   "sensorReport": [{"type": "RelativeHumidity", "value": 0.5, "uom": "P1", "booleanValue": true}, {"type": "https://gs1.org/voc/Temperature", "value": 4, "uom": "CEL"}]}],
 "ilmd": {"cbvmda:lotNumber": "L1"},
 "dairy:count": 7, "dairy:tank": ["B", {"#text": "A", "dairy:no": "2"}]}`
