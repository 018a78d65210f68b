package epcis

import (
	"reflect"
	"time"
)

// The members of sensor elements are many and alike: these tables are their one place, for JSON and XML.

var (
	metadataTimes = []string{"time", "startTime", "endTime"}
	metadataTexts = []string{"deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules"}
	reportTexts   = []string{"type", "exception", "deviceID", "deviceMetadata", "rawData", "dataProcessingMethod", "bizRules",
		"microorganism", "chemicalSubstance", "coordinateReferenceSystem", "component", "stringValue", "hexBinaryValue",
		"uriValue", "uom"}
	reportNumbers = []string{"value", "minValue", "maxValue", "meanValue", "sDev", "percRank", "percValue"}
)

func (s *SensorMetadata) timeOf(member string) *time.Time {
	switch member {
	case "time":
		return &s.Time
	case "startTime":
		return &s.Start
	case "endTime":
		return &s.End
	}
	return nil
}

func (s *SensorMetadata) textOf(member string) *string {
	switch member {
	case "deviceID":
		return &s.DeviceID
	case "deviceMetadata":
		return &s.DeviceMetadata
	case "rawData":
		return &s.RawData
	case "dataProcessingMethod":
		return &s.DataProcessingMethod
	case "bizRules":
		return &s.BizRules
	}
	return nil
}

func (r *SensorReport) textOf(member string) *string {
	switch member {
	case "type":
		return &r.Type
	case "exception":
		return &r.Exception
	case "deviceID":
		return &r.DeviceID
	case "deviceMetadata":
		return &r.DeviceMetadata
	case "rawData":
		return &r.RawData
	case "dataProcessingMethod":
		return &r.DataProcessingMethod
	case "bizRules":
		return &r.BizRules
	case "microorganism":
		return &r.Microorganism
	case "chemicalSubstance":
		return &r.ChemicalSubstance
	case "coordinateReferenceSystem":
		return &r.CoordinateReferenceSystem
	case "component":
		return &r.Component
	case "stringValue":
		return &r.StringValue
	case "hexBinaryValue":
		return &r.HexBinaryValue
	case "uriValue":
		return &r.URIValue
	case "uom":
		return &r.Unit
	}
	return nil
}

func (r *SensorReport) numberOf(member string) *Number {
	switch member {
	case "value":
		return &r.Value
	case "minValue":
		return &r.MinValue
	case "maxValue":
		return &r.MaxValue
	case "meanValue":
		return &r.MeanValue
	case "sDev":
		return &r.SDev
	case "percRank":
		return &r.PercRank
	case "percValue":
		return &r.PercValue
	}
	return nil
}

func (r *SensorReport) shorten() {
	r.Type = measurements.short(r.Type)
	r.Exception = sensorAlerts.short(r.Exception)
	r.Component = components.short(r.Component)
}

func (s *SensorMetadata) empty() bool { return reflect.ValueOf(*s).IsZero() }
