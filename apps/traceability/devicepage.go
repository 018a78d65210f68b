package traceability

import (
	"cmp"
	"errors"
	"html/template"
	"iter"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	drawing "github.com/tallyway/tallyway/apps/traceability/curve"
	"github.com/tallyway/tallyway/apps/traceability/station"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/shared/export"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// deviceView is the page of one device.
type deviceView struct {
	Name         string
	ID           string // user name
	DeviceName   string
	Href         string
	State        web.Chip
	Calibration  web.Chip
	Crumbs       []web.Crumb
	Pairs        []web.Pair
	Now          []web.Stat
	Chart        *chartView
	Channels     []web.Link // other channels to look at
	Spans        []web.Link // of time to look at
	Rides        []rideView
	Excursions   web.Table
	ToExplain    []explainView
	Letters      []letterView
	Sealed       string
	Acts         []web.Act
	Dresses      []web.Dress
	Keeps, Moves bool
	Password     string // that was just made
	Address      string
	Example      string
	Calibrate    *web.Form[calibrationForm]
	Attach       *web.Form[attachForm]
	End          *web.Form[endForm]
	Reasons      []web.Option
	Causes       []web.Option
	Measures     []web.Option
}

type rideView struct {
	Text, Href string
	Parent     string
	Since      time.Time
	Until      *time.Time
}

type explainView struct{ Event, Text, Back string }

type letterView struct {
	At      time.Time
	Why     string
	Repeats string
	Topic   string
}

// chartView is a chart: drawn, and where a browser asks for more.
type chartView struct {
	SVG     template.HTML
	Source  string
	Live    string
	Device  string
	Channel string
	Title   string
	Summary string
	Table   web.Table
}

func (a *app) devicePage(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	if c.WantsJSON() {
		return a.apiDevice(c)
	}
	return a.showDevice(c, d, nil)
}

// showDevice shows a device's page; form is one on it that was refused.
func (a *app) showDevice(c *web.Ctx, d deviceRow, form any) error {
	v, err := a.deviceView(c, d)
	if err != nil {
		return err
	}
	v.Calibrate, v.Attach, v.End = web.NewForm(c, calibrationForm{}), web.NewForm(c, attachForm{}), web.NewForm(c, endForm{})
	switch f := form.(type) {
	case *web.Form[calibrationForm]:
		v.Calibrate = f
	case *web.Form[attachForm]:
		v.Attach = f
	case *web.Form[endForm]:
		v.End = f
	case string:
		v.Password = f
	}
	return c.Render("device.html", v)
}

func (a *app) deviceView(c *web.Ctx, d deviceRow) (*deviceView, error) {
	n, now := a.names(c), a.host.Now()
	last, err := a.lastOf(c.Context(), d)
	if err != nil {
		return nil, err
	}
	v := &deviceView{Name: d.title(c.Lang()), ID: d.id().String(), DeviceName: d.Name, Href: d.href(), State: d.standing(last, a.station.Going(), now), Calibration: d.calibrated(now), Address: a.station.Address(),
		Crumbs:  []web.Crumb{{Text: c.T("Devices"), Href: "/traceability/devices"}, {Text: d.title(c.Lang())}},
		Reasons: inWords(c, endWords), Causes: inWords(c, causeWords), Measures: inWords(c, measureWords)}
	own := d.Owner == c.User().Party && d.Ended == nil
	v.Keeps, v.Moves = own && keepers.Allows(c.User()), own && operators.Allows(c.User())
	v.Pairs = a.deviceFacts(c, n, d, last)
	for _, r := range last.Readings {
		v.Now = append(v.Now, web.Stat{Label: channelName(c, r.Channel), Value: valueOf(c, r)})
	}
	if v.Chart, err = a.deviceChartView(c, d); err != nil {
		return nil, err
	}
	v.choices(c, d)
	if err := a.fillDevice(c, n, d, v); err != nil {
		return nil, err
	}
	if v.Keeps {
		v.Acts = []web.Act{{Label: "Change", Href: d.href() + "/edit"}}
	}
	v.Dresses = []web.Dress{{Word: "XLSX", Href: d.href() + "/readings.xlsx?" + spanQuery(c)}, {Word: "CSV", Href: d.href() + "/readings.csv?" + spanQuery(c)}, {Word: "JSON", Href: "/api/devices/" + d.Owner + "/" + d.Name}}
	v.Example = `mosquitto_pub -h HOST -p PORT -u ` + d.id().String() + ` -P … -q 1 -t tw/` + d.id().String() + `/senml -m '[{"n":"` + cmp.Or(d.main(), "temperature") + `","v":4.1}]'`
	if host, port, ok := strings.Cut(v.Address, ":"); ok {
		v.Example = strings.NewReplacer("HOST", host, "PORT", port).Replace(v.Example)
	}
	return v, nil
}

func spanQuery(c *web.Ctx) string {
	q := c.Request().URL.Query()
	q.Del("channel")
	return q.Encode()
}

func (a *app) deviceFacts(c *web.Ctx, n *names, d deviceRow, last lastOf) (pairs []web.Pair) {
	fact := func(label string, value any) {
		if value != "" {
			pairs = append(pairs, web.Pair{Label: label, Value: value})
		}
	}
	fact("Company", n.Party(d.Owner))
	fact("Name in topics", d.id().String())
	fact("Kind", c.T(wordOf(deviceTypeWords, d.Type)))
	fact("Identifier", d.Thing)
	fact("Model", strings.TrimSpace(d.Model+" "+d.Serial))
	if d.Class != "" {
		fact("Class (EN 12830)", c.T("± %s °C", d.Class))
	}
	fact("Interval", c.T("%s seconds", web.Group(d.Interval)))
	fact("Gateway", d.Via)
	if at := last.at(); !at.IsZero() {
		fact("Last heard of", at)
	}
	if d.CalNo != "" {
		fact("Calibration", d.CalNo+" · "+d.CalBy+" · "+c.T("until %s", day(c, d.CalUntil)))
	}
	for _, ch := range d.Channels {
		if text := limitsOf(c, n, ch); text != "" {
			fact(channelName(c, ch.Name), c.T("allowed %s", text))
		}
		if text := faultsOf(c, n, ch); text != "" {
			fact(c.T("Fault of the sensor")+" · "+channelName(c, ch.Name), text)
		}
	}
	for _, circle := range d.Fence {
		fact("Its area", circle.Latitude.String()+"°, "+circle.Longitude.String()+"° ± "+n.Quantity(web.Group(circle.Radius), "MTR"))
	}
	if d.Still > 0 {
		fact("May stand for", c.T("%s min", web.Group(d.Still/60)))
	}
	if d.Ended != nil {
		fact("Decommissioned", *d.Ended)
		fact("Reason", c.T(wordOf(endWords, d.Reason)))
	}
	fact("On record since", d.Since)
	fact("Block", web.Group(d.Block))
	return pairs
}

// limitsOf is a channel's limits in words: "2 – 6 °C, up to 10 min".
func limitsOf(c *web.Ctx, n *names, ch trace.Channel) string {
	text := ""
	switch {
	case ch.Low != nil && ch.High != nil:
		text = ch.Low.String() + " – " + n.Quantity(ch.High.String(), ch.Unit)
	case ch.High != nil:
		text = "≤ " + n.Quantity(ch.High.String(), ch.Unit)
	case ch.Low != nil:
		text = "≥ " + n.Quantity(ch.Low.String(), ch.Unit)
	}
	if ch.Grace > 0 {
		text = strings.TrimPrefix(text+" · "+strconv.FormatInt(ch.Grace/60, 10)+" min", " · ")
	}
	if ch.Total > 0 {
		text += " · " + c.T("%s min in all in a day", web.Group(ch.Total/60))
	}
	return text
}

// faultsOf are what a channel's sensor may not do, in words.
func faultsOf(c *web.Ctx, n *names, ch trace.Channel) string {
	var parts []string
	if ch.Stuck > 0 {
		parts = append(parts, c.T("the same value for %s min", web.Group(ch.Stuck/60)))
	}
	if ch.Jump != nil {
		parts = append(parts, c.T("a jump of more than %s", n.Quantity(ch.Jump.String(), ch.Unit)))
	}
	return strings.Join(parts, " · ")
}

// spans are how far back a chart looks.
var spans = []struct {
	word string
	back time.Duration
}{{"1 h", time.Hour}, {"6 h", 6 * time.Hour}, {"24 h", 24 * time.Hour}, {"7 d", 7 * 24 * time.Hour}, {"30 d", 30 * 24 * time.Hour}}

// choices are the channels and spans that a chart may show.
func (v *deviceView) choices(c *web.Ctx, d deviceRow) {
	q := c.Request().URL.Query()
	for _, ch := range d.Channels {
		q.Set("channel", ch.Name)
		v.Channels = append(v.Channels, web.Link{Text: channelName(c, ch.Name), Href: d.href() + "?" + q.Encode()})
	}
	q = c.Request().URL.Query()
	q.Del("at")
	for _, s := range spans {
		q.Set("back", s.word)
		v.Spans = append(v.Spans, web.Link{Text: s.word, Href: d.href() + "?" + q.Encode()})
	}
}

// chartAsk is what a chart is asked for.
type chartAsk struct {
	channel  string
	from, to time.Time
	points   int
}

// errSpan asks for times that can be read.
var errSpan = chaincode.Rule{Code: "iot/span", Kind: chaincode.Malformed, Text: "The times cannot be read, or the end lies before the beginning.", Remedy: "Write from and to as RFC 3339, such as 2026-11-28T08:00:00Z."}

func (a *app) chartAsk(c *web.Ctx, d deviceRow) (q chartAsk, err error) {
	q = chartAsk{channel: cmp.Or(c.QueryParam("channel"), d.main()), to: a.host.Now(), points: 600}
	if _, ok := d.channel(q.channel); !ok && q.channel != "" {
		return q, iot.ErrChannel.Refuse("%s", q.channel).On("channel")
	}
	back := 6 * time.Hour
	for _, s := range spans {
		if s.word == c.QueryParam("back") {
			back = s.back
		}
	}
	if at, err := time.Parse(time.RFC3339, c.QueryParam("at")); err == nil { // around a moment
		q.to = at.Add(back / 2)
	}
	q.from = q.to.Add(-back)
	for name, into := range map[string]*time.Time{"from": &q.from, "to": &q.to} {
		if text := c.QueryParam(name); text != "" {
			if *into, err = time.Parse(time.RFC3339, text); err != nil {
				return q, errSpan.Refuse("%s is %s", name, text).On(name)
			}
		}
	}
	if text := c.QueryParam("points"); text != "" {
		if q.points, err = strconv.Atoi(text); err != nil || q.points < 1 || q.points > 5000 {
			return q, errSpan.Refuse("points is %s", text).On("points")
		}
	}
	if !q.to.After(q.from) {
		return q, errSpan.Refuse("from %s to %s", q.from.Format(time.RFC3339), q.to.Format(time.RFC3339)).On("to")
	}
	return q, nil
}

// chartReply is a chart for a browser or a program. A point is its first moment
// in milliseconds, its lowest and highest value, its mean, and its last moment.
type chartReply struct {
	Device     string       `json:"device"`
	Channel    string       `json:"channel"`
	Label      string       `json:"label"`
	Unit       string       `json:"unit"`
	Decimals   int          `json:"decimals"`
	State      bool         `json:"state"`
	From       int64        `json:"from"`
	To         int64        `json:"to"`
	Pause      int64        `json:"pause"` // milliseconds; a longer one is a gap
	Low        *float64     `json:"low,omitempty"`
	High       *float64     `json:"high,omitempty"`
	Points     [][5]float64 `json:"points"`
	Excursions [][2]int64   `json:"excursions"`
}

func (a *app) deviceChart(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	q, err := a.chartAsk(c, d)
	if err != nil {
		return err
	}
	drawn, err := a.curveOf(c, d, q)
	if err != nil {
		return err
	}
	k, _ := iot.KindOf(q.channel)
	reply := chartReply{Device: d.id().String(), Channel: q.channel, Label: channelName(c, q.channel), Unit: k.Symbol, Decimals: k.Decimals, State: k.State, From: q.from.UnixMilli(), To: q.to.UnixMilli(),
		Pause: drawn.Pause.Milliseconds(), Low: drawn.Low, High: drawn.High, Points: [][5]float64{}, Excursions: [][2]int64{}}
	for _, p := range drawn.Points {
		reply.Points = append(reply.Points, [5]float64{float64(p.At.UnixMilli()), p.Low, p.High, p.Mean, float64(p.Last.UnixMilli())})
	}
	for _, e := range drawn.Excursions {
		reply.Excursions = append(reply.Excursions, [2]int64{e.From.UnixMilli(), e.To.UnixMilli()})
	}
	return c.JSON(http.StatusOK, reply)
}

// curveOf is a channel between two moments, ready to be drawn.
func (a *app) curveOf(c *web.Ctx, d deviceRow, q chartAsk) (drawing.Curve, error) {
	k, _ := iot.KindOf(q.channel)
	ch, _ := d.channel(q.channel)
	limit, _ := station.LimitOf(ch)
	drawn := drawing.Curve{From: q.from, To: q.to, Low: limit.Low, High: limit.High, Unit: k.Symbol, Zone: c.Zone(), Step: k.State}
	if a.station.Store == nil {
		return drawn, nil
	}
	measured, err := a.station.Store.Curve(c.Context(), d.id(), q.channel, q.from, q.to, q.points)
	if err != nil {
		return drawn, err
	}
	for _, p := range measured.Points {
		drawn.Points = append(drawn.Points, drawing.Point{At: p.At, Last: p.Last, Low: p.Low, High: p.High, Mean: p.Mean})
	}
	drawn.Pause = max(3*time.Duration(d.Interval)*time.Second, 2*time.Minute, 2*measured.Step)
	out, err := a.excursionsSince(c.Context(), d, q.from)
	if err != nil {
		return drawn, err
	}
	for _, x := range out {
		end := q.to
		if x.Until != nil {
			end = *x.Until
		}
		if strings.HasSuffix(x.Rule, ":"+q.channel) && x.Since.Before(q.to) {
			drawn.Excursions = append(drawn.Excursions, drawing.Span{From: x.Since, To: end, Label: x.what(c)})
		}
	}
	return drawn, nil
}

func (a *app) deviceChartView(c *web.Ctx, d deviceRow) (*chartView, error) {
	q, err := a.chartAsk(c, d)
	if err != nil || q.channel == "" {
		return nil, err
	}
	q.points = 300
	drawn, err := a.curveOf(c, d, q)
	if err != nil {
		return nil, err
	}
	v := &chartView{Source: d.href() + "/chart", Live: "/traceability/devices.live", Device: d.id().String(), Channel: q.channel, Title: channelName(c, q.channel)}
	v.Summary = curveWords(c, drawn, q.channel)
	drawn.Label = v.Title + ": " + v.Summary
	v.SVG = drawn.SVG()
	v.Table = curveTable(c, drawn, q.channel)
	return v, nil
}

// curveWords says what a curve shows, for who does not see it.
func curveWords(c *web.Ctx, drawn drawing.Curve, channel string) string {
	if len(drawn.Points) == 0 {
		return c.T("No readings in this time.")
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range drawn.Points {
		low, high = min(low, p.Low), max(high, p.High)
	}
	k, _ := iot.KindOf(channel)
	text := func(v float64) string { return valueOf(c, iot.Reading{Channel: channel, Value: v}) }
	said := c.T("%s to %s.", text(low), text(high))
	if k.State {
		said = ""
	}
	if n := len(drawn.Gaps()); n > 0 {
		said += " " + c.T("%s gaps.", n)
	}
	if n := len(drawn.Excursions); n > 0 {
		said += " " + c.T("%s excursions.", n)
	}
	return strings.TrimSpace(said)
}

// curveTable is the curve in at most a few dozen rows.
func curveTable(c *web.Ctx, drawn drawing.Curve, channel string) web.Table {
	t := web.Table{Label: "Readings", Columns: []web.Column{{Label: "When"}, {Label: "Lowest", Number: true}, {Label: "Highest", Number: true}}}
	step := max(1, len(drawn.Points)/24)
	text := func(v float64) string { return valueOf(c, iot.Reading{Channel: channel, Value: v}) }
	for i := 0; i < len(drawn.Points); i += step {
		low, high := math.Inf(1), math.Inf(-1)
		for _, p := range drawn.Points[i:min(i+step, len(drawn.Points))] {
			low, high = min(low, p.Low), max(high, p.High)
		}
		t.Rows = append(t.Rows, web.TableRow{Cells: []any{drawn.Points[i].At, web.Num{Text: text(low)}, web.Num{Text: text(high)}}})
	}
	return t
}

// fillDevice reads what stands below the chart.
func (a *app) fillDevice(c *web.Ctx, n *names, d deviceRow, v *deviceView) error {
	rides, err := a.attachments(c.Context(), d.Thing)
	if err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	for _, x := range rides {
		v.Rides = append(v.Rides, rideView{n.Thing(x.Parent), hrefOfThing(r, x.Parent), x.Parent, x.Since, x.Until})
	}
	out, err := a.excursionsSince(c.Context(), d, a.host.Now().AddDate(0, 0, -90))
	if err != nil {
		return err
	}
	v.Excursions = a.excursionTable(c, n, out, false)
	for i, x := range out {
		v.Excursions.Rows[i].Href = eventHref(x.Event)
		if x.Explained == nil && v.Keeps {
			v.ToExplain = append(v.ToExplain, explainView{x.Event, x.what(c) + " · " + x.extremes(n), d.href() + "#excursions"})
		}
	}
	type sums struct {
		Windows int64 `db:"windows"`
		Count   int64 `db:"count"`
	}
	sealed, err := readmodel.One[sums](c.Context(), a.db, `SELECT COUNT(*) AS windows, COALESCE(SUM(count), 0) AS count FROM tr_seals WHERE owner = $1 AND device = $2`, d.Owner, d.Name)
	if err != nil {
		return err
	}
	v.Sealed = c.T("%s readings in %s windows are sealed on the ledger.", web.Group(sealed.Count), web.Group(sealed.Windows))
	if a.station.Store == nil {
		return nil
	}
	letters, err := a.station.Store.Letters(c.Context(), d.Owner, d.Name, 0, 5)
	for _, l := range letters {
		v.Letters = append(v.Letters, letterView{l.Last, a.why(c, l), web.Group(l.Repeats + 1), l.Topic})
	}
	return err
}

// why is the reason of a letter in the reader's language.
func (a *app) why(c *web.Ctx, l store.Letter) string {
	format, facts := l.Case()
	no := &chaincode.Refusal{Rule: chaincode.Rule{Code: l.Code, Text: l.Code}, Format: format, Facts: facts}
	for _, r := range sensorRules {
		if r.Code == l.Code {
			no.Rule = r
		}
	}
	return c.Because(no)
}

func (a *app) newDevicePassword(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	password, err := a.makePassword(c, d)
	if err != nil {
		return err
	}
	return a.showDevice(c, d, password)
}

func (a *app) makePassword(c *web.Ctx, d deviceRow) (string, error) {
	switch {
	case d.Owner != c.User().Party:
		return "", trace.ErrNotYourDevice.Refuse("%s", d.id())
	case d.Ended != nil:
		return "", trace.ErrDeviceEnded.Refuse("%s", d.Name)
	case a.station.Store == nil:
		return "", errNoStation.Refuse("")
	}
	return a.station.NewPassword(c.Context(), d.id(), c.User().ID)
}

// errNoStation says that this host takes no readings.
var errNoStation = chaincode.Rule{Code: "iot/no-station", Kind: chaincode.Conflict, Text: "This host takes no readings of sensors.", Remedy: "Start it with --mqtt, or ask whoever runs it."}

type passwordReply struct {
	Device   string `json:"device"` // the user name
	Password string `json:"password"`
	Address  string `json:"address"` // of the broker
}

func (a *app) apiDevicePassword(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	password, err := a.makePassword(c, d)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, passwordReply{d.id().String(), password, a.station.Address()})
}

// deviceReply is a device for programs.
type deviceReply struct {
	deviceRow
	State string        `json:"state"`
	Last  []readingView `json:"last"`
}

type readingView struct {
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
	Value   float64   `json:"value"`
	Unit    string    `json:"unit,omitempty"` // UN/ECE Recommendation 20
}

func (a *app) deviceReply(c *web.Ctx, d deviceRow) (deviceReply, error) {
	last, err := a.lastOf(c.Context(), d)
	v := deviceReply{d, d.standing(last, a.station.Going(), a.host.Now()).Word, []readingView{}}
	for _, r := range last.Readings {
		k, _ := iot.KindOf(r.Channel)
		v.Last = append(v.Last, readingView{r.Channel, r.At, r.Value, k.Unit})
	}
	return v, err
}

func (a *app) apiDevice(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	v, err := a.deviceReply(c, d)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, v)
}

