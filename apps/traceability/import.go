package traceability

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"io"
	"mime/multipart"
	"path"
	"strconv"
	"strings"
	"time"

	"crypto/rand"

	"github.com/tallyway/tallyway/apps/traceability/intake"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/sheet"
	"github.com/tallyway/tallyway/shared/web"
)

// Files: a sheet or an EPCIS document is uploaded, shown with what each row or
// event would do, and brought to the ledger once somebody has confirmed it.

func (a *app) importRoutes() []web.Route {
	const room = 64 << 10 // for what surrounds a file in a form
	return []web.Route{
		{Method: "GET", Path: "/traceability/import", Name: "import.new", Access: keepers, Handler: a.importSheet},
		{Method: "POST", Path: "/traceability/import", Name: "import.look", Access: keepers, Body: sheet.MaxBytes + room, Handler: a.importSheet},
		{Method: "GET", Path: "/traceability/import/template/:file", Name: "import.template", Access: keepers, Handler: a.importTemplate},
		{Method: "GET", Path: "/traceability/import/epcis", Name: "import.epcis", Access: keepers, Handler: a.importEPCIS},
		{Method: "POST", Path: "/traceability/import/epcis", Name: "import.lookEPCIS", Access: keepers, Body: epcis.MaxBytes + room, Handler: a.importEPCIS},
		{Method: "GET", Path: "/traceability/import/drafts/:id", Name: "import.draft", Access: keepers, Handler: a.importDraft},
		{Method: "POST", Path: "/traceability/import/drafts/:id", Name: "import.confirm", Access: keepers, Handler: a.importDraft},
		{Method: "GET", Path: "/traceability/import/drafts/:id/mend", Name: "import.mend", Access: keepers, Handler: a.importMend},
		{Method: "GET", Path: "/traceability/import/jobs", Name: "import.jobs", Access: keepers, Handler: a.importJobs},
		{Method: "GET", Path: "/traceability/import/jobs/:id", Name: "import.job", Access: keepers, Handler: a.importJob},
		web.LiveRoute("/traceability/import/live", "import.live", keepers, a.importLive),
	}
}

var (
	errNoDraft = chaincode.Rule{Code: "traceability/no-import", Kind: chaincode.NotFound,
		Text: "There is no such file waiting to be confirmed.", Remedy: "It was confirmed already or is older than a day; look among the imports, or upload it again."}
	errNotReady = chaincode.Rule{Code: "traceability/import-not-ready", Kind: chaincode.Conflict,
		Text: "Something in this file is to be mended first; nothing was imported.", Remedy: "Mend what is listed and upload the file again."}
)

// importForm is a file with what it holds.
type importForm struct {
	Kind string `form:"kind,required"`
}

// choice is one kind of sheet with its templates.
type importChoice struct {
	intake.Kind
	Chosen bool
}

type importView struct {
	Form  *web.Form[importForm]
	Kinds []importChoice
	File  web.Field
	Jobs  web.Table
}

// importSheet takes a sheet in.
func (a *app) importSheet(c *web.Ctx) error {
	show := func(f *web.Form[importForm]) error {
		v := importView{Form: f, File: f.Field("file", "File")}
		for _, k := range intake.Kinds {
			v.Kinds = append(v.Kinds, importChoice{k, k.Name == f.Field("kind", "").Value})
		}
		var err error
		if v.Jobs, err = a.jobTable(c, 5); err != nil {
			return err
		}
		return c.Render("import.html", v)
	}
	return web.Post(c, importForm{Kind: orElse(c.QueryParam("kind"), intake.Lots)}, show, func(f *web.Form[importForm]) (string, error) {
		if _, ok := intake.Of(f.Value.Kind); !ok {
			return "", web.ErrField.Refuse("").On("kind")
		}
		return a.enterDraft(c, f.Value.Kind, sheet.MaxBytes)
	})
}

// importEPCIS takes an EPCIS document in.
func (a *app) importEPCIS(c *web.Ctx) error {
	show := func(f *web.Form[struct{}]) error {
		return c.Render("import_epcis.html", struct {
			Form *web.Form[struct{}]
			File web.Field
		}{f, f.Field("file", "File")})
	}
	return web.Post(c, struct{}{}, show, func(*web.Form[struct{}]) (string, error) {
		return a.enterDraft(c, kindEPCIS, epcis.MaxBytes)
	})
}

