package traceability

import (
	"github.com/tallyway/tallyway/apps/traceability/fsma"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) productRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/products", Name: "products", Access: readers, Handler: a.productList},
		{Method: "GET", Path: "/traceability/products/edit", Name: "products.edit", Access: keepers, Handler: a.editProduct},
		{Method: "POST", Path: "/traceability/products/edit", Name: "products.describe", Access: keepers, Handler: a.editProduct},
		{Method: "GET", Path: "/traceability/places/edit", Name: "places.edit", Access: keepers, Handler: a.editPlace},
		{Method: "POST", Path: "/traceability/places/edit", Name: "places.describe", Access: keepers, Handler: a.editPlace},
	}
}

// productForm is the master data of a GTIN.
type productForm struct {
	GTIN      string    `form:"gtin,required"`
	Name      string    `form:"name,required"`
	NameZh    string    `form:"nameZh"`
	Unit      string    `form:"unit,required"`
	ShelfLife int       `form:"shelfLife"`
	Storage   string    `form:"storage"`
	Food      foodFacts `form:"food"`
}

// foodFacts is what traceability records tell of a product.
type foodFacts struct {
	List      string `form:"ftl" db:"list"`
	KillStep  bool   `form:"killStep" db:"kill_step"`
	Brand     string `form:"brand" db:"brand"`
	Commodity string `form:"commodity" db:"commodity"`
	Variety   string `form:"variety" db:"variety"`
	Packaging string `form:"packaging" db:"packaging"`
}

// siteFacts is what traceability records tell of a place.
type siteFacts struct {
	Phone    string `form:"phone" db:"phone"`
	Street   string `form:"street" db:"street"`
	Region   string `form:"region" db:"region"`
	Postcode string `form:"postcode" db:"postcode"`
}

// placeForm is the master data of a GLN.
type placeForm struct {
	GLN     string    `form:"gln,required"`
	Name    string    `form:"name,required"`
	NameZh  string    `form:"nameZh"`
	City    string    `form:"city"`
	CityZh  string    `form:"cityZh"`
	Country string    `form:"country"`
	Site    siteFacts `form:"site"`

	Latitude  string `form:"latitude"`
	Longitude string `form:"longitude"`
}

// place is a row of tr_places.
type place struct {
	GLN     string `db:"gln"`
	Name    string `db:"name"`
	NameZh  string `db:"name_zh"`
	City    string `db:"city"`
	CityZh  string `db:"city_zh"`
	Country string `db:"country"`
	Owner   string `db:"owner"`

	Latitude  string `db:"latitude"`
	Longitude string `db:"longitude"`
}

const placeColumns = `gln, name, name_zh, city, city_zh, country, owner, latitude, longitude`

// productList shows what is known of products and places: master data is
// shared, so that everybody reads names instead of digits.
func (a *app) productList(c *web.Ctx) error {
	list := c.List(web.ListOptions{Search: true, Sort: []string{"name"}, Filters: []web.Filter{
		{Name: "owner", Label: "Owner", Options: []web.Option{{Value: "own", Text: "Our own"}}}}})
	like, owner := readmodel.Pattern(list.Search), ""
	if list.Get("owner") == "own" {
		owner = c.User().Party
	}
	products, err := readmodel.All[product](c.Context(), a.db, `SELECT `+productColumns+` FROM tr_products
		WHERE (`+readmodel.Contains("name", "$1")+` OR `+readmodel.Contains("name_zh", "$2")+` OR `+readmodel.Contains("gtin", "$3")+`) AND ($4 = '' OR owner = $5) ORDER BY name, gtin LIMIT $6`, like, like, like, owner, owner, web.MaxLimit)
	if err != nil {
		return err
	}
	places, err := readmodel.All[place](c.Context(), a.db, `SELECT `+placeColumns+` FROM tr_places
		WHERE ($1 = '' OR owner = $2) ORDER BY owner, name, gln LIMIT $3`, owner, owner, web.MaxLimit)
	if err != nil {
		return err
	}
	edits := keepers.Allows(c.User())
	v := struct {
		Products, Places web.Table
		Acts             []web.Act
	}{a.productTable(c, list, products), a.placeTable(c, places), nil}
	if edits {
		v.Acts = []web.Act{{Label: "New product", Href: "/traceability/products/edit", Icon: "plus", Main: true}, {Label: "New place", Href: "/traceability/places/edit", Icon: "plus"}}
	}
	return c.Render("products.html", v)
}

