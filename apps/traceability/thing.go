package traceability

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/resolver"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// thingView is the public page behind a code that is no product's: of a place, a
// company, a pallet. Of what a pallet holds it tells nothing.
type thingView struct {
	Title   string        `json:"title"`
	Kind    string        `json:"kind"` // an English key
	Number  string        `json:"number"`
	Company string        `json:"company,omitempty"`
	City    string        `json:"city,omitempty"`
	Country string        `json:"country,omitempty"`
	Note    string        `json:"note,omitempty"` // an English key
	SignIn  string        `json:"-"`              // where members sign in
	Links   []shopperLink `json:"links,omitempty"`
	Address string        `json:"address"`
}

// shopperLink is a link as a page shows it.
type shopperLink struct {
	Title string `json:"title"`
	Href  string `json:"href"`
	Type  string `json:"type"`
	Lang  string `json:"lang,omitempty"`
}

// kindsOfKey are the words for what keys stand for.
var kindsOfKey = map[string]string{
	"00": "Logistic unit", "01": "Product", "253": "Document", "255": "Coupon", "401": "Consignment", "402": "Shipment", "414": "Place", "415": "Invoicing party", "417": "Company",
	"8003": "Returnable asset", "8004": "Asset", "8006": "Piece of a product", "8010": "Component or part", "8013": "Product model", "8017": "Service provider", "8018": "Service recipient",
}

// showThing is the page of an identifier that is no trade item's. Members on the
// chain of a pack are led to the pack's own page.
func (a *app) showThing(c *web.Ctx, id gs1.ID) error {
	if id.Primary.AI == "00" && c.User() != nil {
		r, err := a.reader(c)
		if err != nil {
			return err
		}
		if may, err := r.readsPack(id.Path()); err != nil {
			return err
		} else if may || r.all {
			return c.Redirect("/traceability/packs/" + id.Primary.Value)
		}
	}
	levels, err := a.levels(c, id)
	if err != nil {
		return err
	}
	if !anyLinks(levels) {
		return a.refuseThing(c, id)
	}
	v := a.linksView(c, id, levels)
	base := a.host.Base(c) + "/scan/"
	kept := v.Links[:0]
	for _, l := range v.Links {
		if !strings.HasPrefix(l.Href, base) { // but this page itself
			kept = append(kept, l)
		}
	}
	v.Links = kept
	if err := a.tellThing(c, id, v); err != nil {
		return err
	}
	return a.sendThing(c, http.StatusOK, v)
}

// refuseThing tells that nothing is known.
func (a *app) refuseThing(c *web.Ctx, id gs1.ID) error {
	if takesPage(c.Request().Header["Accept"]) && !c.WantsJSON() {
		return a.sendThing(c, http.StatusNotFound, &thingView{Title: elementString(id), Kind: kindsOfKey[id.Primary.AI], Number: elementString(id),
			Note: "Nobody has entered this number on the ledger. Compare it with the code.", Address: "/" + id.Path()})
	}
	return a.refuseProblem(c, http.StatusNotFound, errUnknownKey.Refuse("%s", id.Path()), "", "")
}

// tellThing adds what everybody may know: name, city and company.
func (a *app) tellThing(c *web.Ctx, id gs1.ID, v *thingView) error {
	n := a.names(c)
	owner, err := a.ownerOf(c.Context(), id)
	if err != nil {
		return err
	}
	switch id.Primary.AI {
	case "414":
		rows, err := readmodel.All[place](c.Context(), a.db, `SELECT `+placeColumns+` FROM tr_places WHERE gln = $1`, id.Primary.Value)
		if err != nil {
			return err
		}
		for _, p := range rows {
			owner, v.City, v.Country = cmp.Or(p.Owner, owner), n.City(p.GLN), p.Country
		}
	case "415", "417":
		v.Title = cmp.Or(n.Party(owner), v.Title)
	case "00":
		v.Note = "What it holds is told to those who handle it."
		if c.User() == nil {
			v.SignIn = "/login?next=" + v.Address
		}
	}
	v.Company = n.Party(owner)
	return nil
}

// linksView lists the links of all levels.
func (a *app) linksView(c *web.Ctx, id gs1.ID, levels []resolver.Level) *thingView {
	v := &thingView{Title: about(a.names(c), id), Kind: kindsOfKey[id.Primary.AI], Number: elementString(id), Address: "/" + id.Path()}
	for _, level := range levels {
		for _, l := range level.Links {
			v.Links = append(v.Links, shopperLink{Title: l.Title, Href: l.Href, Type: strings.Replace(l.Type, gs1.WebVocabulary, "gs1:", 1), Lang: l.Lang})
		}
	}
	return v
}

func (a *app) sendThing(c *web.Ctx, status int, v *thingView) error {
	h := c.Response().Header()
	h["Vary"], h["Cache-Control"] = varies, askAgain
	if c.WantsJSON() {
		return writeJSON(c, status, v)
	}
	h["Content-Security-Policy"] = a.shelf.policy
	return c.HTMLBlob(status, a.shelf.pages[c.Lang()]().thing(v))
}

func writeJSON(c *web.Ctx, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.Blob(status, cmp.Or(c.Response().Header().Get("Content-Type"), "application/json"), append(b, '\n'))
}

// thing is the whole page of a thing.
func (p *shopperPages) thing(v *thingView) []byte {
	w := p.writer(8 << 10)
	w.raw(p.begin + intro).text(v.Title).raw(p.head).switchTo(v.Address)
	w.raw("</header>\n<main>\n" + `<div class="what"><h1>`).text(v.Title).raw("</h1><p>").say(v.Kind).raw("</p></div>\n")
	if v.Note != "" {
		w.raw(`<section class="card"><p>`).say(v.Note)
		if v.SignIn != "" {
			w.raw(` <a href="`).text(v.SignIn).raw(`">`).say("Sign in").raw("</a>")
		}
		w.raw("</p></section>\n")
	}
	w.raw(`<section class="card"><dl class="facts">`+"\n").
		fact("Company", v.Company).fact("City", v.City).fact("Country", v.Country).fact("Number", v.Number).raw("</dl></section>\n").
		links("Links", v.Links).
		raw(`</main>` + "\n" + `<p class="foot">`).say("No one signed in, nothing about you is kept.").raw("</p>\n</div>\n</body>\n</html>\n")
	return w.page
}

// switchTo is the switch to the other language.
func (w *pageWriter) switchTo(address string) *pageWriter {
	if w.lang == "zh" {
		return w.raw(`<a class="lang" href="`).text(address).raw(`?lang=en" hreflang="en" lang="en">English</a>`)
	}
	return w.raw(`<a class="lang" href="`).text(address).raw(`?lang=zh" hreflang="zh-CN" lang="zh-CN">中文</a>`)
}

// links are a card with links, each with its language where that is told.
func (w *pageWriter) links(title string, links []shopperLink) *pageWriter {
	if len(links) == 0 {
		return w
	}
	w.raw(`<section class="card">`).heading(title).raw(`<ul class="links">` + "\n")
	for _, l := range links {
		w.raw(`<li><a rel="noopener noreferrer" href="`).text(l.Href).raw(`"`)
		if l.Lang != "" {
			w.raw(` hreflang="`).text(l.Lang).raw(`"`)
		}
		w.raw(">").text(l.Title).raw("</a>").part(" <span>", l.Lang, "</span>").raw("</li>\n")
	}
	return w.raw("</ul></section>\n")
}
