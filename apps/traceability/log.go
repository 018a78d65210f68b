package traceability

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) formRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/lots/new", Name: "lots.new", Access: operators, Handler: a.logLot},
		{Method: "POST", Path: "/traceability/lots/new", Name: "lots.log", Access: operators, Handler: a.logLot},
		{Method: "GET", Path: "/traceability/ship", Name: "ship.new", Access: operators, Handler: a.ship},
		{Method: "POST", Path: "/traceability/ship", Name: "ship.do", Access: operators, Handler: a.ship},
		{Method: "GET", Path: "/traceability/transform", Name: "transform.new", Access: operators, Handler: a.transform},
		{Method: "POST", Path: "/traceability/transform", Name: "transform.do", Access: operators, Handler: a.transform},
		{Method: "GET", Path: "/traceability/pack", Name: "pack.new", Access: operators, Handler: a.pack},
		{Method: "POST", Path: "/traceability/pack", Name: "pack.do", Access: operators, Handler: a.pack},
		{Method: "POST", Path: "/traceability/unpack", Name: "pack.undo", Access: operators, Handler: a.unpack},
		{Method: "GET", Path: "/traceability/dispose", Name: "dispose.new", Access: operators, Handler: a.dispose},
		{Method: "POST", Path: "/traceability/dispose", Name: "dispose.do", Access: operators, Handler: a.dispose},
	}
}

// logForm is a new lot, or more of one.
type logForm struct {
	GTIN       string    `form:"gtin,required"`
	Number     string    `form:"number,required"`
	Quantity   amount    `form:"quantity,required"`
	Unit       string    `form:"unit"`
	At         time.Time `form:"at"`
	BestBefore string    `form:"bestBefore"`
	Document   string    `form:"document"`
	Share      audience  `form:"share"`
}

type logView struct {
	Form     *web.Form[logForm]
	Food     *web.Banner
	Products []web.Option
	Units    []web.Option
	Share    shareView
}

// product is the master data of a GTIN.
type product struct {
	GTIN      string `db:"gtin"`
	Name      string `db:"name"`
	NameZh    string `db:"name_zh"`
	Unit      string `db:"unit"`
	ShelfLife int    `db:"shelf_life"`
	Storage   string `db:"storage"`
	Owner     string `db:"owner"`
}

const productColumns = `gtin, name, name_zh, unit, shelf_life, storage, owner`

// logLot logs what a company has made.
func (a *app) logLot(c *web.Ctx) error {
	own, err := a.own(c)
	if err != nil {
		return err
	}
	products, err := a.products(c.Context(), own.ID)
	if err != nil {
		return err
	}
	show := func(f *web.Form[logForm]) error {
		share, err := a.shareView(c, f.Field("share.mode", "Readers"), f.Value.Share)
		if err != nil {
			return err
		}
		food, err := a.foodHints(c, own, fsma.Transformation)
		if err != nil {
			return err
		}
		return c.Render("log.html", logView{f, food, productOptions(c, products), units(c), share})
	}
	start := logForm{GTIN: c.QueryParam("gtin"), Number: a.nextLot(c.Context(), own.ID)}
	if start.GTIN == "" && len(products) == 1 {
		start.GTIN = products[0].GTIN
	}
	return web.Post(c, start, show, func(f *web.Form[logForm]) (string, error) {
		lot, err := a.logged(c, own, f)
		if err != nil {
			return "", blame(f, err, "", map[string]string{"gtin": "gtin", "number": "number", "bestBefore": "bestBefore", "unit": "unit",
				"quantity": "quantity", trace.ErrNotMaker.Code: "number", trace.ErrNotYourPrefix.Code: "gtin",
				trace.ErrAmount.Code: "quantity", trace.ErrUnit.Code: "unit", trace.ErrFuture.Code: "at"})
		}
		if text := a.withoutDocument(c, f.Value.Document, lot); text != "" {
			c.Flash("%s is logged. %s", a.names(c).Lot(lot), text)
		} else {
			c.Flash("%s is logged.", a.names(c).Lot(lot))
		}
		return lotHref(lot), nil
	})
}

