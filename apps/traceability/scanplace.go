package traceability

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/tallyway/tallyway/apps/traceability/scans"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The page on which a shopper says once where a pack was scanned, and what
// becomes of it. Nobody has to: a look without a place counts as one.

func (a *app) scanRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/shopper/place", Name: "shopper.place", Access: web.Public, Handler: a.sharePlace},
		{Method: "POST", Path: "/shopper/place", Name: "shopper.sharePlace", Access: web.Public, Handler: a.sharePlace, Body: 8 << 10},
		{Method: "GET", Path: "/shopper/thanks", Name: "shopper.thanks", Access: web.Public, Handler: a.thanks},
		{Method: "GET", Path: "/traceability/scans", Name: "scans", Access: readers, Handler: a.scanStats},
		{Method: "GET", Path: "/traceability/scans.csv", Name: "scans.csv", Access: readers, Handler: a.scanSheet("csv")},
		{Method: "GET", Path: "/traceability/scans.xlsx", Name: "scans.xlsx", Access: readers, Handler: a.scanSheet("xlsx")},
	}
}

var errPlace = chaincode.Rule{Code: "shopper/place", Kind: chaincode.Malformed,
	Text:   "A place is a point on earth, or a city or country of the list, of a pack that is on the ledger.",
	Remedy: "Scan the pack again, then choose where you are or let the phone say it."}

// placeShare is what a shopper says of where they are.
type placeShare struct {
	Of   string `form:"of,required"` // the pack's address
	Lat  string `form:"lat"`
	Lon  string `form:"lon"`
	City string `form:"city"`
}

func (a *app) sharePlace(c *web.Ctx) error {
	c.Response().Header().Set("Permissions-Policy", "camera=(), geolocation=(self), microphone=(), payment=(), usb=()")
	show := func(f *web.Form[placeShare]) error {
		return c.Render("shopper_place.html", struct {
			Form   *web.Form[placeShare]
			Cities []web.Option
			Back   string
		}{f, cityOptions(c), packAddress(f.Value.Of)})
	}
	return web.Post(c, placeShare{Of: packAddress(c.QueryParam("of"))}, show, func(f *web.Form[placeShare]) (string, error) {
		s, err := f.Value.look()
		if err != nil {
			return "", err
		}
		if known, err := a.onLedger(c.Context(), s.address); err != nil || !known {
			return "", orRefuse(err, errPlace.Refuse("").On("of"))
		}
		now := a.host.Now()
		if err := a.forms.take(c, now, 1); err != nil {
			return "", err
		}
		s.at, s.visitor = now, a.scans.salts.visitor(c, now)
		a.scans.note(s)
		return "/shopper/thanks?for=place&of=" + url.QueryEscape(s.address), nil
	})
}

func orRefuse(err, no error) error {
	if err != nil {
		return err
	}
	return no
}

// look reads what was said, exactly: what is no place is refused, not guessed.
func (p placeShare) look() (seen, error) {
	s := seen{address: packAddress(p.Of), placed: true}
	if s.address == "" {
		return s, errPlace.Refuse("").On("of")
	}
	if p.Lat != "" || p.Lon != "" {
		point, ok := scans.ReadPoint(p.Lat, p.Lon)
		if !ok {
			return s, errPlace.Refuse("").On("lat")
		}
		point = point.Coarse()
		s.point = &point
		if city, ok := scans.CityAt(point); ok {
			s.city, s.country = city.Code, city.Country
		}
		return s, nil
	}
	if city, ok := scans.CityOf(p.City); ok {
		point := city.Coarse()
		s.point, s.city, s.country = &point, city.Code, city.Country
		return s, nil
	}
	if country, ok := scans.CountryOf(p.City); ok {
		s.city, s.country = country.Code, country.Code
		return s, nil
	}
	return s, errPlace.Refuse("").On("city")
}

// packAddress is the address of a lot's or a single thing's page, or "".
func packAddress(text string) string {
	if len(text) > 300 || len(text) < 2 {
		return ""
	}
	key, err := gs1.Parse(text[1:])
	if err != nil || text[0] != '/' || key.GTIN() == "" || key.Lot()+key.Serial() == "" {
		return ""
	}
	return "/" + key.Path()
}

// onLedger reports whether somebody has logged the pack or its lot.
func (a *app) onLedger(ctx context.Context, address string) (bool, error) {
	key, err := gs1.Parse(address[1:])
	if err != nil {
		return false, nil
	}
	ids := []string{keyOfLot(key)}
	if lot, err := gs1.LotID(key.GTIN(), key.Lot()); key.Lot() != "" && err == nil {
		ids = append(ids, lot.Path())
	}
	list, args := inList(1, ids)
	n, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_lots WHERE id IN `+list, args...)
	if err != nil {
		return false, fmt.Errorf("read whether a pack is on the ledger: %w", err)
	}
	return n > 0, nil
}

// cityOptions are the places to choose from: cities by their country, then the
// countries themselves.
func cityOptions(c *web.Ctx) []web.Option {
	var all []web.Option
	for _, country := range scans.Countries {
		for _, city := range scans.Cities {
			if city.Country == country.Code {
				all = append(all, web.Option{Value: city.Code, Text: cityName(c.Lang(), city.Code)})
			}
		}
		all = append(all, web.Option{Value: country.Code, Text: c.T("elsewhere in %s", cityName(c.Lang(), country.Code))})
	}
	return all
}

// cityName is what a reader calls a city or a country of the list.
func cityName(lang, code string) string {
	if city, ok := scans.CityOf(code); ok {
		if lang == "zh" {
			return city.NameZh
		}
		return city.Name
	}
	country, ok := scans.CountryOf(code)
	switch {
	case !ok:
		return code
	case lang == "zh":
		return country.NameZh
	}
	return country.Name
}

func (a *app) thanks(c *web.Ctx) error {
	text := "Your report has reached the brand."
	if c.QueryParam("for") == "place" {
		text = "The place is noted, to about five kilometres. Nothing says that it was you."
	}
	return c.Render("shopper_thanks.html", struct{ Text, Back string }{c.T(text), packAddress(c.QueryParam("of"))})
}

// atWork places a look of a shop's signed-in user at their shop, where it has one
// only. What other companies look at, they look at anywhere.
func (d *scanDesk) atWork(ctx context.Context, s *judged) error {
	if s.shop == "" {
		return nil
	}
	type row struct{ Kinds, Latitude, Longitude, Country string }
	rows, err := readmodel.All[row](ctx, d.db, `SELECT p.kinds, COALESCE(q.latitude, ''), COALESCE(q.longitude, ''), COALESCE(q.country, '')
		FROM tr_parties p LEFT JOIN tr_places q ON q.owner = p.id AND q.latitude <> '' WHERE p.id = $1 LIMIT 2`, s.shop)
	switch {
	case err != nil:
		return fmt.Errorf("read where %s is: %w", s.shop, err)
	case len(rows) == 0 || !slices.Equal([]string{rows[0].Kinds}, []string{party.KindRetailer}):
		s.shop = ""
	case len(rows) == 1 && !s.placed:
		if point, ok := scans.ReadPoint(rows[0].Latitude, rows[0].Longitude); ok {
			s.point, s.country = &point, rows[0].Country
		}
	}
	return nil
}
