package traceability

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tallyway/tallyway/apps/traceability/resolver"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// resolverRoutes are the addresses in the codes on packs, pallets and places
// (GS1 Digital Link), and what the resolver behind them tells of itself: no
// sign-in stands before them.
func (a *app) resolverRoutes() (routes []web.Route) {
	route := func(path, name string, handler func(*web.Ctx) error) {
		routes = append(routes, web.Route{Method: "GET", Path: path, Name: name, Access: web.Public, Handler: handler},
			web.Route{Method: "OPTIONS", Path: path, Name: name + ".options", Access: web.Public, Handler: resolverOptions})
	}
	for _, ai := range gs1.Keys() {
		route("/"+ai+"/*", "resolver."+ai, a.resolve)
	}
	route("/:compressed", "resolver.compressed", a.resolve)
	route("/scan/*", "resolver.page", a.scan)
	route(resolver.DescriptionPath, "resolver.description", a.describeResolver)
	route(resolver.ContextPath, "resolver.context", func(c *web.Ctx) error {
		openToAll(c)
		return c.Blob(http.StatusOK, resolver.MediaContext, []byte(`{"@context": `+resolver.Context+"}\n"))
	})
	return routes
}

// Header fields of every answer of the resolver: pages of any origin may ask it.
var (
	anyOrigin = []string{"*"}
	exposed   = []string{"Link, Location, ETag"}
)

func openToAll(c *web.Ctx) {
	h := c.Response().Header()
	h["Access-Control-Allow-Origin"], h["Access-Control-Expose-Headers"] = anyOrigin, exposed
}

// resolverOptions answers what a browser asks before it lets a script of another
// page ask.
func resolverOptions(c *web.Ctx) error {
	openToAll(c)
	h := c.Response().Header()
	h.Set("Allow", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "Accept, Accept-Language, If-None-Match")
	h.Set("Access-Control-Max-Age", "86400")
	return c.NoContent(http.StatusNoContent)
}

func (a *app) describeResolver(c *web.Ctx) error {
	openToAll(c)
	b, err := resolver.Description(a.host.Base(c))
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/json", b)
}

// errUnknownKey and errNoLinkType are what a resolver has nothing to say to.
var (
	errUnknownKey = chaincode.Rule{Code: "resolver/unknown", Kind: chaincode.NotFound,
		Text: "Nothing is known of this identifier.", Remedy: "Compare it with the code, or ask its owner whether it is registered here."}
	errNoLinkType = chaincode.Rule{Code: "resolver/no-link", Kind: chaincode.NotFound,
		Text: "The identifier has no link of this type.", Remedy: "Ask with linkType=linkset for the links that there are."}
)

// identifierRules are the rules by which an identifier is refused, as package gs1
// names them.
var identifierRules = map[string]chaincode.Rule{
	"gs1/check-digit": {Code: "gs1/check-digit", Kind: chaincode.Malformed, Text: "The check digit of a GS1 key does not fit the digits before it.", Remedy: "Compare it with the code, digit by digit."},
	"gs1/length":      {Code: "gs1/length", Kind: chaincode.Malformed, Text: "A GS1 value is too short or too long.", Remedy: "Compare it with the code, digit by digit."},
	"gs1/character":   {Code: "gs1/character", Kind: chaincode.Malformed, Text: "A GS1 value holds a character that may not stand there.", Remedy: "Compare it with the code; a special character is percent-encoded."},
	"gs1/value":       {Code: "gs1/value", Kind: chaincode.Malformed, Text: "A GS1 value is none of those that may stand there.", Remedy: "Compare it with the GS1 General Specifications."},
	"gs1/syntax":      {Code: "gs1/syntax", Kind: chaincode.Malformed, Text: "This is not a GS1 Digital Link.", Remedy: "Write it as /01/ and a GTIN, then its qualifiers."},
	"gs1/unknown-key": {Code: "gs1/unknown-key", Kind: chaincode.Malformed, Text: "This is no GS1 application identifier that can stand there.", Remedy: "Begin with a key such as 01 for a GTIN."},
	"gs1/order":       {Code: "gs1/order", Kind: chaincode.Malformed, Text: "Qualifiers stand behind their key, in the order of the standard.", Remedy: "A GTIN's are 22, 10 and 21, or 235 alone."},
}

