// Package intake reads the sheets in which small firms keep their records: which
// columns each kind of sheet has, how people write dates, quantities, units and
// numbers, and which of it cannot be read. It knows no ledger and no tables:
// what a row does is left to the app.
package intake

import (
	"strings"
	"unicode"

	"github.com/tallyway/tallyway/shared/sheet"
)

// The kinds of sheets.
const (
	Lots      = "lots"
	Shipments = "shipments"
	Received  = "received"
	Processes = "processes"
	Packs     = "packs"
	Disposals = "disposals"
	Products  = "products"
	Places    = "places"
)

// The columns, by the key under which an entry holds them.
const (
	Date       = "date"
	Product    = "product"
	Lot        = "lot"
	Amount     = "quantity"
	Unit       = "unit"
	BestBefore = "bestBefore"
	Document   = "document"
	Partner    = "partner"
	Carrier    = "carrier"
	Pack       = "pack"
	Inner      = "inner"
	Yes        = "yes"
	Process    = "process"
	Side       = "side"
	Tolerance  = "tolerance"
	How        = "how"
	GTIN       = "gtin"
	Name       = "name"
	NameZh     = "nameZh"
	ShelfLife  = "shelfLife"
	Storage    = "storage"
	GLN        = "gln"
	City       = "city"
	CityZh     = "cityZh"
	Country    = "country"
)

// Column is one column of a kind of sheet. Its headings in both languages are
// taken, whatever the language of the reader.
type Column struct {
	Key      string
	En, Zh   string
	Also     []string // other headings that mean it
	Note     string   // an English key
	Required bool
	Set      sheet.Kind
	Width    float64
	Example  string
}

// Kind is one kind of sheet.
type Kind struct {
	Name    string
	Title   string // an English key
	Text    string // what it is for; an English key
	Columns []Column
}

