package trace

import (
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// Product is the master data of a GTIN: what a person reads instead of digits
// (CBV 2.0, section 9.2, attributes of a trade item).
type Product struct {
	GTIN      string `json:"gtin"`
	Name      string `json:"name"`
	NameZh    string `json:"nameZh,omitempty"`
	Unit      string `json:"unit"`                // in which its lots are usually logged, UN/ECE Rec 20
	ShelfLife int    `json:"shelfLife,omitempty"` // days from making to expiry; 0: not told
	Storage   string `json:"storage,omitempty"`   // "2 to 6 °C"
	Owner     string `json:"owner"`               // party
	// What a traceability record tells of a food beyond its name (21 CFR 1.1310).
	List      string `json:"ftl,omitempty"`      // its category on the Food Traceability List; "" is not on it
	KillStep  bool   `json:"killStep,omitempty"` // its making kills what could make people ill
	Brand     string `json:"brand,omitempty"`
	Commodity string `json:"commodity,omitempty"`
	Variety   string `json:"variety,omitempty"`
	Packaging string `json:"packaging,omitempty"`
}

// Place is the master data of a GLN (CBV 2.0, section 9.2, attributes of a
// location).
type Place struct {
	GLN      string `json:"gln"`
	Name     string `json:"name"`
	NameZh   string `json:"nameZh,omitempty"`
	City     string `json:"city,omitempty"`
	CityZh   string `json:"cityZh,omitempty"`
	Country  string `json:"country,omitempty"` // ISO 3166-1 alpha-2
	Owner    string `json:"owner"`             // party
	Phone    string `json:"phone,omitempty"`
	Street   string `json:"street,omitempty"`
	Region   string `json:"region,omitempty"` // state or province
	Postcode string `json:"postcode,omitempty"`
}

// DescribeProduct sets the master data of a GTIN under the caller's prefix.
type DescribeProduct struct {
	GTIN      string `json:"gtin"`
	Name      string `json:"name"`
	NameZh    string `json:"nameZh,omitempty"`
	Unit      string `json:"unit"`
	ShelfLife int    `json:"shelfLife,omitempty"`
	Storage   string `json:"storage,omitempty"`
	List      string `json:"ftl,omitempty"`
	KillStep  bool   `json:"killStep,omitempty"`
	Brand     string `json:"brand,omitempty"`
	Commodity string `json:"commodity,omitempty"`
	Variety   string `json:"variety,omitempty"`
	Packaging string `json:"packaging,omitempty"`
}

// DescribePlace sets the master data of a GLN that is the caller's.
type DescribePlace struct {
	GLN      string `json:"gln"`
	Name     string `json:"name"`
	NameZh   string `json:"nameZh,omitempty"`
	City     string `json:"city,omitempty"`
	CityZh   string `json:"cityZh,omitempty"`
	Country  string `json:"country,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Street   string `json:"street,omitempty"`
	Region   string `json:"region,omitempty"`
	Postcode string `json:"postcode,omitempty"`
}

// ProductDescribed tells of a product's master data as it is from now on.
type ProductDescribed struct {
	Product Product `json:"product"`
}

// PlaceDescribed tells of a place's master data as it is from now on.
type PlaceDescribed struct {
	Place Place `json:"place"`
}

// Described is the reply to both: the key that was described.
type Described struct {
	Key string `json:"key"`
}

var (
	products = chaincode.Table[Product]{Name: "product"}
	places   = chaincode.Table[Place]{Name: "place"}
)

var (
	// ErrProduct asks for what every page shows of a product.
	ErrProduct = chaincode.Rule{Code: "trace/product", Kind: chaincode.Malformed,
		Text:   "A product needs a GTIN, a name, a unit and a shelf life of 0 to 36,500 days.",
		Remedy: "Fill in what is missing; the unit is a code such as KGM, LTR or H87."}
	// ErrPlace asks for what every page shows of a place.
	ErrPlace = chaincode.Rule{Code: "trace/place", Kind: chaincode.Malformed,
		Text:   "A place needs a GLN and a name, and its country is two letters.",
		Remedy: "Fill in what is missing; the country is a code such as CN or NL."}
	// ErrNotYourPlace keeps the name of a place with whose it is.
	ErrNotYourPlace = chaincode.Rule{Code: "trace/not-your-place", Kind: chaincode.Forbidden,
		Text:   "The GLN belongs to another company.",
		Remedy: "Use a GLN under your own GS1 company prefix."}
)

// longestName bounds what every label and page has to carry.
const longestName = 200

func describeProduct(tx *chaincode.Tx, c DescribeProduct) (Described, error) {
	by, err := party.Active(tx)
	if err != nil {
		return Described{}, err
	}
	p, err := c.product(by.ID)
	if err != nil {
		return Described{}, err
	}
	if owner, known := party.ByPrefix(tx, p.GTIN[1:]); !known || owner.ID != by.ID {
		return Described{}, ErrNotYourPrefix.Refuse("%s", p.GTIN).On("gtin")
	}
	products.Put(tx, p, p.GTIN)
	tx.Emit(ProductDescribed{p})
	return Described{p.GTIN}, nil
}

func (c DescribeProduct) product(owner string) (Product, error) {
	p := Product{Name: strings.TrimSpace(c.Name), NameZh: strings.TrimSpace(c.NameZh), Unit: c.Unit,
		ShelfLife: c.ShelfLife, Storage: strings.TrimSpace(c.Storage), Owner: owner, List: c.List, KillStep: c.KillStep,
		Brand: strings.TrimSpace(c.Brand), Commodity: strings.TrimSpace(c.Commodity), Variety: strings.TrimSpace(c.Variety), Packaging: strings.TrimSpace(c.Packaging)}
	var err error
	if p.GTIN, err = gs1.CheckGTIN(c.GTIN); err != nil {
		return p, ErrProduct.Refuse("%s", err).On("gtin")
	}
	_, unit := gs1.UnitOf(c.Unit)
	switch {
	case p.Name == "" || len(p.Name) > longestName || len(p.NameZh) > longestName:
		return p, ErrProduct.Refuse("the name has %s bytes", len(p.Name)).On("name")
	case unit != nil:
		return p, ErrProduct.Refuse("%s", unit).On("unit")
	case len(p.List) > longestName || len(p.Brand) > longestName || len(p.Commodity) > longestName || len(p.Variety) > longestName || len(p.Packaging) > longestName:
		return p, ErrProduct.Refuse("a text is longer than %s bytes", longestName).On("commodity")
	case p.ShelfLife < 0 || p.ShelfLife > 36_500:
		return p, ErrProduct.Refuse("%s days", p.ShelfLife).On("shelfLife")
	}
	return p, nil
}

func describePlace(tx *chaincode.Tx, c DescribePlace) (Described, error) {
	by, err := party.Active(tx)
	if err != nil {
		return Described{}, err
	}
	p := Place{GLN: c.GLN, Name: strings.TrimSpace(c.Name), NameZh: strings.TrimSpace(c.NameZh),
		City: strings.TrimSpace(c.City), CityZh: strings.TrimSpace(c.CityZh), Country: c.Country, Owner: by.ID,
		Phone: strings.TrimSpace(c.Phone), Street: strings.TrimSpace(c.Street), Region: strings.TrimSpace(c.Region), Postcode: strings.TrimSpace(c.Postcode)}
	if err := p.check(); err != nil {
		return Described{}, err
	}
	owner, known := party.ByGLN(tx, p.GLN)
	if !known {
		owner, known = party.ByPrefix(tx, p.GLN)
	}
	if !known || owner.ID != by.ID {
		return Described{}, ErrNotYourPlace.Refuse("%s", p.GLN).On("gln")
	}
	places.Put(tx, p, p.GLN)
	tx.Emit(PlaceDescribed{p})
	return Described{p.GLN}, nil
}

func (p Place) check() error {
	if _, err := gs1.CheckGLN(p.GLN); err != nil {
		return ErrPlace.Refuse("%s", err).On("gln")
	}
	switch {
	case p.Name == "" || len(p.Name) > longestName || len(p.NameZh) > longestName:
		return ErrPlace.Refuse("the name has %s bytes", len(p.Name)).On("name")
	case len(p.Phone) > longestName || len(p.Street) > longestName || len(p.Region) > longestName || len(p.Postcode) > longestName:
		return ErrPlace.Refuse("a text is longer than %s bytes", longestName).On("street")
	case p.Country != "" && (len(p.Country) != 2 || strings.Trim(p.Country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != ""):
		return ErrPlace.Refuse("%s", p.Country).On("country")
	}
	return nil
}
