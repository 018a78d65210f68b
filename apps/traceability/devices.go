package traceability

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/seals"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) deviceRoutes() []web.Route {
	const one = "/traceability/devices/:owner/:name"
	return []web.Route{
		{Method: "GET", Path: "/traceability/devices", Name: "devices", Access: readers, Handler: a.deviceList},
		{Method: "GET", Path: one, Name: "device", Access: readers, Handler: a.devicePage},
		{Method: "POST", Path: one + "/password", Name: "device.password", Access: keepers, Handler: a.newDevicePassword},
		{Method: "GET", Path: one + "/chart", Name: "device.chart", Access: readers, Handler: a.deviceChart},
		{Method: "GET", Path: one + "/readings.xlsx", Name: "device.readings.xlsx", Access: readers, Handler: a.readingsSheet("xlsx")},
		{Method: "GET", Path: one + "/readings.csv", Name: "device.readings.csv", Access: readers, Handler: a.readingsSheet("csv")},
		{Method: "GET", Path: "/traceability/excursions", Name: "excursions", Access: readers, Handler: a.excursionList},
		{Method: "POST", Path: "/traceability/excursions/explain", Name: "excursions.explain", Access: keepers, Handler: a.explainExcursion},
		{Method: "GET", Path: "/traceability/refused", Name: "refused", Access: readers, Handler: a.refusedList},
		web.LiveRoute("/traceability/devices.live", "devices.live", readers, a.liveDevices),
		{Method: "GET", Path: "/api/devices", Name: "api.devices", Access: readers, Handler: a.apiDevices, Doc: &web.Doc{
			Summary: "The devices of your company; of a regulator, of all.", List: true, Reply: deviceReply{}}},
		{Method: "GET", Path: "/api/devices/:owner/:name", Name: "api.device", Access: readers, Handler: a.apiDevice, Doc: &web.Doc{Summary: "One device with what it told last.", Reply: deviceReply{}}},
		{Method: "POST", Path: "/api/devices/:owner/:name/password", Name: "api.device.password", Access: keepers, Handler: a.apiDevicePassword, Doc: &web.Doc{
			Summary: "Give a device a new password, which is told this once; the one before is void.", Reply: passwordReply{}}},
		{Method: "GET", Path: "/api/devices/:owner/:name/readings", Name: "api.device.readings", Access: readers, Handler: a.deviceChart, Doc: &web.Doc{
			Summary: "What a channel measured between two moments, in at most so many points that hide no extreme.", Reply: chartReply{},
			Query: []web.Param{{Name: "channel", Summary: "temperature; the device's main one by default"}, {Name: "from", Summary: "RFC 3339; a day ago by default"},
				{Name: "to", Summary: "RFC 3339; now by default"}, {Name: "points", Summary: "up to 5000; 600 by default"}}}},
		{Method: "GET", Path: "/api/devices/:owner/:name/proof", Name: "api.device.proof", Access: readers, Handler: a.apiReadingProof, Doc: &web.Doc{
			Summary: "The proof of one reading against the seal of its window on the ledger (RFC 6962).", Reply: seals.Proof{},
			Query: []web.Param{{Name: "channel", Summary: "temperature"}, {Name: "at", Summary: "the reading's very moment, RFC 3339"}}}},
		{Method: "GET", Path: "/api/excursions", Name: "api.excursions", Access: readers, Handler: a.apiExcursions, Doc: &web.Doc{
			Summary: "Excursions of your devices, the newest first.", List: true, States: []string{"open", "unexplained", "explained"}, Reply: excursionRow{}}},
		{Method: "POST", Path: "/api/excursions/explain", Name: "api.excursion.explain", Access: keepers, Handler: a.apiExplain, Doc: &web.Doc{
			Summary: "Say why an excursion came about, and what was done.", Body: trace.ExplainExcursion{}, Reply: committed[trace.ExcursionState]{}}},
	}
}

// lastOf is what a device told last.
type lastOf struct {
	Seen     time.Time
	Readings []iot.Reading
}

