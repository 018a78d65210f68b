package traceability

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// deviceRow is a device as the tables have it, and as programs see it.
type deviceRow struct {
	Owner    string     `json:"owner" db:"owner"`
	Name     string     `json:"name" db:"name"`
	Title    string     `json:"title" db:"title"`
	TitleZh  string     `json:"titleZh,omitempty" db:"title_zh"`
	Type     string     `json:"type" db:"type"`
	Model    string     `json:"model,omitempty" db:"model"`
	Serial   string     `json:"serial,omitempty" db:"serial"`
	Class    string     `json:"class,omitempty" db:"class"` // of EN 12830
	Thing    string     `json:"thing" db:"thing"`           // GIAI or GRAI
	Via      string     `json:"via,omitempty" db:"via"`
	Interval int64      `json:"interval" db:"interval_s"` // seconds
	Channels channels   `json:"channels" db:"channels"`
	Mapping  rawJSON    `json:"mapping,omitempty" db:"mapping"`
	Fence    fence      `json:"fence,omitempty" db:"fence"`
	Still    int64      `json:"still,omitempty" db:"still_s"` // seconds
	Since    time.Time  `json:"since" db:"since"`
	Changed  time.Time  `json:"changed" db:"changed"`
	CalNo    string     `json:"calibration,omitempty" db:"cal_number"` // number of the certificate
	CalBy    string     `json:"calibratedBy,omitempty" db:"cal_issuer"`
	CalOn    string     `json:"calibratedOn,omitempty" db:"cal_on"`
	CalUntil string     `json:"calibratedUntil,omitempty" db:"cal_until"` // the last day
	CalDoc   string     `json:"calibrationDocument,omitempty" db:"cal_document"`
	Ended    *time.Time `json:"ended,omitempty" db:"ended"`
	Reason   string     `json:"reason,omitempty" db:"reason"`
	Block    int64      `json:"block" db:"block"`
	Tx       string     `json:"transaction" db:"tx"`
}

const deviceColumns = `owner, name, title, title_zh, type, model, serial, class, thing, via, interval_s, channels, mapping, fence, still_s, since, changed,
	cal_number, cal_issuer, cal_on, cal_until, cal_document, ended, reason, block, tx`

// channels are stored as JSON, as they stand on the ledger.
type channels []trace.Channel

// Scan reads the column.
func (c *channels) Scan(v any) error { return scanJSON(v, c) }

// fence is stored in the same way.
type fence []trace.Circle

// Scan reads the column.
func (f *fence) Scan(v any) error { return scanJSON(v, f) }

// rawJSON is JSON that stays as it is.
type rawJSON json.RawMessage

// Scan reads the column.
func (r *rawJSON) Scan(v any) error {
	text, err := columnText(v)
	*r = rawJSON(text)
	return err
}

// MarshalJSON gives what is stored.
func (r rawJSON) MarshalJSON() ([]byte, error) {
	if len(r) == 0 {
		return []byte("null"), nil
	}
	return r, nil
}

func scanJSON(v, into any) error {
	text, err := columnText(v)
	if err != nil || text == "" {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}

func columnText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	case nil:
		return "", nil
	}
	return "", fmt.Errorf("a text column holds %T", v)
}

func (d deviceRow) id() iot.ID   { return iot.ID{Party: d.Owner, Name: d.Name} }
func (d deviceRow) href() string { return "/traceability/devices/" + d.Owner + "/" + d.Name }

func (d deviceRow) title(lang string) string {
	if lang == "zh" && d.TitleZh != "" {
		return d.TitleZh
	}
	return d.Title
}

func (d deviceRow) channel(name string) (trace.Channel, bool) {
	i := slices.IndexFunc(d.Channels, func(c trace.Channel) bool { return c.Name == name })
	if i < 0 {
		return trace.Channel{}, false
	}
	return d.Channels[i], true
}

// main is the channel that a device is about: its first temperature, else its
// first.
func (d deviceRow) main() string {
	for _, c := range d.Channels {
		if k, _ := iot.KindOf(c.Name); k.Name == "temperature" {
			return c.Name
		}
	}
	if len(d.Channels) > 0 {
		return d.Channels[0].Name
	}
	return ""
}

// calibrated tells how a device's calibration stands on a day. The last weeks
// are a warning: laboratories are busy.
func (d deviceRow) calibrated(now time.Time) web.Chip {
	day, soon := now.UTC().Format(time.DateOnly), now.UTC().AddDate(0, 0, 30).Format(time.DateOnly)
	switch {
	case d.Type == trace.Gateway:
		return web.Chip{}
	case d.CalUntil == "":
		return web.Chip{Word: "Not calibrated", Tone: web.Warn}
	case d.CalUntil < day:
		return web.Chip{Word: "Out of calibration", Tone: web.Bad}
	case d.CalUntil < soon:
		return web.Chip{Word: "Calibration ends soon", Tone: web.Warn}
	}
	return web.Chip{Word: "Calibrated", Tone: web.Good}
}

// doubtful reports whether what the device measured on a day is not vouched for.
func (d deviceRow) doubtful(at time.Time) bool { return d.calibrated(at).Tone == web.Bad }

// devices are those of a company, or of all.
func (a *app) devices(ctx context.Context, owner string) ([]deviceRow, error) {
	return readmodel.All[deviceRow](ctx, a.db, `SELECT `+deviceColumns+` FROM tr_devices WHERE ($1 = '' OR owner = $2) ORDER BY CASE WHEN ended IS NULL THEN 0 ELSE 1 END, owner, name LIMIT $3`,
		owner, owner, mostDevices)
}

