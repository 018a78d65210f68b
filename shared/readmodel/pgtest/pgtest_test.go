package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tallyway/tallyway/shared/readmodel/pgtest"
)

func TestEveryDatabaseIsItsOwn(t *testing.T) {
	for range 2 { // the second would find the first one's table
		conn, err := pgx.Connect(t.Context(), pgtest.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), `CREATE TABLE t (n INT)`); err != nil {
			t.Error(err)
		}
	}
}
