package traceability

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// linkRoutes are where a company keeps the links of its products and places.
func (a *app) linkRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/links", Name: "links.edit", Access: keepers, Handler: a.editLinks},
		{Method: "POST", Path: "/traceability/links", Name: "links.publish", Access: keepers, Handler: a.editLinks},
		{Method: "POST", Path: "/traceability/links/withdraw", Name: "links.withdraw", Access: keepers, Handler: a.withdrawLink},
		{Method: "GET", Path: "/api/links", Name: "api.links", Access: web.AnyUser, Handler: a.apiLinks, Doc: &web.Doc{
			Summary: "The links of a GS1 key, or of all keys of a company: everybody may read them.", List: true, Reply: linkRow{},
			Query: []web.Param{{Name: "key", Summary: "01/09506000134352, in any form of a GS1 key"}, {Name: "owner", Summary: "the company's id; your own by default, where no key is named"}}}},
		{Method: "POST", Path: "/api/links", Name: "api.link.publish", Access: keepers, Handler: a.apiPublishLink, Doc: &web.Doc{
			Summary: "Publish a link of a key of your own, or set it anew.", Body: trace.Link{}, Reply: committed[trace.LinkState]{}, Status: http.StatusCreated}},
		{Method: "DELETE", Path: "/api/links/:id", Name: "api.link.withdraw", Access: keepers, Handler: a.apiWithdrawLink, Doc: &web.Doc{
			Summary: "Withdraw a link of a key of your own.", Reply: committed[trace.LinkState]{}}},
	}
}

// linkForm is a link as a brand enters it.
type linkForm struct {
	Key     string `form:"key,required"`
	Type    string `form:"type"`
	OwnType string `form:"ownType"`
	Href    string `form:"href,required"`
	Title   string `form:"title,required"`
	TitleZh string `form:"titleZh"`
	Lang    string `form:"lang"`
	Media   string `form:"media"`
	Default bool   `form:"default"`
}

// linksPage is the page on which a company keeps its links.
type linksPage struct {
	Form  *web.Form[linkForm]
	Key   string
	About string
	Table web.Table
	Types []web.Option
	Media []web.Option
	Langs []web.Option
}

// linksCard is what a product's or a place's own page shows of its links.
type linksCard struct {
	Items []web.Link
	Edit  string
}

// linksCard reads the company's links of a key; nil for one that is not described yet.
func (a *app) linksCard(c *web.Ctx, ai, value string) (*linksCard, error) {
	if value == "" {
		return nil, nil
	}
	rows, err := a.ownLinkRows(c, ai+value)
	card := &linksCard{Edit: hrefOfLinks(ai + value)}
	for _, l := range rows {
		card.Items = append(card.Items, web.Link{Text: wordOfLinkType(c, l.Type) + ": " + l.title(c.Lang()), Href: l.Href})
	}
	return card, err
}

func hrefOfLinks(key string) string { return "/traceability/links?key=" + key }

func (a *app) editLinks(c *web.Ctx) error {
	start := linkForm{Key: c.QueryParam("key"), Type: "gs1:pip", Lang: "en", Media: "text/html"}
	show := func(f *web.Form[linkForm]) error {
		v := linksPage{Form: f, Key: canonicalKey(cmp.Or(start.Key, f.Value.Key)), Types: inWords(c, linkTypeOptions), Media: inWords(c, mediaOptions()), Langs: inWords(c, pageLanguages)}
		rows, err := a.ownLinkRows(c, v.Key)
		if err != nil {
			return err
		}
		n := a.names(c)
		if id, err := gs1.Parse(v.Key); err == nil {
			v.About = about(n, id)
		}
		v.Table = a.linkTable(c, n, rows, v.Key == "")
		return c.Render("links.html", v)
	}
	return web.Post(c, start, show, func(f *web.Form[linkForm]) (string, error) {
		v := f.Value
		state, err := do[trace.LinkState](a, c, trace.Link{Key: v.Key, Type: cmp.Or(v.OwnType, v.Type), Href: v.Href, Title: v.Title, TitleZh: v.TitleZh, Lang: v.Lang, Media: v.Media, Default: v.Default})
		if err != nil {
			return "", err
		}
		c.Flash("%s is published.", v.Title)
		return hrefOfLinks(state.Key), nil
	})
}

