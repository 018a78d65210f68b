package traceability

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// What shoppers report of a pack, and what its brand does about it. What is
// about safety, the regulator reads as well.

func (a *app) reportRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/shopper/report", Name: "shopper.report", Access: web.Public, Handler: a.reportProblem},
		{Method: "POST", Path: "/shopper/report", Name: "shopper.sendReport", Access: web.Public, Handler: a.reportProblem, Body: 32 << 10},
		{Method: "GET", Path: "/traceability/reports", Name: "reports", Access: readers, Handler: a.reports},
		{Method: "GET", Path: "/traceability/reports/:id", Name: "reports.show", Access: readers, Handler: a.reportPage},
		{Method: "POST", Path: "/traceability/reports/:id", Name: "reports.work", Access: keepers, Handler: a.reportPage},
	}
}

var (
	errReport = chaincode.Rule{Code: "shopper/report", Kind: chaincode.Malformed,
		Text:   "A report is about a pack that is on the ledger, of one of the kinds of the list, and has 3 to 2,000 characters.",
		Remedy: "Open the form from the pack's page and say in a few words what is wrong."}
	errNoReport = chaincode.Rule{Code: "shopper/no-report", Kind: chaincode.NotFound,
		Text: "There is no such report.", Remedy: "Check the address; reports are shown to the brand that they are for."}
)

// The states of a report.
const (
	reportNew     = "new"
	reportWorking = "working"
	reportClosed  = "closed"
	reportSpam    = "spam"
)

var reportStates = []web.Option{{Value: reportNew, Text: "New"}, {Value: reportWorking, Text: "Being looked into"}, {Value: reportClosed, Text: "Closed"}, {Value: reportSpam, Text: "Not serious"}}

var reportKinds = []web.Option{{Value: "illness", Text: "Somebody fell ill after eating it"}, {Value: "allergen", Text: "An allergen that the label does not name"},
	{Value: "foreign-body", Text: "Something in it that does not belong there"}, {Value: "spoiled", Text: "It looks, smells or tastes spoiled"},
	{Value: "opened", Text: "The pack was open or damaged"}, {Value: "fake", Text: "It does not seem genuine"}, {Value: "label", Text: "The label is wrong"}, {Value: "other", Text: "Something else"}}

// safetyKinds are those that the regulator reads.
var safetyKinds = []string{"illness", "allergen", "foreign-body", "spoiled"}

// mostOfLot is how many reports of one lot a day are kept: more say the same.
const mostOfLot = 50

// problemForm is what a shopper reports. Website is no field for people: what
// fills it in is a program, and is thanked like everybody.
type problemForm struct {
	Of      string `form:"of,required"`
	Kind    string `form:"kind,required"`
	Text    string `form:"text,required"`
	Bought  string `form:"bought"`
	Contact string `form:"contact"`
	Website string `form:"website"`
}

// report is a row of tr_reports.
type report struct {
	ID      string     `db:"id" json:"id"`
	At      time.Time  `db:"at" json:"at"`
	GTIN    string     `db:"gtin" json:"gtin"`
	Lot     string     `db:"lot" json:"lot,omitempty"`
	Serial  string     `db:"serial" json:"serial,omitempty"`
	Brand   string     `db:"brand" json:"brand"`
	Kind    string     `db:"kind" json:"kind"`
	Safety  bool       `db:"safety" json:"safety"`
	Text    string     `db:"text" json:"text"`
	Bought  string     `db:"bought" json:"bought,omitempty"`
	Contact string     `db:"contact" json:"contact,omitempty"`
	Lang    string     `db:"lang" json:"lang"`
	State   string     `db:"state" json:"state"`
	Note    string     `db:"note" json:"note,omitempty"`
	Editor  string     `db:"editor" json:"editor,omitempty"`
	Edited  *time.Time `db:"edited" json:"edited,omitempty"`
}

const reportColumns = `id, at, gtin, lot, serial, brand, kind, safety, text, bought, contact, lang, state, note, editor, edited`

// reportProblem is the form without a login.
func (a *app) reportProblem(c *web.Ctx) error {
	show := func(f *web.Form[problemForm]) error {
		return c.Render("shopper_report.html", struct {
			Form  *web.Form[problemForm]
			Kinds []web.Option
			What  string
			Back  string
		}{f, reportKinds, a.packName(c, f.Value.Of), packPage(f.Value.Of)})
	}
	return web.Post(c, problemForm{Of: packPage(c.QueryParam("of"))}, show, func(f *web.Form[problemForm]) (string, error) {
		done := "/shopper/thanks?for=report&of=" + url.QueryEscape(packPage(f.Value.Of))
		if f.Value.Website != "" {
			return done, nil
		}
		r, err := f.Value.report()
		if err != nil {
			return "", err
		}
		if err := a.forms.take(c, a.host.Now(), reporting); err != nil {
			return "", err
		}
		return done, a.keepReport(c, r)
	})
}

