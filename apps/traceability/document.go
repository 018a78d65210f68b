package traceability

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/documents"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/web"
)

// Documents on lots, products and places: certificates, laboratory results,
// specifications.

const documentBody = documents.MaxBytes + 1<<20 // with the rest of the form

func (a *app) documentRoutes() []web.Route {
	own := web.AnyUser.Owned()
	return []web.Route{
		{Method: "GET", Path: "/traceability/documents", Name: "documents", Access: readers, Handler: a.documentsPage},
		{Method: "POST", Path: "/traceability/documents", Name: "documents.attach", Access: keepers, Body: documentBody, Handler: a.documentsPage},
		{Method: "GET", Path: "/documents/:id", Name: "document.page", Access: web.Public.Owned(), Handler: a.documentPage},
		{Method: "GET", Path: "/documents/:id/file", Name: "document.file", Access: web.Public.Owned(), Handler: a.documentFile},
		{Method: "POST", Path: "/documents/:id/withdraw", Name: "document.withdraw", Access: keepers, Handler: a.withdrawDocument},
		{Method: "GET", Path: "/api/documents", Name: "api.documents", Access: own, Handler: a.apiDocuments, Doc: &web.Doc{
			Summary: "The documents that you may read, the newest first; without those that were withdrawn.", List: true, Reply: documentReply{},
			Query: []web.Param{{Name: "about", Summary: "a lot, a product or a place: 01/09506000134352/10/L1, 01/09506000134352, 414/9506000134352"},
				{Name: "owner", Summary: "the id of the company that attached them"}, {Name: "kind", Summary: strings.Join(trace.DocumentKinds(), ", ")}}}},
		{Method: "POST", Path: "/api/documents", Name: "api.document.attach", Access: keepers, Body: documentBody, Handler: a.apiAttach, Doc: &web.Doc{
			Summary: "Attach a document to a lot, a product or a place of your own: the file itself is the body, a PDF, PNG or JPEG of at most 20 MB.",
			Takes:   "application/pdf", Reply: committed[trace.DocumentState]{}, Status: http.StatusCreated,
			Query: []web.Param{{Name: "about", Summary: "what it is about: 01/09506000134352/10/L1, 01/09506000134352, 414/9506000134352"},
				{Name: "kind", Summary: strings.Join(trace.DocumentKinds(), ", ")}, {Name: "scheme", Summary: "of a certification: " + strings.Join(trace.Schemes(), ", ")},
				{Name: "number", Summary: "of the certificate or report"}, {Name: "issuer", Summary: "the certification body or laboratory"},
				{Name: "title", Summary: "in English"}, {Name: "titleZh", Summary: "in Chinese"},
				{Name: "validFrom", Summary: "a day: 2026-01-01"}, {Name: "validUntil", Summary: "the last day"},
				{Name: "sharing", Summary: "linked (the default), public, restricted or private"}, {Name: "with", Summary: "of a restricted one: ids of companies, with commas"}}}},
		{Method: "GET", Path: "/api/documents/:id", Name: "api.document", Access: web.Public.Owned(), Handler: a.apiDocument, Doc: &web.Doc{
			Summary: "One document: what is on record of it.", Reply: documentReply{}}},
		{Method: "GET", Path: "/api/documents/:id/file", Name: "api.document.file", Access: web.Public.Owned(), Handler: a.documentFile, Doc: &web.Doc{
			Summary: "The file of a document, after it was compared with the ledger: a PDF, PNG or JPEG."}},
		{Method: "DELETE", Path: "/api/documents/:id", Name: "api.document.withdraw", Access: keepers, Handler: a.apiWithdrawDocument, Doc: &web.Doc{
			Summary: "Withdraw a document of your own: its file is deleted, its record stays.", Reply: committed[trace.DocumentState]{}}},
	}
}

// documentForm is a document as people enter it.
type documentForm struct {
	About   string   `form:"about,required"`
	Kind    string   `form:"kind,required"`
	Scheme  string   `form:"scheme"`
	Number  string   `form:"number"`
	Issuer  string   `form:"issuer"`
	Title   string   `form:"title,required"`
	TitleZh string   `form:"titleZh"`
	From    string   `form:"validFrom"`
	Until   string   `form:"validUntil"`
	Share   audience `form:"share"`
}

