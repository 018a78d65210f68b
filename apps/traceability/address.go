package traceability

import (
	"net/url"
	"strings"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

// lotHref is the page of a lot. The id of a GS1 key is a path already.
func lotHref(id string) string { return "/traceability/lot/" + lotPath(id) }

func traceHref(id string) string { return "/traceability/trace/" + lotPath(id) }

func eventHref(hash string) string { return "/traceability/event/" + url.PathEscape(hash) }

func caseHref(id string) string { return "/traceability/cases/" + url.PathEscape(id) }

func lotPath(id string) string {
	if key, err := gs1.Parse(id); err == nil && key.Path() == id {
		return id
	}
	return url.PathEscape(id)
}

// asked is the lot that an address below a prefix names, with the form that
// its suffix asks for. The reader must be allowed to read it: whoever may not
// is told what a stranger to the ledger is told.
func (a *app) asked(c *web.Ctx, prefix string, suffixes ...string) (lot lotRow, suffix string, err error) {
	rest := strings.TrimPrefix(c.Request().URL.EscapedPath(), prefix)
	if lot, err = a.lot(c.Context(), rest); err == nil {
		return lot, "", a.readable(c, lot)
	}
	for _, s := range suffixes {
		if id, ok := strings.CutSuffix(rest, dotted(s)); ok {
			if lot, err = a.lot(c.Context(), id); err == nil {
				return lot, s, a.readable(c, lot)
			}
		}
	}
	return lotRow{}, "", err
}

// dotted is a dress as an address ends with it: ".json", or "/bundle" as it is.
func dotted(suffix string) string {
	if strings.HasPrefix(suffix, "/") {
		return suffix
	}
	return "." + suffix
}

// readable refuses a lot that the reader may not read, as if it were not there.
func (a *app) readable(c *web.Ctx, lot lotRow) error {
	r, err := a.reader(c)
	if err == nil && !r.reads(lot.ID) {
		err = trace.ErrNoLot.Refuse("%s", lot.ID)
	}
	return err
}

// rest is what follows a prefix in the request's address. Ids hold slashes,
// which a client may send as they are or as %2F.
func rest(c *web.Ctx, prefix string) string {
	tail := strings.TrimPrefix(c.Request().URL.EscapedPath(), prefix)
	if plain, err := url.PathUnescape(tail); err == nil {
		return plain
	}
	return tail
}

// idOf is the record's id in the address, which may hold escaped slashes: the
// router unescapes none of an address that has some.
func idOf(c *web.Ctx) string {
	id := c.Param("id")
	if plain, err := url.PathUnescape(id); err == nil && c.Request().URL.RawPath != "" {
		return plain
	}
	return id
}

// lotID is the id under which the ledger keeps what was chosen, typed or scanned
// in any of the forms of its key: without what says more than lot and serial.
func lotID(text string) string {
	text = strings.TrimSpace(text)
	key, err := gs1.Parse(text)
	if err != nil {
		return text
	}
	return keyOfLot(key)
}

func keyOfLot(key gs1.ID) string {
	var keep []gs1.Element
	for _, q := range key.Qualifiers {
		if q.AI == "21" || q.AI == "235" || q.AI == "10" && key.Serial() == "" {
			keep = append(keep, q)
		}
	}
	return gs1.ID{Primary: key.Primary, Qualifiers: keep}.Path()
}

// packTitle is the SSCC of a pack as its label shows it.
func packTitle(id string) string {
	if key, err := gs1.Parse(id); err == nil && key.Primary.AI == "00" {
		return "SSCC " + key.Primary.Value
	}
	return id
}
