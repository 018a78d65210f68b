package traceability

import (
	"context"
	"fmt"

	"github.com/tallyway/tallyway/apps/traceability/documents"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// shopperDocument is a public certificate or result as a shopper is told of it.
type shopperDocument struct {
	Title    string             `json:"title"`
	Kind     string             `json:"kind"`
	Scheme   string             `json:"scheme,omitempty"`
	Issuer   string             `json:"issuer,omitempty"`
	Number   string             `json:"number,omitempty"`
	Until    string             `json:"validUntil,omitempty"`
	Validity documents.Validity `json:"validity"`
	Href     string             `json:"href"`
	what     string             // its kind in English
}

// publicDocuments are the certificates and results of a pack that everybody may
// read, of its own level first. Most packs have none, which the directory
// remembers.
func (a *app) publicDocuments(ctx context.Context, key gs1.ID, today string, v *shopperView) error {
	some, err := a.directory.look(ctx, question{`SELECT id, title FROM tr_documents WHERE sharing = 'public' AND withdrawn IS NULL
		AND (about = $1 OR about > $1 || '/' AND about < $1 || '0') LIMIT 1`, "01/" + v.GTIN})
	if err != nil || !some.found {
		return err
	}
	levels := key.Levels()
	var things []string
	for _, level := range levels {
		things = append(things, level.Path())
	}
	list, args := inList(1, things)
	rows, err := readmodel.All[documentRow](ctx, a.db, `SELECT `+documentColumns+` WHERE d.sharing = 'public' AND d.withdrawn IS NULL AND d.about IN `+list+`
		ORDER BY d.valid_until DESC, d.id LIMIT 100`, args...)
	if err != nil {
		return fmt.Errorf("read the documents of a pack: %w", err)
	}
	for _, thing := range things {
		for _, d := range rows {
			if d.About == thing && shownToShoppers(d.Kind) && len(v.Documents) < mostShopperDocuments {
				v.Documents = append(v.Documents, d.forShoppers(v.Lang, today))
			}
		}
	}
	return nil
}

// mostShopperDocuments keeps a page short.
const mostShopperDocuments = 12

func (d documentRow) forShoppers(lang, today string) shopperDocument {
	s := shopperDocument{Title: d.Title, Kind: d.Kind, Scheme: d.Scheme, Issuer: d.Issuer, Number: d.Number, Until: d.Until,
		Validity: documents.On(today, d.From, d.Until), Href: "/documents/" + d.ID, what: whatItIs(d.facts())}
	if lang == "zh" && d.TitleZh != "" {
		s.Title = d.TitleZh
	}
	if d.Here {
		s.Href += "/file"
	}
	return s
}

// document is one line of the card of certificates.
func (w *pageWriter) document(d shopperDocument) {
	w.raw(`<li><a href="`).text(d.Href).raw(`">`).text(d.Title).raw("</a> · ").say(d.what)
	if d.Issuer != "" {
		w.raw("<br>").say("Issued by %s", d.Issuer)
	}
	if d.Number != "" {
		w.raw(" · ").say("number %s", d.Number)
	}
	switch {
	case d.Validity == documents.Expired:
		w.raw("<br><strong>").say("Expired on %s", dayIn(w.lang, d.Until)).raw("</strong>")
	case d.Validity == documents.Early:
		w.raw("<br><strong>").say("Not valid yet").raw("</strong>")
	case d.Until != "":
		w.raw("<br>").say("Valid until %s", dayIn(w.lang, d.Until))
	}
	w.raw("</li>")
}