// scanned is a Digital Link as it was asked for.
type scanned struct {
	id      gs1.ID
	address string // uncompressed: "/01/09506000134352/10/L1"
	query   string // to be passed on
	packed  bool   // it was compressed
	resolver.Request
}

// resolve answers a GS1 Digital Link: people get the page of what they have
// scanned, everybody else is led to where the links say.
func (a *app) resolve(c *web.Ctx) error {
	r := c.Request()
	if r.URL.RawQuery == "" && strings.HasPrefix(r.URL.Path, "/01/") && takesPage(r.Header["Accept"]) && !resolver.Uneven(r.URL.Path) {
		return a.showPack(c, r.URL.EscapedPath()) // which most that come here want
	}
	openToAll(c)
	s, err := readScanned(c)
	if err != nil {
		return a.refuseIdentifier(c, err)
	}
	h := c.Response().Header()
	h["Vary"] = varies
	h.Add("Link", resolver.Header(s.address))
	if s.packed {
		h.Add("Link", resolver.SameAs(a.host.Base(c)+s.address+asQuery(s.query)))
	}
	if s.LinkType == "" && takesPage(r.Header["Accept"]) {
		return a.showScanned(c, s.id, s.address)
	}
	levels, err := a.levels(c, s.id)
	if err != nil {
		return err
	}
	if s.Linkset() {
		return a.showLinks(c, http.StatusOK, s, levels)
	}
	switch chosen := s.Choose(levels); {
	case len(chosen) == 1:
		h.Add("Link", chosen[0].LinkHeader())
		h.Set("Location", chosen[0].Target(s.query))
		return c.NoContent(http.StatusTemporaryRedirect)
	case len(chosen) > 1:
		for _, l := range chosen {
			h.Add("Link", l.LinkHeader())
		}
		return a.showLinks(c, http.StatusMultipleChoices, s, only(levels, chosen))
	case s.LinkType == "" || !anyLinks(levels):
		return a.refuseProblem(c, http.StatusNotFound, errUnknownKey.Refuse("%s", s.address[1:]), "", "")
	}
	return a.refuseProblem(c, http.StatusNotFound, errNoLinkType.Refuse("%s", s.LinkType), "linkType", "")
}

// scan is the page of a Digital Link for whoever asks, in whatever way: where the
// resolver's own links lead.
func (a *app) scan(c *web.Ctx) error {
	openToAll(c)
	address := strings.TrimPrefix(c.Request().URL.EscapedPath(), "/scan")
	id, err := gs1.Parse(address)
	if err != nil {
		return a.refuseIdentifier(c, err)
	}
	return a.showScanned(c, id, address)
}

func (a *app) showScanned(c *web.Ctx, id gs1.ID, address string) error {
	if id.Primary.AI == "01" {
		return a.showPack(c, address)
	}
	return a.showThing(c, id)
}

// readScanned reads and checks the request's URI (GS1 Digital Link: URI Syntax, 4).
func readScanned(c *web.Ctx) (s scanned, err error) {
	u, h := c.Request().URL, c.Request().Header
	s = scanned{address: strings.TrimSuffix(u.EscapedPath(), "/"), query: u.RawQuery}
	if s.id, err = gs1.Parse(s.address); err != nil && gs1.Compressed(s.address) {
		var path, query string
		if path, query, err = gs1.Decompress(s.address); err == nil {
			s.id, err = gs1.Parse(path)
			s.packed, s.address, s.query = true, "/"+path, joinQuery(query, u.RawQuery)
		}
	}
	if err != nil {
		foreign := errors.Is(err, &gs1.Error{Code: "gs1/syntax"}) || errors.Is(err, &gs1.Error{Code: "gs1/unknown-key"})
		if foreign && c.Param("compressed") != "" { // any page that there is not
			return s, web.ErrNoPage.Refuse("")
		}
		return s, err
	}
	if err := resolver.CheckQuery(s.query); err != nil {
		return s, err
	}
	s.Request = resolver.Request{LinkType: u.Query().Get("linkType"), Accept: resolver.ReadPreferences(h.Get("Accept")), Languages: resolver.ReadPreferences(h.Get("Accept-Language"))}
	return s, nil
}