// at is when anything was heard or measured last.
func (l lastOf) at() time.Time {
	at := l.Seen
	for _, r := range l.Readings {
		if r.At.After(at) {
			at = r.At
		}
	}
	return at
}

func (l lastOf) of(channel string) (iot.Reading, bool) {
	i := slices.IndexFunc(l.Readings, func(r iot.Reading) bool { return r.Channel == channel })
	if i < 0 {
		return iot.Reading{}, false
	}
	return l.Readings[i], true
}

func (a *app) lastOf(ctx context.Context, d deviceRow) (l lastOf, err error) {
	if a.station.Store == nil {
		return l, nil
	}
	l.Readings, l.Seen, err = a.station.Store.Latest(ctx, d.id())
	return l, err
}

// standing is a device in a word: what needs somebody first.
func (d deviceRow) standing(l lastOf, going []watch.Excursion, now time.Time) web.Chip {
	worst := worstOf(d.id(), going)
	switch last := l.at(); {
	case d.Ended != nil:
		return web.Chip{Word: "Decommissioned", Tone: web.Idle}
	case worst.Tone == web.Bad:
		return worst
	case d.Type == trace.Gateway && last.IsZero():
		return web.Chip{Word: "On record", Tone: web.Idle}
	case last.IsZero():
		return web.Chip{Word: "Never heard of", Tone: web.Idle}
	case now.Sub(last) > max(3*time.Duration(d.Interval)*time.Second, 2*time.Minute):
		return web.Chip{Word: "Silent", Tone: web.Warn}
	case worst.Word != "":
		return worst
	}
	return web.Chip{Word: "Live", Tone: web.Good}
}

// valueOf is a reading as people read it.
func valueOf(c *web.Ctx, r iot.Reading) string {
	k, _ := iot.KindOf(r.Channel)
	if k.State {
		if r.Value == 1 {
			return c.T("open")
		}
		return c.T("shut")
	}
	return strings.TrimSpace(strconv.FormatFloat(r.Value, 'f', k.Decimals, 64) + " " + k.Symbol)
}

// board is a device as a tile of the fleet.
type board struct {
	Href, Title, Owner, Value, Rides string
	ID                               string
	Channel                          string
	Others                           []string
	State, Calibration               web.Chip
	At                               *time.Time
}

// deviceList is the fleet: those that need somebody first.
func (a *app) deviceList(c *web.Ctx) error {
	owner, err := a.ownOrAll(c)
	if err != nil {
		return err
	}
	all, err := a.devices(c.Context(), owner)
	if err != nil {
		return err
	}
	list := c.List(web.ListOptions{Search: true, Filters: []web.Filter{{Name: "state", Label: "State", Options: []web.Option{{Value: "need", Text: "Needs attention"}, {Value: "ended", Text: "Decommissioned"}}}}})
	v := struct {
		Boards []board
		Table  web.Table
		Acts   []web.Act
		Broker string
		List   web.List
		Live   string
		Empty  web.Empty
		Count  string
	}{List: list, Broker: a.station.Address(), Live: "/traceability/devices.live",
		Empty: web.Empty{Title: "No devices yet.", Text: "Register a sensor or a logger: its readings then stand on the pages of the goods it was with."}}
	n, now, going := a.names(c), a.host.Now(), a.station.Going()
	rides, err := a.rides(c.Context(), owner)
	if err != nil {
		return err
	}
	for _, d := range all {
		b, err := a.board(c, n, d, going, now)
		if err != nil {
			return err
		}
		if !d.wanted(list, b) {
			continue
		}
		if to := rides[d.Thing]; to != "" {
			b.Rides = n.Thing(to)
		}
		v.Boards = append(v.Boards, b)
	}
	rank := map[string]int{web.Bad: 0, web.Warn: 1, web.Good: 2, web.Idle: 3}
	slices.SortStableFunc(v.Boards, func(x, y board) int { return rank[x.State.Tone] - rank[y.State.Tone] })
	v.Count = c.T("%s devices", len(v.Boards))
	v.Acts = []web.Act{{Label: "Excursions", Href: "/traceability/excursions", Icon: "warn"}, {Label: "Refused messages", Href: "/traceability/refused", Icon: "list"}}
	if keepers.Allows(c.User()) && c.User().Party != "" {
		v.Acts = append([]web.Act{{Label: "New device", Href: "/traceability/devices/new", Icon: "plus", Main: true}}, v.Acts...)
	}
	return c.Render("devices.html", v)
}