func (a *app) logged(c *web.Ctx, own events.Company, f *web.Form[logForm]) (lot string, err error) {
	v := f.Value
	id, err := newLot(v.GTIN, v.Number, "gtin", "number")
	if err != nil {
		return "", err
	}
	at := a.when(v.At, f.Field("at.zone", ""))
	described, err := a.described(c.Context(), id.GTIN())
	if err != nil {
		return "", err
	}
	if v.Unit == "" && described.Unit != "H87" { // H87 is the piece, which events leave empty
		v.Unit = described.Unit
	}
	best, err := bestBefore(v.BestBefore, at, described.ShelfLife)
	if err != nil {
		return "", err
	}
	e := events.Logged(own, at, v.Quantity.of(id.Path(), v.Unit), best)
	e.BizTransactions = own.Document("prodorder", strings.TrimSpace(v.Document))
	_, err = a.submit(c, e, v.Share)
	return id.Path(), err
}

// newLot reads a GTIN and a lot number, and refuses beside the entry that is
// wrong.
func newLot(gtin, number, gtinEntry, numberEntry string) (gs1.ID, error) {
	if key, err := gs1.Parse(gtin); err == nil && key.GTIN() != "" {
		gtin = key.GTIN() // a label was scanned into the field
	}
	gtin, err := gs1.CheckGTIN(gtin)
	if err != nil {
		return gs1.ID{}, ErrGTIN.Refuse("").On(gtinEntry)
	}
	if number, err = gs1.CheckLot(number); err != nil {
		return gs1.ID{}, ErrLotNumber.Refuse("").On(numberEntry)
	}
	return gs1.LotID(gtin, number)
}

// bestBefore is the date that was typed, else that of the product's shelf life.
func bestBefore(typed string, at time.Time, shelfLife int) (string, error) {
	switch {
	case typed != "":
		date, err := time.Parse(time.DateOnly, typed)
		if err != nil || date.Before(at.Truncate(24*time.Hour).AddDate(0, 0, -1)) {
			return "", ErrBestBefore.Refuse("").On("bestBefore")
		}
		return typed, nil
	case shelfLife > 0:
		return at.AddDate(0, 0, shelfLife).Format(time.DateOnly), nil
	}
	return "", nil
}

// described is a product's master data, or only its GTIN when nobody described it.
func (a *app) described(ctx context.Context, gtin string) (product, error) {
	all, err := readmodel.All[product](ctx, a.db, `SELECT `+productColumns+` FROM tr_products WHERE gtin = $1`, gtin)
	if err != nil || len(all) == 0 {
		return product{GTIN: gtin}, err
	}
	return all[0], nil
}

// products are those of a company.
func (a *app) products(ctx context.Context, owner string) ([]product, error) {
	return readmodel.All[product](ctx, a.db, `SELECT `+productColumns+` FROM tr_products WHERE owner = $1 ORDER BY name, gtin LIMIT $2`, owner, most)
}

func productOptions(c *web.Ctx, all []product) []web.Option {
	var options []web.Option
	for _, p := range all {
		name := p.Name
		if c.Lang() == "zh" && p.NameZh != "" {
			name = p.NameZh
		}
		options = append(options, web.Option{Value: p.GTIN, Text: name + " · " + p.GTIN})
	}
	return options
}

// nextLot suggests a number: the day, and how many lots the company has logged
// on it.
func (a *app) nextLot(ctx context.Context, maker string) string {
	day := a.host.Now().UTC().Format("060102")
	n, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_lots WHERE maker = $1 AND number LIKE $2`, maker, "L"+day+"-%")
	if err != nil {
		return "" // a suggestion only: the user types one
	}
	return fmt.Sprintf("L%s-%02d", day, n+1)
}

var (
	// ErrGTIN asks for a GTIN without a slip of the pen.
	ErrGTIN = chaincode.Rule{Code: "traceability/gtin", Kind: chaincode.Malformed,
		Text: "A GTIN has 8, 12, 13 or 14 digits, and the last one fits the others.", Remedy: "Compare the number with the label, or scan it."}
	// ErrLotNumber keeps lot numbers to what a label can carry.
	ErrLotNumber = chaincode.Rule{Code: "traceability/lot-number", Kind: chaincode.Malformed,
		Text: "A lot number has 1 to 20 letters, digits or signs, and no blank.", Remedy: "Shorten it, and leave out blanks and letters with accents."}
	// ErrBestBefore keeps goods from being past their date when they are made.
	ErrBestBefore = chaincode.Rule{Code: "traceability/best-before", Kind: chaincode.Malformed,
		Text: "The best-before date lies before the goods were made.", Remedy: "Check both dates."}
)
