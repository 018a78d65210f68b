package traceability

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// shipForm is goods that go to another company.
type shipForm struct {
	To      string     `form:"to,required"`
	Carrier string     `form:"carrier"`
	Advice  string     `form:"advice"`
	At      time.Time  `form:"at"`
	Return  bool       `form:"return"`
	Lines   []lotEntry `form:"lines"`
	Packs   []string   `form:"packs"`
	Share   audience   `form:"share"`
}

type shipView struct {
	Form                *web.Form[shipForm]
	Food                *web.Banner
	Receivers, Carriers []web.Option
	Stock, Units        []web.Option
	Packs               []packChoice
	Share               shareView
}

// packChoice is a pack that can be ticked.
type packChoice struct {
	ID, Text string
	Chosen   bool
}

// ErrNothing keeps events from being about nothing.
var ErrNothing = chaincode.Rule{Code: "traceability/nothing", Kind: chaincode.Malformed,
	Text: "Nothing has been chosen.", Remedy: "Choose at least one lot with its quantity, or a pack."}

// ship sends goods off.
func (a *app) ship(c *web.Ctx) error {
	own, err := a.own(c)
	if err != nil {
		return err
	}
	start := shipForm{Advice: a.nextAdvice(c.Context(), own.ID), To: c.QueryParam("to"), Return: c.QueryParam("return") == "on"}
	if lot := lotID(c.QueryParam("lot")); lot != "" {
		start.Lines = []lotEntry{{Lot: lot}}
	}
	show := func(f *web.Form[shipForm]) error { return a.showShip(c, own, f) }
	return web.Post(c, start, show, func(f *web.Form[shipForm]) (string, error) {
		outcome, err := a.shipped(c, own, f)
		if err != nil {
			return "", blame(f, err, "lines", map[string]string{party.ErrSuspended.Code: "to", party.ErrUnknown.Code: "to",
				trace.ErrFuture.Code: "at", ErrNothing.Code: "lines.0.lot"})
		}
		if text := a.withoutDocument(c, f.Value.Advice, outcome.Lots...); text != "" {
			c.Flash("The shipment is on its way. %s", text)
		} else {
			c.Flash("The shipment is on its way.")
		}
		return "/traceability/shipments/" + outcome.Shipment, nil
	})
}

func (a *app) shipped(c *web.Ctx, own events.Company, f *web.Form[shipForm]) (trace.Outcome, error) {
	v := f.Value
	s := events.Consignment{From: own, Advice: v.Advice, Return: v.Return}
	for _, pack := range v.Packs {
		s.Packs = append(s.Packs, lotID(pack))
	}
	var err error
	if s.Goods, err = a.goods(c.Context(), v.Lines); err != nil {
		return trace.Outcome{}, err
	}
	if len(s.Goods)+len(s.Packs) == 0 {
		return trace.Outcome{}, ErrNothing.Refuse("")
	}
	if s.To, err = a.company(c.Context(), v.To); err != nil {
		return trace.Outcome{}, err
	}
	if v.Carrier != "" && v.Carrier != own.ID {
		if s.Carrier, err = a.company(c.Context(), v.Carrier); err != nil {
			return trace.Outcome{}, err
		}
	}
	return a.submit(c, events.Shipped(s, a.when(v.At, f.Field("at.zone", ""))), v.Share)
}

func (a *app) showShip(c *web.Ctx, own events.Company, f *web.Form[shipForm]) error {
	stock, err := a.stock(c.Context(), own.ID)
	if err != nil {
		return err
	}
	others, err := a.others(c.Context(), own.ID)
	if err != nil {
		return err
	}
	n := a.names(c)
	v := shipView{Form: f, Stock: n.choices(c, free(stock)), Units: units(c)}
	for _, p := range others {
		option := web.Option{Value: p.ID, Text: n.Party(p.ID)}
		if strings.Contains(p.Kinds, party.KindCarrier) {
			v.Carriers = append(v.Carriers, option)
		} else {
			v.Receivers = append(v.Receivers, option)
		}
	}
	v.Receivers = append(v.Receivers, v.Carriers...) // a carrier may buy, too
	v.Packs, err = a.packChoices(c, own.ID, c.Request().PostForm["packs"])
	if err != nil {
		return err
	}
	if v.Share, err = a.shareView(c, f.Field("share.mode", "Readers"), f.Value.Share); err != nil {
		return err
	}
	if v.Food, err = a.foodHints(c, own, fsma.Shipping); err != nil {
		return err
	}
	return c.Render("ship.html", v)
}

