package traceability

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tallyway/tallyway/apps/traceability/scans"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// Alarms about copied serial numbers and lots on wrong ways: for the brand, and
// for the regulator to read.

func (a *app) alarmRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/alarms", Name: "alarms", Access: readers, Handler: a.alarmList},
		{Method: "GET", Path: "/traceability/alarms/:id", Name: "alarms.show", Access: readers, Handler: a.alarmPage},
		{Method: "POST", Path: "/traceability/alarms/:id", Name: "alarms.judge", Access: keepers, Handler: a.alarmPage},
		{Method: "POST", Path: "/traceability/alarms/:id/unwarn", Name: "alarms.unwarn", Access: keepers, Handler: a.unwarn},
		{Method: "GET", Path: "/api/alarms", Name: "api.alarms", Access: readers, Handler: a.apiAlarms, Doc: &web.Doc{
			Summary: "Alarms about copied serial numbers and lots on wrong ways of your products, the newest first.", List: true,
			States: []string{alarmOpen, alarmConfirmed, alarmDismissed}, Reply: alarm{}}},
		{Method: "GET", Path: "/api/alarms/:id", Name: "api.alarm", Access: readers, Handler: a.apiAlarm, Doc: &web.Doc{Summary: "One alarm with its signs.", Reply: alarm{}}},
		{Method: "POST", Path: "/api/alarms/:id/judge", Name: "api.alarm.judge", Access: keepers, Handler: a.apiJudge, Doc: &web.Doc{
			Summary: "Confirm an alarm or dismiss it, with a reason; publish warns everybody who scans the serial number.", Body: judgement{}, Reply: alarm{}}},
	}
}

var (
	errNoAlarm = chaincode.Rule{Code: "shopper/no-alarm", Kind: chaincode.NotFound,
		Text: "There is no such alarm.", Remedy: "Check the address; alarms are shown to the brand that they are for."}
	errJudgement = chaincode.Rule{Code: "shopper/judgement", Kind: chaincode.Malformed,
		Text:   "An alarm is confirmed as counterfeit, stolen or diverted, or dismissed as a shared address, a journey, a test, a wrong place or another reason.",
		Remedy: "Choose one of the reasons of the list; only what is confirmed of one serial number is published."}
)

// The states of an alarm.
const (
	alarmOpen      = "open"
	alarmConfirmed = "confirmed"
	alarmDismissed = "dismissed"
)

var alarmStates = []web.Option{{Value: alarmOpen, Text: "Open"}, {Value: alarmConfirmed, Text: "Confirmed"}, {Value: alarmDismissed, Text: "Dismissed"}}

// judgements are the reasons by which an alarm is judged; the first three, those
// of trace.Warn, confirm it.
var judgements = []web.Option{{Value: "counterfeit", Text: "Confirmed: counterfeit"}, {Value: "stolen", Text: "Confirmed: stolen"}, {Value: "diverted", Text: "Confirmed: on a wrong way"},
	{Value: "shared", Text: "Dismissed: the address was passed on"}, {Value: "journey", Text: "Dismissed: somebody travelled with it"}, {Value: "test", Text: "Dismissed: our own test"},
	{Value: "wrong-place", Text: "Dismissed: a wrong place was given"}, {Value: "other", Text: "Dismissed: another reason"}}

// alarm is a row of tr_alarms.
type alarm struct {
	ID     string     `db:"id" json:"id"`
	Thing  string     `db:"thing" json:"thing"`
	Lot    string     `db:"lot" json:"lot,omitempty"`
	GTIN   string     `db:"gtin" json:"gtin"`
	Brand  string     `db:"brand" json:"brand"`
	State  string     `db:"state" json:"state"`
	Score  int        `db:"score" json:"score"`
	Text   string     `db:"signs" json:"-"`
	First  time.Time  `db:"first" json:"first"`
	Latest time.Time  `db:"latest" json:"latest"`
	Reason string     `db:"reason" json:"reason,omitempty"`
	Note   string     `db:"note" json:"note,omitempty"`
	Judge  string     `db:"judge" json:"judge,omitempty"`
	Judged *time.Time `db:"judged" json:"judged,omitempty"`

	Signs []scans.Sign `db:"-" json:"signs"`
}

const alarmColumns = `id, thing, lot, gtin, brand, state, score, signs, first, latest, reason, note, judge, judged`

// read fills in the signs, the gravest first.
func (m *alarm) read() error {
	if err := json.Unmarshal([]byte(m.Text), &m.Signs); err != nil {
		return fmt.Errorf("read the signs of %s: %w", m.ID, err)
	}
	slices.SortStableFunc(m.Signs, func(x, y scans.Sign) int { return y.Weight - x.Weight })
	return nil
}