func joinQuery(a, b string) string { return strings.Trim(a+"&"+b, "&") }

func asQuery(query string) string {
	if query == "" {
		return ""
	}
	return "?" + query
}

// takesPage reports whether a visitor would read a page or its data rather than be
// led on: browsers say so, and who says nothing gets it as well.
func takesPage(accept []string) bool {
	if len(accept) == 0 || accept[0] == "" {
		return true
	}
	return (strings.Contains(accept[0], "text/html") || strings.Contains(accept[0], "application/json")) && !strings.Contains(accept[0], "linkset")
}

// refuseIdentifier answers an identifier that cannot be right: a sober page for
// people, a problem that names the rule for programs.
func (a *app) refuseIdentifier(c *web.Ctx, err error) error {
	var no *gs1.Error
	if !errors.As(err, &no) {
		return err
	}
	if takesPage(c.Request().Header["Accept"]) && !c.WantsJSON() {
		v := &shopperView{Verdict: unread, Rule: broken(err), Remedy: "Compare it with the number on the pack, digit by digit.", Address: c.Request().URL.EscapedPath(), Lang: c.Lang()}
		return a.shelf.send(c, http.StatusBadRequest, a.shelf.render(shelfKey{v.Address, v.Lang}, v, false))
	}
	return a.refuseProblem(c, http.StatusBadRequest, identifierRules[no.Code].Refuse("%s", no.Text), no.Field, no.Remedy)
}

// refuseScan answers a program that asked for the data of a page which there is not.
func (a *app) refuseScan(c *web.Ctx, v *shopperView) error {
	openToAll(c)
	if v.Verdict == unread {
		_, err := gs1.Parse(v.Address)
		return a.refuseIdentifier(c, err)
	}
	return a.refuseProblem(c, http.StatusNotFound, errUnknownKey.Refuse("%s", v.Address[1:]), "", "")
}

// refuseProblem answers with a problem document (RFC 9457).
func (a *app) refuseProblem(c *web.Ctx, status int, no *chaincode.Refusal, field, remedy string) error {
	if takesPage(c.Request().Header["Accept"]) && !c.WantsJSON() {
		return no // the house's own page
	}
	p := c.Problem(no)
	p.Status, p.Field = status, field
	if remedy != "" {
		p.Remedy = remedy
	}
	c.Response().Header().Set("Content-Type", "application/problem+json")
	return writeJSON(c, status, p)
}

// showLinks answers with links to choose from: a page for people, a linkset for
// programs (RFC 9264).
func (a *app) showLinks(c *web.Ctx, status int, s scanned, levels []resolver.Level) error {
	if !anyLinks(levels) {
		return a.refuseProblem(c, http.StatusNotFound, errUnknownKey.Refuse("%s", s.address[1:]), "", "")
	}
	accept := c.Request().Header.Get("Accept")
	if strings.Contains(accept, "text/html") && !s.Accept.Names(resolver.MediaLinkset) {
		return a.sendThing(c, status, a.linksView(c, s.id, levels))
	}
	media := resolver.MediaLinkset
	for _, other := range []string{resolver.MediaContext, "application/json"} {
		if s.Accept.Names(other) && !s.Accept.Names(resolver.MediaLinkset) {
			media = other
			break
		}
	}
	b, err := resolver.Linkset(a.host.Base(c), levels, media == resolver.MediaContext)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Add("Link", resolver.ContextHeader)
	h["Cache-Control"] = askAgain
	return c.Blob(status, media, b)
}

