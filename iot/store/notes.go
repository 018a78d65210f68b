package store

import (
	"context"
	"fmt"

	"github.com/tallyway/tallyway/shared/readmodel"
)

// Keep keeps what somebody beside the readings must know after a restart, under
// a name.
func (s *Store) Keep(ctx context.Context, name string, note []byte) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO iot_notes (name, note) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET note = excluded.note`, name, string(note))
	if err != nil {
		return fmt.Errorf("keep the note %s: %w", name, err)
	}
	return nil
}

// Kept is what was kept under a name; nil if nothing was.
func (s *Store) Kept(ctx context.Context, name string) ([]byte, error) {
	all, err := readmodel.All[string](ctx, s.db, `SELECT note FROM iot_notes WHERE name = $1`, name)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return []byte(all[0]), nil
}
