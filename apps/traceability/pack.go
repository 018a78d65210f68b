package traceability

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// packForm puts lots and packs into a pack.
type packForm struct {
	SSCC  string     `form:"sscc,required"`
	At    time.Time  `form:"at"`
	Lines []lotEntry `form:"lines"`
	Packs []string   `form:"packs"`
	Share audience   `form:"share"`
}

type packFormView struct {
	Form  *web.Form[packForm]
	Stock []web.Option
	Units []web.Option
	Packs []packChoice
	Held  []packRow
	Share shareView

	Unpack *web.Form[unpackForm]
	Undo   shareView // who reads of the unpacking
}

// unpackForm takes everything out of a pack.
type unpackForm struct {
	Pack  string   `form:"pack,required"`
	Share audience `form:"share"`
}

// ErrSSCC asks for an SSCC without a slip of the pen.
var ErrSSCC = chaincode.Rule{Code: "traceability/sscc", Kind: chaincode.Malformed,
	Text: "An SSCC has 18 digits, and the last one fits the others.", Remedy: "Compare the number with the label, or scan it."}

// pack puts goods into a pack.
func (a *app) pack(c *web.Ctx) error {
	own, err := a.own(c)
	if err != nil {
		return err
	}
	start, err := a.emptyPack(c, own)
	if err != nil {
		return err
	}
	show := func(f *web.Form[packForm]) error { return a.showPackForm(c, own, f, web.NewForm(c, unpackForm{})) }
	return web.Post(c, start, show, func(f *web.Form[packForm]) (string, error) {
		id, err := a.packed(c, own, f)
		if err != nil {
			return "", blame(f, err, "lines", map[string]string{ErrSSCC.Code: "sscc", ErrNothing.Code: "lines.0.lot",
				trace.ErrPackLoop.Code: "sscc", trace.ErrFuture.Code: "at"})
		}
		c.Flash("%s is packed.", packTitle(id))
		return "/traceability/pack", nil
	})
}

// emptyPack is what the form starts with: the next number, and the lot that the
// address names.
func (a *app) emptyPack(c *web.Ctx, own events.Company) (start packForm, err error) {
	if lot := lotID(c.QueryParam("lot")); lot != "" {
		start.Lines = []lotEntry{{Lot: lot}}
	}
	start.SSCC, err = a.nextSSCC(c.Context(), own)
	return start, err
}

func (a *app) packed(c *web.Ctx, own events.Company, f *web.Form[packForm]) (id string, err error) {
	v := f.Value
	if id, err = packID(v.SSCC); err != nil {
		return "", err
	}
	in, err := a.goods(c.Context(), v.Lines)
	if err != nil {
		return "", err
	}
	if len(in)+len(v.Packs) == 0 {
		return "", ErrNothing.Refuse("")
	}
	_, err = a.submit(c, events.Packed(own, a.when(v.At, f.Field("at.zone", "")), id, in, v.Packs), v.Share)
	return id, err
}

// packID reads an SSCC as it is typed or scanned.
func packID(text string) (string, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "SSCC ")
	if digits, err := gs1.CheckSSCC(text); err == nil {
		return "00/" + digits, nil
	}
	key, err := gs1.Parse(text)
	if err != nil || key.Primary.AI != "00" {
		return "", ErrSSCC.Refuse("")
	}
	return key.Path(), nil
}

// nextSSCC suggests the number after the last one that the company has used
// under its prefix; a company without one types what its supplier gave it.
func (a *app) nextSSCC(ctx context.Context, own events.Company) (string, error) {
	prefix, _, _ := strings.Cut(own.Prefixes, " ")
	if prefix == "" {
		return "", nil
	}
	last, err := readmodel.One[string](ctx, a.db, `SELECT COALESCE(MAX(thing), '') FROM tr_named WHERE thing LIKE $1`, "00/0"+prefix+"%")
	if err != nil {
		return "", err
	}
	serial := uint64(1)
	if digits := strings.TrimPrefix(last, "00/0"+prefix); len(digits) > 1 && last != "" {
		used, err := strconv.ParseUint(digits[:len(digits)-1], 10, 64) // without the check digit
		if err == nil {
			serial = used + 1
		}
	}
	key, err := gs1.SSCC(0, prefix, serial)
	if err != nil {
		return "", nil // all numbers of this prefix are used
	}
	return key.Primary.Value, nil
}

func (a *app) showPackForm(c *web.Ctx, own events.Company, f *web.Form[packForm], undo *web.Form[unpackForm]) error {
	stock, err := a.stock(c.Context(), own.ID)
	if err != nil {
		return err
	}
	n := a.names(c)
	v := packFormView{Form: f, Unpack: undo, Stock: n.choices(c, free(stock)), Units: units(c)}
	if v.Packs, err = a.packChoices(c, own.ID, c.Request().PostForm["packs"]); err != nil {
		return err
	}
	if v.Share, err = a.shareView(c, f.Field("share.mode", "Readers"), f.Value.Share); err != nil {
		return err
	}
	if v.Undo, err = a.shareView(c, undo.Field("share.mode", "Readers"), undo.Value.Share); err != nil {
		return err
	}
	for _, p := range v.Packs {
		inside, err := a.inside(c, n, p.ID)
		if err != nil {
			return err
		}
		v.Held = append(v.Held, packRow{ID: p.ID, Text: packTitle(p.ID), Inside: inside})
	}
	return c.Render("pack.html", v)
}

// unpack takes everything out of a pack.
func (a *app) unpack(c *web.Ctx) error {
	own, err := a.own(c)
	if err != nil {
		return err
	}
	show := func(undo *web.Form[unpackForm]) error {
		start, err := a.emptyPack(c, own)
		if err != nil {
			return err
		}
		return a.showPackForm(c, own, web.NewForm(c, start), undo)
	}
	return web.Post(c, unpackForm{}, show, func(f *web.Form[unpackForm]) (string, error) {
		id, err := packID(f.Value.Pack)
		if err != nil {
			return "", err
		}
		if _, err := a.submit(c, events.Unpacked(own, a.when(time.Time{}, f.Field("at.zone", "")), id), f.Value.Share); err != nil {
			return "", unplaced(err)
		}
		c.Flash("%s is unpacked.", packTitle(id))
		return "/traceability/pack", nil
	})
}

// unplaced is a refusal that stands beside no entry: the choice of readers is on
// the page once for each pack.
func unplaced(err error) error {
	var no *chaincode.Refusal
	if !errors.As(err, &no) {
		return err
	}
	placed := *no
	return placed.On("")
}
