package trace

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// The types of devices.
const (
	Sensor  = "sensor"  // stays where it is: a cold room, a store
	Logger  = "logger"  // travels with goods
	Tracker = "tracker" // travels with a vehicle, and tells where it is
	Gateway = "gateway" // speaks for others
)

var deviceTypes = []string{Sensor, Logger, Tracker, Gateway}

// DeviceTypes lists what RegisterDevice takes as a type.
func DeviceTypes() []string { return slices.Clone(deviceTypes) }

// DeviceClasses are those of EN 12830, by how far a temperature may be off.
func DeviceClasses() []string { return []string{"0.2", "0.5", "1", "2"} }

// RegisterDevice puts a device of the caller's company on record, or changes
// what is said of it. Nobody needs to trust a device that nobody stands for.
type RegisterDevice struct {
	Name     string    `json:"name"` // within the company, as in its topics: "truck-7"
	Title    string    `json:"title"`
	TitleZh  string    `json:"titleZh,omitempty"`
	Type     string    `json:"type"`
	Model    string    `json:"model,omitempty"`
	Serial   string    `json:"serial,omitempty"` // the maker's
	Class    string    `json:"class,omitempty"`  // of EN 12830
	Thing    string    `json:"thing"`            // GIAI or GRAI: what EPCIS events call the device
	Interval int64     `json:"interval"`         // seconds between two readings
	Channels []Channel `json:"channels"`
	// Via is the device of the same company that may speak for this one: an edge
	// node or a gateway.
	Via string `json:"via,omitempty"`
	// Mapping says how the device's own JSON is read.
	Mapping json.RawMessage `json:"mapping,omitempty"`
	// Fence is where the device may be: within one of these circles.
	Fence []Circle `json:"fence,omitempty"`
	// Still is for how many seconds it may stand in one place.
	Still int64 `json:"still,omitempty"`
}

// Circle is the surroundings of a place (WGS 84).
type Circle struct {
	Latitude  gs1.Amount `json:"latitude"` // degrees
	Longitude gs1.Amount `json:"longitude"`
	Radius    int64      `json:"radius"` // metres
}

// Channel is one thing that a device measures, and how far it may go before
// somebody is told.
type Channel struct {
	Name string      `json:"name"`          // "temperature", "temperature.rear"
	Unit string      `json:"unit"`          // UN/ECE Recommendation 20; "" for a state
	Low  *gs1.Amount `json:"low,omitempty"` // limits, in the unit
	High *gs1.Amount `json:"high,omitempty"`
	// Grace is for how many seconds a limit may be passed: doors are opened.
	Grace int64 `json:"grace,omitempty"`
	// Total is for how many seconds a limit may be passed in all within a day.
	Total int64 `json:"total,omitempty"`
	// Stuck is for how many seconds the value may stay the same; a sensor that
	// repeats itself for longer is at fault.
	Stuck int64 `json:"stuck,omitempty"`
	// Jump is by how much two values one after another may differ; a sensor that
	// jumps farther is at fault.
	Jump *gs1.Amount `json:"jump,omitempty"`
}

// Calibrate puts a device's calibration on record.
type Calibrate struct {
	Device string `json:"device"` // name
	Calibration
}

// Calibration says who found a device to measure right, and until when that is
// believed. Days are written as 2026-11-28.
type Calibration struct {
	Number string `json:"number"` // of the certificate
	Issuer string `json:"issuer"` // the laboratory
	On     string `json:"on"`
	Until  string `json:"until"` // the last day
	// Document is the certificate, where it is attached (AttachDocument).
	Document string `json:"document,omitempty"`
}

// Decommission ends a device. Its readings and seals stay.
type Decommission struct {
	Device string `json:"device"`
	Reason string `json:"reason"` // a code of DecommissionReasons
}

// DecommissionReasons are why a device ends.
var DecommissionReasons = []string{"lost", "broken", "replaced", "sold"}

// Device is a device on record.
type Device struct {
	RegisterDevice
	Owner       string       `json:"owner"` // party
	Since       time.Time    `json:"since"`
	Changed     time.Time    `json:"changed"`
	Calibration *Calibration `json:"calibration,omitempty"`
	Ended       *time.Time   `json:"ended,omitempty"`
	Reason      string       `json:"reason,omitempty"` // of the end
}

// DeviceRegistered tells of a device as it stands.
type DeviceRegistered struct {
	Device Device `json:"device"`
}

// DeviceCalibrated tells of a device's newest calibration.
type DeviceCalibrated struct {
	Owner       string      `json:"owner"`
	Name        string      `json:"name"`
	Calibration Calibration `json:"calibration"`
	At          time.Time   `json:"at"`
}

