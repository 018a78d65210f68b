package fsma

import (
	"strings"
	"time"

	"github.com/tallyway/tallyway/shared/export"
)

// Sheet is the electronic sortable spreadsheet of section 1.1455(c)(3)(ii) for
// one critical tracking event, with the headings of the Produce Traceability
// Initiative's templates, which FDA's reviewers know.
type Sheet struct {
	CTE     CTE
	File    string // of the templates; "" where they have none for it
	Name    string
	Columns []export.Column
	Cells   func(*Row) []any
}

const packersFile = "PTI-Sortable-Spreadsheet Harv-Init-Pk-Cool-Trans-2.xlsx"

// Sheets are those of the seven events, in their order.
var Sheets = []Sheet{
	{Harvesting, packersFile, "CTE- Harvest", columns("Reference Document Type", "Reference Document Number", "Commodity", "Variety", "#Quantity",
		"Unit of Measure (UOM)", "Harvest Location", "Field Name", "Harvester Business Name & Number", "@Harvest Date",
		"Immediate Subsequent Recipient (ISR) Location"),
		func(r *Row) []any {
			return []any{r.Doc.Type, r.Doc.Number, r.Commodity, r.Variety, r.Line.Amount, unit(r.Line), r.Farm.Text(), r.Field,
				orElse(r.Harvester, business(r.Farm)), day(r.HarvestDate), r.To.Text()}
		}},
	{Cooling, packersFile, "CTE- Cooling", columns("Reference Document Type", "Reference Document Number", "Commodity", "Variety", "#Quantity",
		"Unit of Measure (UOM)", "Cooling Location", "@Cooling Date", "Harvest Location", "Immediate Subsequent Recipient (ISR) Location"),
		func(r *Row) []any {
			return []any{r.Doc.Type, r.Doc.Number, r.Commodity, r.Variety, r.Line.Amount, unit(r.Line), r.Cooler.Text(), day(r.CoolDate), r.Farm.Text(), r.To.Text()}
		}},
	{InitialPacking, packersFile, "CTE- Initial Packing", columns("Reference Document Type", "Reference Document Number", "Commodity", "Variety",
		"@Date Received", "#Quantity Received", "UOM Received", "Harvest Location", "Field Name", "Harvester Business Name & Number", "@Harvest Date",
		"Cooling Location", "@Cooling Date", "TLC - GTIN", "TLC - Batch", "TLC - SSCC", "@TLC - Date", "TLC - Date Type", "Product Description",
		"#Quantity Packed", "UOM Packed", "Initial Packing Location- TLCS", "@Pack Date"),
		func(r *Row) []any {
			l := r.Line
			return []any{r.Doc.Type, r.Doc.Number, r.Commodity, r.Variety, day(r.ReceivedDate), r.Received.Amount, unit(r.Received), r.Farm.Text(), r.Field,
				r.Harvester, day(r.HarvestDate), r.Cooler.Text(), day(r.CoolDate), l.GTIN, l.Batch, sscc(l), day(l.Facts.BestBefore), dateType(l),
				description(r), l.Amount, unit(l), r.Here.Text(), r.Date()}
		}},
	{FirstReceiving, "", "First Land-Based Receiving", columns("(a) TLC - GTIN", "(a) TLC - Batch", "(b) Species or Product Description", "#(c) Quantity",
		"(c) Unit of Measure (UOM)", "@(d) Harvest Date - First", "@(d) Harvest Date - Last", "(d) Harvest Locations", "Vessel",
		"(e) First Land-Based Receiver Location - TLCS", "@(f) Landing Date", "(g) Reference Document Type", "(g) Reference Document Number"),
		func(r *Row) []any {
			l := r.Line
			return []any{l.GTIN, l.Batch, orElse(l.Facts.Fish, description(r)), l.Amount, unit(l), day(r.HarvestDate), day(r.HarvestEnd),
				strings.Join(l.Facts.Catch, ", "), l.Facts.Vessel, r.Here.Text(), landing(r), r.Doc.Type, r.Doc.Number}
		}},
	{Shipping, "PTI-Sortable-Spreadsheet-Shipping-2-1.xlsx", "Shipping", columns("(1) TLC - GTIN", "(1) TLC - Batch", "@Date Code**", "Date Type**", "VoiceCode**",
		"Pallet ID*", "TLC - Assigned By**", "(2) Qty & UOM", "(3) Product Description", "(4) Ship-To Location", "Ship-To Location ID**", "(5) Ship-From Location",
		"Ship-From Location ID**", "@(6) Ship Date", "(7) TLC Source Reference GLN", "(7) TLC Source Reference FFRN", "(7) TLC Source Reference URL",
		"(7) TLC Source Reference GGN", "TLC Source Reference - Assigned By**", "(8) Ref Doc Type and Number"),
		func(r *Row) []any {
			l, s := r.Line, reference(r)
			return []any{l.GTIN, l.Batch, day(l.Facts.BestBefore), dateType(l), nil, sscc(l), r.TLCSource.Name, joined(" ", l.Amount, unit(l)), description(r),
				r.To.Text(), r.To.GLN, r.From.Text(), r.From.GLN, r.Date(), s[0], s[1], s[2], s[3], r.TLCSource.Name, joined(" ", r.Doc.Type, r.Doc.Number)}
		}},
	{Receiving, "PTI-Sortable-Spreadsheet-Receiving-2-1.xlsx", "Receiving", columns("(a)(1) TLC - GTIN", "(a)(1) TLC - Batch", "@(a)(1) TLC - Date**",
		"(a)(1) TLC - Date Type**", "(a)(1) TLC - SSCC**", "(b)(1) TLC - Assigned By", "(a)(2) Qty & UOM", "(a)(3) Product Description",
		"(a)(4) Immediate Previous Source (IPS) Location - (Shipped from Location)", "(a)(5) Receive Location", "@(a)(6) Receive Date",
		"(a)(7) TLC Source ReferenceGLN", "(a)(7) TLC Source ReferenceFFRN", "(a)(7) TLC Source ReferenceURL", "(a)(7) TLC Source ReferenceGGN",
		"(b)(5) TLC Source Reference - Assigned By", "(a)(8) Ref Doc", "(a)(7) TLC Source Name", "(a)(7) TLC Source Street", "(a)(7) TLC Source City",
		"(a)(7) TLC Source State", "(a)(7) TLC Source Country", "(a)(7) TLC Source Zip Code", "(a)(7) TLC Source Phone Number"),
		func(r *Row) []any {
			l, s, p := r.Line, reference(r), r.TLCSource
			return []any{l.GTIN, l.Batch, day(l.Facts.BestBefore), dateType(l), sscc(l), p.Name, joined(" ", l.Amount, unit(l)), description(r), r.From.Text(),
				r.Here.Text(), r.Date(), s[0], s[1], s[2], s[3], p.Name, joined(" ", r.Doc.Type, r.Doc.Number), p.Name, p.Street, p.City, p.Region, p.Country, p.Postcode, p.Phone}
		}},
	{Transformation, packersFile, "Transformation", columns("Reference Document Type", "Reference Document Number for Transformation Event",
		"FTL Food Used TLC - GTIN", "FTL Food Used TLC - Batch", "FTL Food Used TLC - SSCC", "@FTL Food Used TLC - Date", "FTL Food Used TLC - Date Type",
		"#FTL Food Used Qty", "FTL Food Used UOM", "FTL Food Used Product Description", "FTL Food Produced TLC - GTIN", "FTL Food Produced TLC - Batch",
		"FTL Food Produced TLC - SSCC", "@FTL Food Produced TLC - Date", "FTL Food Produced TLC - Date Type", "Transform Location- TLCS", "TLCS Reference GLN",
		"TLCS Reference FFRN", "TLCS Reference URL", "TLCS Reference GGN", "@Date Transformed", "FTL Food Produced Product Description",
		"#FTL Food Produced Qty", "FTL Food Produced UOM"),
		func(r *Row) []any {
			l, u, s := r.Line, r.Used, reference(r)
			return []any{r.Doc.Type, r.Doc.Number, u.GTIN, u.Batch, sscc(u), nil, nil, u.Amount, unit(u), r.Input.Description(), l.GTIN, l.Batch, sscc(l),
				day(l.Facts.BestBefore), dateType(l), r.Here.Text(), s[0], s[1], s[2], s[3], r.Date(), description(r), l.Amount, unit(l)}
		}},
}