// Of finds a kind by its name.
func Of(name string) (Kind, bool) {
	for _, k := range Kinds {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// Column finds a column by its key.
func (k Kind) Column(key string) Column {
	for _, c := range k.Columns {
		if c.Key == key {
			return c
		}
	}
	return Column{Key: key, En: key, Zh: key}
}

// Head is the column's heading in a language; a star marks what is required.
func (c Column) Head(lang string) string {
	head := c.Heading(lang)
	if c.Required {
		head += " *"
	}
	return head
}

// Heading is the heading by itself.
func (c Column) Heading(lang string) string {
	if lang == "zh" {
		return c.Zh
	}
	return c.En
}

// means reports whether a heading of a sheet is this column's.
func (c Column) means(heading string) bool {
	heading = folded(heading)
	for _, name := range append([]string{c.En, c.Zh, c.Key}, c.Also...) {
		if heading != "" && heading == folded(name) {
			return true
		}
	}
	return false
}

// folded leaves of a text what people do not write differently.
func folded(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

func date(note string) Column {
	return Column{Key: Date, En: "Date", Zh: "日期", Also: []string{"Date and time", "Day", "时间", "日期时间"}, Note: note, Required: true, Set: sheet.Date, Width: 18, Example: "2026-11-20"}
}

func required(c Column) Column { c.Required = true; return c }

func example(c Column, text string) Column { c.Example = text; return c }

var (
	product = Column{Key: Product, En: "Product", Zh: "产品", Also: []string{"GTIN", "Product GTIN", "产品代码", "商品条码"},
		Note: "Choose from the list, or enter the GTIN or the product's name.", Set: sheet.Digits, Width: 34, Example: "09506000134352"}
	lot = Column{Key: Lot, En: "Lot number", Zh: "批号", Also: []string{"Lot", "Batch", "Batch number", "批次", "批次号"},
		Note: "As on the label: up to 20 letters, digits and signs, no blanks.", Set: sheet.Digits, Width: 18, Example: "EXAMPLE-1"}
	amount = Column{Key: Amount, En: "Quantity", Zh: "数量", Also: []string{"Amount", "Qty"},
		Note: "A number above zero; a decimal point or a decimal comma.", Set: sheet.Quantity, Width: 12, Example: "500"}
	unit = Column{Key: Unit, En: "Unit", Zh: "单位", Also: []string{"UoM"},
		Note: "A symbol (kg), a name (kilogram) or a UN/ECE code (KGM). Empty takes the unit of the lot or the product.", Width: 12, Example: "kg"}
	bestBefore = Column{Key: BestBefore, En: "Best before", Zh: "保质期至", Also: []string{"Expiry", "Best before date", "到期日", "有效期至"},
		Note: "Empty takes the product's shelf life.", Set: sheet.Date, Width: 14, Example: "2026-12-04"}
	pack = Column{Key: Pack, En: "Pack (SSCC)", Zh: "物流单元（SSCC）", Also: []string{"SSCC", "Pack", "Pallet", "托盘"},
		Note: "18 digits. For goods that move in a pack, enter the pack and leave product, lot and quantity empty.", Set: sheet.Digits, Width: 24}
	document = Column{Key: Document, En: "Despatch advice number", Zh: "发货通知单号", Also: []string{"Despatch advice", "Delivery note", "Shipment", "送货单号"},
		Set: sheet.Digits, Width: 22, Example: "EXAMPLE-1"}
)

// Kinds are all kinds, in the order in which the page offers them.
var Kinds = []Kind{
	{Lots, "Lots that you made", "One row is one lot that is logged.", []Column{
		date("When it was made. A date alone means the beginning of that day."), required(product), required(lot), required(amount), unit, bestBefore}},
	{Shipments, "Shipments", "Rows with the same despatch advice number are one shipment.", []Column{
		noted(required(document), "Rows with the same number are one shipment; they agree on date, receiver and carrier."),
		date("When the goods were handed over."),
		required(Column{Key: Partner, En: "Receiver", Zh: "收货方", Also: []string{"To", "Customer", "客户"}, Note: "Choose from the list, or enter the company's name or id.", Width: 28, Example: "city-market"}),
		{Key: Carrier, En: "Carrier", Zh: "承运方", Also: []string{"承运人"}, Note: "Empty when you bring the goods yourselves.", Width: 28},
		product, lot, amount, unit, pack,
		{Key: Yes, En: "Return", Zh: "退货", Note: "Yes for goods on their way back to their maker, not for sale.", Width: 10}}},
	{Received, "Goods that you received", "Rows with the same despatch advice number and sender are one receipt.", []Column{
		date("When the goods arrived."),
		noted(document, "Of the shipment that is waiting for you; empty for goods from outside this network."),
		{Key: Partner, En: "Sender", Zh: "发货方", Also: []string{"From", "Supplier", "供应商"}, Note: "Choose from the list; empty for goods from outside this network.", Width: 28, Example: "greenfield-dairy"},
		product, lot, amount, unit, pack,
		{Key: Yes, En: "Keep apart", Zh: "隔离存放", Note: "Yes for goods that are not for sale.", Width: 12}}},
	{Processes, "Processes", "Rows with the same process number are one process: what went in and what came out.", []Column{
		required(Column{Key: Process, En: "Process number", Zh: "加工编号", Also: []string{"Process", "Production order", "生产单号"}, Note: "Rows with the same number are one process.", Set: sheet.Digits, Width: 18, Example: "EXAMPLE-1"}),
		date("When the goods were made."),
		required(Column{Key: Side, En: "In or out", Zh: "投入或产出", Also: []string{"Direction", "方向"}, Note: "In for what went in, out for what came out.", Width: 12, Example: "in"}),
		required(product), required(lot), required(amount), unit, bestBefore,
		{Key: Tolerance, En: "Yield tolerance", Zh: "产出容差", Note: "How much more than went in the scales may show: 0, 0.5%, 1% or 2%.", Width: 14}}},
	{Packs, "Packs", "Rows with the same SSCC are one pack and what was put into it.", []Column{
		required(noted(example(pack, "095060001340000017"), "18 digits. Rows with the same number are one pack.")), date("When it was packed."), product, lot, amount, unit,
		{Key: Inner, En: "Inner pack (SSCC)", Zh: "内含物流单元（SSCC）", Also: []string{"Inner pack"}, Note: "A pack that was put into this one, in place of product, lot and quantity.", Set: sheet.Digits, Width: 24}}},
	{Disposals, "Goods sold or destroyed", "One row is one sale over the counter, or one destruction.", []Column{
		date("When it was sold or destroyed."),
		required(Column{Key: How, En: "Sold or destroyed", Zh: "售出或销毁", Also: []string{"How", "方式"}, Note: "Sold or destroyed.", Width: 18, Example: "sold"}),
		required(product), required(lot), required(amount), unit}},
	{Products, "Products", "One row describes one product.", []Column{
		required(Column{Key: GTIN, En: "GTIN", Zh: "GTIN", Also: []string{"Product", "商品条码", "产品代码"}, Note: "8, 12, 13 or 14 digits, under your own GS1 company prefix.", Set: sheet.Digits, Width: 20, Example: "09506000134352"}),
		required(Column{Key: Name, En: "Name", Zh: "名称", Also: []string{"英文名称"}, Width: 32, Example: "EXAMPLE Fresh milk"}),
		{Key: NameZh, En: "Name in Chinese", Zh: "中文名称", Width: 24, Example: "鲜牛奶"},
		required(noted(unit, "In which its lots are usually logged.")),
		{Key: ShelfLife, En: "Shelf life in days", Zh: "保质期（天）", Also: []string{"Shelf life", "保质期"}, Set: sheet.Quantity, Width: 14, Example: "14"},
		{Key: Storage, En: "Storage", Zh: "储存条件", Width: 20, Example: "2 to 6 °C"}}},
	{Places, "Places", "One row describes one place.", []Column{
		required(Column{Key: GLN, En: "GLN", Zh: "GLN", Also: []string{"全球位置码"}, Note: "13 digits, your own.", Set: sheet.Digits, Width: 20, Example: "9506000134352"}),
		required(Column{Key: Name, En: "Name", Zh: "名称", Also: []string{"英文名称"}, Width: 32, Example: "EXAMPLE plant"}),
		{Key: NameZh, En: "Name in Chinese", Zh: "中文名称", Width: 24},
		{Key: City, En: "City", Zh: "城市", Width: 18, Example: "Hohhot"},
		{Key: CityZh, En: "City in Chinese", Zh: "城市中文名", Width: 18, Example: "呼和浩特"},
		{Key: Country, En: "Country", Zh: "国家", Note: "Two letters, such as CN or NL.", Width: 10, Example: "CN"}}},
}

func noted(c Column, note string) Column { c.Note = note; return c }