// DeviceDecommissioned tells of a device's end.
type DeviceDecommissioned struct {
	Owner  string    `json:"owner"`
	Name   string    `json:"name"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// DeviceState is the reply to the commands about devices.
type DeviceState struct {
	Owner string `json:"owner"`
	Name  string `json:"name"`
	State string `json:"state"` // "active" or "decommissioned"
}

// GetDevice asks for a device.
type GetDevice struct {
	Owner string `json:"owner"`
	Name  string `json:"name"`
}

var (
	devices      = chaincode.Table[Device]{Name: "device"} // owner, name
	deviceThings = chaincode.Table[DeviceState]{Name: "devicething"}
)

// The bounds of a device on record.
const (
	mostChannels = 32
	mostMapping  = 4 << 10
	mostCircles  = 64
	widestCircle = 1_000_000           // metres
	longestDay   = int64(24 * 60 * 60) // seconds
)

var (
	// ErrDevice asks for what a device is known by.
	ErrDevice = chaincode.Rule{Code: "trace/device", Kind: chaincode.Malformed,
		Text:   "A device has a name in small letters, digits and hyphens, a title, a known type and class, an interval of up to a day, and channels with a unit each.",
		Remedy: "Mend what is named."}
	// ErrLimits keeps alarms possible.
	ErrLimits = chaincode.Rule{Code: "trace/device-limits", Kind: chaincode.Malformed,
		Text: "A channel's lower limit lies below its upper one; times are of at most a day, and a jump is more than nothing.", Remedy: "Mend the limits of the channel that is named."}
	// ErrFence keeps a fence on the earth.
	ErrFence = chaincode.Rule{Code: "trace/device-fence", Kind: chaincode.Malformed,
		Text:   "A device's fence is of up to 64 circles with a latitude, a longitude and a radius of up to 1,000 km, and it stands still for at most a day.",
		Remedy: "Give degrees between -90 and 90, and -180 and 180; the radius in metres."}
	// ErrDeviceThing keeps devices recognisable in EPCIS events.
	ErrDeviceThing = chaincode.Rule{Code: "trace/device-thing", Kind: chaincode.Malformed,
		Text:   "A device is a GIAI or a GRAI with its serial number, of the company's own prefix, that no other device bears.",
		Remedy: "Give the device an asset identifier of your own, such as 8004/9506000134TRUCK7."}
	// ErrNoDevice names a device that the company has not registered.
	ErrNoDevice = chaincode.Rule{Code: "trace/no-device", Kind: chaincode.NotFound,
		Text: "The company has no such device.", Remedy: "Check the name, or register the device."}
	// ErrDeviceEnded keeps the end of a device an end.
	ErrDeviceEnded = chaincode.Rule{Code: "trace/device-ended", Kind: chaincode.Conflict,
		Text: "The device is decommissioned.", Remedy: "Register another device under another name."}
	// ErrCalibration asks for what a calibration is checked by.
	ErrCalibration = chaincode.Rule{Code: "trace/calibration", Kind: chaincode.Malformed,
		Text:   "A calibration names its certificate, who issued it, the day it was made on, which is not ahead, and a later one until which it holds.",
		Remedy: "Write days as 2026-11-28, as they stand on the certificate."}
	// ErrDecommission asks why a device ends.
	ErrDecommission = chaincode.Rule{Code: "trace/decommission", Kind: chaincode.Malformed,
		Text: "A device ends because it is lost, broken, replaced or sold.", Remedy: "Choose one of these reasons."}
	// ErrNotYourDevice keeps devices where their company put them.
	ErrNotYourDevice = chaincode.Rule{Code: "trace/not-your-device", Kind: chaincode.Forbidden,
		Text: "Only the company that registered a device attaches it.", Remedy: "Ask that company, or attach a device of your own."}
	// ErrDeviceAttached keeps a device at one place at a time.
	ErrDeviceAttached = chaincode.Rule{Code: "trace/device-attached", Kind: chaincode.Conflict,
		Text: "The device is attached to something.", Remedy: "Detach it there first."}
)

func registerDevice(tx *chaincode.Tx, c RegisterDevice) (DeviceState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return DeviceState{}, err
	}
	d, known := devices.Get(tx, by.ID, c.Name)
	if d.Ended != nil {
		return DeviceState{}, ErrDeviceEnded.Refuse("%s", c.Name).On("name")
	}
	if err := c.check(); err != nil {
		return DeviceState{}, err
	}
	if c.Thing, err = deviceThing(tx, by.ID, c); err != nil {
		return DeviceState{}, err
	}
	if gate, ok := devices.Get(tx, by.ID, c.Via); c.Via != "" && (!ok || gate.Ended != nil || c.Via == c.Name) {
		return DeviceState{}, ErrNoDevice.Refuse("%s", c.Via).On("via")
	}
	if known && d.Thing != c.Thing {
		if to := holderOf(tx, d.Thing); to != "" {
			return DeviceState{}, ErrDeviceAttached.Refuse("%s to %s", d.Name, to).On("thing")
		}
		deviceThings.Delete(tx, d.Thing)
	}
	if !known {
		d.Owner, d.Since = by.ID, tx.At()
	}
	d.RegisterDevice, d.Changed = c, tx.At()
	deviceThings.Put(tx, d.state(), c.Thing)
	devices.Put(tx, d, by.ID, c.Name)
	tx.Emit(DeviceRegistered{d})
	return d.state(), nil
}

func (d Device) state() DeviceState {
	if d.Ended != nil {
		return DeviceState{d.Owner, d.Name, "decommissioned"}
	}
	return DeviceState{d.Owner, d.Name, "active"}
}

// deviceThing is the asset that the device is, if it may be.
func deviceThing(tx *chaincode.Tx, owner string, c RegisterDevice) (string, error) {
	key, err := gs1.Parse(c.Thing)
	asset := err == nil && (key.Primary.AI == "8004" || key.Primary.AI == "8003" && key.Level() == gs1.Instance)
	if !asset {
		return "", ErrDeviceThing.Refuse("%s", c.Thing).On("thing")
	}
	thing := itemPath(key)
	if by, ok := party.ByPrefix(tx, key.Issued()); !ok || by.ID != owner {
		return "", ErrDeviceThing.Refuse("%s", thing).On("thing")
	}
	if other, taken := deviceThings.Get(tx, thing); taken && other.Name != c.Name {
		return "", ErrDeviceThing.Refuse("%s is %s", thing, other.Name).On("thing")
	}
	return thing, nil
}

// holderOf is what a thing is attached to now.
func holderOf(tx *chaincode.Tx, thing string) (parent string) {
	attachedTo.Scan(tx, func(_ []string, to string) bool {
		if a, ok := associations.Get(tx, to, thing); ok && a.holds() {
			parent = to
		}
		return parent == ""
	}, thing)
	return parent
}

func (c RegisterDevice) check() error {
	refuse := func(field, format string, facts ...any) error { return ErrDevice.Refuse(format, facts...).On(field) }
	for _, text := range []struct{ field, value string }{{"title", c.Title}, {"titleZh", c.TitleZh}, {"model", c.Model}, {"serial", c.Serial}} {
		if len(text.value) > longestFact || text.value != strings.TrimSpace(text.value) {
			return refuse(text.field, "%s bytes, at most %s", len(text.value), longestFact)
		}
	}
	switch {
	case !isDeviceName(c.Name):
		return refuse("name", "the name is %s", c.Name)
	case c.Title == "":
		return refuse("title", "the title is empty")
	case !slices.Contains(deviceTypes, c.Type):
		return refuse("type", "the type is %s", c.Type)
	case c.Class != "" && !slices.Contains(DeviceClasses(), c.Class):
		return refuse("class", "the class is %s", c.Class)
	case c.Interval < 1 || c.Interval > longestDay:
		return refuse("interval", "the interval is %s seconds", c.Interval)
	case len(c.Mapping) > mostMapping:
		return refuse("mapping", "the mapping has %s bytes, at most %s", len(c.Mapping), mostMapping)
	case len(c.Fence) > mostCircles || !allowed(c.Still) || slices.ContainsFunc(c.Fence, Circle.off):
		return ErrFence.Refuse("%s circles", len(c.Fence)).On("fence")
	case len(c.Channels) > mostChannels || len(c.Channels) == 0 && c.Type != Gateway:
		return refuse("channels", "it has %s channels", len(c.Channels))
	}
	for i, channel := range c.Channels {
		if err := channel.check(); err != nil {
			return err
		}
		if slices.ContainsFunc(c.Channels[:i], func(other Channel) bool { return other.Name == channel.Name }) {
			return refuse("channels", "%s stands there twice", channel.Name)
		}
	}
	return nil
}

func (c Channel) check() error {
	name, place, more := strings.Cut(c.Name, ".")
	_, err := gs1.UnitOf(c.Unit)
	switch {
	case !isDeviceName(name) || more && !isDeviceName(place):
		return ErrDevice.Refuse("the channel is %s", c.Name).On("channels")
	case err != nil:
		return ErrDevice.Refuse("the unit of %s is %s", c.Name, c.Unit).On("channels")
	case c.Low != nil && c.High != nil && c.Low.Cmp(*c.High) >= 0, !allowed(c.Grace) || !allowed(c.Total) || !allowed(c.Stuck), c.Jump != nil && c.Jump.Sign() <= 0:
		return ErrLimits.Refuse("%s", c.Name).On("channels")
	}
	return nil
}

// allowed tells seconds that a rule may last.
func allowed(seconds int64) bool { return seconds >= 0 && seconds <= longestDay }

// off reports whether a circle is not on the earth.
func (c Circle) off() bool {
	beyond := func(a gs1.Amount, most int64) bool {
		return a.Cmp(gs1.Whole(most)) > 0 || a.Cmp(gs1.Whole(-most)) < 0
	}
	return beyond(c.Latitude, 90) || beyond(c.Longitude, 180) || c.Radius < 1 || c.Radius > widestCircle
}

// isDeviceName keeps names to what stands in an MQTT topic by itself.
func isDeviceName(text string) bool {
	return len(text) > 0 && len(text) <= 40 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && text[0] != '-' && text[len(text)-1] != '-'
}

func calibrate(tx *chaincode.Tx, c Calibrate) (DeviceState, error) {
	d, err := ownDevice(tx, c.Device)
	if err != nil {
		return DeviceState{}, err
	}
	if err := c.Calibration.check(tx.At()); err != nil {
		return DeviceState{}, err
	}
	d.Calibration = &c.Calibration
	devices.Put(tx, d, d.Owner, d.Name)
	tx.Emit(DeviceCalibrated{d.Owner, d.Name, c.Calibration, tx.At()})
	return d.state(), nil
}

func (c Calibration) check(now time.Time) error {
	for _, text := range []struct{ field, value string }{{"number", c.Number}, {"issuer", c.Issuer}} {
		if text.value == "" || len(text.value) > longestFact || text.value != strings.TrimSpace(text.value) {
			return ErrCalibration.Refuse("%s bytes", len(text.value)).On(text.field)
		}
	}
	on, err := time.Parse(time.DateOnly, c.On)
	if err != nil || on.After(now.Add(skew)) {
		return ErrCalibration.Refuse("%s", c.On).On("on")
	}
	if until, err := time.Parse(time.DateOnly, c.Until); err != nil || !until.After(on) {
		return ErrCalibration.Refuse("%s", c.Until).On("until")
	}
	if c.Document != "" && len(c.Document) != 32 {
		return ErrCalibration.Refuse("%s is no document", c.Document).On("document")
	}
	return nil
}

func decommission(tx *chaincode.Tx, c Decommission) (DeviceState, error) {
	d, err := ownDevice(tx, c.Device)
	if err != nil {
		return DeviceState{}, err
	}
	if !slices.Contains(DecommissionReasons, c.Reason) {
		return DeviceState{}, ErrDecommission.Refuse("%s", c.Reason).On("reason")
	}
	if to := holderOf(tx, d.Thing); to != "" {
		return DeviceState{}, ErrDeviceAttached.Refuse("%s to %s", d.Name, to).On("device")
	}
	at := tx.At()
	d.Ended, d.Reason = &at, c.Reason
	devices.Put(tx, d, d.Owner, d.Name)
	deviceThings.Put(tx, d.state(), d.Thing)
	tx.Emit(DeviceDecommissioned{d.Owner, d.Name, d.Reason, at})
	return d.state(), nil
}

// ownDevice is a device of the caller's company that has not ended.
func ownDevice(tx *chaincode.Tx, name string) (Device, error) {
	by, err := party.Active(tx)
	if err != nil {
		return Device{}, err
	}
	d, ok := devices.Get(tx, by.ID, name)
	switch {
	case !ok:
		return d, ErrNoDevice.Refuse("%s", name).On("device")
	case d.Ended != nil:
		return d, ErrDeviceEnded.Refuse("%s", name).On("device")
	}
	return d, nil
}

func getDevice(tx *chaincode.Tx, q GetDevice) (Device, error) {
	d, ok := devices.Get(tx, q.Owner, q.Name)
	if !ok {
		return d, ErrNoDevice.Refuse("%s", q.Name).On("name")
	}
	return d, nil
}

// equipment is a device, or what something was attached to: no goods.
func equipment(tx *chaincode.Tx, thing string) (is bool) {
	if deviceThings.Has(tx, thing) {
		return true
	}
	associations.Scan(tx, func([]string, Association) bool { is = true; return false }, thing)
	return is
}

// mayAttach keeps a device to its own company, and to one place at a time.
func (d *desk) mayAttach(thing string) error {
	device, known := deviceThings.Get(d.tx, thing)
	switch {
	case !known:
		return nil
	case device.Owner != d.by.ID:
		return ErrNotYourDevice.Refuse("%s", thing).On("event")
	case device.State != "active":
		return ErrDeviceEnded.Refuse("%s", device.Name).On("event")
	}
	if to := holderOf(d.tx, thing); to != "" {
		return ErrDeviceAttached.Refuse("%s to %s", device.Name, to).On("event")
	}
	return nil
}
