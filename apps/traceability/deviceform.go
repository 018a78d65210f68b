package traceability

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/apps/traceability/station"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) deviceFormRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/devices/new", Name: "devices.new", Access: keepers, Handler: a.registerDevice},
		{Method: "POST", Path: "/traceability/devices/new", Name: "devices.register", Access: keepers, Handler: a.registerDevice},
		{Method: "GET", Path: "/traceability/devices/:owner/:name/edit", Name: "device.edit", Access: keepers, Handler: a.registerDevice},
		{Method: "POST", Path: "/traceability/devices/:owner/:name/edit", Name: "device.change", Access: keepers, Handler: a.registerDevice},
		{Method: "POST", Path: "/traceability/devices/:owner/:name/calibrate", Name: "device.calibrate", Access: keepers, Handler: a.calibrateDevice},
		{Method: "POST", Path: "/traceability/devices/:owner/:name/attach", Name: "device.attach", Access: operators, Handler: a.attachDevice},
		{Method: "POST", Path: "/traceability/devices/:owner/:name/detach", Name: "device.detach", Access: operators, Handler: a.detachDevice},
		{Method: "POST", Path: "/traceability/devices/:owner/:name/decommission", Name: "device.decommission", Access: keepers, Handler: a.decommissionDevice},
		{Method: "GET", Path: "/traceability/devices/:owner/:name/:act", Name: "device.back", Access: readers, Handler: a.backToDevice},
		{Method: "POST", Path: "/api/devices", Name: "api.device.register", Access: keepers, Handler: a.apiRegisterDevice, Doc: &web.Doc{
			Summary: "Register a device of your own company, or change what is said of it.", Body: trace.RegisterDevice{}, Reply: committed[trace.DeviceState]{}, Status: http.StatusCreated}},
		{Method: "POST", Path: "/api/devices/:owner/:name/calibration", Name: "api.device.calibrate", Access: keepers, Handler: a.apiCalibrate, Doc: &web.Doc{
			Summary: "Put a device's newest calibration on record.", Body: trace.Calibration{}, Reply: committed[trace.DeviceState]{}, Status: http.StatusCreated}},
		{Method: "POST", Path: "/api/devices/:owner/:name/decommission", Name: "api.device.decommission", Access: keepers, Handler: a.apiDecommission, Doc: &web.Doc{
			Summary: "End a device: it is let in no longer; its readings and seals stay.", Body: endForm{}, Reply: committed[trace.DeviceState]{}, Status: http.StatusOK}},
	}
}

// Rules of what is entered about devices.
var (
	errChannelKind = chaincode.Rule{Code: "iot/channel-kind", Kind: chaincode.Malformed,
		Text: "A channel is named for what it measures: temperature, humidity, door and so on, and its place behind a dot.", Remedy: "Choose a kind; call a second one temperature.rear."}
)

// deviceForm is a device as its company enters it.
type deviceForm struct {
	Name     string        `form:"name,required"`
	Title    string        `form:"title,required"`
	TitleZh  string        `form:"titleZh"`
	Type     string        `form:"type,required"`
	Model    string        `form:"model"`
	Serial   string        `form:"serial"`
	Class    string        `form:"class"`
	Thing    string        `form:"thing"`
	Interval int64         `form:"interval,required"`
	Via      string        `form:"via"`
	Channels []channelLine `form:"channels"`
	Mapping  string        `form:"mapping"`
	Fence    []circleLine  `form:"fence"`
	Still    int64         `form:"still"` // minutes
}

type channelLine struct {
	Name  string `form:"name,required"`
	Low   limit  `form:"low"`
	High  limit  `form:"high"`
	Grace int64  `form:"grace"` // minutes, as are the next two
	Total int64  `form:"total"`
	Stuck int64  `form:"stuck"`
	Jump  limit  `form:"jump"`
}

// circleLine is a part of a fence; an empty line is none.
type circleLine struct {
	Latitude  limit `form:"latitude"`
	Longitude limit `form:"longitude"`
	Radius    int64 `form:"radius"` // metres
}

// limit is a decimal that may be left out.
type limit struct{ value *gs1.Amount }

// UnmarshalText reads an entry, with a decimal comma too.
func (l *limit) UnmarshalText(text []byte) error {
	s := strings.NewReplacer(",", ".", "−", "-").Replace(strings.TrimSpace(string(text)))
	if s == "" {
		return nil
	}
	v, err := gs1.ParseAmount(s)
	if err == nil {
		l.value = &v
	}
	return err
}

// MarshalText writes it as it is entered.
func (l limit) MarshalText() ([]byte, error) {
	if l.value == nil {
		return nil, nil
	}
	return []byte(l.value.String()), nil
}

type devicePageForm struct {
	Form     *web.Form[deviceForm]
	Known    bool
	Crumbs   []web.Crumb
	Types    []web.Option
	Classes  []web.Option
	Gates    []web.Option
	Channels []web.Option
	Prefix   string
}

