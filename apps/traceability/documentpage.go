package traceability

import (
	"errors"
	"html/template"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/documents"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

// kindWords and schemeWords are the choices of a form.
var (
	kindWords = []web.Option{{Value: trace.Certification, Text: "Certification"}, {Value: trace.Analysis, Text: "Certificate of analysis"}, {Value: trace.LabResult, Text: "Laboratory result"},
		{Value: trace.Specification, Text: "Specification"}, {Value: trace.DeliveryNote, Text: "Delivery note"}, {Value: trace.OtherDocument, Text: "Other document"}}
	schemeWords = []web.Option{{Value: "organic", Text: "Organic"}, {Value: "halal", Text: "Halal"}, {Value: "kosher", Text: "Kosher"}, {Value: "brcgs", Text: "BRCGS Food Safety"},
		{Value: "iso-22000", Text: "ISO 22000"}, {Value: "fssc-22000", Text: "FSSC 22000"}, {Value: "ifs", Text: "IFS Food"}, {Value: "globalgap", Text: "GLOBALG.A.P."}, {Value: "haccp", Text: "HACCP"},
		{Value: "msc", Text: "MSC sustainable fishing"}, {Value: "asc", Text: "ASC responsible aquaculture"}, {Value: "fairtrade", Text: "Fairtrade"}, {Value: "other", Text: "Another scheme"}}
	documentModes = []web.Option{{Value: trace.Linked, Text: "The chain of these goods"}, {Value: trace.Public, Text: "Everybody, shoppers too"},
		{Value: trace.Restricted, Text: "Named companies, and regulators"}, {Value: trace.Private, Text: "Only our company, and regulators"}}
)

// wordOf is the text of a choice, in English.
func wordOf(options []web.Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Text
		}
	}
	return value
}

// whatItIs is a document's kind in English, a certification's by its scheme.
func whatItIs(f trace.Facts) string {
	if f.Kind == trace.Certification && f.Scheme != "other" {
		return wordOf(schemeWords, f.Scheme)
	}
	return wordOf(kindWords, f.Kind)
}

// chip tells whether a document counts today.
func (d documentReply) chip() web.Chip {
	switch {
	case d.Withdrawn != nil:
		return web.Chip{Word: "Withdrawn", Tone: web.Bad}
	case d.Validity == documents.Expired:
		return web.Chip{Word: "Expired", Tone: web.Warn}
	case d.Validity == documents.Early:
		return web.Chip{Word: "Not valid yet", Tone: web.Warn}
	case d.Until == "":
		return web.Chip{Word: "On record", Tone: web.Idle}
	}
	return web.Chip{Word: "Valid", Tone: web.Good}
}

// documentsView is the list of documents with the form to attach one.
type documentsView struct {
	About, Thing string
	Href         string // of the thing's own page
	Table        web.Table
	Form         *web.Form[documentForm]
	Attaches     bool
	Kinds        []web.Option
	Schemes      []web.Option
	Share        shareView
}

func hrefOfDocuments(thing string) string {
	return "/traceability/documents?about=" + template.URLQueryEscaper(thing)
}

func (a *app) documentsPage(c *web.Ctx) error {
	thing := trace.Thing(c.QueryParam("about"))
	start := documentForm{About: thing, Kind: trace.Certification, Scheme: "organic", Share: audience{Mode: trace.Linked}}
	show := func(f *web.Form[documentForm]) error { return a.showDocuments(c, f, thing) }
	if c.Request().Method == "GET" {
		return show(web.NewForm(c, start))
	}
	return web.Post(c, start, show, func(f *web.Form[documentForm]) (string, error) {
		command, err := f.Value.command()
		if err != nil {
			return "", err
		}
		state, err := a.attachDocument(c, command)
		if err != nil {
			return "", besideSharing(err)
		}
		c.Flash("%s is attached.", f.Value.Title)
		return "/documents/" + state.ID, nil
	})
}

// besideSharing puts what the ledger says of the readers beside the choice of them.
func besideSharing(err error) error {
	if no := new(*chaincode.Refusal); errors.As(err, no) && (*no).Code == trace.ErrSharing.Code {
		placed := **no
		return placed.On("share.mode")
	}
	return err
}

