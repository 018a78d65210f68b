package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

var errRecalled = chaincode.Rule{Code: "demo/recalled", Kind: chaincode.Conflict,
	Text: "A recalled lot does not move.", Remedy: "Ask the regulator to close the recall."}

// demo is a small app with every kind of route.
type demo struct {
	shipped []shipForm
	live    chan web.Change
	slow    chan struct{} // lets /demo/slow answer
	count   atomic.Value  // of lots, as the list says it
}

func (d *demo) setLots(n string) { d.count.Store(n) }

type lineForm struct {
	Lot      string `form:"lot,required" json:"lot"`
	Quantity kilos  `form:"quantity,required" json:"quantity"`
}

type shipForm struct {
	To    string     `form:"to,required" json:"to"`
	Mode  string     `form:"mode" json:"mode"`
	At    time.Time  `form:"at" json:"at"`
	Cold  bool       `form:"cold" json:"cold"`
	Lines []lineForm `form:"lines,required" json:"lines"`
}

// kilos reads itself, as the quantities of the values floor do.
type kilos string

func (k *kilos) UnmarshalText(b []byte) error {
	for _, d := range b {
		if (d < '0' || d > '9') && d != '.' {
			return web.ErrField.Refuse("%s is no quantity", string(b))
		}
	}
	*k = kilos(b)
	return nil
}

type shipView struct {
	Form  *web.Form[shipForm] `json:"-"`
	Modes []web.Option        `json:"modes"`
}

func (d *demo) ship(c *web.Ctx) error {
	show := func(f *web.Form[shipForm]) error {
		return c.Render("ship.html", shipView{f, []web.Option{{"road", "Road"}, {"rail", "Rail"}}})
	}
	return web.Post(c, shipForm{To: "9506000134369", Lines: []lineForm{{Lot: "L-1"}}}, show, func(f *web.Form[shipForm]) (string, error) {
		for i, line := range f.Value.Lines {
			if line.Lot == "L-RECALLED" {
				return "", errRecalled.Refuse("%s was recalled on %s", line.Lot, "2026-11-20").On(fmt.Sprintf("lines.%d.lot", i))
			}
		}
		d.shipped = append(d.shipped, f.Value)
		c.Flash("Shipped to %s", f.Value.To)
		return "/demo", nil
	})
}

type item struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	Note *string   `json:"note,omitempty"`
	Sub  []item    `json:"sub,omitempty"`
}

func (d *demo) app() web.App {
	faults := map[string]error{"boom": errors.New("the disk is on fire"), "conflict": ledger.ErrConflict,
		"unknown": &ledger.Unknown{TxID: "abc", Cause: context.DeadlineExceeded}, "stopped": ledger.ErrStopped,
		"unavailable": fmt.Errorf("endorse: %w", ledger.ErrUnavailable), "busy": ledger.ErrBusy,
		"recalled": errRecalled.Refuse("%s was recalled on %s", "L-1", "2026-11-20").On("lines.0.lot")}
	return web.App{Name: "demo", Title: "Traceability", Home: "/demo", Icon: "truck", Pages: os.DirFS("testdata/pages"), Words: os.DirFS("testdata/words"),
		Nav: []web.NavItem{{Title: "Home", Href: "/demo", Icon: "home"}, {Title: "Shipments", Href: "/demo/ship", Icon: "truck"}, {Title: "Lots", Href: "/demo/lots", Icon: "box"},
			{Title: "Temperature", Href: "/demo/temperature", Icon: "temp"}, {Title: "Recalls", Href: "/demo/recalls", Icon: "recall", Roles: []string{"operator"}}},
		Routes: []web.Route{
			{Method: "GET", Path: "/demo", Name: "demo.home", Access: web.AnyUser, Handler: func(c *web.Ctx) error { return c.Render("demo.html", d.view(c)) }},
			{Method: "GET", Path: "/demo/ship", Name: "demo.shipForm", Access: web.Roles("operator"), Handler: d.ship},
			{Method: "POST", Path: "/demo/ship", Name: "demo.ship", Access: web.Roles("operator").Owned(), Handler: d.ship},
			{Method: "GET", Path: "/demo/panic", Name: "demo.panic", Access: web.Public, Handler: func(*web.Ctx) error { panic("secret stack") }},
			{Method: "GET", Path: "/demo/open", Name: "demo.open", Access: web.Public, Handler: func(c *web.Ctx) error { return c.Render("demo.html", d.view(c)) }},
			{Method: "GET", Path: "/demo/slow", Name: "demo.slow", Access: web.Public, Handler: func(c *web.Ctx) error {
				select {
				case <-d.slow:
					return c.NoContent(http.StatusNoContent)
				case <-c.Context().Done():
					return c.Context().Err()
				}
			}},
			{Method: "POST", Path: "/demo/report", Name: "demo.report", Access: web.Public, Handler: func(c *web.Ctx) error { return c.Redirect("/demo/open") }},
			{Method: "GET", Path: "/api/faults/:kind", Name: "demo.fault", Access: web.Public, Doc: &web.Doc{Summary: "A fault."},
				Handler: func(c *web.Ctx) error { return faults[c.Param("kind")] }},
			{Method: "GET", Path: "/api/items", Name: "demo.items", Access: web.AnyUser, Doc: &web.Doc{Summary: "All items.", List: true, Reply: item{}, States: []string{"open", "closed"}},
				Handler: func(c *web.Ctx) error {
					return c.JSON(http.StatusOK, web.Page[item]{Items: []item{{ID: c.User().Name}}})
				}},
			{Method: "POST", Path: "/api/items", Name: "demo.add", Access: web.Roles("operator").Needs("capture"), Doc: &web.Doc{Summary: "Adds an item.", Body: shipForm{}, Reply: item{}, Status: http.StatusCreated},
				Handler: func(c *web.Ctx) error {
					var f shipForm
					if err := c.ReadJSON(&f); err != nil {
						return err
					}
					d.shipped = append(d.shipped, f)
					return c.JSON(http.StatusCreated, item{ID: fmt.Sprint(len(d.shipped))})
				}},
		}}
}