// enterDraft keeps an uploaded file and leads to its preview, unless it cannot
// be read at all.
func (a *app) enterDraft(c *web.Ctx, kind string, most int64) (string, error) {
	name, file, err := uploaded(c.Request().MultipartForm, most)
	if err != nil {
		return "", err
	}
	u, now := c.User(), a.host.Now().UTC().Truncate(time.Microsecond)
	d := draft{ID: strconv.FormatInt(now.UnixMicro(), 36) + "-" + strings.ToLower(rand.Text()[:10]), MSP: u.MSP, User: u.ID, Party: u.Party,
		Kind: kind, Name: name, Zone: c.Zone().String(), Created: now, File: base64.StdEncoding.EncodeToString(file)}
	if _, err := a.planner(c).plan(c.Context(), d); err != nil {
		return "", unreadable(err)
	}
	if err := a.keepDraft(c.Context(), d); err != nil {
		return "", err
	}
	return "/traceability/import/drafts/" + d.ID, nil
}

// unreadable puts what is wrong with a file beside it.
func unreadable(err error) error {
	var no *chaincode.Refusal
	if errors.As(err, &no) && no.Field == "" {
		placed := *no
		return placed.On("file")
	}
	return err
}

// uploaded is the one file of a form.
func uploaded(form *multipart.Form, most int64) (name string, file []byte, err error) {
	if form == nil || len(form.File["file"]) == 0 {
		return "", nil, web.ErrRequired.Refuse("").On("file")
	}
	head := form.File["file"][0]
	if head.Size > most {
		return "", nil, web.ErrTooLarge.Refuse("at most %s bytes", most).On("file")
	}
	f, err := head.Open()
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	file, err = io.ReadAll(io.LimitReader(f, most+1))
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(head.Filename, ""), `\`, "/"))
	runes := []rune(name)
	return string(runes[max(0, len(runes)-120):]), file, err
}

func (a *app) planner(c *web.Ctx) planner {
	return planner{a, host.ActorOf(c.User()), c.User().Party, c.Lang()}
}

// draft finds a company's own.
func (a *app) draft(c *web.Ctx) (draft, error) {
	d, err := readmodel.One[draft](c.Context(), a.db, `SELECT id, msp, login, party, kind, name, zone, created, file FROM tr_imports WHERE id = $1 AND party = $2 AND msp = $3`,
		c.Param("id"), c.User().Party, c.User().MSP)
	if errors.Is(err, sql.ErrNoRows) {
		return d, errNoDraft.Refuse("")
	}
	return d, err
}

// confirmForm is how a file is to be taken.
type confirmForm struct {
	Behaviour string   `form:"behaviour"`
	Share     audience `form:"share"`
}

// draftView is the preview.
type draftView struct {
	Draft      draft
	Title      string
	Chip       web.Chip
	Stats      []web.Stat
	Notices    []string
	Heads      []trouble
	Steps      []stepView
	More       int // steps that are not shown
	Sheet      bool
	Described  bool // nothing of it has readers to choose
	Ready      bool
	Partly     bool                   // some events could be taken without the others
	Form       *web.Form[confirmForm] `json:"-"`
	Share      shareView              `json:"-"`
	Behaviours []web.Option           `json:"-"`
	Again      string
	Large      bool
}

// stepView is one step in the reader's words.
type stepView struct {
	Origin   string
	Text     string
	Chip     web.Chip
	Troubles []trouble
	Notices  []string
	Hash     string
}

// mostSteps bounds a page; what is wrong comes first.
const mostSteps = 300

var behaviours = []web.Option{{Value: rollback, Text: "All or nothing"}, {Value: proceed, Text: "Take what is right, leave out what is refused"}}

// importDraft shows what a file would do, and does it once confirmed.
func (a *app) importDraft(c *web.Ctx) error {
	d, err := a.draft(c)
	if err != nil {
		return err
	}
	made, err := a.planner(c).plan(c.Context(), d)
	if err != nil {
		return err
	}
	show := func(f *web.Form[confirmForm]) error {
		v := draftPage(c, d, made)
		v.Form, v.Behaviours = f, behaviours
		var err error
		if v.Share, err = a.shareView(c, f.Field("share.mode", "Readers"), f.Value.Share); err != nil {
			return err
		}
		return c.Render("import_draft.html", v)
	}
	return web.Post(c, confirmForm{Behaviour: rollback}, show, func(f *web.Form[confirmForm]) (string, error) {
		return a.confirm(c, d, made, f.Value)
	})
}

// confirm makes a job of a draft.
func (a *app) confirm(c *web.Ctx, d draft, made *plan, v confirmForm) (string, error) {
	if d.Kind != kindEPCIS || v.Behaviour != proceed {
		v.Behaviour = rollback
	}
	if !made.ready() && !(v.Behaviour == proceed && made.partly()) {
		return "", errNotReady.Refuse("")
	}
	shared, err := v.Share.sharing()
	if err != nil {
		return "", err
	}
	var all []incoming
	for _, s := range made.steps {
		if s.Command == "" || !s.already {
			all = append(all, s.incoming)
		}
	}
	u := c.User()
	if _, err := a.db.ExecContext(c.Context(), `DELETE FROM tr_imports WHERE id = $1`, d.ID); err != nil {
		return "", err
	}
	job, err := a.captures.enter(c.Context(), captureJob{MSP: u.MSP, User: u.ID, Party: u.Party, Behaviour: v.Behaviour, Kind: d.Kind, Name: d.Name, sharing: shared}, all)
	if err != nil {
		return "", errors.Join(err, a.keepDraft(context.WithoutCancel(c.Context()), d))
	}
	return "/traceability/import/jobs/" + job.ID, nil
}

// ready reports whether nothing is wrong and something would be done.
func (p *plan) ready() bool { return p.wrong() == 0 && p.fresh() > 0 }

// partly reports whether some events are right although others are not.
func (p *plan) partly() bool {
	if len(p.heads) > 0 {
		return false
	}
	for _, s := range p.steps {
		if len(s.troubles) == 0 && !s.already {
			return true
		}
	}
	return false
}

func draftPage(c *web.Ctx, d draft, made *plan) draftView {
	v := draftView{Draft: d, Title: c.T(titleOfKind(d.Kind)), Notices: made.notices, Heads: made.heads[:min(len(made.heads), mostSteps)], Sheet: d.Kind != kindEPCIS,
		Described: d.Kind == intake.Products || d.Kind == intake.Places, Ready: made.ready(), Again: "/traceability/import?kind=" + d.Kind, Large: made.fresh() > chaincode.MaxBatch}
	if v.Draft.File = ""; !v.Sheet {
		v.Again, v.Partly = "/traceability/import/epcis", !v.Ready && made.partly()
	}
	already := len(made.steps) - made.fresh()
	switch {
	case made.wrong() > 0:
		v.Chip = web.Chip{Word: "To be mended", Tone: web.Bad}
	case made.fresh() == 0:
		v.Chip = web.Chip{Word: "Nothing new", Tone: web.Idle}
	default:
		v.Chip = web.Chip{Word: "Ready", Tone: web.Good}
	}
	first := "Rows"
	if !v.Sheet {
		first = "Events"
	}
	v.Stats = []web.Stat{{Label: first, Value: web.Group(made.rows)}, {Label: "Would be recorded", Value: web.Group(max(0, len(made.steps)-already-made.bad()))},
		{Label: "On the ledger already", Value: web.Group(already)}, {Label: "To mend", Value: web.Group(made.wrong()), Tone: toneOf(made.wrong(), web.Bad)}}
	for _, wrong := range []bool{true, false} {
		for _, s := range made.steps {
			if (len(s.troubles) > 0) != wrong {
				continue
			}
			if len(v.Steps) < mostSteps {
				v.Steps = append(v.Steps, s.view(c))
			} else {
				v.More++
			}
		}
	}
	return v
}

// bad counts the steps that have something wrong.
func (p *plan) bad() (n int) {
	for _, s := range p.steps {
		if len(s.troubles) > 0 {
			n++
		}
	}
	return n
}

func (s *step) view(c *web.Ctx) stepView {
	v := stepView{Origin: s.Origin, Text: said(c.Lang(), s.Said, s.SaidZh), Troubles: s.troubles, Notices: s.notices, Chip: web.Chip{Word: "Would be recorded", Tone: web.Good}, Hash: s.Hash}
	switch {
	case len(s.troubles) > 0:
		v.Chip = web.Chip{Word: "To be mended", Tone: web.Bad}
	case s.already:
		v.Chip = web.Chip{Word: "On the ledger already", Tone: web.Idle}
	case len(s.notices) > 0:
		v.Chip = web.Chip{Word: "Have a look", Tone: web.Warn}
	}
	return v
}

func said(lang, en, zh string) string {
	if lang == "zh" && zh != "" {
		return zh
	}
	return en
}

func titleOfKind(kind string) string {
	if k, ok := intake.Of(kind); ok {
		return k.Title
	}
	return "EPCIS document"
}

// importMend is the sheet as it was uploaded, with what is to be mended in a
// column of its own.
func (a *app) importMend(c *web.Ctx) error {
	d, err := a.draft(c)
	if err != nil {
		return err
	}
	if d.Kind == kindEPCIS {
		return errNoDraft.Refuse("")
	}
	made, err := a.planner(c).plan(c.Context(), d)
	if err != nil {
		return err
	}
	notes := map[int]string{}
	for _, s := range made.steps {
		for _, t := range s.troubles {
			note := t.String()
			if t.Column != "" {
				note = t.Column + ": " + note
			}
			notes[t.Row] = strings.TrimPrefix(notes[t.Row]+"\n"+note, "\n")
		}
	}
	attach(c, strings.TrimSuffix(d.Name, path.Ext(d.Name))+"-mend", "xlsx")
	return sheet.Annotated(c.Response(), made.table, intake.Remarks[c.Lang()], notes)
}

// attach says that a file follows.
func attach(c *web.Ctx, name, form string) {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\/;`, r) {
			return '-'
		}
		return r
	}, name)
	h := c.Response().Header()
	h.Set("Content-Type", sheetWriters[form].kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+"."+form+`"`)
	h.Set("Cache-Control", "no-store")
}

