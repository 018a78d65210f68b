package traceability

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// What companies demand of the events addressed to them: everybody reads it,
// each company sets its own, and a document is held against it before it goes
// to the ledger, so that its sender is told all that lacks at once. The contract
// refuses by the same profiles.

func (a *app) demandRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/demands", Name: "demands", Access: readers, Handler: a.listDemands},
		{Method: "GET", Path: "/traceability/demands/edit", Name: "demands.edit", Access: keepers, Handler: a.editDemand},
		{Method: "POST", Path: "/traceability/demands/edit", Name: "demands.set", Access: keepers, Handler: a.editDemand},
		{Method: "POST", Path: "/traceability/demands/withdraw", Name: "demands.withdraw", Access: keepers, Handler: a.withdrawDemand},
	}
}

// profiles are the demands of all companies that have any.
func (a *app) profiles(ctx context.Context) (map[string]epcis.Profile, error) {
	type row struct {
		Party   string `db:"party"`
		Profile string `db:"profile"`
	}
	rows, err := readmodel.All[row](ctx, a.db, `SELECT party, profile FROM tr_demands ORDER BY party`)
	if err != nil {
		return nil, fmt.Errorf("read the partners' demands: %w", err)
	}
	all := map[string]epcis.Profile{}
	for _, r := range rows {
		var p epcis.Profile
		if err := json.Unmarshal([]byte(r.Profile), &p); err != nil {
			return nil, fmt.Errorf("read the demands of %s: %w", r.Party, err)
		}
		all[r.Party] = p
	}
	return all, nil
}

// profile is what one company demands.
func (a *app) profile(ctx context.Context, company string) (epcis.Profile, error) {
	all, err := a.profiles(ctx)
	return all[company], err
}

// askPartners holds the events of a document against the demands of those to
// whom they are addressed.
func (a *app) askPartners(ctx context.Context, from string, all []incoming) error {
	profiles, err := a.profiles(ctx)
	if err != nil || len(profiles) == 0 {
		return err
	}
	firms, err := readmodel.All[addressee](ctx, a.db, `SELECT id, gln, prefixes FROM tr_parties`)
	if err != nil {
		return fmt.Errorf("read the partners: %w", err)
	}
	unmet := map[int]epcis.Problems{}
	var hashes []string
	for i, in := range all {
		if in.event == nil || len(in.Problems) > 0 || in.event.Error != nil {
			continue
		}
		if found := in.unmet(profiles, from, addressees(firms, in.event)); len(found) > 0 {
			unmet[i], hashes = found, append(hashes, in.Hash)
		}
	}
	there, err := a.captured(ctx, hashes)
	for i, found := range unmet {
		if !there[all[i].Hash] { // what was taken before it was demanded is a duplicate, not an offence
			all[i].Problems = found
		}
	}
	return err
}

// unmet are the demands of some companies that refuse the event.
func (in incoming) unmet(profiles map[string]epcis.Profile, from string, to []string) (all epcis.Problems) {
	for _, company := range to {
		if company == from {
			continue
		}
		for _, f := range profiles[company].Check(in.event) {
			if !f.Flag {
				all = append(all, epcis.Problem{Path: in.path + f.Path, Code: trace.ErrDemand.Code, Text: company + ": " + f.Text, Remedy: f.Remedy})
			}
		}
	}
	return all
}

// captured tells which events are on the ledger.
func (a *app) captured(ctx context.Context, hashes []string) (map[string]bool, error) {
	there := map[string]bool{}
	for _, some := range chunks(hashes) {
		list, args := inList(1, some)
		found, err := readmodel.All[string](ctx, a.db, `SELECT hash FROM tr_events WHERE hash IN `+list, args...)
		if err != nil {
			return nil, fmt.Errorf("read which events are known: %w", err)
		}
		for _, hash := range found {
			there[hash] = true
		}
	}
	return there, nil
}

// addressee is a company by what events name it by.
type addressee struct {
	ID       string `db:"id"`
	GLN      string `db:"gln"`
	Prefixes string `db:"prefixes"`
}