// registerDevice registers a device, or changes one of its own company.
func (a *app) registerDevice(c *web.Ctx) error {
	start, known := deviceForm{Type: trace.Logger, Interval: 60, Channels: []channelLine{{Name: "temperature", Grace: 10}}}, c.Param("name") != ""
	if known {
		d, err := a.device(c, c.Param("owner"), c.Param("name"))
		if err != nil {
			return err
		}
		start = deviceFormOf(d)
	}
	own, err := a.own(c)
	if err != nil {
		return err
	}
	show := func(f *web.Form[deviceForm]) error {
		return a.showDeviceForm(c, devicePageForm{Form: f, Known: known, Types: inWords(c, deviceTypeWords), Prefix: own.Prefixes})
	}
	return web.Post(c, start, show, func(f *web.Form[deviceForm]) (string, error) {
		if known {
			f.Value.Name = start.Name
		}
		command, err := f.Value.command(own)
		if err != nil {
			return "", err
		}
		if _, err := do[trace.DeviceState](a, c, command); err != nil {
			return "", err
		}
		c.Flash("%s is on record.", command.Title)
		return deviceRow{Owner: own.ID, Name: command.Name}.href(), nil
	})
}

func (a *app) showDeviceForm(c *web.Ctx, v devicePageForm) error {
	all, err := a.devices(c.Context(), c.User().Party)
	if err != nil {
		return err
	}
	for _, d := range all {
		if d.Type == trace.Gateway && d.Ended == nil {
			v.Gates = append(v.Gates, web.Option{Value: d.Name, Text: d.title(c.Lang())})
		}
	}
	for _, class := range trace.DeviceClasses() {
		v.Classes = append(v.Classes, web.Option{Value: class, Text: c.T("Class %s (± %s °C)", class, class)})
	}
	for _, k := range iot.Kinds() {
		v.Channels = append(v.Channels, web.Option{Value: k.Name, Text: strings.TrimSpace(c.T(channelWords[k.Name]) + " " + k.Symbol)})
	}
	v.Crumbs = []web.Crumb{{Text: c.T("Devices"), Href: "/traceability/devices"}, {Text: c.T("New device")}}
	if v.Known {
		v.Crumbs[1].Text = v.Form.Value.Title
	}
	return c.Render("device_edit.html", v)
}

func deviceFormOf(d deviceRow) deviceForm {
	f := deviceForm{Name: d.Name, Title: d.Title, TitleZh: d.TitleZh, Type: d.Type, Model: d.Model, Serial: d.Serial, Class: d.Class, Thing: d.Thing,
		Interval: d.Interval, Via: d.Via, Mapping: string(d.Mapping), Still: d.Still / 60}
	for _, ch := range d.Channels {
		f.Channels = append(f.Channels, channelLine{Name: ch.Name, Low: limit{ch.Low}, High: limit{ch.High}, Grace: ch.Grace / 60, Total: ch.Total / 60, Stuck: ch.Stuck / 60, Jump: limit{ch.Jump}})
	}
	for _, circle := range d.Fence {
		f.Fence = append(f.Fence, circleLine{limit{&circle.Latitude}, limit{&circle.Longitude}, circle.Radius})
	}
	return f
}

// command is the form as the ledger takes it. A device without an identifier
// of its own gets a GIAI under the company's prefix.
func (f deviceForm) command(own events.Company) (trace.RegisterDevice, error) {
	command := trace.RegisterDevice{Name: strings.TrimSpace(f.Name), Title: f.Title, TitleZh: f.TitleZh, Type: f.Type, Model: f.Model, Serial: f.Serial, Class: f.Class,
		Thing: strings.TrimSpace(f.Thing), Interval: f.Interval, Via: f.Via, Still: f.Still * 60}
	command.Thing = assetOf(command, own)
	if text := strings.TrimSpace(f.Mapping); text != "" {
		if _, err := station.ParseMapping([]byte(text)); err != nil {
			return command, err
		}
		command.Mapping = json.RawMessage(text)
	}
	for i, ch := range f.Channels {
		k, ok := iot.KindOf(ch.Name)
		if !ok {
			return command, errChannelKind.Refuse("%s", ch.Name).On(fmt.Sprintf("channels.%d.name", i))
		}
		command.Channels = append(command.Channels, trace.Channel{Name: ch.Name, Unit: k.Unit, Low: ch.Low.value, High: ch.High.value, Grace: ch.Grace * 60,
			Total: ch.Total * 60, Stuck: ch.Stuck * 60, Jump: ch.Jump.value})
	}
	for i, line := range f.Fence {
		switch {
		case line == circleLine{}:
		case line.Latitude.value == nil || line.Longitude.value == nil:
			return command, trace.ErrFence.Refuse("").On(fmt.Sprintf("fence.%d.latitude", i))
		default:
			command.Fence = append(command.Fence, trace.Circle{Latitude: *line.Latitude.value, Longitude: *line.Longitude.value, Radius: line.Radius})
		}
	}
	return command, nil
}