// importTemplate is the empty form of a kind of sheet, with the company's own
// products and partners to choose from.
func (a *app) importTemplate(c *web.Ctx) error {
	form := strings.TrimPrefix(path.Ext(c.Param("file")), ".")
	kind, ok := intake.Of(strings.TrimSuffix(c.Param("file"), "."+form))
	if !ok || form != "xlsx" && form != "csv" {
		return web.ErrNoPage.Refuse("")
	}
	choices, err := a.templateChoices(c)
	if err != nil {
		return err
	}
	t := sheet.Template{Sheet: c.T(kind.Title), Guide: c.T("How to fill it in"), Heads: [2]string{c.T("Column"), c.T("What belongs there")},
		Rules: []string{c.T(kind.Text), c.T("A star marks what is required. Columns may stand in any order; others are not read."),
			c.T("A row with EXAMPLE in it is left out. Formulas count as the value that was last saved."),
			c.T("Nothing is imported before you have seen what each row does and confirmed it; the same file uploaded again does nothing twice.")}}
	for _, col := range kind.Columns {
		t.Columns = append(t.Columns, sheet.Column{Head: col.Head(c.Lang()), Note: c.T(col.Note), Kind: col.Set, Width: col.Width, Choices: choices[col.Key], Example: exampleOf(kind, col, choices)})
	}
	attach(c, "tallyway-"+kind.Name, form)
	if form == "csv" {
		return t.CSV(c.Response())
	}
	return t.XLSX(c.Response())
}