func (d *demo) changes(ctx context.Context, _ *web.User, _ string) (<-chan web.Change, error) {
	out := make(chan web.Change)
	go func() {
		defer close(out)
		for {
			select {
			case change := <-d.live:
				select {
				case out <- change:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

var day = time.Date(2026, 11, 21, 6, 5, 0, 0, time.UTC)

type view struct {
	Title       string
	Crumbs      []web.Crumb
	Banner      web.Banner
	Chip        web.Chip
	Dresses     []web.Dress
	Stats       []web.Stat
	Tally, Fits web.Tally
	Needs       []web.Need
	Pairs       []web.Pair
	Steps       []web.Step
	History     []web.Entry
	Acts        []web.Act
	Table, None web.Table
}

func (d *demo) view(c *web.Ctx) view {
	list := c.List(web.ListOptions{Search: true, Sort: []string{"-at", "lot", "quantity"},
		Filters: []web.Filter{{Name: "state", Label: "State", Options: []web.Option{{"sent", "On its way"}, {"recalled", "Recalled"}}}}})
	return view{
		Title:  "L-2026-0412",
		Crumbs: []web.Crumb{{c.T("Lots"), "/demo/lots"}, {"L-2026-0412", ""}},
		Banner: web.Banner{Tone: web.Bad, Title: "Recalled", Text: c.T("%s of %s kg are still to be found.", "120", "500"), Href: "/demo"},
		Chip:   web.Chip{Word: "On its way", Tone: web.Busy}, Dresses: []web.Dress{{"PDF", "/demo.pdf"}, {"XLSX", "/demo.xlsx"}, {"JSON", "/demo.json"}, {"EPCIS", "/demo.jsonld"}},
		Stats: []web.Stat{{Label: "On its way", Value: "12", Note: c.T("%s late", "3"), Tone: web.Busy, Href: "/demo"}, {Label: "Waiting for you", Value: "4", Tone: web.Warn},
			{Label: "Warmest", Value: "6.8", Unit: "°C", Note: c.T("limit %s", "8 °C"), Tone: web.Good}, {Label: "Owed to you", Value: "1,284,500.00", Unit: "CNY"}},
		Tally: web.Tally{Text: c.T("Delivery %s", "D-118"), Halves: []web.Half{
			{Label: "Goods", Word: "20 kg short", Text: "480 / 500 kg", Why: c.T("City Market accepted %s of %s kg", "480", "500"), Tone: web.Warn, Href: "/demo"},
			{Label: "Invoice", Word: "Fits", Text: "CNY 12,400.00", Why: "INV-2026-000118", Tone: web.Good, Href: "/demo"},
			{Label: "Receivable", Word: "Waits for the buyer", Text: "CNY 12,400.00", Why: c.T("confirm until %s", "24 Nov"), Tone: web.Busy, Href: "/demo"},
			{Label: "Money", Word: "Nothing yet", Text: "—", Tone: web.Idle}}},
		Fits: web.Tally{Text: c.T("Delivery %s", "D-117"), Halves: []web.Half{
			{Label: "Goods", Word: "Fits", Text: "500 kg", Tone: web.Good}, {Label: "Invoice", Word: "Fits", Text: "CNY 12,500.00", Tone: web.Good},
			{Label: "Receivable", Word: "Fits", Text: "CNY 12,500.00", Tone: web.Good}, {Label: "Money", Word: "Fits", Text: "CNY 12,500.00", Tone: web.Good}}},
		Needs: []web.Need{
			{Text: c.T("%s has not accepted %s kg of lot %s", "City Market", "480", "L-2026-0412"), Detail: c.T("Handed over by %s", "Cool Lines"), Tone: web.Warn, Href: "/demo", Due: day.Add(48 * time.Hour),
				Acts: []web.Act{{Label: "Accept", Href: "/demo/ship", Post: true, Main: true, Confirm: "Accept what was delivered?"}, {Label: "Ask", Href: "/demo"}}},
			{Text: c.T("Lot %s was too warm for %s minutes", "L-2026-0409", "42"), Detail: c.T("limit %s", "8 °C"), Tone: web.Bad, Href: "/demo", Acts: []web.Act{{Label: "Look", Href: "/demo"}}}},
		Pairs: []web.Pair{{"Product", "Fresh milk 1 l"}, {"GTIN", "09506000134352"}, {"Quantity", web.Num{"500", "kg"}}, {"Made at", day}, {"State", web.Chip{Word: "On its way", Tone: web.Busy}}, {"Note", nil}},
		Steps: []web.Step{{"Made", "done", day.Add(-48 * time.Hour)}, {"Shipped", "done", day}, {"On its way", "now", time.Time{}}, {"Accepted", "", time.Time{}}, {"Paid", "", time.Time{}}},
		History: []web.Entry{
			{Text: c.T("City Market accepted %s of %s kg", "480", "500"), By: "Lin Hua", At: day, Tone: web.Warn, Block: 1204, Tx: "9f2c", Detail: c.T("%s kg short", "20")},
			{Text: c.T("Handed over by %s", "Cool Lines"), By: "M. Berg", At: day.Add(-5 * time.Hour), Tone: web.Good, Block: 1188, Tx: "77ab"}},
		Acts:  []web.Act{{Label: "Ship", Href: "/demo/ship", Main: true, Icon: "truck"}, {Label: "Recall", Href: "/demo/ship", Post: true, Danger: true, Icon: "recall", Confirm: "Recall this lot?"}},
		Table: d.lots(c, list),
		None:  web.Table{Label: "Invoices", Empty: web.Empty{Title: "No invoices yet", Text: "Issue the first one from a shipment.", Act: &web.Act{Label: "Issue an invoice", Href: "/demo", Main: true}}},
	}
}

func (d *demo) lots(c *web.Ctx, list web.List) web.Table {
	t := web.Table{List: list, Label: "Lots", Live: "lots", Exports: list.Dresses("xlsx", "csv", "pdf"), Count: c.T("%s lots", d.count.Load()), Next: "L-4",
		Columns: []web.Column{{Label: "Lot", Sort: "lot"}, {Label: "Product"}, {Label: "Quantity", Sort: "quantity", Number: true}, {Label: "State"}, {Label: "Shipped", Sort: "at"}},
		Totals:  []any{c.T("Total"), nil, web.Num{"1,430", "kg"}, nil, nil}}
	states := []web.Chip{{"On its way", web.Busy}, {"Accepted", web.Good}, {"Recalled", web.Bad}, {"Near expiry", web.Warn}}
	for i, s := range states {
		row := web.TableRow{Href: "/demo", Cells: []any{fmt.Sprintf("L-2026-04%02d", i+9), "Fresh milk 1 l", web.Num{fmt.Sprint(500 - 95*i), "kg"}, s, day.Add(-time.Duration(i) * 26 * time.Hour)}}
		if s.Tone == web.Bad {
			row.Tone = web.Bad
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// house starts the demo on a real server.
type house struct {
	*httptest.Server
	*demo
	Web *web.Server
	log *strings.Builder
}

func start(t testing.TB, change func(*web.Config)) *house {
	t.Helper()
	h := &house{demo: &demo{live: make(chan web.Change), slow: make(chan struct{})}, log: &strings.Builder{}}
	cfg := web.Config{Auth: webtest.NewUsers(
		web.User{ID: "lin", Name: "Lin Hua", MSP: "GreenfieldMSP", Party: "greenfield-dairy", Roles: []string{"operator"}},
		web.User{ID: "ray", Name: "Ray", MSP: "CityMSP", Party: "city-market", Roles: []string{"viewer"}},
		web.User{ID: "tok-capture", Name: "gate", Roles: []string{"operator"}, Token: true, Scopes: []string{"capture"}},
		web.User{ID: "tok-read", Name: "reader", Roles: []string{"operator"}, Token: true, Scopes: []string{"read"}}),
		Rules: []chaincode.Rule{errRecalled}, Functions: chaincode.New().Functions(), Live: h.changes,
		Log: slog.New(slog.NewTextHandler(h.log, nil))}
	h.setLots("1,204")
	if change != nil {
		change(&cfg)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	h.Web = web.New(cfg)
	h.Web.Mount(h.demo.app())
	h.Server = httptest.NewUnstartedServer(h.Web)
	h.Server.Config = h.Web.HTTP()
	h.Server.Start()
	t.Cleanup(h.Server.Close)
	return h
}