// others are the companies to which goods can go.
func (a *app) others(ctx context.Context, own string) ([]events.Company, error) {
	return readmodel.All[events.Company](ctx, a.db, `SELECT id, name, name_zh, kinds, prefixes, gln FROM tr_parties
		WHERE id <> $1 AND standing = $2 AND kinds NOT LIKE '%regulator%' AND kinds NOT LIKE '%tax-authority%' AND kinds NOT LIKE '%bank%'
		ORDER BY name, id`, own, party.Vouched)
}

// nextAdvice suggests a number for the despatch advice: the day, and how many
// shipments the company has sent so far.
func (a *app) nextAdvice(ctx context.Context, sender string) string {
	n, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_shipments WHERE sender = $1`, sender)
	if err != nil {
		return "" // a suggestion only
	}
	return fmt.Sprintf("DA%s-%03d", a.host.Now().UTC().Format("060102"), n+1)
}

// heldPacks are the outermost packs that a company holds and that are not on
// their way.
func (a *app) heldPacks(ctx context.Context, own string) ([]string, error) {
	return readmodel.All[string](ctx, a.db, `SELECT pack FROM tr_packs WHERE holder = $1 AND parent = '' AND shipment = ''
		AND EXISTS (SELECT 1 FROM tr_contents c WHERE c.pack = tr_packs.pack) ORDER BY pack LIMIT $2`, own, most)
}

func (a *app) packChoices(c *web.Ctx, own string, chosen []string) ([]packChoice, error) {
	packs, err := a.heldPacks(c.Context(), own)
	if err != nil {
		return nil, err
	}
	n := a.names(c)
	ticked := map[string]bool{}
	for _, id := range chosen {
		ticked[lotID(id)] = true
	}
	if id := lotID(c.QueryParam("pack")); id != "" {
		ticked[id] = true
	}
	var all []packChoice
	for _, id := range packs {
		inside, err := a.inside(c, n, id)
		if err != nil {
			return nil, err
		}
		all = append(all, packChoice{ID: id, Text: packTitle(id) + " · " + strings.Join(inside, ", "), Chosen: ticked[id]})
	}
	return all, nil
}

// content is what a pack holds directly.
type content struct {
	Child  string `db:"child"`
	Inner  bool   `db:"inner_pack"`
	Amount string `db:"amount"`
	Unit   string `db:"unit"`
}

func (a *app) contents(ctx context.Context, pack string) ([]content, error) {
	return readmodel.All[content](ctx, a.db, `SELECT child, inner_pack, amount, unit FROM tr_contents WHERE pack = $1 ORDER BY child`, pack)
}

// inside says what a pack holds, in words.
func (a *app) inside(c *web.Ctx, n *names, pack string) ([]string, error) {
	all, err := a.contents(c.Context(), pack)
	var words []string
	for _, in := range all {
		if in.Inner {
			words = append(words, packTitle(in.Child))
		} else {
			words = append(words, n.Quantity(in.Amount, in.Unit)+" "+n.Lot(in.Child))
		}
	}
	return words, err
}

// ErrNothingArrived sends the receiver of nothing to the other form.
var ErrNothingArrived = chaincode.Rule{Code: "traceability/nothing-arrived", Kind: chaincode.Malformed,
	Text: "Nothing of the shipment is said to have arrived.", Remedy: "Enter what arrived, or decline the shipment."}
