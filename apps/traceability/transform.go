package traceability

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

// transformForm is a making: what goes in and what comes out.
type transformForm struct {
	At        time.Time    `form:"at"`
	Tolerance string       `form:"tolerance"`
	Lines     []lotEntry   `form:"lines,required"`
	Outputs   []outputLine `form:"outputs,required"`
	Document  string       `form:"document"`
	Share     audience     `form:"share"`
}

type outputLine struct {
	GTIN       string `form:"gtin,required"`
	Number     string `form:"lot,required"`
	Quantity   amount `form:"quantity,required"`
	Unit       string `form:"unit"`
	BestBefore string `form:"bestBefore"`
}

type transformView struct {
	Form       *web.Form[transformForm]
	Food       *web.Banner
	Stock      []web.Option
	Products   []web.Option
	Units      []web.Option
	Tolerances []web.Option
	Balance    []web.Stat
	Share      shareView
}

// tolerances are what scales may be wrong by, as the contract bounds it.
var tolerances = []web.Option{{Value: "0", Text: "exact"}, {Value: "0.005", Text: "0.5 %"}, {Value: "0.01", Text: "1 %"}, {Value: "0.02", Text: "2 %"}}

// transform makes lots out of lots.
func (a *app) transform(c *web.Ctx) error {
	own, err := a.own(c)
	if err != nil {
		return err
	}
	start := transformForm{Tolerance: "0", Outputs: []outputLine{{Number: a.nextLot(c.Context(), own.ID)}}}
	if lot := lotID(c.QueryParam("lot")); lot != "" {
		start.Lines = []lotEntry{{Lot: lot}}
	}
	show := func(f *web.Form[transformForm]) error { return a.showTransform(c, own, f) }
	return web.Post(c, start, show, func(f *web.Form[transformForm]) (string, error) {
		first, err := a.transformed(c, own, f)
		if err != nil {
			return "", blame(f, err, "lines", map[string]string{trace.ErrTolerance.Code: "tolerance", trace.ErrFuture.Code: "at",
				trace.ErrMoreOut.Code: "outputs.0.quantity", trace.ErrNotMaker.Code: "outputs.0.lot", trace.ErrNotYourPrefix.Code: "outputs.0.gtin"})
		}
		if text := a.withoutDocument(c, f.Value.Document, first); text != "" {
			c.Flash("%s is made. %s", a.names(c).Lot(first), text)
		} else {
			c.Flash("%s is made.", a.names(c).Lot(first))
		}
		return lotHref(first), nil
	})
}

// transformed does it, and names the first lot that came out.
func (a *app) transformed(c *web.Ctx, own events.Company, f *web.Form[transformForm]) (first string, err error) {
	v := f.Value
	in, err := a.goods(c.Context(), v.Lines)
	if err != nil {
		return "", err
	}
	at := a.when(v.At, f.Field("at.zone", ""))
	var out []events.Made
	for i, o := range v.Outputs {
		m, err := a.output(c, o, at, fmt.Sprintf("outputs.%d.", i))
		if err != nil {
			return "", err
		}
		out = append(out, m)
	}
	tolerance, err := gs1.ParseAmount(orElse(v.Tolerance, "0"))
	if err != nil {
		return "", trace.ErrTolerance.Refuse("%s", v.Tolerance)
	}
	process := events.Transformed(own, at, processID(own, f.Once), in, out)
	for i := range process {
		process[i].BizTransactions = own.Document("prodorder", strings.TrimSpace(v.Document))
	}
	return out[0].Lot, a.submitAll(c, process, tolerance, v.Share)
}

func (a *app) output(c *web.Ctx, o outputLine, at time.Time, prefix string) (events.Made, error) {
	id, err := newLot(o.GTIN, o.Number, prefix+"gtin", prefix+"lot")
	if err != nil {
		return events.Made{}, err
	}
	p, err := a.described(c.Context(), id.GTIN())
	if err != nil {
		return events.Made{}, err
	}
	if o.Unit == "" && p.Unit != "H87" {
		o.Unit = p.Unit
	}
	best, err := bestBefore(o.BestBefore, at, p.ShelfLife)
	var no *chaincode.Refusal
	if errors.As(err, &no) {
		return events.Made{}, no.On(prefix + "bestBefore")
	}
	return events.Made{Goods: o.Quantity.of(id.Path(), o.Unit), BestBefore: best}, err
}

// processID names one filling of the form, so that sending it twice makes
// nothing twice.
func processID(by events.Company, once string) string {
	sum := sha256.Sum256([]byte(by.ID + " " + once))
	return "urn:tallyway:process:" + hex.EncodeToString(sum[:16])
}

func (a *app) showTransform(c *web.Ctx, own events.Company, f *web.Form[transformForm]) error {
	stock, err := a.stock(c.Context(), own.ID)
	if err != nil {
		return err
	}
	products, err := a.products(c.Context(), own.ID)
	if err != nil {
		return err
	}
	n := a.names(c)
	v := transformView{Form: f, Stock: n.choices(c, free(stock)), Products: productOptions(c, products), Units: units(c), Tolerances: tolerances}
	v.Balance = a.balance(c, n, f)
	if v.Share, err = a.shareView(c, f.Field("share.mode", "Readers"), f.Value.Share); err != nil {
		return err
	}
	if v.Food, err = a.foodHints(c, own, fsma.Transformation); err != nil {
		return err
	}
	return c.Render("transform.html", v)
}

// balance weighs what has been typed so far, where the units allow it.
func (a *app) balance(c *web.Ctx, n *names, f *web.Form[transformForm]) []web.Stat {
	in, err := a.goods(c.Context(), f.Value.Lines)
	if err != nil || len(in) == 0 || len(f.Value.Outputs) == 0 {
		return nil
	}
	unit := in[0].Unit
	var sumIn, sumOut gs1.Quantity
	sumIn.Unit, sumOut.Unit = unit, unit
	for _, g := range in {
		if sumIn, err = sumIn.Add(gs1.Quantity{Amount: g.Amount, Unit: g.Unit}); err != nil {
			return nil
		}
	}
	for _, o := range f.Value.Outputs {
		if sumOut, err = sumOut.Add(gs1.Quantity{Amount: o.Quantity.Amount, Unit: orElse(unitCode(o.Unit), unit)}); err != nil {
			return nil
		}
	}
	if sumIn.Amount.IsZero() {
		return nil
	}
	rest := sumIn.Amount.Sub(sumOut.Amount)
	left := web.Stat{Label: "Not in the yield", Value: n.Amount(rest.String()), Unit: n.Unit(unit), Tone: web.Good}
	if rest.Sign() < 0 {
		left.Tone = web.Bad
	}
	return []web.Stat{{Label: "Goes in", Value: n.Amount(sumIn.Amount.String()), Unit: n.Unit(unit)},
		{Label: "Comes out", Value: n.Amount(sumOut.Amount.String()), Unit: n.Unit(unit)}, left}
}