// packPage is the address of any shopper's page, or "".
func packPage(text string) string {
	if len(text) > 300 || len(text) < 2 {
		return ""
	}
	key, err := gs1.Parse(text[1:])
	if err != nil || text[0] != '/' || key.GTIN() == "" {
		return ""
	}
	return "/" + key.Path()
}

func (a *app) packName(c *web.Ctx, address string) string {
	page := packPage(address)
	if page == "" {
		return ""
	}
	return a.names(c).Lot(page[1:])
}

// report checks what was sent.
func (f problemForm) report() (report, error) {
	page := packPage(f.Of)
	key, err := gs1.Parse(strings.TrimPrefix(page, "/"))
	text := strings.TrimSpace(f.Text)
	switch n := utf8.RuneCountInString(text); {
	case page == "" || err != nil:
		return report{}, errReport.Refuse("").On("of")
	case textOf(reportKinds, f.Kind) == f.Kind:
		return report{}, errReport.Refuse("").On("kind")
	case n < 3 || n > 2000 || !utf8.ValidString(text):
		return report{}, errReport.Refuse("").On("text")
	case len(f.Bought) > 200 || !utf8.ValidString(f.Bought):
		return report{}, errReport.Refuse("").On("bought")
	case len(f.Contact) > 200 || !utf8.ValidString(f.Contact):
		return report{}, errReport.Refuse("").On("contact")
	}
	clean := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\x00", "")) }
	return report{GTIN: key.GTIN(), Lot: key.Lot(), Serial: key.Serial(), Kind: f.Kind, Safety: slices.Contains(safetyKinds, f.Kind),
		Text: clean(text), Bought: clean(f.Bought), Contact: clean(f.Contact)}, nil
}

// keepReport keeps a report for its brand. Of a product that nobody describes and
// a lot that nobody logged there is nobody to tell.
func (a *app) keepReport(c *web.Ctx, r report) error {
	ctx, now := c.Context(), a.host.Now()
	things := []string{"", ""}
	if r.Serial != "" {
		things[0] = "01/" + r.GTIN + "/21/" + r.Serial
	}
	if lot, err := gs1.LotID(r.GTIN, r.Lot); r.Lot != "" && err == nil {
		things[1] = lot.Path()
	}
	brand, err := brandOf(ctx, a.db, r.GTIN, things[0], things[1])
	if err != nil {
		return err
	}
	if brand == "" {
		return errReport.Refuse("").On("of")
	}
	today, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_reports WHERE gtin = $1 AND lot = $2 AND at > $3`, r.GTIN, r.Lot, now.Add(-24*time.Hour))
	if err != nil || today >= mostOfLot {
		return err
	}
	_, err = a.db.ExecContext(ctx, `INSERT INTO tr_reports (`+reportColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, '', '', NULL)`,
		sortedID(now), now, r.GTIN, r.Lot, r.Serial, brand, r.Kind, r.Safety, r.Text, r.Bought, r.Contact, c.Lang(), reportNew)
	return err
}

var reportList = web.ListOptions{Search: true, Sort: []string{"-at"}, Filters: []web.Filter{{Name: "state", Label: "State", Options: reportStates}, {Name: "kind", Label: "What is wrong", Options: reportKinds}}}

// mayReport is the condition under which a reader sees reports: the brand's own;
// for a regulator those about safety.
func mayReport(r *reader) (where string, args []any) {
	if r.all {
		return `safety = $1`, []any{true}
	}
	return `brand = $1 AND brand <> ''`, []any{r.user.Party}
}

func (a *app) reports(c *web.Ctx) error {
	list := c.List(reportList)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	where, args := mayReport(r)
	like := readmodel.Pattern(list.Search)
	order, beyond, after := "DESC", "<", "~"
	if !list.Desc {
		order, beyond, after = "ASC", ">", ""
	}
	args = append(args, list.Get("state"), list.Get("state"), list.Get("kind"), list.Get("kind"), like, like, orElse(list.After, after), list.Limit+1)
	rows, err := readmodel.All[report](c.Context(), a.db, `SELECT `+reportColumns+` FROM tr_reports WHERE `+where+` AND ($2 = '' OR state = $3) AND ($4 = '' OR kind = $5)
		AND (`+readmodel.Contains("text", "$6")+` OR `+readmodel.Contains("lot", "$7")+`) AND id `+beyond+` $8 ORDER BY id `+order+` LIMIT $9`, args...)
	if err != nil {
		return err
	}
	t := web.Table{List: list, Label: "Reports of shoppers",
		Columns: []web.Column{{Label: "Pack"}, {Label: "What is wrong"}, {Label: "In their words"}, {Label: "State"}, {Label: "Received", Sort: "at"}},
		Empty:   web.Empty{Title: "No reports.", Text: "What shoppers report from the page behind the QR code stands here."}}
	if len(rows) > list.Limit {
		rows = rows[:list.Limit]
		t.Next = rows[len(rows)-1].ID
	}
	t.Count = c.T("%s reports", len(rows))
	n := a.names(c)
	for _, r := range rows {
		chip := r.chip()
		t.Rows = append(t.Rows, web.TableRow{Href: "/traceability/reports/" + r.ID, Tone: edge(chip.Tone),
			Cells: []any{r.pack(n), c.T(textOf(reportKinds, r.Kind)), shortened(r.Text, 80), chip, r.At}})
	}
	return c.Render("reports.html", struct {
		Table web.Table
		Tabs  []web.Act
	}{t, shopperTabs("reports")})
}

