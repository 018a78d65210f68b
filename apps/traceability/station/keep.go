package station

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/store"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// actor is who acts for a company's sensors: a key of its own, which may say what
// was measured and nothing else. It is made when it is needed first.
func (s *Station) actor(company, msp string) (host.Actor, error) {
	by := host.Actor{MSP: msp, User: company + ".sensors"}
	if _, err := s.host.Wallet.Get(by.MSP, by.User); err == nil {
		return by, nil
	}
	_, err := s.host.Wallet.Issue(identity.Enrolment{MSP: msp, User: by.User, Party: company, Roles: []string{party.Device}})
	if err != nil {
		return by, fmt.Errorf("make the key of the sensors of %s: %w", company, err)
	}
	return by, nil
}

// member is the organisation that vouches for a company.
func (s *Station) member(ctx context.Context, company string) (string, error) {
	return readmodel.One[string](ctx, s.host.DB, `SELECT member FROM tr_parties WHERE id = $1`, company)
}

// captureEvent puts a sensor event on the ledger.
func (s *Station) captureEvent(ctx context.Context, company string, e epcis.Event) error {
	msp, err := s.member(ctx, company)
	if err != nil {
		return err
	}
	by, err := s.actor(company, msp)
	if err != nil {
		return err
	}
	body, err := e.JSON()
	if err != nil {
		return err
	}
	_, _, err = host.Do[trace.Outcome](ctx, s.host, by, trace.Capture{Event: json.RawMessage(body), Sharing: trace.Linked})
	return err
}

// tickEvery is how often things are looked at.
const tickEvery = 5 * time.Second

// mostSealed is how many windows one command seals.
const mostSealed = 200

// keepSealing closes windows and puts their roots on the ledger; now and then it
// clears away what is old.
func (s *Station) keepSealing(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	swept := time.Time{}
	for {
		if err := s.SealDue(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("seal readings", "error", err)
		}
		if now := s.host.Now(); now.Sub(swept) > time.Hour {
			swept = now
			if err := s.sweep(ctx, now); err != nil && ctx.Err() == nil {
				s.log.Error("clear away old readings", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// SealDue seals all windows that are due.
func (s *Station) SealDue(ctx context.Context) error {
	if _, err := s.Store.CloseWindows(ctx, s.host.Now()); err != nil {
		return err
	}
	for {
		due, err := s.Store.Unsealed(ctx, 2000)
		if err != nil || len(due) == 0 {
			return err
		}
		sealed := 0
		byParty := map[string][]store.Window{}
		for _, w := range due {
			byParty[w.Device.Party] = append(byParty[w.Device.Party], w)
		}
		for _, company := range sorted(byParty) {
			for some := range slices.Chunk(byParty[company], mostSealed) {
				if err := s.seal(ctx, company, some); err != nil {
					return fmt.Errorf("seal %d windows of %s: %w", len(some), company, err)
				}
				sealed += len(some)
			}
		}
		if sealed == 0 {
			return errors.New("no window could be sealed")
		}
	}
}

func sorted[V any](m map[string]V) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// seal puts roots on the ledger. If the answer is lost, the same windows are told
// again: the ledger knows them.
func (s *Station) seal(ctx context.Context, company string, windows []store.Window) error {
	msp, err := s.member(ctx, company)
	if err != nil {
		return err
	}
	by, err := s.actor(company, msp)
	if err != nil {
		return err
	}
	var command trace.Seal
	for _, w := range windows {
		command.Windows = append(command.Windows, trace.Window{Device: w.Device.Name, From: w.From, To: w.To, Part: w.Part, Count: w.Count, Root: w.Root})
	}
	_, receipt, err := host.Do[trace.SealState](ctx, s.host, by, command)
	if err != nil {
		return err
	}
	block := receipt.Block
	if block == 0 { // all of them stood there already
		block = s.host.Ledger.Head().Block
	}
	return s.Store.Sealed(ctx, windows, block, receipt.TxID)
}

func (s *Station) sweep(ctx context.Context, now time.Time) error {
	if err := s.Store.Sweep(ctx, now); err != nil {
		return err
	}
	if days := s.host.Config.KeepReadings; days > 0 {
		n, err := s.Store.Thin(ctx, now.AddDate(0, 0, -days))
		if n > 0 {
			s.log.Info("old readings are thinned", "windows", n)
		}
		return err
	}
	return nil
}

// Verify holds the stored readings against the seals on the ledger.
func Verify(ctx context.Context, h *host.Host, progress func(text string)) error {
	if !h.HasReadings() {
		return nil
	}
	db, err := h.OpenReadings(ctx)
	if err != nil {
		return err
	}
	r, err := store.Verify(ctx, db, sealsOf(ctx, h))
	if err != nil {
		return fmt.Errorf("the readings cannot be checked: %w", err)
	}
	var all []error
	for _, f := range r.Faults {
		all = append(all, errors.New("readings: "+f))
	}
	if len(all) == 0 {
		progress(fmt.Sprintf("readings: %d of %d devices fit the %d seals on the ledger, %d of them thinned", r.Readings, r.Devices, r.Windows, r.Thinned))
	}
	return errors.Join(all...)
}

// sealsOf reads the seals of the companies whose readings are kept here.
func sealsOf(ctx context.Context, h *host.Host) func(yield func(store.Window) error) error {
	return func(yield func(store.Window) error) error {
		rows, err := h.DB.QueryContext(ctx, `SELECT s.owner, s.device, s.starts, s.ends, s.part, s.count, s.root, p.member FROM tr_seals s JOIN tr_parties p ON p.id = s.owner`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var w store.Window
			var id iot.ID
			var member string
			if err := rows.Scan(&id.Party, &id.Name, &w.From, &w.To, &w.Part, &w.Count, &w.Root, &member); err != nil {
				return err
			}
			if w.Device = id; !h.Holds(member) {
				continue
			}
			w.From, w.To = w.From.UTC(), w.To.UTC()
			if err := yield(w); err != nil {
				return err
			}
		}
		return rows.Err()
	}
}