func (a *app) showDocuments(c *web.Ctx, f *web.Form[documentForm], thing string) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	q := documentQuery{limit: web.MaxLimit}
	if thing != "" {
		q.about = []string{thing}
	}
	all, err := r.documents(q)
	if err != nil {
		return err
	}
	n := a.names(c)
	v := documentsView{About: thing, Form: f, Kinds: inWords(c, kindWords), Schemes: inWords(c, schemeWords), Table: documentTable(c, n, all, thing == ""),
		Attaches: keepers.Allows(c.User()) && c.User().Party != ""}
	if thing != "" {
		v.Thing, v.Href = n.Thing(thing), hrefOfThing(r, thing)
	}
	if v.Attaches {
		if v.Share, err = a.shareView(c, f.Field("share.mode", "Readers"), f.Value.Share); err != nil {
			return err
		}
		v.Share.Mode = v.Share.Mode.Among(documentModes)
	}
	return c.Render("documents.html", v)
}

// Thing is a lot, a product or a place as people call it.
func (n *names) Thing(thing string) string {
	if id, err := gs1.Parse(thing); err == nil {
		return about(n, id)
	}
	return n.Lot(thing)
}

// hrefOfThing leads to a lot's own page, where the reader may open it.
func hrefOfThing(r *reader, thing string) string {
	if r.user != nil && r.reads(thing) && !isClass(thing) {
		return lotHref(thing)
	}
	return ""
}

func isClass(thing string) bool {
	id, err := gs1.Parse(thing)
	return err == nil && (id.Primary.AI == "414" || id.Level() == gs1.Class)
}

func documentTable(c *web.Ctx, n *names, all []documentReply, things bool) web.Table {
	t := web.Table{Label: "Documents", Count: c.T("%s documents", len(all)),
		Columns: []web.Column{{Label: "Document"}, {Label: "Kind"}, {Label: "Issued by"}, {Label: "Number"}, {Label: "Valid until"}, {Label: "State"}, {Label: "Company"}, {Label: "Readers"}},
		Empty:   web.Empty{Title: "No documents yet", Text: "Certificates, laboratory results and specifications stand here, as far as they are for you."}}
	if things {
		t.Columns = append([]web.Column{{Label: "About"}}, t.Columns...)
	}
	for _, d := range all {
		cells := []any{d.title(c.Lang()), c.T(whatItIs(d.Facts)), d.Issuer, d.Number, day(c, d.Until), d.chip(), n.Party(d.Owner), c.T(wordOf(documentModes, d.Sharing))}
		if things {
			cells = append([]any{n.Thing(d.About)}, cells...)
		}
		t.Rows = append(t.Rows, web.TableRow{Href: "/documents/" + d.ID, Cells: cells})
	}
	return t
}

// documentsCard is what the page of a lot, a product or a place shows of its
// documents.
type documentsCard struct {
	Items  []documentItem
	Href   string
	Attach bool
}

type documentItem struct {
	Text, Note, Href string
	State            web.Chip
}

// mostOnCard keeps a page short; the list has all.
const mostOnCard = 8

// documentsCard reads the documents of things, the first of them being the page's
// own.
func (a *app) documentsCard(c *web.Ctx, owner string, things ...string) (*documentsCard, error) {
	if things[0] == "" {
		return nil, nil
	}
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	all, err := r.documents(documentQuery{about: things, limit: mostOnCard})
	card := &documentsCard{Href: hrefOfDocuments(things[0]), Attach: owner == c.User().Party && keepers.Allows(c.User())}
	for _, d := range all {
		item := documentItem{Text: d.title(c.Lang()), Note: c.T(whatItIs(d.Facts)), Href: "/documents/" + d.ID, State: d.chip()}
		if d.Until != "" {
			item.Note += " · " + c.T("until %s", day(c, d.Until))
		}
		card.Items = append(card.Items, item)
	}
	return card, err
}

// thingsOf are a lot and what it is one of: its batch, its product.
func thingsOf(lot lotRow) []string {
	things := []string{lot.ID}
	if lot.Batch != "" {
		things = append(things, lot.Batch)
	}
	if lot.GTIN != "" {
		things = append(things, "01/"+lot.GTIN)
	}
	return things
}