func anyLinks(levels []resolver.Level) bool {
	for _, level := range levels {
		if len(level.Links) > 0 {
			return true
		}
	}
	return false
}

// only keeps the chosen links.
func only(levels []resolver.Level, chosen []resolver.Link) []resolver.Level {
	for _, level := range levels {
		if len(level.Links) > 0 && hasLink(level.Links, chosen[0]) {
			level.Links = chosen
			return []resolver.Level{level}
		}
	}
	return nil
}

func hasLink(links []resolver.Link, one resolver.Link) bool {
	for _, l := range links {
		if l == one {
			return true
		}
	}
	return false
}

// linkRow is a row of tr_links.
type linkRow struct {
	Key     string `db:"thing" json:"key"`
	ID      string `db:"id" json:"id"`
	Type    string `db:"type" json:"type"`
	Href    string `db:"href" json:"href"`
	Title   string `db:"title" json:"title"`
	TitleZh string `db:"title_zh" json:"titleZh,omitempty"`
	Lang    string `db:"lang" json:"lang,omitempty"`
	Media   string `db:"media" json:"media,omitempty"`
	Default bool   `db:"preferred" json:"default,omitempty"`
	Owner   string `db:"owner" json:"owner"`
}

const linkColumns = `thing, id, type, href, title, title_zh, lang, media, preferred, owner`

// title is the link's title for a reader.
func (l linkRow) title(lang string) string {
	if lang == "zh" && l.TitleZh != "" {
		return l.TitleZh
	}
	return l.Title
}

