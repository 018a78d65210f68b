package traceability

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// What sensors reported of a pack's way, and what certificates its events name.
// Only events that are for everybody, or for those along the chain, tell
// shoppers anything.

// mostReadings bounds what one event adds to the tables, and what one curve shows.
const mostReadings = 500

// projectSensed keeps the certificates of an event beside what it names, and
// marks the lots of which it tells something.
func projectSensed(ctx context.Context, tx *readmodel.Tx, e trace.Captured, body *epcis.Event) error {
	if body == nil {
		return nil
	}
	readings, certificates := len(readingsOf(body)), certificatesOf(body)
	for _, n := range e.Named {
		if n.Role == "input" { // what was made of it is another thing's certificate
			continue
		}
		for _, text := range certificates {
			err := run(ctx, tx, `INSERT INTO tr_certificates (thing, hash, text) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, n.ID, e.Hash, text)
			if err != nil {
				return err
			}
		}
		if readings+len(certificates) > 0 {
			if err := run(ctx, tx, `UPDATE tr_lots SET told = $1 WHERE id = $2`, true, n.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// certificatesOf are what an event says of certification (EPCIS 2.0, section
// 7.4.1.1, certificationInfo) and what the master data of a lot do (CBV 2.0,
// section 9.2.4).
func certificatesOf(e *epcis.Event) (all []string) {
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" && len(text) <= 500 && len(all) < 10 && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, text := range e.CertificationInfo {
		add(text)
	}
	for _, f := range e.ILMD {
		if strings.HasPrefix(strings.ToLower(f.Name.Local), "certif") {
			add(f.Value.Text)
			for _, inner := range f.Value.Fields {
				add(inner.Value.Text)
			}
		}
	}
	return all
}

// certificates are what the events of a pack's way say, of its own lot first.
func (a *app) certificates(ctx context.Context, things []string) ([]string, error) {
	list, args := inList(1, things)
	all, err := readmodel.All[string](ctx, a.db, `SELECT c.text FROM tr_certificates c JOIN tr_events e ON e.hash = c.hash
		WHERE c.thing IN `+list+` AND e.error = '' GROUP BY c.text ORDER BY MIN(e.at), c.text LIMIT 12`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the certificates of a pack: %w", err)
	}
	return all, nil
}

// readings are what is known of how cold some things were kept, the earliest
// first: the one place where shoppers' curves come from, whoever feeds it.
func (a *app) readings(ctx context.Context, things []string) ([]reading, error) {
	list, args := inList(2, things)
	all, err := readmodel.All[reading](ctx, a.db, `SELECT r.at, r.low, r.high FROM tr_readings r JOIN tr_events e ON e.hash = r.hash
		WHERE e.error = '' AND r.lot IN `+list+` GROUP BY r.hash, r.n, r.at, r.low, r.high ORDER BY r.at DESC LIMIT $1`, append([]any{mostReadings}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read how cold a pack was kept: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}

// aboutStorage adds certificates and the curve to a view, where an event tells
// of any: most do not, and cost nothing.
func (a *app) aboutStorage(ctx context.Context, w *way, v *shopperView) error {
	var told, own []string
	for _, m := range w.marks {
		if m.Told && !slices.Contains(told, m.ID) {
			told = append(told, m.ID)
			if m.ID == w.lot.ID || m.ID == w.lot.Batch {
				own = append(own, m.ID)
			}
		}
	}
	var err error
	if v.Cold, err = a.measuredCurve(ctx, w, v.Storage); err != nil || len(told) == 0 {
		return err
	}
	if v.Certificates, err = a.certificates(ctx, told[:min(len(told), 400)]); err != nil || len(own) == 0 {
		return err
	}
	all, err := a.readings(ctx, own)
	if err == nil && len(all) > 0 && v.Cold == nil {
		v.Cold = newCurve(all, v.Storage)
	}
	return err
}