// shopperTabs lead between the three pages about shoppers.
func shopperTabs(here string) (tabs []web.Act) {
	for _, t := range []struct{ name, label string }{{"scans", "Scans"}, {"alarms", "Alarms"}, {"reports", "Reports"}} {
		if t.name != here {
			tabs = append(tabs, web.Act{Label: t.label, Href: "/traceability/" + t.name})
		}
	}
	return tabs
}

func shortened(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-1]) + "…"
}

func (r report) pack(n *names) string {
	return strings.TrimSpace(n.Product(r.GTIN) + " " + orElse(r.Lot, r.Serial))
}

func (r report) chip() web.Chip {
	tone := map[string]string{reportNew: web.Warn, reportWorking: web.Busy, reportClosed: web.Good}[r.State]
	if r.State == reportNew && r.Safety {
		tone = web.Bad
	}
	return web.Chip{Word: textOf(reportStates, r.State), Tone: orElse(tone, web.Idle)}
}

// workForm is what the brand notes about a report.
type workForm struct {
	State string `form:"state,required"`
	Note  string `form:"note"`
}

func (a *app) reportPage(c *web.Ctx) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	where, args := mayReport(r)
	found, err := readmodel.One[report](c.Context(), a.db, `SELECT `+reportColumns+` FROM tr_reports WHERE `+where+` AND id = $2`, append(args, idOf(c))...)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoReport.Refuse("%s", idOf(c))
	}
	if err != nil {
		return err
	}
	if found.Brand != c.User().Party {
		found.Note = "" // it is among colleagues
	}
	works := found.Brand == c.User().Party && keepers.Allows(c.User())
	show := func(f *web.Form[workForm]) error { return a.showReport(c, found, f, works) }
	return web.Post(c, workForm{found.State, found.Note}, show, func(f *web.Form[workForm]) (string, error) {
		if !works {
			return "", errNoReport.Refuse("%s", found.ID)
		}
		if textOf(reportStates, f.Value.State) == f.Value.State {
			return "", web.ErrField.Refuse("%s", f.Value.State).On("state")
		}
		c.Flash("Noted.")
		return "/traceability/reports/" + found.ID, a.workReport(c.Context(), c.User().Name, found.ID, f.Value)
	})
}

// workReport notes a state. Who wrote it is forgotten with the case.
func (a *app) workReport(ctx context.Context, by, id string, f workForm) error {
	if len(f.Note) > 2000 || !utf8.ValidString(f.Note) {
		return web.ErrField.Refuse("").On("note")
	}
	_, err := a.db.ExecContext(ctx, `UPDATE tr_reports SET state = $1, note = $2, editor = $3, edited = $4,
		contact = CASE WHEN $5 IN ('closed', 'spam') THEN '' ELSE contact END WHERE id = $6`, f.State, f.Note, by, a.host.Now(), f.State, id)
	if err != nil {
		return fmt.Errorf("keep the state of a report: %w", err)
	}
	return nil
}

func (a *app) showReport(c *web.Ctx, r report, f *web.Form[workForm], works bool) error {
	n := a.names(c)
	page := "/01/" + r.GTIN
	if r.Lot != "" {
		page += "/10/" + url.PathEscape(r.Lot)
	}
	if r.Serial != "" {
		page += "/21/" + url.PathEscape(r.Serial)
	}
	pairs := []web.Pair{{Label: "Pack", Value: web.Link{Text: r.pack(n), Href: page}}, {Label: "What is wrong", Value: c.T(textOf(reportKinds, r.Kind))},
		{Label: "Received", Value: r.At}, {Label: "Bought at", Value: r.Bought}, {Label: "How to reach them", Value: r.Contact}, {Label: "Written in", Value: map[string]string{"en": "English", "zh": "中文"}[r.Lang]}}
	if r.Edited != nil {
		pairs = append(pairs, web.Pair{Label: "Last changed by", Value: r.Editor}, web.Pair{Label: "Changed", Value: *r.Edited})
	}
	return c.Render("report.html", struct {
		Report report
		Title  string
		Crumbs []web.Crumb
		Chip   web.Chip
		Pairs  []web.Pair
		Form   *web.Form[workForm] `json:"-"`
		States []web.Option        `json:"-"`
		Works  bool
		Note   string
	}{r, r.pack(n), []web.Crumb{{Text: c.T("Reports"), Href: "/traceability/reports"}, {Text: r.pack(n)}}, r.chip(), pairs, f, reportStates, works, r.Note})
}