func (m alarm) chip() web.Chip {
	tone := map[string]string{alarmOpen: web.Warn, alarmConfirmed: web.Bad}[m.State]
	return web.Chip{Word: textOf(alarmStates, m.State), Tone: orElse(tone, web.Idle)}
}

func (m alarm) serial() bool { return m.Thing != m.Lot }

// mayAlarm is the condition under which a reader sees alarms.
func mayAlarm(r *reader) (where string, args []any) {
	if r.all {
		return `$1 = ''`, []any{""}
	}
	return `brand = $1 AND brand <> ''`, []any{r.user.Party}
}

// alarmsOf are a reader's, the newest first, after an id.
func (a *app) alarmsOf(r *reader, state, after string, limit int) ([]alarm, error) {
	where, args := mayAlarm(r)
	rows, err := readmodel.All[alarm](r.ctx, a.db, `SELECT `+alarmColumns+` FROM tr_alarms WHERE `+where+` AND ($2 = '' OR state = $3) AND id < $4 ORDER BY id DESC LIMIT $5`,
		append(args, state, state, orElse(after, "~"), limit)...)
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	for i := range rows {
		if err := rows[i].read(); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// alarm is the one that the address names, if the reader may see it.
func (a *app) alarm(c *web.Ctx) (alarm, error) {
	r, err := a.reader(c)
	if err != nil {
		return alarm{}, err
	}
	where, args := mayAlarm(r)
	m, err := readmodel.One[alarm](c.Context(), a.db, `SELECT `+alarmColumns+` FROM tr_alarms WHERE `+where+` AND id = $2`, append(args, idOf(c))...)
	if errors.Is(err, sql.ErrNoRows) {
		return m, errNoAlarm.Refuse("%s", idOf(c))
	}
	if err != nil {
		return m, err
	}
	return m, m.read()
}

var alarmOptions = web.ListOptions{Sort: []string{"-at"}, Filters: []web.Filter{{Name: "state", Label: "State", Options: alarmStates}}}

func (a *app) alarmList(c *web.Ctx) error {
	list := c.List(alarmOptions)
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	rows, err := a.alarmsOf(r, list.Get("state"), list.After, list.Limit+1)
	if err != nil {
		return err
	}
	t := web.Table{List: list, Label: "Scan alarms",
		Columns: []web.Column{{Label: "Pack"}, {Label: "What was noticed"}, {Label: "Score", Number: true}, {Label: "State"}, {Label: "Latest scan"}},
		Empty:   web.Empty{Title: "No alarms.", Text: "When a serial number is scanned where it cannot be, or a lot where it was not sent, it stands here."}}
	if len(rows) > list.Limit {
		rows = rows[:list.Limit]
		t.Next = rows[len(rows)-1].ID
	}
	t.Count = c.T("%s alarms", len(rows))
	n := a.names(c)
	for _, m := range rows {
		chip, what := m.chip(), ""
		if len(m.Signs) > 0 {
			what = signText(c, m.Signs[0])
		}
		t.Rows = append(t.Rows, web.TableRow{Href: "/traceability/alarms/" + m.ID, Tone: edge(chip.Tone), Cells: []any{n.Lot(m.Thing), what, m.Score, chip, m.Latest}})
	}
	judged, err := a.judgedAlarms(r)
	if err != nil {
		return err
	}
	return c.Render("alarms.html", struct {
		Table  web.Table
		Tabs   []web.Act
		Judged string
	}{t, shopperTabs("alarms"), judged.say(c)})
}

// verdicts are how many alarms were judged, and how many of them were right.
type verdicts struct {
	Judged    int `db:"judged"`
	Confirmed int `db:"confirmed"`
}

func (v verdicts) say(c *web.Ctx) string {
	if v.Judged == 0 {
		return ""
	}
	return c.T("Of %s alarms that were judged, %s were confirmed.", v.Judged, v.Confirmed)
}

func (a *app) judgedAlarms(r *reader) (verdicts, error) {
	where, args := mayAlarm(r)
	return readmodel.One[verdicts](r.ctx, a.db, `SELECT COUNT(*) AS judged, COALESCE(SUM(CASE WHEN state = 'confirmed' THEN 1 ELSE 0 END), 0) AS confirmed
		FROM tr_alarms WHERE `+where+` AND state <> 'open'`, args...)
}

// signText says a sign in words.
func signText(c *web.Ctx, s scans.Sign) string {
	switch s.Kind {
	case scans.Early:
		return c.T("Scanned %s km away while it had not reached any shop, %s times", web.Group(s.Km), s.Times)
	case scans.Off:
		return c.T("Scanned %s km from every known place of its way, %s times", web.Group(s.Km), s.Times)
	case scans.Speed:
		return c.T("Scanned at two places %s km apart within %s hours: no pack travels so fast", web.Group(s.Km), max(s.Hours, 1))
	case scans.Spread:
		return c.T("Scanned in %s regions far from each other", s.Count)
	case scans.Crowd:
		return c.T("Scanned by %s visitors: more than one pack has", s.Count)
	case scans.Resold:
		return c.T("Scanned by another shop after it was sold")
	case scans.Astray:
		return c.T("Scanned by a shop that it was never sent to")
	case scans.After:
		return c.T("Scanned after it was destroyed or used up, %s times", s.Times)
	case scans.Region:
		return c.T("%s of the lot's packs were scanned in %s, where it was not sent", s.Count, regionText(c, s.Where))
	}
	return string(s.Kind)
}

// regionText names a country, or a square of the map by its corner.
func regionText(c *web.Ctx, where string) string {
	if len(where) == 2 {
		return cityName(c.Lang(), where)
	}
	return c.T("the region around %s°", strings.TrimPrefix(strings.NewReplacer("+", " ", "-", " −").Replace(where), " "))
}

// judgement is what a brand says of an alarm.
type judgement struct {
	Reason  string `form:"reason,required" json:"reason"`
	Note    string `form:"note" json:"note,omitempty"`
	Publish bool   `form:"publish" json:"publish,omitempty"`
}

func (a *app) alarmPage(c *web.Ctx) error {
	m, err := a.alarm(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[judgement]) error { return a.showAlarm(c, m, f) }
	return web.Post(c, judgement{Reason: m.Reason, Note: m.Note}, show, func(f *web.Form[judgement]) (string, error) {
		if err := a.judgeAlarm(c, m, f.Value); err != nil {
			return "", err
		}
		c.Flash("Noted.")
		return "/traceability/alarms/" + m.ID, nil
	})
}

// judgeAlarm notes what the brand found. What it confirms, it may publish: on the
// ledger, so that every host warns. What it dismisses is forgotten, so that only
// new signs raise it again.
func (a *app) judgeAlarm(c *web.Ctx, m alarm, j judgement) error {
	switch {
	case m.Brand == "" || m.Brand != c.User().Party:
		return errNoAlarm.Refuse("%s", m.ID)
	case textOf(judgements, j.Reason) == j.Reason:
		return errJudgement.Refuse("%s", j.Reason).On("reason")
	case len(j.Note) > 2000 || !utf8.ValidString(j.Note):
		return web.ErrField.Refuse("").On("note")
	}
	confirmed := slices.Contains(trace.WarnReasons, j.Reason)
	if j.Publish && (!confirmed || !m.serial()) {
		return errJudgement.Refuse("%s", j.Reason).On("publish")
	}
	if j.Publish {
		if _, err := do[trace.WarningState](a, c, trace.Warn{Thing: m.Thing, Reason: j.Reason}); err != nil {
			return err
		}
	}
	state := alarmDismissed
	if confirmed {
		state = alarmConfirmed
	}
	err := a.db.InTx(c.Context(), func(tx *readmodel.Tx) error {
		err := run(c.Context(), tx, `UPDATE tr_alarms SET state = $1, reason = $2, note = $3, judge = $4, judged = $5, revision = `+nextRevision+` WHERE id = $6`,
			state, j.Reason, strings.TrimSpace(j.Note), c.User().Name, a.host.Now(), m.ID)
		if err != nil || confirmed {
			return err
		}
		return run(c.Context(), tx, `DELETE FROM tr_scan_memory WHERE thing = $1`, m.Thing)
	})
	if err != nil {
		return fmt.Errorf("judge an alarm: %w", err)
	}
	return a.scans.reload(c.Context())
}

// unwarn takes back what was published of an alarm's serial number.
func (a *app) unwarn(c *web.Ctx) error {
	m, err := a.alarm(c)
	if err != nil {
		return err
	}
	if _, err := do[trace.WarningState](a, c, trace.Unwarn{Thing: m.Thing}); err != nil {
		return err
	}
	c.Flash("The warning is taken back.")
	return c.Redirect("/traceability/alarms/" + m.ID)
}

type alarmView struct {
	Alarm   alarm
	Title   string
	Crumbs  []web.Crumb
	Chip    web.Chip
	Signs   []string
	Pairs   []web.Pair
	Seen    web.Table
	Map     any
	Form    *web.Form[judgement] `json:"-"`
	Reasons []web.Option         `json:"-"`
	Judges  bool
	Serial  bool
	Unwarn  *web.Act
}

func (a *app) showAlarm(c *web.Ctx, m alarm, f *web.Form[judgement]) error {
	n := a.names(c)
	v := alarmView{Alarm: m, Title: n.Lot(m.Thing), Chip: m.chip(), Form: f, Reasons: judgements, Serial: m.serial(),
		Judges: m.Brand != "" && m.Brand == c.User().Party && keepers.Allows(c.User()),
		Crumbs: []web.Crumb{{Text: c.T("Alarms"), Href: "/traceability/alarms"}, {Text: n.Lot(m.Thing)}}}
	for _, s := range m.Signs {
		v.Signs = append(v.Signs, signText(c, s))
	}
	v.Pairs = []web.Pair{{Label: "Page for shoppers", Value: web.Link{Text: m.Thing, Href: "/" + m.Thing}}, {Label: "Company", Value: n.Party(m.Brand)},
		{Label: "Score", Value: c.T("%s points; %s raise an alarm", m.Score, scans.Threshold)}, {Label: "First noticed", Value: m.First}, {Label: "Latest scan", Value: m.Latest}}
	if m.Judged != nil {
		v.Pairs = append(v.Pairs, web.Pair{Label: "Judged", Value: c.T(textOf(judgements, m.Reason))}, web.Pair{Label: "By", Value: m.Judge}, web.Pair{Label: "Changed", Value: *m.Judged})
	}
	warned, err := readmodel.All[string](c.Context(), a.db, `SELECT reason FROM tr_warnings WHERE thing = $1`, m.Thing)
	if err != nil {
		return err
	}
	if len(warned) > 0 {
		v.Pairs = append(v.Pairs, web.Pair{Label: "Published warning", Value: web.Chip{Word: warned[0], Tone: web.Bad}})
		if v.Judges {
			v.Unwarn = &web.Act{Label: "Take the warning back", Href: "/traceability/alarms/" + m.ID + "/unwarn", Post: true, Confirm: "Shoppers will no longer be warned of this number."}
		}
	}
	if err := a.evidence(c, n, m, &v); err != nil {
		return err
	}
	return c.Render("alarm.html", v)
}

// sight is a row of tr_scan_places.
type sight struct {
	At      time.Time `db:"at"`
	Lat     string    `db:"lat"`
	Lon     string    `db:"lon"`
	Country string    `db:"country"`
	Shop    string    `db:"shop"`
}

// mostSights is how many looks one alarm shows, the latest.
const mostSights = 200

// evidence are the looks with a place, in a table and on a drawing.
func (a *app) evidence(c *web.Ctx, n *names, m alarm, v *alarmView) error {
	column := "thing"
	if !m.serial() {
		column = "lot"
	}
	rows, err := readmodel.All[sight](c.Context(), a.db, `SELECT at, lat, lon, country, shop FROM tr_scan_places WHERE `+column+` = $1 ORDER BY at DESC, id LIMIT $2`, m.Thing, mostSights)
	if err != nil {
		return fmt.Errorf("read where a thing was scanned: %w", err)
	}
	known, err := a.toldPlaces(c.Context(), n, m)
	if err != nil {
		return err
	}
	v.Seen = web.Table{Label: "Scans with a place", Count: c.T("%s scans", len(rows)),
		Columns: []web.Column{{Label: "When"}, {Label: "Where"}, {Label: "From the nearest known place", Number: true}, {Label: "By"}},
		Empty:   web.Empty{Title: "No scan with a place.", Text: "The alarm rests on how often it was scanned, not on where."}}
	var spots []mapSpot
	for _, s := range rows {
		row := web.TableRow{Cells: []any{s.At, cityName(c.Lang(), s.Country), nil, c.T("a shopper")}}
		if s.Shop != "" {
			row.Cells[3] = n.Party(s.Shop)
		}
		if p, ok := scans.ReadPoint(s.Lat, s.Lon); ok {
			row.Cells[1] = pointText(c.Lang(), p)
			spots = append(spots, mapSpot{Point: p, seen: true, name: pointText(c.Lang(), p)})
			if km, ok := nearest(p, known); ok {
				row.Cells[2] = web.Num{Text: web.Group(int(km)), Unit: "km"}
			}
		}
		v.Seen.Rows = append(v.Seen.Rows, row)
	}
	if len(spots) > 0 {
		v.Map = drawMap(c, append(known, spots...))
	}
	return nil
}

// pointText is the nearest city, or the degrees.
func pointText(lang string, p scans.Point) string {
	if city, ok := scans.CityAt(p); ok {
		return cityName(lang, city.Code)
	}
	return fmt.Sprintf("%.1f°, %.1f°", p.Lat, p.Lon)
}

// toldPlaces are the places of the way that shoppers are told of too: the brand
// learns nothing of its customers' customers that it may not.
func (a *app) toldPlaces(ctx context.Context, n *names, m alarm) ([]mapSpot, error) {
	id := m.Thing
	w, err := a.way(ctx, id)
	if err == nil && w == nil && m.Lot != "" {
		w, err = a.way(ctx, m.Lot)
	}
	if err != nil || w == nil {
		return nil, err
	}
	var glns []string
	for _, mark := range w.marks {
		if mark.Open && mark.Place != "" {
			glns = append(glns, mark.Place)
		}
		if mark.Arrived != nil && mark.ArrivedOpen && mark.ArrivedPlace != "" {
			glns = append(glns, mark.ArrivedPlace)
		}
	}
	slices.Sort(glns)
	glns = slices.Compact(glns)
	var spots []mapSpot
	for _, some := range chunks(glns) {
		list, args := inList(1, some)
		rows, err := readmodel.All[place](ctx, a.db, `SELECT `+placeColumns+` FROM tr_places WHERE gln IN `+list+` ORDER BY gln`, args...)
		if err != nil {
			return nil, fmt.Errorf("read the places of a way: %w", err)
		}
		for _, p := range rows {
			if point, ok := scans.ReadPoint(p.Latitude, p.Longitude); ok {
				spots = append(spots, mapSpot{Point: point, name: orElse(n.City(p.GLN), n.Place(p.GLN))})
			}
		}
	}
	return spots, nil
}

func nearest(p scans.Point, known []mapSpot) (km float64, ok bool) {
	for _, k := range known {
		if d := k.Km(p); !ok || d < km {
			km, ok = d, true
		}
	}
	return km, ok
}

// alarmNeeds are the open alarms and new reports of a brand, for its home page.
func (a *app) alarmNeeds(c *web.Ctx, r *reader, n *names) (needs []web.Need, open int, err error) {
	rows, err := a.alarmsOf(r, alarmOpen, "", 100)
	if err != nil {
		return nil, 0, err
	}
	for _, m := range rows[:min(len(rows), shownNeeds)] {
		what := ""
		if len(m.Signs) > 0 {
			what = signText(c, m.Signs[0])
		}
		needs = append(needs, web.Need{Text: c.T("%s may be copied or on a wrong way", n.Lot(m.Thing)), Detail: what, Href: "/traceability/alarms/" + m.ID, Tone: web.Warn})
	}
	where, args := mayReport(r)
	reports, err := readmodel.All[report](c.Context(), a.db, `SELECT `+reportColumns+` FROM tr_reports WHERE `+where+` AND state = $2 ORDER BY id LIMIT $3`, append(args, reportNew, shownNeeds)...)
	if err != nil {
		return nil, 0, err
	}
	for _, p := range reports {
		needs = append(needs, web.Need{Text: c.T("A shopper reports: %s", c.T(textOf(reportKinds, p.Kind))), Detail: p.pack(n), Href: "/traceability/reports/" + p.ID, Tone: p.chip().Tone})
	}
	return needs, len(rows), nil
}

func (a *app) apiAlarms(c *web.Ctx) error {
	list := apiList(c, []string{alarmOpen, alarmConfirmed, alarmDismissed})
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	rows, err := a.alarmsOf(r, list.Get("state"), list.After, list.Limit+1)
	if err != nil {
		return err
	}
	return apiPage(c, rows, list.Limit, func(m alarm) string { return m.ID })
}

func (a *app) apiAlarm(c *web.Ctx) error {
	m, err := a.alarm(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, m)
}

func (a *app) apiJudge(c *web.Ctx) error {
	m, err := a.alarm(c)
	if err != nil {
		return err
	}
	var j judgement
	if err := c.ReadJSON(&j); err != nil {
		return err
	}
	if err := a.judgeAlarm(c, m, j); err != nil {
		return err
	}
	return a.apiAlarm(c)
}

// isBrand reports whether shoppers can look at a company's products.
func (a *app) isBrand(ctx context.Context, company string) (bool, error) {
	n, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_products WHERE owner = $1 AND owner <> ''`, company)
	return n > 0, err
}