// exampleOf fills an example with what the company has itself.
func exampleOf(kind intake.Kind, col intake.Column, choices map[string][]string) string {
	if own := choices[col.Key]; len(own) > 0 && (col.Key == intake.Product || col.Key == intake.Partner) {
		return own[0]
	}
	if col.Key == intake.Pack && kind.Name == intake.Packs {
		return "EXAMPLE"
	}
	return col.Example
}

func (a *app) templateChoices(c *web.Ctx) (map[string][]string, error) {
	n := a.names(c)
	all := map[string][]string{intake.Yes: {c.T("no"), c.T("yes")}, intake.Side: {c.T("in"), c.T("out")}, intake.How: {c.T("sold"), c.T("destroyed")},
		intake.Tolerance: {"0%", "0.5%", "1%", "2%"}}
	for _, u := range units(c) {
		if u.Value == pieces {
			u.Text = c.T("pcs")
		}
		all[intake.Unit] = append(all[intake.Unit], u.Text)
	}
	products, err := a.products(c.Context(), c.User().Party)
	if err != nil {
		return nil, err
	}
	for _, o := range productOptions(c, products) {
		all[intake.Product] = append(all[intake.Product], o.Text)
		all[intake.GTIN] = append(all[intake.GTIN], o.Value)
	}
	others, err := a.others(c.Context(), c.User().Party)
	for _, p := range others {
		text := n.Party(p.ID) + " · " + p.ID
		all[intake.Partner] = append(all[intake.Partner], text)
		if strings.Contains(p.Kinds, "carrier") {
			all[intake.Carrier] = append(all[intake.Carrier], text)
		}
	}
	if err != nil {
		return nil, err
	}
	places, err := readmodel.All[string](c.Context(), a.db, `SELECT gln FROM tr_places WHERE owner = $1 ORDER BY gln LIMIT $2`, c.User().Party, most)
	all[intake.GLN] = places
	return all, err
}
