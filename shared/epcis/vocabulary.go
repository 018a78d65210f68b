package epcis

import (
	"slices"
	"strings"
)

// vocabulary is one word list of the standard with all spellings of its words.
type vocabulary struct {
	title     string   // for messages
	canonical string   // the prefix that the event hash uses (CBV 2.0, section 8.9)
	spellings []string // all prefixes, the canonical one first
	words     []string // sorted
	urns      string   // the prefix of EPCIS 1.x, where there is one
}

func cbv(title, segment, urn, words string) vocabulary {
	v := vocabulary{title: title, canonical: "https://ref.gs1.org/cbv/" + segment + "-", words: strings.Fields(words)}
	v.spellings = []string{
		v.canonical,
		"cbv:" + segment + "-",
		"http://ref.gs1.org/cbv/" + segment + "-",
		"https://ns.gs1.org/cbv/" + segment + "-",
		"http://ns.gs1.org/cbv/" + segment + "-",
		"https://ns.gs1.org/voc/" + segment + "-",
		"https://gs1.org/voc/" + segment + "-",
	}
	if urn != "" {
		v.urns = "urn:epcglobal:cbv:" + urn + ":"
		v.spellings = append(v.spellings, v.urns)
	}
	if segment == "BizStep" {
		v.spellings = append(v.spellings, "https://ns.gs1.org/voc/Bizstep-")
	}
	slices.Sort(v.words)
	return v
}

func gs1Voc(title, words string) vocabulary {
	v := vocabulary{title: title, canonical: "https://gs1.org/voc/", words: strings.Fields(words)}
	v.spellings = []string{v.canonical, "gs1:", "http://gs1.org/voc/", "https://www.gs1.org/voc/", "http://www.gs1.org/voc/", "https://ref.gs1.org/voc/"}
	slices.Sort(v.words)
	return v
}

// The word lists of CBV 2.0, sections 7 and 8, and of the GS1 Web Vocabulary.
var (
	bizSteps = cbv("business step", "BizStep", "bizstep", `accepting arriving assembling collecting commissioning
		consigning creating_class_instance cycle_counting decommissioning departing destroying disassembling dispensing
		encoding entering_exiting holding inspecting installing killing loading other packing picking receiving removing
		repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping staging_outbound
		stock_taking stocking storing transporting unloading unpacking void_shipping`)
	dispositions = cbv("disposition", "Disp", "disp", `active available completeness_inferred completeness_verified
		conformant container_closed container_open damaged destroyed dispensed disposed encoded expired in_progress
		in_transit inactive mismatch_class mismatch_instance mismatch_quantity needs_replacement no_pedigree_match
		non_conformant non_sellable_other partially_dispensed recalled reserved retail_sold returned sellable_accessible
		sellable_not_accessible stolen unavailable unknown`)
	transactionTypes = cbv("business transaction type", "BTT", "btt",
		`bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt`)
	partyTypes   = cbv("source or destination type", "SDT", "sdt", `location owning_party possessing_party`)
	errorReasons = cbv("error reason", "ER", "er", `did_not_occur incorrect_data`)
	components   = cbv("component", "Comp", "comp", `altitude axial_distance azimuth easting elevation_angle height
		latitude longitude northing polar_angle spherical_radius x y z`)
	measurements = gs1Voc("measurement type", `AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Altitude
		AmountOfSubstance AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area
		Capacitance Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate
		DynamicViscosity ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure
		Force Frequency Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux
		LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate
		MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux
		RadiantIntensity Radioactivity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed
		SurfaceDensity SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction VolumetricFlux
		Wavenumber`)
	sensorAlerts = gs1Voc("sensor alert type", `ALARM_CONDITION ERROR_CONDITION`)
)

// short gives the short name of a word in any of its spellings. A word that claims to be of this vocabulary and is not
// in it becomes its canonical URI, anything else stays as it is.
func (v vocabulary) short(word string) string {
	for _, prefix := range v.spellings {
		if rest, ok := strings.CutPrefix(word, prefix); ok {
			if v.has(rest) {
				return rest
			}
			return v.canonical + rest
		}
	}
	return word
}

// uri is the word as the event hash spells it.
func (v vocabulary) uri(word string) string {
	word = v.short(word)
	if v.has(word) {
		return v.canonical + word
	}
	return word
}

// urn is the word as EPCIS 1.x spelled it.
func (v vocabulary) urn(word string) string {
	if short := v.short(word); v.urns != "" && v.has(short) {
		return v.urns + short
	}
	return v.uri(word)
}

func (v vocabulary) has(word string) bool {
	_, ok := slices.BinarySearch(v.words, word)
	return ok
}