// linksOf reads the links of some keys.
func (a *app) linksOf(ctx context.Context, ids []gs1.ID) ([]linkRow, error) {
	var keys []string
	for _, id := range ids {
		keys = append(keys, id.Path())
	}
	list, args := inList(1, keys)
	rows, err := readmodel.All[linkRow](ctx, a.db, `SELECT `+linkColumns+` FROM tr_links WHERE thing IN `+list+` ORDER BY thing, type, title, id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the links of %s: %w", keys[0], err)
	}
	return rows, nil
}

// levels are what a request can be led to: the links of its owner, level by level,
// and the resolver's own. Where no owner named a default, it is the finest of ours.
func (a *app) levels(c *web.Ctx, id gs1.ID) ([]resolver.Level, error) {
	ids := id.Levels()
	rows, err := a.linksOf(c.Context(), ids)
	if err != nil {
		return nil, err
	}
	levels, usual, n := make([]resolver.Level, len(ids)), false, a.names(c)
	for i, at := range ids {
		levels[i] = resolver.Level{ID: at, About: about(n, at)}
		for _, l := range rows {
			if l.Key == at.Path() {
				levels[i].Links = append(levels[i].Links, resolver.Link{Type: l.Type, Href: l.Href, Title: l.title(n.lang), Lang: l.Lang, Media: l.Media, Default: l.Default})
				usual = usual || l.Default
			}
		}
	}
	for i := range levels {
		own, err := a.ownLinks(c, levels[i])
		if err != nil {
			return nil, err
		}
		if !usual && len(own) > 0 {
			own[0].Default, usual = true, true
		}
		levels[i].Links = append(levels[i].Links, own...)
	}
	return levels, nil
}

// ownLinks are the pages of this house about a level that it knows.
func (a *app) ownLinks(c *web.Ctx, level resolver.Level) (links []resolver.Link, err error) {
	known, err := a.knows(c, level)
	if err != nil || !known {
		return nil, err
	}
	path := level.ID.Path()
	page := a.host.Base(c) + "/scan/" + path
	add := func(kind, href, title, media string) {
		links = append(links, resolver.Link{Type: gs1.WebVocabulary + kind, Href: href, Title: title, Media: media})
	}
	switch level.ID.Primary.AI {
	case "414":
		add("locationInfo", page, c.T("About this place"), "text/html")
	case "415", "417":
		add("registryEntry", page, c.T("About this company"), "text/html")
	case "00", "01":
		add("traceability", page, c.T("Where it comes from"), "text/html")
	default:
		add("pip", page, c.T("About this identifier"), "text/html")
	}
	if level.ID.Primary.AI != "01" {
		return links, nil
	}
	add("recallStatus", page, c.T("Whether it is recalled"), "text/html")
	if len(level.ID.Qualifiers) == 0 && !hasType(level.Links, gs1.WebVocabulary+"pip") {
		add("pip", page, c.T("About this product"), "text/html")
	}
	if c.User() == nil {
		return links, nil
	}
	r, err := a.reader(c)
	if err == nil && r.reads(keyOfLot(level.ID)) && a.repository() {
		add("epcis", a.host.Base(c)+"/epcis/v2/epcs/"+url.PathEscape(level.ID.URI())+"/events", c.T("Its EPCIS events"), "application/json")
	}
	return links, err
}

// repository reports whether this host answers EPCIS queries by identifier.
func (a *app) repository() bool {
	for _, r := range a.host.Web.Matrix() {
		if strings.HasPrefix(r.Path, "/epcis/v2/epcs/") {
			return true
		}
	}
	return false
}

func hasType(links []resolver.Link, kind string) bool {
	for _, l := range links {
		if l.Type == kind {
			return true
		}
	}
	return false
}

// knows reports whether there is something to tell of a level.
func (a *app) knows(c *web.Ctx, level resolver.Level) (bool, error) {
	id := level.ID
	ask := func(query, key string) (bool, error) {
		l, err := a.directory.look(c.Context(), question{query, key})
		return l.found, err
	}
	switch {
	case id.Primary.AI == "01" && len(id.Qualifiers) == 0:
		return ask(`SELECT owner, storage FROM tr_products WHERE gtin = $1`, id.GTIN())
	case id.Primary.AI == "01":
		rows, err := readmodel.All[string](c.Context(), a.db, `SELECT id FROM tr_lots WHERE id = $1 AND made <> '0'`, id.Path())
		return len(rows) > 0, err
	case id.Primary.AI == "414" && len(id.Qualifiers) == 0:
		return ask(`SELECT name, name_zh FROM tr_places WHERE gln = $1`, id.Primary.Value)
	case len(id.Qualifiers) > 0:
		return len(level.Links) > 0, nil
	case id.Primary.AI == "00", id.Primary.AI == "415", id.Primary.AI == "417":
		owner, err := a.ownerOf(c.Context(), id)
		return owner != "", err
	}
	return len(level.Links) > 0, nil
}

// ownerOf is the company that a key belongs to, or "".
func (a *app) ownerOf(ctx context.Context, id gs1.ID) (string, error) {
	all, err := readmodel.All[companyRow](ctx, a.db, `SELECT id, member, name, name_zh, kinds, gln, prefixes, standing FROM tr_parties WHERE prefixes <> '' OR gln = $1 ORDER BY id`, id.Primary.Value)
	if err != nil {
		return "", fmt.Errorf("read whose %s is: %w", id.Path(), err)
	}
	for _, p := range all {
		if p.GLN == id.Primary.Value {
			return p.ID, nil
		}
		for prefix := range strings.FieldsSeq(p.Prefixes) {
			if id.HasPrefix(prefix) {
				return p.ID, nil
			}
		}
	}
	return "", nil
}

// about says what an identifier stands for, in a few words.
func about(n *names, id gs1.ID) string {
	switch id.Primary.AI {
	case "01":
		return strings.TrimSpace(strings.Join([]string{n.Product(id.GTIN()), id.Lot(), id.Serial()}, " "))
	case "414":
		return n.Place(id.Primary.Value)
	}
	return elementString(id)
}

// elementString is an ID as people read it under a code: "(01)09506000134352(10)L1".
func elementString(id gs1.ID) string {
	text := "(" + id.Primary.AI + ")" + id.Primary.Value
	for _, q := range id.Qualifiers {
		text += "(" + q.AI + ")" + q.Value
	}
	return text
}