// addressees are the companies that an event is handed over to.
func addressees(firms []addressee, e *epcis.Event) (all []string) {
	for _, d := range e.Destinations {
		if d.Type != "owning_party" && d.Type != "possessing_party" {
			continue
		}
		if id := whose(firms, d.Value); id != "" && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// whose finds a company as the contract does: by its id, its GLN, or the
// longest prefix that its GLN lies under.
func whose(firms []addressee, uri string) string {
	if id, ok := strings.CutPrefix(uri, "urn:tallyway:party:"); ok {
		return id
	}
	key, err := gs1.Parse(uri)
	if err != nil || key.Primary.AI != "414" && key.Primary.AI != "417" {
		return ""
	}
	found, longest := "", 0
	for _, f := range firms {
		if f.GLN == key.Primary.Value {
			return f.ID
		}
		for prefix := range strings.FieldsSeq(f.Prefixes) {
			if strings.HasPrefix(key.Primary.Value, prefix) && len(prefix) > longest {
				found, longest = f.ID, len(prefix)
			}
		}
	}
	return found
}

// demandRow is one demand as the page lists it.
type demandRow struct {
	Party  string       `json:"party"`
	Demand epcis.Demand `json:"demand"`
}

func (a *app) listDemands(c *web.Ctx) error {
	all, err := a.profiles(c.Context())
	if err != nil {
		return err
	}
	n, own := a.names(c), c.User().Party
	v := struct {
		Table web.Table   `json:"-"`
		Items []demandRow `json:"items"`
		Edits bool        `json:"-"`
	}{Items: []demandRow{}, Edits: own != "" && keepers.Allows(c.User())}
	v.Table = web.Table{List: c.List(web.ListOptions{}), Label: "Partners' demands",
		Columns: []web.Column{{Label: "Company"}, {Label: "Of which events"}, {Label: "Asks for"}, {Label: "Otherwise"}, {Label: "Why"}, {}},
		Empty:   web.Empty{Title: "Nobody demands anything yet.", Text: "Say what the events addressed to you must hold; senders are told before they ship."}}
	companies := make([]string, 0, len(all))
	for company := range all {
		companies = append(companies, company)
	}
	slices.SortFunc(companies, func(x, y string) int { // one's own first
		if (x == own) != (y == own) {
			if x == own {
				return -1
			}
			return 1
		}
		return strings.Compare(x, y)
	})
	for _, company := range companies {
		for i, d := range all[company] {
			v.Items = append(v.Items, demandRow{company, d})
			row := web.TableRow{Cells: []any{n.Party(company), aboutWords(c, d), asksWords(c, d), severityChip(d), d.Note, nil}}
			if v.Edits && company == own {
				row.Href = "/traceability/demands/edit?n=" + strconv.Itoa(i)
				row.Cells[5] = web.Act{Label: "Withdraw", Href: "/traceability/demands/withdraw", Post: true, Danger: true,
					Confirm: "Withdraw this demand?", Fields: map[string]string{"n": strconv.Itoa(i)}}
			}
			v.Table.Rows = append(v.Table.Rows, row)
		}
	}
	v.Table.Count = c.T("%s demands", len(v.Items))
	return c.Render("demands.html", v)
}

func severityChip(d epcis.Demand) web.Chip {
	if d.Severity == epcis.Flag {
		return web.Chip{Word: "flagged", Tone: web.Warn}
	}
	return web.Chip{Word: "refused", Tone: web.Bad}
}

// aboutWords say which events a demand is about.
func aboutWords(c *web.Ctx, d epcis.Demand) string {
	if len(d.Types)+len(d.Steps) == 0 {
		return c.T("all events")
	}
	return strings.Join(append(slices.Clone(d.Types), d.Steps...), ", ")
}

// asksWords say what a demand asks for.
func asksWords(c *web.Ctx, d epcis.Demand) string {
	var parts []string
	for _, p := range []struct {
		text string
		list []string
	}{{"fields %s", d.Fields}, {"transactions %s", d.Transactions}, {"units %s", d.Units}, {"only the steps %s", d.OnlySteps}, {"only from %s", d.OnlyReadPoints}} {
		if len(p.list) > 0 {
			parts = append(parts, c.T(p.text, strings.Join(p.list, ", ")))
		}
	}
	return strings.Join(parts, "; ")
}

// demandForm is one demand, its lists as words apart.
type demandForm struct {
	Types          string `form:"types"`
	Steps          string `form:"steps"`
	Fields         string `form:"fields"`
	Transactions   string `form:"transactions"`
	Units          string `form:"units"`
	OnlySteps      string `form:"onlySteps"`
	OnlyReadPoints string `form:"onlyReadPoints"`
	Severity       string `form:"severity,required"`
	Note           string `form:"note"`
}

func formOfDemand(d epcis.Demand) demandForm {
	return demandForm{words(d.Types), words(d.Steps), words(d.Fields), words(d.Transactions), words(d.Units), words(d.OnlySteps), words(d.OnlyReadPoints),
		orElse(d.Severity, epcis.Refuse), d.Note}
}

func (f demandForm) demand() epcis.Demand {
	list := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,;\r\n\t，；", r) })
	}
	return epcis.Demand{Types: list(f.Types), Steps: list(f.Steps), Fields: list(f.Fields), Transactions: list(f.Transactions), Units: list(f.Units),
		OnlySteps: list(f.OnlySteps), OnlyReadPoints: list(f.OnlyReadPoints), Severity: f.Severity, Note: strings.TrimSpace(f.Note)}
}

var severities = []web.Option{{Value: epcis.Refuse, Text: "The event is refused"}, {Value: epcis.Flag, Text: "The event is taken and flagged"}}

// editDemand writes a demand, new or in place of one; a preview tells first
// whom it would have hit.
func (a *app) editDemand(c *web.Ctx) error {
	profile, err := a.profile(c.Context(), c.User().Party)
	if err != nil {
		return err
	}
	n, start := numberOf(c, profile), demandForm{Severity: epcis.Refuse}
	if n < len(profile) {
		start = formOfDemand(profile[n])
	}
	show := func(f *web.Form[demandForm]) error { return a.showDemand(c, f, nil) }
	if c.Request().Method == "POST" && c.FormValue("preview") != "" {
		return a.previewDemand(c)
	}
	return web.Post(c, start, show, func(f *web.Form[demandForm]) (string, error) {
		d := f.Value.demand()
		if err := soundDemand(d); err != nil {
			return "", err
		}
		next := append(slices.Clone(profile[:n]), d)
		next = append(next, profile[min(n+1, len(profile)):]...)
		if _, err := do[trace.Asked](a, c, trace.Demand{Profile: next}); err != nil {
			return "", blame(f, err, "", map[string]string{"profile": ""})
		}
		c.Flash("The demand stands from now on.")
		return "/traceability/demands", nil
	})
}

// numberOf is which demand a request is about; the number behind the last one
// is a new one's.
func numberOf(c *web.Ctx, profile epcis.Profile) int {
	n, err := strconv.Atoi(c.QueryParam("n"))
	if err != nil || n < 0 || n > len(profile) {
		return len(profile)
	}
	return n
}

// soundDemand refuses what cannot be demanded, beside the entry it stands in.
func soundDemand(d epcis.Demand) error {
	problems := epcis.Profile{d}.Validate()
	if len(problems) == 0 {
		return nil
	}
	parts := strings.Split(problems[0].Path, "/") // "", "0", the entry, its index
	entry := "fields"
	if len(parts) > 2 {
		entry = parts[2]
	}
	return trace.ErrProfile.Refuse("%s", problems[0].Code).On(entry)
}

func (a *app) withdrawDemand(c *web.Ctx) error {
	profile, err := a.profile(c.Context(), c.User().Party)
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(c.FormValue("n")); err == nil && n >= 0 && n < len(profile) {
		if _, err := do[trace.Asked](a, c, trace.Demand{Profile: slices.Delete(slices.Clone(profile), n, n+1)}); err != nil {
			return err
		}
		c.Flash("The demand is withdrawn.")
	}
	return c.Redirect("/traceability/demands")
}

// demandPreview says what a demand would have done to the latest events.
type demandPreview struct {
	Table web.Table
	Stats []web.Stat
}

func (a *app) showDemand(c *web.Ctx, f *web.Form[demandForm], preview *demandPreview) error {
	return c.Render("demand.html", struct {
		Form       *web.Form[demandForm]
		Severities []web.Option
		Preview    *demandPreview
	}{f, severities, preview})
}

func (a *app) previewDemand(c *web.Ctx) error {
	f, err := web.ReadForm[demandForm](c)
	if err != nil {
		return err
	}
	d := f.Value.demand()
	if err := soundDemand(d); err != nil && f.OK() {
		f.Refuse(err)
	}
	if !f.OK() {
		c.Status(422)
		return a.showDemand(c, f, nil)
	}
	preview, err := a.tryDemand(c, d)
	if err != nil {
		return err
	}
	return a.showDemand(c, f, preview)
}

// mostTried is how many of the latest events a preview is made of.
const mostTried = 100

// hashDigits is enough of a hash to tell events apart on a page.
func hashDigits(hash string) string {
	digits := strings.TrimPrefix(hash, "ni:///sha-256;")
	return digits[:min(8, len(digits))]
}

// tryDemand holds a demand against the latest hand-overs to the company: those
// whose bodies both sides of a shipment read.
func (a *app) tryDemand(c *web.Ctx, d epcis.Demand) (*demandPreview, error) {
	type row struct {
		Hash   string `db:"hash"`
		Author string `db:"author"`
		Body   string `db:"body"`
	}
	rows, err := readmodel.All[row](c.Context(), a.db, `SELECT e.hash, e.author, e.body FROM tr_shipments s JOIN tr_events e ON e.hash = s.event
		WHERE (s.receiver = $1 OR s.carrier = $2) AND e.sharing IN ($3, $4) ORDER BY s.at DESC LIMIT $5`,
		c.User().Party, c.User().Party, trace.Linked, trace.Public, mostTried)
	if err != nil {
		return nil, fmt.Errorf("read the latest hand-overs to %s: %w", c.User().Party, err)
	}
	n, hit := a.names(c), 0
	t := web.Table{Label: "What would lack", Columns: []web.Column{{Label: "Event"}, {Label: "Sender"}, {Label: "Where"}, {Label: "Lacks"}},
		Empty: web.Empty{Title: "All of them meet the demand."}}
	for _, r := range rows {
		var e epcis.Event
		if err := json.Unmarshal([]byte(r.Body), &e); err != nil {
			return nil, fmt.Errorf("read the event %s: %w", r.Hash, err)
		}
		found := epcis.Profile{d}.Check(&e)
		if len(found) > 0 {
			hit++
		}
		for _, f := range found {
			t.Rows = append(t.Rows, web.TableRow{Href: eventHref(r.Hash), Cells: []any{hashDigits(r.Hash), n.Party(r.Author), f.Path, f.Code}})
		}
	}
	return &demandPreview{t, []web.Stat{{Label: "Latest hand-overs to you", Value: strconv.Itoa(len(rows))}, {Label: "Would lack something", Value: strconv.Itoa(hit)}}}, nil
}
