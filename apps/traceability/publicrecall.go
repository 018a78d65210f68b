package traceability

import (
	"context"
	"database/sql"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// Recalls for everybody: pages, a feed and JSON without sign-in. They tell what
// shoppers have to know, no quantity and no company but the makers and who
// recalls.

func (a *app) publicRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/recalls", Name: "recalls", Access: web.Public, Handler: a.publicRecalls},
		{Method: "GET", Path: "/recalls.atom", Name: "recalls.feed", Access: web.Public, Handler: a.recallFeed},
		{Method: "GET", Path: "/recalls.json", Name: "recalls.json", Access: web.Public, Handler: a.recallJSON},
		{Method: "GET", Path: "/recalls/:id", Name: "recalls.show", Access: web.Public, Handler: a.publicRecall},
	}
}

// notice is a recall as everybody reads it.
type notice struct {
	ID      string      `json:"id"`
	State   string      `json:"state"` // "open" or "closed"
	Reason  string      `json:"reason"`
	Hazard  string      `json:"hazard,omitempty"`
	Class   string      `json:"class,omitempty"`
	Advice  string      `json:"advice"`
	Contact string      `json:"contact,omitempty"`
	By      string      `json:"by"`
	Since   time.Time   `json:"since"`
	Ended   *time.Time  `json:"ended,omitempty"`
	Lots    []noticeLot `json:"lots,omitempty"`
	More    int         `json:"more,omitempty"` // lots that are not listed
	Address string      `json:"address"`
}

// noticeLot is one recalled lot, as it stands on a pack.
type noticeLot struct {
	Product string `json:"product"`
	Maker   string `json:"maker,omitempty"`
	GTIN    string `json:"gtin,omitempty"`
	Lot     string `json:"lot"`
	Expiry  string `json:"bestBefore,omitempty"`
	Href    string `json:"href,omitempty"` // its page behind the QR code
}

const (
	shownNotices = 100
	shownOfOne   = 500 // lots of one notice
)

// publicRow is a recall with its terms.
type publicRow struct {
	kase
	caseTerms
}

const publicColumns = `c.id, c.kind, c.reason, c.code, c.author, c.at, c.state, c.closed, t.class, t.depth, t.advice, t.advice_zh, t.reason_zh, t.contact, t.upgraded`

func (a *app) publicRows(ctx context.Context) ([]publicRow, error) {
	return readmodel.All[publicRow](ctx, a.db, `SELECT `+publicColumns+` FROM tr_cases c JOIN tr_case_terms t ON t.kase = c.id
		WHERE c.kind = $1 ORDER BY c.state DESC, c.at DESC, c.id LIMIT $2`, trace.KindRecall, shownNotices)
}

// notice says a recall in the reader's language.
func (a *app) notice(c *web.Ctx, n *names, row publicRow) notice {
	k, t := row.kase, row.caseTerms
	x := notice{ID: k.ID, State: k.State, Reason: t.why(k, c.Lang()), Class: t.Class, Advice: t.advice(c.Lang()), Contact: t.Contact,
		By: n.Party(k.Author), Since: k.At, Ended: k.Closed, Address: a.host.Base(c) + "/recalls/" + url.PathEscape(k.ID)}
	if t.Upgraded != nil {
		x.Since = *t.Upgraded
	}
	if k.Code != "" {
		x.Hazard = c.T(textOf(caseCodes, k.Code))
	}
	if x.Advice == "" {
		x.Advice = c.T("Do not use it. Bring it back to the shop, or throw it away.")
	}
	return x
}

