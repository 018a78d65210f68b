package readmodel

import (
	"context"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// Migrate brings one room's own tables to the newest of its goose files
// ("00001_users.sql", …). Each room counts its versions in a table of its own,
// <name>_migrations, so that rooms know nothing of each other. Hosts that start
// together on one PostgreSQL wait for each other.
//
// Derived tables are never migrated: see Projection.
func (db *DB) Migrate(ctx context.Context, name string, files fs.FS) error {
	options := []goose.ProviderOption{
		goose.WithTableName(name + "_migrations"), goose.WithDisableGlobalRegistry(true)}
	dialect := goose.DialectSQLite3
	if db.dialect == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return fmt.Errorf("migrate %s: %w", name, err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(dialect, db.write, files, options...)
	if err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate %s: %w", name, err)
	}
	return nil
}
