package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/simulator"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
)

// sensor is a device of the demo: what is on record of it, what it rides on, and
// what it plays.
type sensor struct {
	trace.RegisterDevice
	by    string
	on    string // thing
	until int    // days that its calibration still holds
	plan  simulator.Plan
	past  time.Duration
}

const (
	truck7 = "8004/9521234571TRUCK7"
	truck8 = "8004/9521234571TRUCK8"
)

func degrees(text string) *gs1.Amount {
	v, err := gs1.ParseAmount(text)
	if err != nil {
		panic(err) // a constant of this file
	}
	return &v
}

// sensors are two trucks, of which one has lost its cooling, and a room at each
// of three places.
func sensors(now time.Time) []sensor {
	cold := func(low, high string) trace.Channel {
		return trace.Channel{Name: "temperature", Unit: "CEL", Low: degrees(low), High: degrees(high), Grace: 900}
	}
	door := trace.Channel{Name: "door", Grace: 1200}
	truck := func(name, title, titleZh, thing string) trace.RegisterDevice {
		return trace.RegisterDevice{Name: name, Title: title, TitleZh: titleZh, Type: trace.Tracker, Model: "ColdTrack T2", Serial: "CT2-" + name, Class: "0.5", Thing: thing, Interval: 10,
			Channels: []trace.Channel{cold("1", "7"), door, {Name: "battery", Unit: "P1"}, {Name: "latitude", Unit: "DD"}, {Name: "longitude", Unit: "DD"}}}
	}
	room := func(name, title, titleZh, thing, low, high string) trace.RegisterDevice {
		return trace.RegisterDevice{Name: name, Title: title, TitleZh: titleZh, Type: trace.Sensor, Model: "RoomGuard 4", Serial: "RG4-" + name, Class: "1", Thing: thing, Interval: 10,
			Channels: []trace.Channel{{Name: "temperature", Unit: "CEL", Low: degrees(low), High: degrees(high), Grace: 2700}, {Name: "humidity", Unit: "P1"}}}
	}
	road := simulator.Fridge(4)
	road.Channels = []string{"temperature", "door", "battery", "latitude", "longitude"}
	road.From, road.To, road.Trip = [2]float64{40.8183, 111.6603}, [2]float64{39.0208, 117.7072}, 6*time.Hour
	failing := road
	failing.To, failing.Trip, failing.Fails = [2]float64{39.9219, 116.4435}, 7*time.Hour, now.Add(-50*time.Minute)
	store := func(set float64) simulator.Plan {
		p := simulator.Fridge(set)
		p.Defrost, p.Outside, p.Doors, p.Channels = 12*time.Hour, 14, 0.1, []string{"temperature", "humidity"}
		return p
	}
	const week = 7 * 24 * time.Hour
	return []sensor{
		{truck("truck-7", "Truck 7", "七号冷藏车", "8004/9521234571CT7"), carrier, truck7, 210, road, 10 * time.Hour},
		{truck("truck-8", "Truck 8", "八号冷藏车", "8004/9521234571CT8"), carrier, truck8, -9, failing, 10 * time.Hour},
		{room("tank-hall", "Tank hall", "储奶间", "8004/9506000134RG1", "1", "7"), dairy, "414/9506000134352", 120, store(4), week},
		{room("ripening-room", "Ripening room", "熟成间", "8004/9521234560RG1", "3", "9"), cheese, "414/9521234560012", 20, store(6), week},
		{room("cold-shelf", "Cold shelf", "冷藏货架", "8004/9521234582RG1", "1", "8"), market, "414/9521234582014", 300, store(5.8), week},
	}
}

// fleet puts the devices on record, and this morning's milk on the trucks.
func (d *founding) fleet() {
	d.at(d.now.AddDate(0, 0, -15))
	commands := map[string][]any{}
	for _, s := range sensors(d.now) {
		day := func(days int) string { return d.now.AddDate(0, 0, days).Format(time.DateOnly) }
		commands[s.by] = append(commands[s.by], s.RegisterDevice,
			trace.Calibrate{Device: s.Name, Calibration: trace.Calibration{Number: "CNAS-" + s.Serial, Issuer: "North China Metrology", On: day(s.until - 365), Until: day(s.until)}},
			d.captured(events.Attached(companyOf(s.by), d.h.Now(), s.on, s.Thing)))
	}
	for _, by := range []string{carrier, dairy, cheese, market} {
		d.doAll(firmOf(by).msp, by, commands[by])
	}
	today := d.now.In(local)
	at := time.Date(today.Year(), today.Month(), today.Day(), 6, 40, 0, 0, local)
	if at.After(d.now) {
		at = d.now
	}
	d.at(at)
	for truck, kg := range map[string]int64{truck7: 600, truck8: 300} {
		e := events.Attached(companyOf(dairy), at, truck, truck)
		e.BizStep, e.ChildEPCs = "loading", nil
		e.ChildQuantities = []epcis.Quantity{{Class: "https://id.gs1.org/" + lotID(milk, "M"+today.Format("060102")), Amount: gs1.Whole(kg), HasAmount: true, Unit: "KGM"}}
		d.doAll(trade, dairy, []any{d.captured(e)})
	}
}

func (d *founding) captured(e epcis.Event) trace.Capture {
	c, err := events.Capture(e, gs1.Amount{})
	d.try(err)
	return c
}

// Simulate plays the demo's sensors against the host's own broker, as devices
// would: with passwords of their own, over MQTT. What lies behind is told when
// they play for the first time.
func Simulate(ctx context.Context, h *host.Host) error {
	play := simulator.Play{Duplicates: 0.05, Shuffled: 0.02}
	for i, s := range sensors(h.Now()) {
		secret, _, err := h.Accounts.CreateToken(ctx, s.by, "the demo's sensors", []accounts.Scope{accounts.Write}, time.Hour)
		if err != nil {
			return fmt.Errorf("act for %s: %w", s.by, err)
		}
		id := iot.ID{Party: s.by, Name: s.Name}
		password, broker, err := DevicePassword(ctx, h.Address(), secret, id)
		if err != nil {
			return fmt.Errorf("give %s a password: %w", id, err)
		}
		play.Broker = "mqtt://" + broker
		d := simulator.Device{ID: id, Password: password, Interval: 10 * time.Second, Plan: s.plan, Seed: uint64(i + 1), CBOR: i%2 == 1}
		var told struct{ Last []struct{ Value float64 } }
		if err := Ask(ctx, http.MethodGet, h.Address()+"/api/devices/"+id.String(), secret, nil, &told); err != nil {
			return err
		}
		if len(told.Last) == 0 {
			d.Past = s.past
		} else { // it was repaired meanwhile
			d.Plan.Fails = time.Time{}
		}
		play.Devices = append(play.Devices, d)
	}
	return play.Run(ctx)
}

// DevicePassword asks a server for a new password of a device, and where devices
// connect.
func DevicePassword(ctx context.Context, base, token string, id iot.ID) (password, broker string, err error) {
	var told struct{ Password, Address string }
	err = Ask(ctx, "POST", base+"/api/devices/"+id.String()+"/password", token, struct{}{}, &told)
	return told.Password, told.Address, err
}

// Ask asks a server's API as a program would.
func Ask(ctx context.Context, method, address, token string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(b))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if method != http.MethodGet {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", rand.Text())
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		var no struct{ Title, Detail string }
		_ = json.NewDecoder(answer.Body).Decode(&no) // what cannot be read is told by its status
		return fmt.Errorf("%s: %s %s", answer.Status, no.Title, no.Detail)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
