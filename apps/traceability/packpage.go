package traceability

import (
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) packRoutes() []web.Route {
	return []web.Route{{Method: "GET", Path: "/traceability/packs/:sscc", Name: "packs.page", Access: readers, Handler: a.showPackPage}}
}

// logisticUnit is a row of tr_packs.
type logisticUnit struct {
	ID       string `db:"pack" json:"id"`
	Holder   string `db:"holder" json:"-"`
	Parent   string `db:"parent" json:"parent,omitempty"`
	Shipment string `db:"shipment" json:"-"`
}

// unitView is the page of a pack, for those through whose hands something in it went.
type unitView struct {
	Title string     `json:"title"`
	Facts []web.Pair `json:"-"`
	Table web.Table  `json:"-"`
	Acts  []web.Act  `json:"-"`
	Items []unitLine `json:"contents"`
}

// unitLine is one of the things in a pack; how much of it there is, its holder and
// the holder's neighbours read.
type unitLine struct {
	Thing  string `json:"thing"`
	Amount string `json:"amount,omitempty"`
	Unit   string `json:"unit,omitempty"`
}

func (a *app) showPackPage(c *web.Ctx) error {
	u, r, err := a.unit(c, c.Param("sscc"))
	if err != nil {
		return err
	}
	v := unitView{Title: packTitle(u.ID), Items: []unitLine{}}
	n := a.names(c)
	if v.Items, err = a.unitLines(c, r, u); err != nil {
		return err
	}
	v.Table = web.Table{Label: "Contents", Count: c.T("%s things", len(v.Items)), Columns: []web.Column{{Label: "What is in it"}, {Label: "Quantity", Number: true}}, Empty: web.Empty{Title: "It is empty.", Text: "What was in it has been unpacked."}}
	for _, l := range v.Items {
		row := web.TableRow{Href: lotHref(l.Thing), Cells: []any{n.Lot(l.Thing), nil}}
		if sscc, err := gs1.Parse(l.Thing); err == nil && sscc.Primary.AI == "00" {
			row = web.TableRow{Href: "/traceability/packs/" + sscc.Primary.Value, Cells: []any{packTitle(l.Thing), nil}}
		}
		if l.Amount != "" {
			row.Cells[1] = web.Num{Text: grouped(n.Amount(l.Amount)), Unit: n.Unit(l.Unit)}
		}
		v.Table.Rows = append(v.Table.Rows, row)
	}
	if holder := n.Party(u.Holder); holder != "" && (r.all || u.Holder == c.User().Party) {
		v.Facts = append(v.Facts, web.Pair{Label: "Held by", Value: holder})
	}
	if u.Parent != "" {
		v.Facts = append(v.Facts, web.Pair{Label: "In", Value: packTitle(u.Parent)})
	}
	v.Acts = []web.Act{{Label: "Label", Href: "/traceability/labels?thing=" + u.ID}}
	return c.Render("packpage.html", v)
}

// unit is a pack that the reader may read of; others are told that there is none.
func (a *app) unit(c *web.Ctx, sscc string) (u logisticUnit, r *reader, err error) {
	id, err := packID(sscc)
	if err != nil {
		return u, nil, err
	}
	if r, err = a.reader(c); err != nil {
		return u, nil, err
	}
	may, err := r.readsPack(id)
	if err != nil {
		return u, nil, err
	}
	all, err := readmodel.All[logisticUnit](c.Context(), a.db, `SELECT pack, holder, parent, shipment FROM tr_packs WHERE pack = $1`, id)
	if err == nil && (len(all) == 0 || !may && !r.all) {
		err = trace.ErrNoLot.Refuse("%s", id)
	}
	if err != nil {
		return u, nil, err
	}
	return all[0], r, nil
}

// unitLines are the things in a pack as far as the reader sees them.
func (a *app) unitLines(c *web.Ctx, r *reader, u logisticUnit) ([]unitLine, error) {
	inside, err := a.contents(c.Context(), u.ID)
	if err != nil {
		return nil, err
	}
	lines := []unitLine{}
	var lots []string
	for _, in := range inside {
		lots = append(lots, in.Child)
	}
	near, err := r.near(lots...)
	if err != nil {
		return nil, err
	}
	for _, in := range inside {
		may, err := r.readsAny([]string{in.Child})
		if err != nil {
			return nil, err
		}
		if !may {
			continue
		}
		l := unitLine{Thing: in.Child, Unit: in.Unit}
		if !in.Inner && near.sees(in.Child, u.Holder) {
			l.Amount = in.Amount
		}
		lines = append(lines, l)
	}
	return lines, nil
}
