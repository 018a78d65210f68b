package web_test

import (
	"context"
	"net/http"
	"testing/fstest"

	"github.com/tallyway/tallyway/shared/web"
	"github.com/tallyway/tallyway/shared/web/webtest"
)

// pages of an app are files; a page defines "title" and "main".
var pages = fstest.MapFS{
	"lots.html": {Data: []byte(`{{define "title"}}{{t "Lots"}}{{end}}
{{define "main"}}<h1>{{t "Lots"}}</h1>{{template "table" .Table}}{{end}}`)},
	"recall.html": {Data: []byte(`{{define "title"}}{{t "Recall"}}{{end}}
{{define "main"}}<section class="card">{{template "problems" .Form}}<form method="post">{{token}}
{{template "field" (((.Form.Field "lot" "Lot").Required).Scan)}}
{{template "field" ((.Form.Field "reason" "Reason").Type "area")}}
{{template "send" "Recall"}}</form></section>{{end}}`)}}

type lot struct {
	ID string `json:"id"`
	Kg int64  `json:"kg"`
}

// store stands for what an app reads and submits.
type store struct{ lots []lot }

func (s *store) recall(context.Context, string, string) error { return nil }

type lotsView struct {
	Items []lot     `json:"items"` // what Accept: application/json gets
	Table web.Table `json:"-"`
}

// A list: one query, one view, one page; search, order and place stand in the
// address.
func (s *store) list(c *web.Ctx) error {
	list := c.List(web.ListOptions{Search: true, Sort: []string{"id", "kg"}})
	t := web.Table{List: list, Label: "Lots", Live: "lots", Exports: list.Dresses("xlsx", "csv"),
		Columns: []web.Column{{Label: "Lot", Sort: "id"}, {Label: "Quantity", Sort: "kg", Number: true}},
		Empty:   web.Empty{Title: "No lots yet", Act: &web.Act{Label: "Log the first", Href: "/lots/new", Main: true}}}
	for _, l := range s.lots {
		t.Rows = append(t.Rows, web.TableRow{Href: "/lots/" + l.ID, Cells: []any{l.ID, web.Num{Text: web.Group(l.Kg), Unit: "kg"}}})
	}
	return c.Render("lots.html", lotsView{s.lots, t})
}

type recallForm struct {
	Lot    string `form:"lot,required"`
	Reason string `form:"reason"`
}

// A form: GET and POST share one handler; a refusal stands beside its field.
func (s *store) recallPage(c *web.Ctx) error {
	show := func(f *web.Form[recallForm]) error {
		return c.Render("recall.html", struct{ Form *web.Form[recallForm] }{f})
	}
	return web.Post(c, recallForm{Lot: c.QueryParam("lot")}, show, func(f *web.Form[recallForm]) (string, error) {
		if err := s.recall(c.Context(), f.Value.Lot, f.Once); err != nil {
			return "", err
		}
		c.Flash("%s is recalled", f.Value.Lot)
		return "/lots/" + f.Value.Lot, nil
	})
}

func Example() {
	s := &store{}
	server := web.New(web.Config{Auth: webtest.NewUsers()})
	server.Mount(web.App{Name: "lots", Title: "Lots", Home: "/lots", Icon: "box", Pages: pages,
		Nav: []web.NavItem{{Title: "Lots", Href: "/lots", Icon: "box"}},
		Routes: []web.Route{
			{Method: "GET", Path: "/lots", Name: "lots.list", Access: web.AnyUser, Handler: s.list},
			{Method: "GET", Path: "/lots/recall", Name: "lots.recallForm", Access: web.Roles("regulator"), Handler: s.recallPage},
			{Method: "POST", Path: "/lots/recall", Name: "lots.recall", Access: web.Roles("regulator").Owned(), Handler: s.recallPage},
			{Method: "GET", Path: "/api/lots", Name: "lots.apiList", Access: web.AnyUser.Needs("read"),
				Doc: &web.Doc{Summary: "Lots that the caller may see.", List: true, Reply: lot{}},
				Handler: func(c *web.Ctx) error {
					return c.JSON(http.StatusOK, web.Page[lot]{Items: s.lots})
				}},
		}})
	_ = http.Handler(server) // or server.Serve(ctx, listener)
	// Output:
}