func (a *app) apiDevices(c *web.Ctx) error {
	owner, err := a.ownOrAll(c)
	if err != nil {
		return err
	}
	list := apiList(c, nil)
	rows, err := readmodel.All[deviceRow](c.Context(), a.db, `SELECT `+deviceColumns+` FROM tr_devices WHERE ($1 = '' OR owner = $2) AND owner || '/' || name > $3 ORDER BY owner || '/' || name LIMIT $4`,
		owner, owner, list.After, list.Limit+1)
	if err != nil {
		return err
	}
	all := make([]deviceReply, len(rows))
	for i, d := range rows {
		if all[i], err = a.deviceReply(c, d); err != nil {
			return err
		}
	}
	return apiPage(c, all, list.Limit, func(d deviceReply) string { return d.id().String() })
}

// readingsSheet is every reading of a device in a span, as it was stored.
func (a *app) readingsSheet(form string) func(*web.Ctx) error {
	return func(c *web.Ctx) error {
		d, err := a.device(c, c.Param("owner"), c.Param("name"))
		if err != nil {
			return err
		}
		q, err := a.chartAsk(c, d)
		if err != nil {
			return err
		}
		header := func(text string, kind export.Kind, width float64) export.Column {
			return export.Column{Header: c.T(text), Kind: kind, Width: width}
		}
		t := export.Table{Title: d.title(c.Lang()), Note: d.id().String() + " · " + q.from.UTC().Format(time.RFC3339) + " – " + q.to.UTC().Format(time.RFC3339),
			Columns: []export.Column{header("Channel", export.Text, 24), header("When", export.Time, 26), header("Value", export.Quantity, 14), header("Unit", export.Text, 10)},
			Rows:    a.readingRows(c, d, q)}
		return a.send(c, t, form, d.Name+"-readings")
	}
}

func (a *app) readingRows(c *web.Ctx, d deviceRow, q chartAsk) iter.Seq2[[]any, error] {
	errEnough := errors.New("enough")
	return func(yield func([]any, error) bool) {
		if a.station.Store == nil {
			return
		}
		err := a.station.Store.Each(c.Context(), d.id(), q.from, q.to, func(r iot.Reading) error {
			k, _ := iot.KindOf(r.Channel)
			if !yield([]any{channelName(c, r.Channel), r.At, strconv.FormatFloat(r.Value, 'f', -1, 64), k.Symbol}, nil) {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}