// assetOf is a device's identifier: its own, or a GIAI under its company's prefix.
func assetOf(c trace.RegisterDevice, own events.Company) string {
	if prefixes := strings.Fields(own.Prefixes); c.Thing == "" && len(prefixes) > 0 {
		return "8004/" + prefixes[0] + strings.ToUpper(c.Name)
	}
	return c.Thing
}

// calibrationForm is a certificate of calibration.
type calibrationForm struct {
	Number   string `form:"number,required"`
	Issuer   string `form:"issuer,required"`
	On       string `form:"on,required"`
	Until    string `form:"until,required"`
	Document string `form:"document"`
}

func (a *app) calibrateDevice(c *web.Ctx) error {
	return onDevice(a, c, calibrationForm{}, func(d deviceRow, f calibrationForm) (any, error) {
		return trace.Calibrate{Device: d.Name, Calibration: trace.Calibration{Number: f.Number, Issuer: f.Issuer, On: f.On, Until: f.Until, Document: f.Document}}, nil
	}, "The calibration is on record.")
}

// backToDevice leads from the address of an answer to the page that it is on.
func (a *app) backToDevice(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	return c.Redirect(d.href())
}

type endForm struct {
	Reason string `form:"reason,required" json:"reason"`
}

func (a *app) decommissionDevice(c *web.Ctx) error {
	return onDevice(a, c, endForm{}, func(d deviceRow, f endForm) (any, error) {
		return trace.Decommission{Device: d.Name, Reason: f.Reason}, nil
	}, "The device is decommissioned.")
}

type attachForm struct {
	To string    `form:"to,required"`
	At time.Time `form:"at"`
}

// errAttachTo asks for a thing that can carry a device.
var errAttachTo = chaincode.Rule{Code: "iot/attach-to", Kind: chaincode.Malformed,
	Text: "A device is attached to a pallet (SSCC), a container or crate (GRAI), a vehicle (GIAI) or a place (GLN).", Remedy: "Scan the label of the thing, or enter its GS1 key: 00/…, 8003/…, 8004/… or 414/…"}

func (a *app) attachDevice(c *web.Ctx) error {
	return onDevice(a, c, attachForm{}, func(d deviceRow, f attachForm) (any, error) {
		key, err := gs1.Parse(strings.TrimSpace(f.To))
		if err != nil || key.Primary.AI != "00" && key.Primary.AI != "8003" && key.Primary.AI != "8004" && key.Primary.AI != "414" {
			return nil, errAttachTo.Refuse("%s", f.To).On("to")
		}
		own, err := a.own(c)
		if err != nil {
			return nil, err
		}
		return captureFor(events.Attached(own, a.when(f.At, web.Field{}), key.Path(), d.Thing), gs1.Amount{}, audience{})
	}, "The device is attached.")
}

type detachForm struct {
	From string    `form:"from,required"`
	At   time.Time `form:"at"`
}

func (a *app) detachDevice(c *web.Ctx) error {
	return onDevice(a, c, detachForm{}, func(d deviceRow, f detachForm) (any, error) {
		own, err := a.own(c)
		if err != nil {
			return nil, err
		}
		return captureFor(events.Detached(own, a.when(f.At, web.Field{}), f.From, d.Thing), gs1.Amount{}, audience{})
	}, "The device is detached.")
}

// onDevice does what a form on a device's page asks. What is refused is shown
// on that page, beside the entry.
func onDevice[F any](a *app, c *web.Ctx, start F, command func(deviceRow, F) (any, error), told string) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	show := func(f *web.Form[F]) error { return a.showDevice(c, d, f) }
	return web.Post(c, start, show, func(f *web.Form[F]) (string, error) {
		asked, err := command(d, f.Value)
		if err == nil {
			_, err = do[json.RawMessage](a, c, asked)
		}
		if err != nil {
			return "", err
		}
		c.Flash(told)
		return d.href(), nil
	})
}

func (a *app) apiRegisterDevice(c *web.Ctx) error {
	var in trace.RegisterDevice
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	for i, ch := range in.Channels {
		if k, ok := iot.KindOf(ch.Name); !ok || ch.Unit != k.Unit {
			return errChannelKind.Refuse("%s in %s", ch.Name, ch.Unit).On("channels[" + strconv.Itoa(i) + "]")
		}
	}
	own, err := a.own(c)
	if err != nil {
		return err
	}
	in.Thing = assetOf(in, own)
	return apiDo[trace.DeviceState](a, c, http.StatusCreated, in)
}

func (a *app) apiCalibrate(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	var in trace.Calibration
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	return apiDo[trace.DeviceState](a, c, http.StatusCreated, trace.Calibrate{Device: d.Name, Calibration: in})
}

func (a *app) apiDecommission(c *web.Ctx) error {
	d, err := a.device(c, c.Param("owner"), c.Param("name"))
	if err != nil {
		return err
	}
	var in endForm
	if err := c.ReadJSON(&in); err != nil {
		return err
	}
	return apiDo[trace.DeviceState](a, c, http.StatusOK, trace.Decommission{Device: d.Name, Reason: in.Reason})
}