func (d deviceRow) wanted(list web.List, b board) bool {
	text := strings.ToLower(d.Name + " " + d.Title + " " + d.TitleZh + " " + d.Thing + " " + b.Owner)
	switch state := list.Get("state"); {
	case !strings.Contains(text, strings.ToLower(list.Search)):
		return false
	case state == "ended":
		return d.Ended != nil
	case state == "need":
		return b.State.Tone == web.Bad || b.State.Tone == web.Warn || d.Ended == nil && (b.Calibration.Tone == web.Bad || b.Calibration.Tone == web.Warn)
	}
	return d.Ended == nil
}

func (a *app) board(c *web.Ctx, n *names, d deviceRow, going []watch.Excursion, now time.Time) (board, error) {
	last, err := a.lastOf(c.Context(), d)
	b := board{Href: d.href(), Title: d.title(c.Lang()), Owner: n.Party(d.Owner), State: d.standing(last, going, now), Calibration: d.calibrated(now), Channel: d.main(), ID: d.id().String()}
	if b.Calibration.Tone == web.Good {
		b.Calibration = web.Chip{}
	}
	if at := last.at(); !at.IsZero() {
		b.At = &at
	}
	for _, r := range last.Readings {
		if r.Channel == b.Channel {
			b.Value = valueOf(c, r)
			continue
		}
		if k, _ := iot.KindOf(r.Channel); k.Unit != "DD" {
			b.Others = append(b.Others, channelName(c, r.Channel)+" "+valueOf(c, r))
		}
	}
	return b, err
}

// ownOrAll is the reader's company, or "" for who reads all.
func (a *app) ownOrAll(c *web.Ctx) (string, error) {
	all, err := a.supervises(c)
	if err != nil || all {
		return "", err
	}
	if c.User().Party == "" {
		return "-", nil
	}
	return c.User().Party, nil
}

// rides are what the devices of a company are attached to now.
func (a *app) rides(ctx context.Context, owner string) (map[string]string, error) {
	type row struct{ Child, Parent string }
	rows, err := readmodel.All[row](ctx, a.db, `SELECT s.child, s.parent FROM tr_associations s JOIN tr_devices d ON d.thing = s.child
		WHERE s.until IS NULL AND NOT s.undone AND ($1 = '' OR d.owner = $2)`, owner, owner)
	all := map[string]string{}
	for _, r := range rows {
		all[r.Child] = r.Parent
	}
	return all, err
}

// liveReading is what an open page hears.
type liveReading struct {
	Device  string  `json:"device"`
	Channel string  `json:"channel"`
	At      int64   `json:"at"` // milliseconds
	Value   float64 `json:"value"`
	Text    string  `json:"text"`
}

