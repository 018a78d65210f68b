package traceability

import (
	"context"
	"encoding/json"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/readmodel"
)

func projectDevices(p *readmodel.Projection) {
	readmodel.On(p, deviceRegistered)
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.DeviceCalibrated) error {
		c := e.Calibration
		return run(ctx, tx, `UPDATE tr_devices SET cal_number = $1, cal_issuer = $2, cal_on = $3, cal_until = $4, cal_document = $5 WHERE owner = $6 AND name = $7`,
			c.Number, c.Issuer, c.On, c.Until, c.Document, e.Owner, e.Name)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.DeviceDecommissioned) error {
		return run(ctx, tx, `UPDATE tr_devices SET ended = $1, reason = $2 WHERE owner = $3 AND name = $4`, e.At, e.Reason, e.Owner, e.Name)
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.Sealed) error {
		for _, w := range e.Windows {
			err := run(ctx, tx, `INSERT INTO tr_seals (owner, device, starts, ends, part, count, root, block, tx) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
				e.Owner, w.Device, w.From, w.To, w.Part, w.Count, w.Root, int64(m.Block), m.TxID)
			if err != nil {
				return err
			}
		}
		return nil
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.ExcursionExplained) error {
		return run(ctx, tx, `UPDATE tr_excursions SET cause = $1, measure = $2, explained = $3 WHERE hash = $4`, e.Cause, e.Measure, e.At, e.Event)
	})
}

func deviceRegistered(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.DeviceRegistered) error {
	d := e.Device
	channels, err := json.Marshal(d.Channels)
	if err != nil {
		return err
	}
	fence, err := json.Marshal(d.Fence)
	if err != nil {
		return err
	}
	return run(ctx, tx, `INSERT INTO tr_devices (owner, name, title, title_zh, type, model, serial, class, thing, via, interval_s, channels, mapping, fence, still_s, since, changed,
			cal_number, cal_issuer, cal_on, cal_until, cal_document, ended, reason, block, tx)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, '', '', '', '', '', NULL, '', $18, $19)
		ON CONFLICT (owner, name) DO UPDATE SET title = excluded.title, title_zh = excluded.title_zh, type = excluded.type, model = excluded.model, serial = excluded.serial,
			class = excluded.class, thing = excluded.thing, via = excluded.via, interval_s = excluded.interval_s, channels = excluded.channels, mapping = excluded.mapping,
			fence = excluded.fence, still_s = excluded.still_s, changed = excluded.changed`,
		d.Owner, d.Name, d.Title, d.TitleZh, d.Type, d.Model, d.Serial, d.Class, d.Thing, d.Via, d.Interval, string(channels), string(d.Mapping), string(fence), d.Still, d.Since, d.Changed, int64(m.Block), m.TxID)
}

// recordExcursions keeps the alarms that an event tells of. A later event about
// the same one tells how it went on, and with an end that it is over.
func recordExcursions(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, c trace.Captured, e *epcis.Event) error {
	if e == nil || len(e.Sensors) == 0 {
		return nil
	}
	for _, x := range excursionsOf(e) {
		n, err := tx.ExecContext(ctx, `UPDATE tr_excursions SET until = $1, low = $2, high = $3, mean = $4, closed = $5
			WHERE author = $6 AND thing = $7 AND rule = $8 AND type = $9 AND since = $10 AND hash <> $11`,
			x.Until, x.Low, x.High, x.Mean, c.Hash, c.Author, x.Thing, x.Rule, x.Type, x.Since, c.Hash)
		if err != nil {
			return err
		}
		if told, err := n.RowsAffected(); err != nil || told > 0 {
			continue
		}
		err = run(ctx, tx, `INSERT INTO tr_excursions (hash, author, thing, rule, type, unit, since, until, low, high, mean, noted, closed, error, cause, measure, explained, block, tx)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', FALSE, '', '', NULL, $13, $14) ON CONFLICT DO NOTHING`,
			c.Hash, c.Author, x.Thing, x.Rule, x.Type, x.Unit, x.Since, x.Until, x.Low, x.High, x.Mean, m.At, int64(m.Block), m.TxID)
		if err != nil {
			return err
		}
	}
	return nil
}

// excursionsOf are the alerts in an event (EPCIS 2.0, section 7.3.7; CBV 2.0,
// sensor alert type).
func excursionsOf(e *epcis.Event) (all []excursionRow) {
	for _, s := range e.Sensors {
		for _, r := range s.Reports {
			if r.Exception != "ALARM_CONDITION" && r.Exception != "ERROR_CONDITION" {
				continue
			}
			x := excursionRow{Thing: orElse(s.Metadata.DeviceID, r.DeviceID), Rule: orElse(s.Metadata.BizRules, r.BizRules), Type: r.Type, Unit: r.Unit, Since: e.Time,
				Low: string(r.MinValue), High: string(r.MaxValue), Mean: string(r.MeanValue)}
			if x.Low == "" && x.High == "" {
				x.Low, x.High = string(r.Value), string(r.Value)
			}
			if x.Thing == "" && len(e.EPCs) > 0 {
				x.Thing = e.EPCs[0]
			}
			if key, err := gs1.Parse(x.Thing); err == nil {
				x.Thing = key.Path()
			}
			if at := s.Metadata.Start; !at.IsZero() {
				x.Since = at.UTC()
			} else if !r.Time.IsZero() {
				x.Since = r.Time.UTC()
			}
			if at := s.Metadata.End.UTC(); !s.Metadata.End.IsZero() {
				x.Until = &at
			}
			all = append(all, x)
		}
	}
	return all
}