// canonicalKey is a key as the ledger keeps it, or the text as it is.
func canonicalKey(text string) string {
	if id, err := gs1.Parse(strings.TrimSpace(text)); err == nil {
		return id.Path()
	}
	return text
}

// ownLinkRows are the company's links: of a key, or the first of all.
func (a *app) ownLinkRows(c *web.Ctx, key string) ([]linkRow, error) {
	return readmodel.All[linkRow](c.Context(), a.db, `SELECT `+linkColumns+` FROM tr_links WHERE owner = $1 AND ($2 = '' OR thing = $3) ORDER BY thing, type, title, id LIMIT $4`,
		c.User().Party, key, key, web.MaxLimit)
}

func (a *app) linkTable(c *web.Ctx, n *names, rows []linkRow, keys bool) web.Table {
	t := web.Table{Label: "Links", Count: c.T("%s links", len(rows)), Columns: []web.Column{{Label: "Link"}, {Label: "What it is about"}, {Label: "Language"}, {Label: "Media type"}, {Label: "Default"}, {}},
		Empty: web.Empty{Title: "No links yet", Text: "Enter where shoppers and partners read more: a page, a leaflet, a recipe."}}
	if keys {
		t.Columns = append([]web.Column{{Label: "Identifier"}}, t.Columns...)
	}
	for _, l := range rows {
		cells := []any{web.Link{Text: l.title(c.Lang()), Href: l.Href}, wordOfLinkType(c, l.Type), l.Lang, l.Media, nil,
			web.Act{Label: "Withdraw", Href: "/traceability/links/withdraw", Post: true, Danger: true, Confirm: "Withdraw this link? Codes that led there lead to the default then.", Fields: map[string]string{"key": l.Key, "id": l.ID}}}
		if l.Default {
			cells[4] = web.Chip{Word: "default", Tone: web.Good}
		}
		row := web.TableRow{Cells: cells}
		if keys {
			row.Href = hrefOfLinks(l.Key)
			row.Cells = append([]any{l.Key}, cells...)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (a *app) withdrawLink(c *web.Ctx) error {
	state, err := do[trace.LinkState](a, c, trace.Unlink{Key: c.FormValue("key"), ID: c.FormValue("id")})
	if err != nil {
		return err
	}
	c.Flash("The link is withdrawn.")
	return c.Redirect(hrefOfLinks(state.Key))
}

func (a *app) apiLinks(c *web.Ctx) error {
	list, key, owner := apiList(c, nil), canonicalKey(c.QueryParam("key")), c.QueryParam("owner")
	if key == "" && owner == "" {
		owner = c.User().Party
	}
	thing, id, _ := strings.Cut(list.After, " ")
	rows, err := readmodel.All[linkRow](c.Context(), a.db, `SELECT `+linkColumns+` FROM tr_links WHERE ($1 = '' OR thing = $2) AND ($3 = '' OR owner = $4)
		AND (thing, id) > ($5, $6) ORDER BY thing, id LIMIT $7`, key, key, owner, owner, thing, id, list.Limit+1)
	if err != nil {
		return err
	}
	return apiPage(c, rows, list.Limit, func(l linkRow) string { return l.Key + " " + l.ID })
}

func (a *app) apiPublishLink(c *web.Ctx) error {
	var in trace.Link
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	return apiDo[trace.LinkState](a, c, http.StatusCreated, in)
}

func (a *app) apiWithdrawLink(c *web.Ctx) error {
	id := idOf(c)
	keys, err := readmodel.All[string](c.Context(), a.db, `SELECT thing FROM tr_links WHERE id = $1 AND owner = $2`, id, c.User().Party)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return trace.ErrNoLink.Refuse("%s", id)
	}
	return apiDo[trace.LinkState](a, c, http.StatusOK, trace.Unlink{Key: keys[0], ID: id})
}

// wordOfLinkType is what a link type is about, for people.
func wordOfLinkType(c *web.Ctx, uri string) string {
	short := strings.Replace(uri, gs1.WebVocabulary, "gs1:", 1)
	for _, o := range linkTypeOptions {
		if o.Value == short {
			return c.T(o.Text)
		}
	}
	return short
}

// inWords are options in the reader's language.
func inWords(c *web.Ctx, options []web.Option) (all []web.Option) {
	for _, o := range options {
		all = append(all, web.Option{Value: o.Value, Text: c.T(o.Text)})
	}
	return all
}

func mediaOptions() []web.Option {
	all := []web.Option{{Value: "", Text: "Not told"}}
	for _, m := range trace.MediaTypes() {
		all = append(all, web.Option{Value: m, Text: m})
	}
	return all
}

// pageLanguages are those that a form offers; the API takes any.
var pageLanguages = []web.Option{{Value: "", Text: "Several, or none"}, {Value: "en", Text: "English"}, {Value: "zh", Text: "Chinese"}, {Value: "zh-TW", Text: "Chinese (traditional)"},
	{Value: "de", Text: "German"}, {Value: "fr", Text: "French"}, {Value: "es", Text: "Spanish"}, {Value: "nl", Text: "Dutch"}, {Value: "ja", Text: "Japanese"}, {Value: "ko", Text: "Korean"}}

// linkTypeOptions are the link types of the GS1 Web Vocabulary that a food company
// has a use for, with what they are about; the API takes all of them.
var linkTypeOptions = []web.Option{
	{Value: "gs1:pip", Text: "Product information"},
	{Value: "gs1:ingredientsInfo", Text: "Ingredients"},
	{Value: "gs1:nutritionalInfo", Text: "Nutrition facts"},
	{Value: "gs1:allergenInfo", Text: "Allergens"},
	{Value: "gs1:consumerHandlingStorageInfo", Text: "Handling and storage"},
	{Value: "gs1:recipeInfo", Text: "Recipes"},
	{Value: "gs1:certificationInfo", Text: "Certificates"},
	{Value: "gs1:safetyInfo", Text: "Safety information"},
	{Value: "gs1:sustainabilityInfo", Text: "Sustainability"},
	{Value: "gs1:recyclingInfo", Text: "Recycling"},
	{Value: "gs1:productPassport", Text: "Product passport"},
	{Value: "gs1:traceability", Text: "Traceability"},
	{Value: "gs1:recallStatus", Text: "Recall status"},
	{Value: "gs1:epcis", Text: "EPCIS repository"},
	{Value: "gs1:masterData", Text: "Master data"},
	{Value: "gs1:hasRetailers", Text: "Where to buy it"},
	{Value: "gs1:promotion", Text: "Promotion"},
	{Value: "gs1:relatedImage", Text: "Picture"},
	{Value: "gs1:relatedVideo", Text: "Video"},
	{Value: "gs1:instructions", Text: "Instructions for use"},
	{Value: "gs1:faqs", Text: "Questions and answers"},
	{Value: "gs1:support", Text: "Customer support"},
	{Value: "gs1:review", Text: "Reviews"},
	{Value: "gs1:socialMedia", Text: "Social media"},
	{Value: "gs1:verificationService", Text: "Verification of the product"},
	{Value: "gs1:homepage", Text: "Company's website"},
	{Value: "gs1:locationInfo", Text: "About the place"},
	{Value: "gs1:openingHoursInfo", Text: "Opening hours"},
	{Value: "gs1:logisticsInfo", Text: "Logistics information"},
}
