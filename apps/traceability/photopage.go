package traceability

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tallyway/tallyway/shared/blobs"
	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/web"
)

// photosView is the page where photos are put on record and looked up.
type photosView struct {
	Mine    web.Table            `json:"mine"`
	Form    *web.Form[photoForm] `json:"-"`
	Verdict *verdictView         `json:"verdict,omitempty"`
	Signed  bool                 `json:"-"`
	About   bool                 `json:"-"` // companies say which lot a photo is about
}

// verdictView is a verdict in words.
type verdictView struct {
	*photoVerdict
	Title, Tone string
	Table       web.Table
}

func (a *app) photosPage(c *web.Ctx) error {
	return a.showPhotos(c, web.NewForm(c, photoForm{About: c.QueryParam("about")}), nil)
}

func (a *app) showPhotos(c *web.Ctx, f *web.Form[photoForm], v *photoVerdict) error {
	mine, err := a.photosOf(c, "", web.MaxLimit)
	if err != nil {
		return err
	}
	view := photosView{Form: f, Signed: c.User() != nil, About: c.User() != nil && c.User().Party != "", Mine: a.photoTable(c, "On record", mine)}
	if v != nil {
		view.Verdict = a.verdictView(c, v)
	}
	return c.Render("photos.html", view)
}

func (a *app) photoTable(c *web.Ctx, label string, all []photoReply) web.Table {
	n := a.names(c)
	t := web.Table{Label: label, Columns: []web.Column{{Label: "Photo"}, {Label: "On record since"}, {Label: "By"}, {Label: "About"}, {Label: "Block", Number: true}},
		Empty: web.Empty{Title: "No photos yet.", Text: "What you put on record here can be proved later: that it was there, when, and by whom."}}
	for _, p := range all {
		row := web.TableRow{Href: "/photos/" + p.SHA256, Cells: []any{shortHash(p.SHA256), p.At, a.photographer(n, p.photoRow), nil, web.Num{Text: web.Group(int(p.Block))}}}
		if p.Lot != "" {
			row.Cells[3] = n.Lot(p.Lot)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func shortHash(sha string) string { return sha[:12] + "…" }

// photographer is who put a photo on record: a company, or a public account.
func (a *app) photographer(n *names, p photoRow) string {
	if p.Party != "" {
		return n.Party(p.Party)
	}
	return p.User
}

func (a *app) verdictView(c *web.Ctx, v *photoVerdict) *verdictView {
	view := &verdictView{photoVerdict: v, Title: "This photo is not on record.", Tone: web.Warn}
	switch {
	case v.Exact != nil:
		view.Title, view.Tone = "This very file is on record.", web.Good
	case len(v.Similar) > 0:
		view.Title = "This file is not on record, but photos that look like it are."
	}
	n := a.names(c)
	view.Table = web.Table{Label: "Photos that look like it", Columns: []web.Column{{Label: "Photo"}, {Label: "Differs by", Number: true}, {Label: "On record since"}, {Label: "By"}}}
	for _, m := range v.Similar {
		how := c.T("%s of 256 bits", m.Distance)
		if m.Turned {
			how += c.T(", turned or mirrored")
		}
		view.Table.Rows = append(view.Table.Rows, web.TableRow{Href: "/photos/" + m.Name, Cells: []any{shortHash(m.Name), how, m.At, a.photographer(n, m.photoRow)}})
	}
	return view
}

// photoView is the page of one photo on record.
type photoView struct {
	photoReply
	Title   string      `json:"-"`
	By      string      `json:"-"`
	Pairs   []web.Pair  `json:"-"`
	Image   bool        `json:"-"`
	Forget  *web.Act    `json:"-"`
	Dresses []web.Dress `json:"-"`
	Crumbs  []web.Crumb `json:"-"`
}

func (a *app) photoPage(c *web.Ctx) error {
	sha, dress := c.Dress("sha")
	p, err := a.photo(c.Context(), sha)
	if err != nil {
		return err
	}
	r, sees, err := a.told(c, p)
	if err != nil {
		return err
	}
	if dress == "pdf" {
		return a.certificate(c, r, sees)
	}
	n := a.names(c)
	v := photoView{photoReply: r, Title: c.T("Photo %s", shortHash(p.SHA256)), By: a.photographer(n, p), Image: sees && p.Small != "",
		Crumbs: []web.Crumb{{Text: c.T("Photos"), Href: "/photos"}, {Text: shortHash(p.SHA256)}},
		Pairs:  a.photoFacts(c, r)}
	if v.Image && p.owns(c.User()) {
		v.Forget = &web.Act{Label: "Delete the file", Href: "/photos/" + p.SHA256 + "/forget", Post: true, Danger: true, Confirm: "Delete the file here? It cannot be brought back."}
	}
	v.Dresses = []web.Dress{{Word: c.T("Certificate"), Href: "/photos/" + p.SHA256 + ".pdf"}, {Word: "JSON", Href: "/api/photos/" + p.SHA256}}
	return c.Render("photo.html", v)
}

// photoFacts are what is on record of a photo.
func (a *app) photoFacts(c *web.Ctx, r photoReply) []web.Pair {
	n := a.names(c)
	pairs := []web.Pair{{Label: "On record since", Value: r.At}, {Label: "By", Value: a.photographer(n, r.photoRow)}}
	if r.Lot != "" {
		pairs = append(pairs, web.Pair{Label: "About", Value: n.Lot(r.Lot)})
	}
	return append(pairs, web.Pair{Label: "SHA-256", Value: r.SHA256}, web.Pair{Label: "Perceptual hash", Value: r.Hash},
		web.Pair{Label: "Picture", Value: c.T("%s x %s pixels, %s bytes, %s", web.Group(int(r.Width)), web.Group(int(r.Height)), web.Group(int(r.Size)), r.Type)},
		web.Pair{Label: "Block", Value: web.Group(int(r.Block))}, web.Pair{Label: "Transaction", Value: r.Tx})
}

// onPaper is a fact as a document on paper says it: a moment with its zone.
func onPaper(c *web.Ctx, value any) string {
	if at, ok := value.(time.Time); ok {
		return at.In(c.Zone()).Format("2006-01-02 15:04:05 -07:00")
	}
	return fmt.Sprint(value)
}

// photoImage shows the photo to whom it is for: small, or as it was uploaded.
func (a *app) photoImage(c *web.Ctx) error {
	p, err := a.photo(c.Context(), c.Param("sha"))
	if err != nil {
		return err
	}
	_, sees, err := a.told(c, p)
	switch {
	case err != nil:
		return err
	case !sees || p.Small == "":
		return errNoOriginal.Refuse("")
	}
	name, kind := p.Small, "image/jpeg"
	if c.QueryParam("size") == "original" {
		name, kind = p.SHA256, p.Type
	}
	file, err := a.host.Blobs.Get(c.Context(), name)
	if errors.Is(err, blobs.ErrNotFound) {
		return errNoOriginal.Refuse("")
	}
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "private, max-age=3600")
	return c.Blob(http.StatusOK, kind, file)
}

// forgetPhoto deletes the files of a photo. The record stays: with the file in
// hand, its owner can still prove it.
func (a *app) forgetPhoto(c *web.Ctx) error {
	p, err := a.photo(c.Context(), c.Param("sha"))
	if err != nil {
		return err
	}
	if !p.owns(c.User()) {
		return errNoOriginal.Refuse("")
	}
	if err := a.photos.drop(c.Context(), p.SHA256); err != nil {
		return err
	}
	c.Flash("The files are deleted. What is on record stays there.")
	return c.Redirect("/photos/" + p.SHA256)
}

// certificate is what is on record of a photo, to print: with the photo for
// those who may see it.
func (a *app) certificate(c *web.Ctx, r photoReply, sees bool) error {
	doc := export.Certificate{Title: c.T("Certificate of a photo on record"), At: a.host.Now(), URL: a.host.Base(c) + "/photos/" + r.SHA256,
		Lead: c.T("A photo with the SHA-256 below was put on the ledger at the time below. Whoever has the file can check it against the record; a photo that was changed by a single bit has another hash."),
		Foot: c.T("Scan the code, or verify the file at %s.", a.host.Base(c)+"/photos")}
	for _, p := range a.photoFacts(c, r) {
		doc.Facts = append(doc.Facts, export.Fact{Label: c.T(p.Label), Value: onPaper(c, p.Value)})
	}
	if sees && r.Small != "" {
		image, err := a.host.Blobs.Get(c.Context(), r.Small)
		if err != nil && !errors.Is(err, blobs.ErrNotFound) {
			return err
		}
		doc.JPEG = image
	}
	var pdf bytes.Buffer
	if err := export.CertificatePDF(&pdf, doc); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `inline; filename="photo-`+r.SHA256[:12]+`.pdf"`)
	return c.Blob(http.StatusOK, "application/pdf", pdf.Bytes())
}