// noticeLots are the lots of a recall. One that does not go down to the
// shoppers tells those that it names; what was made of them never left the trade.
func (a *app) noticeLots(ctx context.Context, n *names, row publicRow, x *notice) error {
	type lot struct {
		ID     string `db:"id"`
		GTIN   string `db:"gtin"`
		Number string `db:"number"`
		Serial string `db:"serial"`
		Maker  string `db:"maker"`
		Expiry string `db:"expiry"`
	}
	inTrade := row.Depth == "wholesale"
	rows, err := readmodel.All[lot](ctx, a.db, `SELECT l.id, l.gtin, l.number, l.serial, l.maker, l.expiry FROM tr_case_lots x JOIN tr_lots l ON l.id = x.lot
		WHERE x.kase = $1 AND l.batch = '' AND (x.named OR $2) ORDER BY x.named DESC, l.gtin, l.number, l.id LIMIT $3`, row.kase.ID, !inTrade, shownOfOne+1)
	if err != nil {
		return err
	}
	if len(rows) > shownOfOne {
		rest, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_case_lots x JOIN tr_lots l ON l.id = x.lot WHERE x.kase = $1 AND l.batch = ''`, row.kase.ID)
		if err != nil {
			return err
		}
		rows, x.More = rows[:shownOfOne], rest-shownOfOne
	}
	for _, l := range rows {
		y := noticeLot{Product: n.Product(l.GTIN), Maker: n.Party(l.Maker), GTIN: l.GTIN, Lot: l.Number + l.Serial, Expiry: l.Expiry}
		if l.GTIN != "" {
			y.Href = "/" + l.ID
		} else {
			y.Lot = l.ID
		}
		x.Lots = append(x.Lots, y)
	}
	return nil
}

type publicView struct {
	Title   string       `json:"-"`
	Crumbs  []web.Crumb  `json:"-"`
	Current []noticeCard `json:"current"`
	Past    []noticeCard `json:"past"`
}

// noticeCard is a line of the list.
type noticeCard struct {
	notice
	Tone string `json:"-"`
}

func (a *app) publicRecalls(c *web.Ctx) error {
	rows, err := a.publicRows(c.Context())
	if err != nil {
		return err
	}
	n, v := a.names(c), publicView{Title: c.T("Food recalls"), Current: []noticeCard{}, Past: []noticeCard{}}
	for _, row := range rows {
		card := noticeCard{a.notice(c, n, row), web.Bad}
		if row.open() {
			v.Current = append(v.Current, card)
		} else {
			card.Tone = web.Idle
			v.Past = append(v.Past, card)
		}
	}
	return c.Render("recalls.html", v)
}

type noticeView struct {
	notice
	Crumbs []web.Crumb `json:"-"`
	Banner *web.Banner `json:"-"`
	Pairs  []web.Pair  `json:"-"`
	Table  web.Table   `json:"-"`
	Title  string      `json:"-"`
}

func (a *app) publicRecall(c *web.Ctx) error {
	row, err := readmodel.One[publicRow](c.Context(), a.db, `SELECT `+publicColumns+` FROM tr_cases c JOIN tr_case_terms t ON t.kase = c.id
		WHERE c.id = $1 AND c.kind = $2`, idOf(c), trace.KindRecall)
	if errors.Is(err, sql.ErrNoRows) {
		return trace.ErrNoCase.Refuse("%s", idOf(c))
	} else if err != nil {
		return err
	}
	n := a.names(c)
	v := noticeView{notice: a.notice(c, n, row), Crumbs: []web.Crumb{{Text: c.T("Food recalls"), Href: "/recalls"}, {Text: row.kase.ID}}}
	if err := a.noticeLots(c.Context(), n, row, &v.notice); err != nil {
		return err
	}
	v.Title = c.T("Recall: %s", v.products())
	v.Banner = &web.Banner{Tone: web.Bad, Title: "Do not use these lots.", Text: v.Reason}
	if !row.open() {
		v.Banner = &web.Banner{Tone: web.Idle, Title: "This recall has ended.", Text: v.Reason}
	}
	v.Pairs = v.pairs(c)
	v.Table = v.table(c)
	return c.Render("recall.html", v)
}

// products names the products of a notice, the first three.
func (v notice) products() string {
	var names []string
	for _, l := range v.Lots {
		if len(names) < 3 && l.Product != "" && (len(names) == 0 || names[len(names)-1] != l.Product) {
			names = append(names, l.Product)
		}
	}
	if len(names) == 0 {
		return v.ID
	}
	return strings.Join(names, ", ")
}

func (v notice) pairs(c *web.Ctx) (all []web.Pair) {
	add := func(label string, value any) {
		if value != "" && value != nil {
			all = append(all, web.Pair{Label: label, Value: value})
		}
	}
	add("What to do", v.Advice)
	add("Cause", v.Hazard)
	add("Class", c.T(textOf(classes, v.Class)))
	add("Recalled by", v.By)
	add("Since", v.Since)
	if v.Ended != nil {
		add("Ended", *v.Ended)
	}
	add("Contact", v.Contact)
	return append(all, web.Pair{Label: "Number of the notice", Value: v.ID})
}

func (v notice) table(c *web.Ctx) web.Table {
	t := web.Table{Label: "Recalled lots", Columns: []web.Column{{Label: "Product"}, {Label: "Lot number"}, {Label: "Best before"}, {Label: "Maker"}},
		Empty: web.Empty{Title: "No lot of it is known here yet.", Text: "Look at the number on your pack again later."}, Count: c.T("%s lots", len(v.Lots))}
	if v.More > 0 {
		t.Count = c.T("%s lots are shown, %s more are recalled: check your pack by its QR code", len(v.Lots), v.More)
	}
	for _, l := range v.Lots {
		t.Rows = append(t.Rows, web.TableRow{Href: l.Href, Cells: []any{orElse(l.Product, l.GTIN), l.Lot, day(c, l.Expiry), l.Maker}})
	}
	return t
}

// recallJSON is the list for programs, with the lots.
func (a *app) recallJSON(c *web.Ctx) error {
	rows, err := a.publicRows(c.Context())
	if err != nil {
		return err
	}
	n, items := a.names(c), []notice{}
	for _, row := range rows {
		x := a.notice(c, n, row)
		if err := a.noticeLots(c.Context(), n, row, &x); err != nil {
			return err
		}
		items = append(items, x)
	}
	return c.JSON(http.StatusOK, web.Page[notice]{Items: items})
}

// The feed in the form of RFC 4287.
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		Lang    string      `xml:"xml:lang,attr"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  atomAuthor  `xml:"author"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomAuthor struct {
		Name string `xml:"name"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		ID        string     `xml:"id"`
		Title     string     `xml:"title"`
		Updated   string     `xml:"updated"`
		Published string     `xml:"published"`
		Author    atomAuthor `xml:"author"`
		Link      atomLink   `xml:"link"`
		Summary   string     `xml:"summary"`
	}
)

