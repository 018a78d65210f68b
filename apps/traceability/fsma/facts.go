package fsma

import (
	"strings"

	"github.com/tallyway/tallyway/shared/epcis"
)

// factsOf reads ILMD and extensions by the local names of CBV 2.0 (section
// 9.2), the GS1 Web Vocabulary and what is common beside them, at any depth.
// The first value of a name counts.
func factsOf(e *epcis.Event) Facts {
	var f Facts
	f.read(e.ILMD)
	f.read(e.Extensions)
	return f
}

func (f *Facts) read(fields []epcis.Field) {
	for _, field := range fields {
		f.take(strings.ToLower(field.Name.Local), field.Value)
	}
}

func (f *Facts) take(name string, v epcis.Value) {
	if name == "catchzone" || name == "catcharea" || name == "fishingarea" {
		f.Catch = append(f.Catch, texts(v)...)
		return
	}
	switch v.Kind {
	case epcis.Object:
		f.read(v.Fields)
	case epcis.Array:
		for _, item := range v.Items {
			f.take(name, item)
		}
	case epcis.Text, epcis.Digits:
		for _, slot := range f.slots(name) {
			if *slot == "" {
				*slot = strings.TrimSpace(v.Text)
			}
		}
	}
}

// slots are the facts that a name tells.
func (f *Facts) slots(name string) []*string {
	switch name {
	case "commodity", "commodityname":
		return []*string{&f.Commodity}
	case "variety", "varietyname":
		return []*string{&f.Variety}
	case "productdescription", "descriptionshort", "tradeitemdescription":
		return []*string{&f.Description}
	case "fieldname", "growingarea", "field":
		return []*string{&f.Field}
	case "containername", "growingcontainer", "aquaculturecontainer":
		return []*string{&f.Container}
	case "harvestername", "harvesterbusinessname", "harvester":
		return []*string{&f.Harvester}
	case "harvesterphone", "harvesterphonenumber":
		return []*string{&f.HarvesterPhone}
	case "harvestdate":
		return []*string{&f.HarvestFrom, &f.HarvestTo}
	case "harvestdatestart", "harveststartdate":
		return []*string{&f.HarvestFrom}
	case "harvestdateend", "harvestenddate":
		return []*string{&f.HarvestTo}
	case "fishtype", "species", "marketname", "acceptablemarketname", "speciesforfisherystatisticspurposesname":
		return []*string{&f.Fish}
	case "vesselname", "vesselid":
		return []*string{&f.Vessel}
	case "landingdate", "landingstartdate", "datelanded":
		return []*string{&f.Landed}
	case "coolinglocation", "cooler":
		return []*string{&f.Cooler}
	case "coolingdate":
		return []*string{&f.Cooled}
	case "farm", "harvestlocation":
		return []*string{&f.Farm}
	case "tlcsource", "tlcsourcereference", "traceabilitylotcodesource", "traceabilitylotcodesourcereference":
		return []*string{&f.SourceRef}
	case "bestbeforedate", "itemexpirationdate", "expirationdate", "sellbydate":
		return []*string{&f.BestBefore}
	}
	return nil
}

func texts(v epcis.Value) []string {
	switch v.Kind {
	case epcis.Text, epcis.Digits:
		if t := strings.TrimSpace(v.Text); t != "" {
			return []string{t}
		}
	case epcis.Array:
		var all []string
		for _, item := range v.Items {
			all = append(all, texts(item)...)
		}
		return all
	}
	return nil
}
