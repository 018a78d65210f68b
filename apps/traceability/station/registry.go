package station

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/plain"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// registry is the devices of companies whose member's keys the host holds, in
// memory: it is asked for every message.
type registry struct {
	host *host.Host
	all  atomic.Pointer[map[iot.ID]known]
}

// known is a device with what the rooms of iot want of it.
type known struct {
	store   store.Device
	watch   watch.Device
	mapping iot.Decoder
	thing   string
	msp     string
}

func openRegistry(ctx context.Context, h *host.Host) (*registry, error) {
	r := &registry{host: h}
	_, err := r.load(ctx)
	return r, err
}

// Device answers the store.
func (r *registry) Device(id iot.ID) (store.Device, bool) {
	k, ok := r.find(id)
	return k.store, ok
}

func (r *registry) find(id iot.ID) (known, bool) {
	k, ok := (*r.all.Load())[id]
	return k, ok
}

type row struct {
	Owner    string     `db:"owner"`
	Name     string     `db:"name"`
	Thing    string     `db:"thing"`
	Via      string     `db:"via"`
	Interval int64      `db:"interval_s"`
	Channels string     `db:"channels"`
	Mapping  string     `db:"mapping"`
	Fence    string     `db:"fence"`
	Still    int64      `db:"still_s"`
	Ended    *time.Time `db:"ended"`
	MSP      string     `db:"member"`
}

// load reads the devices, and names those that ended since the last time.
func (r *registry) load(ctx context.Context) (ended []iot.ID, err error) {
	rows, err := readmodel.All[row](ctx, r.host.DB, `SELECT d.owner AS owner, d.name AS name, d.thing AS thing, d.via AS via, d.interval_s AS interval_s, d.channels AS channels,
		d.mapping AS mapping, d.fence AS fence, d.still_s AS still_s, d.ended AS ended, p.member AS member FROM tr_devices d JOIN tr_parties p ON p.id = d.owner`)
	if err != nil {
		return nil, fmt.Errorf("read the devices: %w", err)
	}
	all := make(map[iot.ID]known, len(rows))
	for _, x := range rows {
		k, err := x.known()
		if err != nil {
			return nil, err
		}
		if !r.host.Holds(x.MSP) {
			continue
		}
		all[k.store.ID] = k
		if before := r.all.Load(); before != nil && (*before)[k.store.ID].store.Active && !k.store.Active {
			ended = append(ended, k.store.ID)
		}
	}
	r.all.Store(&all)
	return ended, nil
}

func (x row) known() (known, error) {
	k := known{thing: x.Thing, msp: x.MSP, store: store.Device{ID: iot.ID{Party: x.Owner, Name: x.Name}, Active: x.Ended == nil, Via: x.Via}}
	d := trace.RegisterDevice{Interval: x.Interval, Still: x.Still}
	for text, into := range map[string]any{x.Channels: &d.Channels, x.Fence: &d.Fence} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			return k, fmt.Errorf("read what is on record of %s: %w", k.store.ID, err)
		}
	}
	for _, c := range d.Channels {
		k.store.Channels = append(k.store.Channels, c.Name)
	}
	k.watch = rulesOf(d)
	if x.Mapping != "" {
		if m, err := ParseMapping([]byte(x.Mapping)); err == nil { // one that cannot be read refuses each message
			k.mapping = m
		}
	}
	return k, nil
}

// follow loads the devices anew when the ledger tells of one.
func (r *registry) follow(ctx context.Context, leave func(iot.ID)) {
	version := uint64(0)
	for range r.host.Follower.Subscribe(ctx) {
		now := r.host.Follower.Version("trace.DeviceRegistered", "trace.DeviceDecommissioned", "party.Suspended", "party.Reinstated")
		if now == version {
			continue
		}
		ended, err := r.load(ctx)
		if err != nil {
			if ctx.Err() == nil {
				r.host.Log.Warn("the devices are not known anew", "error", err)
			}
			continue
		}
		version = now
		for _, id := range ended {
			leave(id)
		}
	}
}

// watched answers the watch.
func (s *Station) watched(id iot.ID) (watch.Device, bool) {
	if s.registry == nil {
		return watch.Device{}, false
	}
	k, ok := s.registry.find(id)
	return k.watch, ok && k.store.Active
}

// ParseMapping reads how a device's own JSON is read.
func ParseMapping(text []byte) (iot.Decoder, error) {
	var m plain.Mapping
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() {
		return nil, plain.ErrMapping.Refuse("").On("mapping")
	}
	return plain.New(m)
}