func (f documentForm) command() (trace.AttachDocument, error) {
	shared, err := f.Share.sharing()
	t := strings.TrimSpace
	c := trace.AttachDocument{About: t(f.About), Sharing: cmp.Or(shared.Sharing, trace.Linked), With: strings.Fields(shared.Readers),
		Facts: trace.Facts{Kind: f.Kind, Scheme: f.Scheme, Number: t(f.Number), Issuer: t(f.Issuer), Title: t(f.Title), TitleZh: t(f.TitleZh), From: t(f.From), Until: t(f.Until)}}
	if f.Kind != trace.Certification {
		c.Facts.Scheme = "" // chosen before another kind was
	}
	return c, err
}

func (a *app) attachDocument(c *web.Ctx, command trace.AttachDocument) (trace.DocumentState, error) {
	file, err := readFile(c, "file", documents.MaxBytes, errDocumentFile)
	if err != nil {
		return trace.DocumentState{}, err
	}
	return a.documents.attach(c.Context(), host.ActorOf(c.User()), c.User().Party, command, file)
}

// documentFile gives the file out, once it was held against the ledger.
func (a *app) documentFile(c *web.Ctx) error {
	d, err := a.documentFor(c, c.Param("id"))
	if err != nil {
		return err
	}
	file, err := a.fileOf(c.Context(), d)
	if err != nil {
		return err
	}
	head := c.Response().Header()
	head.Set("Cache-Control", "private, no-cache") // it may be withdrawn
	head.Set("Content-Disposition", `attachment; filename="document-`+d.ID[:12]+fileEnding[d.Type]+`"`)
	head.Set("X-Content-Type-Options", "nosniff")
	return c.Blob(http.StatusOK, d.Type, file)
}

var fileEnding = map[string]string{documents.PDF: ".pdf", documents.PNG: ".png", documents.JPEG: ".jpg"}

func (a *app) withdrawDocument(c *web.Ctx) error {
	d, err := a.ownDocument(c)
	if err != nil {
		return err
	}
	if _, err := a.documents.withdraw(c.Context(), host.ActorOf(c.User()), d.ID); err != nil {
		return err
	}
	c.Flash("The document is withdrawn and its file deleted. Its record stays.")
	return c.Redirect("/documents/" + d.ID)
}

// ownDocument is a document that the reader's company attached.
func (a *app) ownDocument(c *web.Ctx) (*documentReply, error) {
	d, err := a.documentFor(c, c.Param("id"))
	if err == nil && d.Owner != c.User().Party {
		err = trace.ErrNotYourDocument.Refuse("%s", d.ID)
	}
	return d, err
}

func (a *app) apiDocuments(c *web.Ctx) error {
	list := apiList(c, nil)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	q := documentQuery{owner: c.QueryParam("owner"), kind: c.QueryParam("kind"), after: list.After, limit: list.Limit + 1}
	if about := c.QueryParam("about"); about != "" {
		q.about = []string{trace.Thing(about)}
	}
	all, err := r.documents(q)
	if err != nil {
		return err
	}
	return apiPage(c, all, list.Limit, func(d documentReply) string { return d.ID })
}

func (a *app) apiDocument(c *web.Ctx) error {
	d, err := a.documentFor(c, c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, d)
}

func (a *app) apiAttach(c *web.Ctx) error {
	q := c.QueryParam
	with := strings.FieldsFunc(q("with"), func(r rune) bool { return r == ',' || r == ' ' })
	command, err := documentForm{About: q("about"), Kind: q("kind"), Scheme: q("scheme"), Number: q("number"), Issuer: q("issuer"), Title: q("title"), TitleZh: q("titleZh"),
		From: q("validFrom"), Until: q("validUntil"), Share: audience{Mode: q("sharing"), With: with}}.command()
	if err != nil {
		return err
	}
	state, err := a.attachDocument(c, command)
	if err != nil {
		return err
	}
	reply := committed[trace.DocumentState]{Reply: state}
	if d, err := a.documentFor(c, state.ID); err == nil {
		reply.Tx, reply.Block = d.Tx, uint64(d.Block)
	}
	c.Response().Header().Set("Location", "/api/documents/"+state.ID)
	return c.JSON(http.StatusCreated, reply)
}

func (a *app) apiWithdrawDocument(c *web.Ctx) error {
	d, err := a.ownDocument(c)
	if err != nil {
		return err
	}
	state, err := a.documents.withdraw(c.Context(), host.ActorOf(c.User()), d.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, committed[trace.DocumentState]{Reply: state})
}

// shownToShoppers tells whether a kind of document is one that shoppers look for.
func shownToShoppers(kind string) bool {
	return slices.Contains([]string{trace.Certification, trace.Analysis, trace.LabResult}, kind)
}