const mostDevices = 2000

// device finds a device that the reader may see: one of their own company, or,
// of a regulator, of any.
func (a *app) device(c *web.Ctx, owner, name string) (deviceRow, error) {
	all, err := readmodel.All[deviceRow](c.Context(), a.db, `SELECT `+deviceColumns+` FROM tr_devices WHERE owner = $1 AND name = $2`, owner, name)
	if err != nil {
		return deviceRow{}, err
	}
	seesAll, err := a.supervises(c)
	if err != nil {
		return deviceRow{}, err
	}
	if len(all) == 0 || all[0].Owner != c.User().Party && !seesAll {
		return deviceRow{}, trace.ErrNoDevice.Refuse("%s", name)
	}
	return all[0], nil
}

// attachment is what a device rides on, or rode on.
type attachment struct {
	Parent string     `json:"parent" db:"parent"`
	Since  time.Time  `json:"since" db:"since"`
	Until  *time.Time `json:"until,omitempty" db:"until"`
	Event  string     `json:"event" db:"event"`
}

// attachments are a device's, the newest first.
func (a *app) attachments(ctx context.Context, thing string) ([]attachment, error) {
	return readmodel.All[attachment](ctx, a.db, `SELECT parent, since, until, event FROM tr_associations WHERE child = $1 AND NOT undone ORDER BY since DESC LIMIT 100`, thing)
}

// deviceWords are the choices of a form, and what pages say.
var (
	deviceTypeWords = []web.Option{{Value: trace.Sensor, Text: "Sensor at a fixed place"}, {Value: trace.Logger, Text: "Logger that travels with goods"},
		{Value: trace.Tracker, Text: "Tracker on a vehicle"}, {Value: trace.Gateway, Text: "Gateway that speaks for others"}}
	endWords = []web.Option{{Value: "lost", Text: "Lost"}, {Value: "broken", Text: "Broken"}, {Value: "replaced", Text: "Replaced"}, {Value: "sold", Text: "Sold on"}}
)

// kindWords are what channels are called.
var channelWords = map[string]string{"temperature": "Temperature", "humidity": "Humidity", "pressure": "Pressure", "co2": "CO₂", "light": "Light", "shock": "Shock", "door": "Door",
	"battery": "Battery", "voltage": "Voltage", "speed": "Speed", "latitude": "Latitude", "longitude": "Longitude"}

// channelName is a channel as people call it: "Temperature", "Temperature · rear".
func channelName(c *web.Ctx, channel string) string {
	k, ok := iot.KindOf(channel)
	if !ok {
		return channel
	}
	text := c.T(channelWords[k.Name])
	if len(channel) > len(k.Name) {
		text += " · " + channel[len(k.Name)+1:]
	}
	return text
}

// excursionRow is an alarm as the tables have it, and as programs see it.
type excursionRow struct {
	Event     string     `json:"event" db:"hash"`
	Author    string     `json:"owner" db:"author"`
	Thing     string     `json:"device" db:"thing"`
	Rule      string     `json:"rule,omitempty" db:"rule"`
	Type      string     `json:"type" db:"type"`
	Unit      string     `json:"unit,omitempty" db:"unit"`
	Since     time.Time  `json:"since" db:"since"`
	Until     *time.Time `json:"until,omitempty" db:"until"`
	Low       string     `json:"low,omitempty" db:"low"`
	High      string     `json:"high,omitempty" db:"high"`
	Mean      string     `json:"mean,omitempty" db:"mean"`
	Noted     time.Time  `json:"noted" db:"noted"`
	Cause     string     `json:"cause,omitempty" db:"cause"`
	Measure   string     `json:"measure,omitempty" db:"measure"`
	Explained *time.Time `json:"explained,omitempty" db:"explained"`
	Block     int64      `json:"block" db:"block"`
	Tx        string     `json:"transaction" db:"tx"`
	Name      string     `json:"name,omitempty" db:"name"` // of the device
	Title     string     `json:"title,omitempty" db:"title"`
	TitleZh   string     `json:"titleZh,omitempty" db:"title_zh"`
}

const excursionColumns = `x.hash, x.author, x.thing, x.rule, x.type, x.unit, x.since, x.until, x.low, x.high, x.mean, x.noted, x.cause, x.measure, x.explained, x.block, x.tx,
	COALESCE(d.name, '') AS name, COALESCE(d.title, '') AS title, COALESCE(d.title_zh, '') AS title_zh`

const excursionTables = `tr_excursions x LEFT JOIN tr_devices d ON d.owner = x.author AND d.thing = x.thing`

func (x excursionRow) title(lang string) string {
	if lang == "zh" && x.TitleZh != "" {
		return x.TitleZh
	}
	return cmp.Or(x.Title, x.Thing)
}

// state is an excursion in a word.
func (x excursionRow) state() web.Chip {
	switch {
	case x.Until == nil:
		return web.Chip{Word: "Going on", Tone: web.Bad}
	case x.Explained == nil:
		return web.Chip{Word: "To explain", Tone: web.Warn}
	}
	return web.Chip{Word: "Explained", Tone: web.Good}
}

// excursionsSince are those of a device, the newest first.
func (a *app) excursionsSince(ctx context.Context, d deviceRow, from time.Time) ([]excursionRow, error) {
	return readmodel.All[excursionRow](ctx, a.db, `SELECT `+excursionColumns+` FROM `+excursionTables+`
		WHERE x.author = $1 AND x.thing = $2 AND NOT x.error AND (x.until IS NULL OR x.until >= $3) ORDER BY x.since DESC LIMIT 100`, d.Owner, d.Thing, from)
}