// Locations is the sheet of the places that the others name.
var Locations = struct {
	File, Name string
	Columns    []export.Column
	Cells      func(Place, string) []any // with the GLN's lookup address
}{"PTI-Sortable-Spreadsheet-Shipping-2-1.xlsx", "Locations", columns("Business or Farm Name", "Phone Number",
	"Physical Location Address (or geo-coordinates)", "City", "State or Region", "Zip or Postal Code", "Country", "Field Name*", "Geo-Coordinates*",
	"GLN**", "FFRN**", "TLC Source Lookup Site"),
	func(p Place, lookup string) []any {
		return []any{p.Name, p.Phone, p.Street, p.City, p.Region, p.Postcode, p.Country, nil, nil, p.GLN, nil, lookup}
	}}

// columns are headings; "@" before one is a date, "#" a quantity.
func columns(headings ...string) []export.Column {
	var all []export.Column
	for _, h := range headings {
		c := export.Column{Header: h, Width: float64(max(12, min(len(h), 28)))}
		switch h[0] {
		case '@':
			c.Header, c.Kind = h[1:], export.Date
		case '#':
			c.Header, c.Kind = h[1:], export.Quantity
		}
		all = append(all, c)
	}
	return all
}

// day is a date as a sheet sorts it, or the text where it is none.
func day(text string) any {
	if len(text) >= 10 {
		if t, err := time.Parse(time.DateOnly, text[:10]); err == nil {
			return t
		}
	}
	if text == "" {
		return nil
	}
	return text
}

func landing(r *Row) any {
	if r.Line.Facts.Landed != "" {
		return day(r.Line.Facts.Landed)
	}
	return r.Date()
}

// unit is the code, or the word for pieces; nothing where there is no food.
func unit(l Line) string {
	if l.Unit == "" && l.Amount != "" {
		return "EA"
	}
	return l.Unit
}

func sscc(l Line) string { return strings.TrimPrefix(l.Pack, "00/") }

func dateType(l Line) string {
	if l.Facts.BestBefore == "" {
		return ""
	}
	return "Best before"
}

// reference is the source of the lot code as GLN, registration number, address
// and GGN: one of them.
func reference(r *Row) (all [4]string) {
	ref := r.SourceRef
	switch {
	case ref == "":
		all[0] = r.TLCSource.GLN
	case strings.HasPrefix(ref, "http://") || strings.HasPrefix(ref, "https://"):
		all[2] = ref
	case len(ref) == 11 && strings.Trim(ref, "0123456789") == "":
		all[1] = ref // an FDA food facility registration number
	case strings.HasPrefix(ref, "GGN"):
		all[3] = strings.TrimLeft(ref[3:], ": ")
	default:
		all[0] = ref
	}
	return all
}
