package host

import (
	"context"
	"os"

	"github.com/tallyway/tallyway/shared/readmodel"
)

const readingsName = "readings.db"

// OpenReadings opens the database of sensors' readings: on SQLite a file of its
// own, so that a flood of them never holds up the ledger's follower; on
// PostgreSQL the same as everything else. The host closes it.
func (h *Host) OpenReadings(ctx context.Context) (*readmodel.DB, error) {
	if h.DB.Dialect() == readmodel.Postgres {
		return h.DB, nil
	}
	if h.readings == nil {
		db, err := readmodel.Open(ctx, "sqlite:"+h.Config.path(readingsName))
		if err != nil {
			return nil, err
		}
		h.readings = db
		h.closers = append(h.closers, db.Close)
	}
	return h.readings, nil
}

// HasReadings reports whether there is anything to open.
func (h *Host) HasReadings() bool {
	if h.DB.Dialect() == readmodel.Postgres {
		return true
	}
	_, err := os.Stat(h.Config.path(readingsName))
	return err == nil
}

// copyReadings copies what there is, before the ledger is: so each window whose
// seal the copy knows of is sealed on the ledger that goes with it.
func (h *Host) copyReadings(ctx context.Context, to string) error {
	if !h.HasReadings() {
		return nil
	}
	db, err := h.OpenReadings(ctx)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `VACUUM INTO $1`, to)
	return err
}