// documentView is the page of one document.
type documentView struct {
	*documentReply
	Name, By string
	State    web.Chip
	Pairs    []web.Pair
	Check    web.Banner
	Download string
	Withdraw *web.Act
	Crumbs   []web.Crumb
	Dresses  []web.Dress
}

func (a *app) documentPage(c *web.Ctx) error {
	d, err := a.documentFor(c, c.Param("id"))
	if err != nil {
		return err
	}
	if c.WantsJSON() {
		return a.apiDocument(c)
	}
	n := a.names(c)
	v := documentView{documentReply: d, Name: d.title(c.Lang()), By: n.Party(d.Owner), State: d.chip(), Pairs: a.documentFacts(c, n, d),
		Dresses: []web.Dress{{Word: "JSON", Href: "/api/documents/" + d.ID}}}
	if c.User() != nil {
		v.Crumbs = []web.Crumb{{Text: c.T("Documents"), Href: hrefOfDocuments(d.About)}, {Text: v.Name}}
	}
	if v.Check, err = a.checked(c, d); err != nil {
		return err
	}
	if v.Check.Tone == web.Good {
		v.Download = "/documents/" + d.ID + "/file"
	}
	if u := c.User(); u != nil && u.Party == d.Owner && keepers.Allows(u) && d.Withdrawn == nil {
		v.Withdraw = &web.Act{Label: "Withdraw", Href: "/documents/" + d.ID + "/withdraw", Post: true, Danger: true, Confirm: "Withdraw this document? Its file is deleted here; the record stays."}
	}
	return c.Render("document.html", v)
}

// checked holds the file against the ledger, as the page is read.
func (a *app) checked(c *web.Ctx, d *documentReply) (web.Banner, error) {
	_, err := a.fileOf(c.Context(), d)
	no := new(*chaincode.Refusal)
	switch {
	case err == nil:
		return web.Banner{Tone: web.Good, Title: "Checked against the ledger", Text: c.T("The file has the hash that stands in block %s.", web.Group(int(d.Block)))}, nil
	case d.Withdrawn != nil:
		return web.Banner{Tone: web.Warn, Title: "Withdrawn", Text: c.T("Its company took the document back. The record stays; the file is deleted.")}, nil
	case errors.As(err, no) && (*no).Code == errFileDamaged.Code:
		return web.Banner{Tone: web.Bad, Title: "The file is not the one on the ledger", Text: c.T("It was changed or damaged where it lies, so it is not given out.")}, nil
	case errors.As(err, no):
		return web.Banner{Tone: web.Warn, Title: "The file is not here", Text: c.T("Ask its company for the file and compare its SHA-256 with the record.")}, nil
	}
	return web.Banner{}, err
}

func (a *app) documentFacts(c *web.Ctx, n *names, d *documentReply) (pairs []web.Pair) {
	fact := func(label string, value any) {
		if value != "" {
			pairs = append(pairs, web.Pair{Label: label, Value: value})
		}
	}
	fact("About", n.Thing(d.About))
	fact("Identifier", d.About)
	fact("Kind", c.T(wordOf(kindWords, d.Kind)))
	if d.Scheme != "" {
		fact("Scheme", c.T(wordOf(schemeWords, d.Scheme)))
	}
	fact("Number", d.Number)
	fact("Issued by", d.Issuer)
	fact("Valid from", day(c, d.From))
	fact("Valid until", day(c, d.Until))
	fact("Attached by", n.Party(d.Owner))
	fact("On record since", d.At)
	if d.Withdrawn != nil {
		fact("Withdrawn", *d.Withdrawn)
	}
	fact("Readers", c.T(wordOf(documentModes, d.Sharing)))
	fact("File", c.T("%s, %s bytes", strings.ToUpper(strings.TrimPrefix(fileEnding[d.Type], ".")), web.Group(int(d.Size))))
	fact("SHA-256", d.SHA256)
	fact("Block", web.Group(int(d.Block)))
	fact("Transaction", d.Tx)
	return pairs
}