// liveDevices tells open pages of readings and alarms of the devices that their
// reader may see.
func (a *app) liveDevices(ctx context.Context, u *web.User, _ string) (<-chan web.Change, error) {
	all, err := a.supervising(ctx, u)
	if err != nil {
		return nil, err
	}
	party := u.Party
	if all {
		party = ""
	} else if party == "" {
		party = "-"
	}
	out := make(chan web.Change)
	news := a.station.Listen(ctx, party)
	go func() {
		defer close(out)
		for n := range news {
			var told []liveReading
			for _, r := range n.Readings {
				k, _ := iot.KindOf(r.Channel)
				text := strings.TrimSpace(strconv.FormatFloat(r.Value, 'f', k.Decimals, 64) + " " + k.Symbol)
				told = append(told, liveReading{r.Device.String(), r.Channel, r.At.UnixMilli(), r.Value, text})
			}
			change := web.Change{ID: strconv.FormatInt(a.host.Now().UnixMicro(), 10), Topic: "readings", Data: told}
			if len(n.Alarms) > 0 {
				change.Topic, change.Data = "alarms", len(n.Alarms)
			}
			select {
			case out <- change:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// excursionList is what went wrong, the newest first.
func (a *app) excursionList(c *web.Ctx) error {
	list := c.List(web.ListOptions{Filters: []web.Filter{{Name: "state", Label: "State", Options: []web.Option{{Value: "open", Text: "Going on"}, {Value: "unexplained", Text: "To explain"}, {Value: "explained", Text: "Explained"}}}}})
	rows, err := a.excursions(c, list.Get("state"), list.After, list.Limit+1)
	if err != nil {
		return err
	}
	next := ""
	if len(rows) > list.Limit {
		rows = rows[:list.Limit]
		next = rows[len(rows)-1].Event
	}
	t := a.excursionTable(c, a.names(c), rows, true)
	t.List, t.Next, t.Live = list, next, "ledger"
	return c.Render("excursions.html", struct{ Table web.Table }{t})
}

// excursions are those that the reader may see.
func (a *app) excursions(c *web.Ctx, state, after string, limit int) ([]excursionRow, error) {
	owner, err := a.ownOrAll(c)
	if err != nil {
		return nil, err
	}
	return readmodel.All[excursionRow](c.Context(), a.db, `SELECT `+excursionColumns+` FROM `+excursionTables+` WHERE NOT x.error AND ($1 = '' OR x.author = $2)
		AND ($3 = '' OR $4 = 'open' AND x.until IS NULL OR $5 = 'unexplained' AND x.explained IS NULL OR $6 = 'explained' AND x.explained IS NOT NULL)
		AND ($7 = '' OR EXISTS (SELECT 1 FROM tr_excursions b WHERE b.hash = $8 AND (x.since < b.since OR x.since = b.since AND x.hash > b.hash))) ORDER BY x.since DESC, x.hash LIMIT $9`,
		owner, owner, state, state, state, state, after, after, limit)
}

var (
	causeWords = []web.Option{{Value: "door", Text: "A door was open"}, {Value: "loading", Text: "Loading or unloading"}, {Value: "defrost", Text: "Defrosting"}, {Value: "power", Text: "Power failed"},
		{Value: "refrigeration", Text: "Refrigeration failed"}, {Value: "delay", Text: "Delay on the way"}, {Value: "sensor", Text: "The sensor is at fault"}, {Value: "other", Text: "Another cause"}}
	measureWords = []web.Option{{Value: "none", Text: "Nothing was needed"}, {Value: "moved", Text: "Goods were moved"}, {Value: "repaired", Text: "It was repaired"}, {Value: "inspected", Text: "Goods were inspected"},
		{Value: "quarantined", Text: "Goods were put apart"}, {Value: "destroyed", Text: "Goods were destroyed"}}
)

func (x excursionRow) extremes(n *names) string {
	switch {
	case x.Low == "" && x.High == "":
		return ""
	case x.Low == x.High || x.High == "":
		return n.Quantity(orElse(x.High, x.Low), x.Unit)
	}
	return n.Amount(x.Low) + " – " + n.Quantity(x.High, x.Unit)
}

func (a *app) excursionTable(c *web.Ctx, n *names, rows []excursionRow, devices bool) web.Table {
	t := web.Table{Label: "Excursions", Count: c.T("%s excursions", len(rows)), Columns: []web.Column{{Label: "What happened"}, {Label: "Measured"}, {Label: "Since"}, {Label: "Minutes", Number: true}, {Label: "State"}, {Label: "Cause"}, {Label: "Measure"}},
		Empty: web.Empty{Title: "No excursions.", Text: "When a channel leaves its limits for longer than it may, it stands here and on the ledger."}}
	if devices {
		t.Columns = append([]web.Column{{Label: "Device"}}, t.Columns...)
	}
	for _, x := range rows {
		end := a.host.Now()
		if x.Until != nil {
			end = *x.Until
		}
		cells := []any{x.what(c), x.extremes(n), x.Since, web.Num{Text: web.Group(int(end.Sub(x.Since).Minutes()))}, x.state(), "", ""}
		if x.Explained != nil {
			cells[5], cells[6] = c.T(wordOf(causeWords, x.Cause)), c.T(wordOf(measureWords, x.Measure))
		}
		if devices {
			cells = append([]any{x.title(c.Lang())}, cells...)
		}
		row := web.TableRow{Href: eventHref(x.Event), Cells: cells, Tone: edge(x.state().Tone)}
		if x.Name != "" {
			row.Href = "/traceability/devices/" + x.Author + "/" + x.Name + "?at=" + x.Since.UTC().Format(time.RFC3339) + "#excursions"
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

type explainForm struct {
	Event   string `form:"event,required"`
	Cause   string `form:"cause,required"`
	Measure string `form:"measure,required"`
	Back    string `form:"back"`
}

func (a *app) explainExcursion(c *web.Ctx) error {
	f, err := web.ReadForm[explainForm](c)
	if err != nil {
		return err
	}
	if !f.OK() {
		return trace.ErrExplanation.Refuse("").On("cause")
	}
	if _, err := do[trace.ExcursionState](a, c, trace.ExplainExcursion{Event: f.Value.Event, Cause: f.Value.Cause, Measure: f.Value.Measure}); err != nil {
		return err
	}
	c.Flash("The excursion is explained.")
	if back := f.Value.Back; strings.HasPrefix(back, "/traceability/devices/") {
		return c.Redirect(back)
	}
	return c.Redirect("/traceability/excursions")
}

func (a *app) apiExplain(c *web.Ctx) error {
	var in trace.ExplainExcursion
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	return apiDo[trace.ExcursionState](a, c, 200, in)
}

func (a *app) apiExcursions(c *web.Ctx) error {
	list := apiList(c, []string{"open", "unexplained", "explained"})
	rows, err := a.excursions(c, list.Get("state"), list.After, list.Limit+1)
	if err != nil {
		return err
	}
	return apiPage(c, rows, list.Limit, func(x excursionRow) string { return x.Event })
}

// refusedList shows what was not stored, and why.
func (a *app) refusedList(c *web.Ctx) error {
	owner, err := a.ownOrAll(c)
	if err != nil {
		return err
	}
	list := c.List(web.ListOptions{})
	t := web.Table{List: list, Label: "Refused messages", Columns: []web.Column{{Label: "When"}, {Label: "Device"}, {Label: "Why"}, {Label: "Topic"}, {Label: "How often", Number: true}, {Label: "Payload"}},
		Empty: web.Empty{Title: "Nothing was refused.", Text: "A message that cannot be stored stands here with its reason: the wrong password, another's topic, a payload that cannot be read, a clock that is wrong."}}
	if a.station.Store != nil {
		before, _ := strconv.ParseInt(list.After, 10, 64)
		letters, err := a.station.Store.Letters(c.Context(), owner, c.QueryParam("device"), before, list.Limit+1)
		if err != nil {
			return err
		}
		if len(letters) > list.Limit {
			letters = letters[:list.Limit]
			t.Next = fmt.Sprint(letters[len(letters)-1].ID)
		}
		for _, l := range letters {
			t.Rows = append(t.Rows, web.TableRow{Tone: edge(web.Warn), Cells: []any{l.Last, l.Device, a.why(c, l), l.Topic, web.Num{Text: web.Group(l.Repeats + 1)}, shortened(l.Payload, 80)}})
		}
	}
	t.Count = c.T("%s refused", len(t.Rows))
	return c.Render("refused_messages.html", struct{ Table web.Table }{t})
}