func (a *app) productTable(c *web.Ctx, list web.List, all []product) web.Table {
	n := a.names(c)
	t := web.Table{List: list, Label: "Products", Count: c.T("%s products", len(all)),
		Columns: []web.Column{{Label: "Product", Sort: "name"}, {Label: "GTIN"}, {Label: "Unit"}, {Label: "Shelf life", Number: true}, {Label: "Storage"}, {Label: "Company"}},
		Empty:   web.Empty{Title: "No products yet.", Text: "Describe a product once; every page then shows its name."}}
	for _, p := range all {
		row := web.TableRow{Cells: []any{n.Product(p.GTIN), p.GTIN, n.Unit(unitOfProduct(p)), nil, p.Storage, n.Party(p.Owner)}}
		if p.ShelfLife > 0 {
			row.Cells[3] = web.Num{Text: web.Group(p.ShelfLife), Unit: c.T("days")}
		}
		if p.Owner == c.User().Party && keepers.Allows(c.User()) {
			row.Href = "/traceability/products/edit?gtin=" + p.GTIN
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// unitOfProduct is the unit in which its lots are kept: the piece H87 is the
// empty unit of events.
func unitOfProduct(p product) string {
	if p.Unit == "H87" {
		return ""
	}
	return p.Unit
}

func (a *app) placeTable(c *web.Ctx, all []place) web.Table {
	n := a.names(c)
	t := web.Table{Label: "Places", Count: c.T("%s places", len(all)),
		Columns: []web.Column{{Label: "Place"}, {Label: "GLN"}, {Label: "City"}, {Label: "Country"}, {Label: "Company"}},
		Empty:   web.Empty{Title: "No places yet.", Text: "Name your plants, warehouses and shops; the trace then shows them."}}
	for _, p := range all {
		row := web.TableRow{Cells: []any{n.Place(p.GLN), p.GLN, n.City(p.GLN), p.Country, n.Party(p.Owner)}}
		if p.Owner == c.User().Party && keepers.Allows(c.User()) {
			row.Href = "/traceability/places/edit?gln=" + p.GLN
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// editProduct describes a product, or describes it anew.
func (a *app) editProduct(c *web.Ctx) error {
	p, err := a.described(c.Context(), c.QueryParam("gtin"))
	if err != nil {
		return err
	}
	start := productForm{GTIN: p.GTIN, Name: p.Name, NameZh: p.NameZh, Unit: orElse(p.Unit, "KGM"), ShelfLife: p.ShelfLife, Storage: p.Storage}
	facts, err := readmodel.All[foodFacts](c.Context(), a.db, `SELECT list, kill_step, brand, commodity, variety, packaging FROM tr_product_facts WHERE gtin = $1`, p.GTIN)
	if err != nil {
		return err
	}
	for _, f := range facts {
		start.Food = f
	}
	links, err := a.linksCard(c, "01/", p.GTIN)
	if err != nil {
		return err
	}
	papers, err := a.documentsCard(c, p.Owner, orEmpty("01/", p.GTIN))
	if err != nil {
		return err
	}
	show := func(f *web.Form[productForm]) error {
		return c.Render("product.html", struct {
			Form   *web.Form[productForm]
			Units  []web.Option
			Foods  []web.Option
			Links  *linksCard
			Papers *documentsCard
		}{f, productUnits(c), foodList(c), links, papers})
	}
	return web.Post(c, start, show, func(f *web.Form[productForm]) (string, error) {
		v := f.Value
		if _, err := gs1.CheckGTIN(v.GTIN); err != nil {
			return "", ErrGTIN.Refuse("").On("gtin")
		}
		_, err := do[trace.Described](a, c, trace.DescribeProduct{GTIN: v.GTIN, Name: v.Name, NameZh: v.NameZh, Unit: v.Unit, ShelfLife: v.ShelfLife, Storage: v.Storage,
			List: v.Food.List, KillStep: v.Food.KillStep, Brand: v.Food.Brand, Commodity: v.Food.Commodity, Variety: v.Food.Variety, Packaging: v.Food.Packaging})
		if err != nil {
			return "", err
		}
		c.Flash("%s is described.", v.Name)
		return "/traceability/products", nil
	})
}

// orEmpty is a key's path, or "" of what is not described yet.
func orEmpty(ai, value string) string {
	if value == "" {
		return ""
	}
	return ai + value
}

// foodList are the categories of the Food Traceability List.
func foodList(c *web.Ctx) (all []web.Option) {
	for _, f := range fsma.List {
		all = append(all, web.Option{Value: f.Code, Text: c.T(f.Name)})
	}
	return all
}

// productUnits are those of the forms, with the piece by its code.
func productUnits(c *web.Ctx) []web.Option {
	all := units(c)
	all[len(all)-1].Value = "H87"
	return all
}

// editPlace names a place, or names it anew.
func (a *app) editPlace(c *web.Ctx) error {
	start := placeForm{GLN: c.QueryParam("gln")}
	known, err := readmodel.All[place](c.Context(), a.db, `SELECT `+placeColumns+` FROM tr_places WHERE gln = $1`, start.GLN)
	if err != nil {
		return err
	}
	for _, p := range known {
		start = placeForm{GLN: p.GLN, Name: p.Name, NameZh: p.NameZh, City: p.City, CityZh: p.CityZh, Country: p.Country, Latitude: p.Latitude, Longitude: p.Longitude}
	}
	facts, err := readmodel.All[siteFacts](c.Context(), a.db, `SELECT phone, street, region, postcode FROM tr_place_facts WHERE gln = $1`, start.GLN)
	if err != nil {
		return err
	}
	for _, f := range facts {
		start.Site = f
	}
	gln := ""
	if len(known) > 0 {
		gln = start.GLN
	}
	links, err := a.linksCard(c, "414/", gln)
	if err != nil {
		return err
	}
	papers, err := a.documentsCard(c, c.User().Party, orEmpty("414/", gln))
	if err != nil {
		return err
	}
	show := func(f *web.Form[placeForm]) error {
		return c.Render("place.html", struct {
			Form   *web.Form[placeForm]
			Links  *linksCard
			Papers *documentsCard
		}{f, links, papers})
	}
	return web.Post(c, start, show, func(f *web.Form[placeForm]) (string, error) {
		v := f.Value
		_, err := do[trace.Described](a, c, trace.DescribePlace{GLN: v.GLN, Name: v.Name, NameZh: v.NameZh, City: v.City, CityZh: v.CityZh, Country: v.Country,
			Phone: v.Site.Phone, Street: v.Site.Street, Region: v.Site.Region, Postcode: v.Site.Postcode, Latitude: v.Latitude, Longitude: v.Longitude})
		if err != nil {
			return "", err
		}
		c.Flash("%s is described.", v.Name)
		return "/traceability/products", nil
	})
}