func (a *app) recallFeed(c *web.Ctx) error {
	rows, err := a.publicRows(c.Context())
	if err != nil {
		return err
	}
	base, n := a.host.Base(c), a.names(c)
	feed := atomFeed{Lang: map[string]string{"zh": "zh-CN"}[c.Lang()], ID: base + "/recalls.atom", Title: c.T("Food recalls"), Author: atomAuthor{"Tallyway"},
		Links: []atomLink{{"self", base + "/recalls.atom"}, {"alternate", base + "/recalls"}}}
	if feed.Lang == "" {
		feed.Lang = "en"
	}
	latest := time.Unix(0, 0).UTC()
	for _, row := range rows {
		x := a.notice(c, n, row)
		if err := a.noticeLots(c.Context(), n, row, &x); err != nil {
			return err
		}
		updated := x.Since
		title := c.T("Recall: %s", x.products())
		if x.Ended != nil {
			updated, title = *x.Ended, c.T("Ended: %s", title)
		}
		if updated.After(latest) {
			latest = updated
		}
		feed.Entries = append(feed.Entries, atomEntry{ID: x.Address, Title: title, Updated: updated.UTC().Format(time.RFC3339), Published: x.Since.UTC().Format(time.RFC3339),
			Author: atomAuthor{x.By}, Link: atomLink{"alternate", x.Address}, Summary: x.summary(c)})
	}
	feed.Updated = latest.UTC().Format(time.RFC3339)
	b, err := xml.MarshalIndent(feed, "", "  ")
	if err != nil {
		return fmt.Errorf("write the feed: %w", err)
	}
	return c.Blob(http.StatusOK, "application/atom+xml; charset=utf-8", append([]byte(xml.Header), b...))
}

// summary is a notice in one paragraph.
func (v notice) summary(c *web.Ctx) string {
	var lots []string
	for _, l := range v.Lots[:min(len(v.Lots), 20)] {
		lots = append(lots, strings.TrimSpace(l.Product+" "+l.Lot))
	}
	return strings.Join(nonEmpty([]string{v.Reason, strings.Join(lots, ", "), v.Advice, v.Contact}), " · ")
}
