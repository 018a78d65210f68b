package traceability

import (
	"context"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

// names turns ids into what one reader reads. What has no name keeps its id.
type names struct {
	ctx       context.Context
	directory *directory
	lang      string
	seen      map[string]string // by kind and id: one page says one name
}

func (a *app) names(c *web.Ctx) *names {
	return &names{c.Context(), a.directory, c.Lang(), map[string]string{}}
}

// Party is a company's name.
func (n *names) Party(id string) string {
	return n.find("party", id, `SELECT name, name_zh FROM tr_parties WHERE id = $1`)
}

// Product is what a GTIN stands for.
func (n *names) Product(gtin string) string {
	return n.find("product", gtin, `SELECT name, name_zh FROM tr_products WHERE gtin = $1`)
}

// Place is the name of a GLN.
func (n *names) Place(gln string) string {
	return n.find("place", gln, `SELECT name, name_zh FROM tr_places WHERE gln = $1`)
}

// City is where a GLN lies, or "".
func (n *names) City(gln string) string {
	if city := n.find("city", gln, `SELECT city, city_zh FROM tr_places WHERE gln = $1`); city != gln {
		return city
	}
	return ""
}

// Lot is a lot as people call it: product and number.
func (n *names) Lot(id string) string {
	key, err := gs1.Parse(id)
	if err != nil || key.GTIN() == "" {
		return id
	}
	number := key.Lot()
	if key.Serial() != "" {
		number = key.Serial()
	}
	return strings.TrimSpace(n.Product(key.GTIN()) + " " + number)
}

func (n *names) find(kind, id, query string) string {
	if id == "" {
		return ""
	}
	key := kind + " " + id
	if name, ok := n.seen[key]; ok {
		return name
	}
	l, err := n.directory.look(n.ctx, question{query, id})
	if err != nil {
		return id // the page still helps; its own query tells what is wrong
	}
	name := id
	switch {
	case n.lang == "zh" && l.second != "":
		name = l.second
	case l.first != "":
		name = l.first
	}
	n.seen[key] = name
	return name
}

// Quantity is an amount with its unit as people write it: "480 kg".
func (n *names) Quantity(amount, unit string) string {
	return grouped(n.Amount(amount)) + " " + n.Unit(unit)
}

// Amount is an exact amount for people: at most three decimals, with an
// almost-equal sign where that is not all.
func (n *names) Amount(amount string) string {
	a := parseAmount(amount)
	text := a.Decimal(3)
	if whole, _ := gs1.ParseAmount(text); whole.Cmp(a) != 0 {
		return "≈ " + text
	}
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// Unit is a unit's symbol, or the reader's word for pieces.
func (n *names) Unit(code string) string {
	u, err := gs1.UnitOf(code)
	switch {
	case err != nil:
		return code
	case code == "" && n.lang == "zh":
		return "件"
	case code == "":
		return "pcs"
	}
	return u.Symbol
}

// parseAmount reads an amount from the tables, which hold what the contract
// wrote: "480", "0.5" or "1/3".
func parseAmount(text string) gs1.Amount {
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return gs1.Whole(whole) // most are
	}
	var a gs1.Amount
	if err := a.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
		return gs1.Amount{}
	}
	return a
}
