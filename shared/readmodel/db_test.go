package readmodel_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tallyway/tallyway/shared/readmodel"
)

func TestArgumentsAreNumberedNotOrdered(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		db := open(t, address)
		exec(t, db, `CREATE TABLE t (a TEXT, b TEXT, "c$1" TEXT)`)
		exec(t, db, `INSERT INTO t (b, a, "c$1") VALUES ($2, $1, 'it''s $1') -- $3`, "first", "second")
		type row struct {
			B string `db:"b"`
			A string `db:"a"`
			C string `db:"c"`
		}
		// More than nine arguments, one used twice.
		got := one[row](t, db, `SELECT a, b, "c$1" AS c /* $9 ' */ FROM t WHERE b = $11 AND a = $1 AND $1 = a`+
			` AND '' || $2 || $3 || $4 || $5 || $6 || $7 || $8 || $9 || $10 = ''`,
			"first", "", "", "", "", "", "", "", "", "", "second")
		if want := (row{"second", "first", "it's $1"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestTimesComeBackInUTCToTheMicrosecond(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		db := open(t, address)
		exec(t, db, `CREATE TABLE t (at TIMESTAMP, ok BOOLEAN, raw BYTEA, n BIGINT)`)
		exec(t, db, `INSERT INTO t (at, ok, raw, n) VALUES ($1, $2, $3, $4)`, noon, true, []byte{0, 255}, int64(1)<<62)
		got := one[struct {
			At  time.Time
			OK  bool
			Raw []byte
			N   int64
		}](t, db, `SELECT at, ok, raw, n FROM t WHERE at = $1 AND at > $2`, noon, noon.Add(-time.Microsecond))
		want := time.Date(2026, 3, 1, 4, 0, 0, 123456000, time.UTC)
		if got.At != want || !got.OK || string(got.Raw) != "\x00\xff" || got.N != 1<<62 {
			t.Errorf("got %+v, want %v", got, want)
		}
	})
}

func TestTransactionIsAllOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		db := open(t, address)
		exec(t, db, `CREATE TABLE p (id BIGINT PRIMARY KEY)`)
		exec(t, db, `CREATE TABLE c (p BIGINT NOT NULL REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)`)
		boom := errors.New("boom")
		insert := func(tx *readmodel.Tx) error {
			_, err := tx.ExecContext(t.Context(), `INSERT INTO p (id) VALUES ($1)`, 1)
			return err
		}
		if err := db.InTx(t.Context(), func(tx *readmodel.Tx) error { return errors.Join(insert(tx), boom) }); !errors.Is(err, boom) {
			t.Errorf("got %v, want the error of the function", err)
		}
		func() {
			defer func() { recover() }()
			db.InTx(t.Context(), func(tx *readmodel.Tx) error { insert(tx); panic(boom) })
		}()
		err := db.InTx(t.Context(), func(tx *readmodel.Tx) error {
			insert(tx)
			_, err := tx.ExecContext(t.Context(), `INSERT INTO c (p) VALUES ($1)`, 99)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "commit") {
			t.Errorf("a commit that the database refused gave %v", err)
		}
		if n := one[int](t, db, `SELECT count(*) FROM p`); n != 0 {
			t.Errorf("%d rows outlived their transactions", n)
		}
		for range 3 { // the later ones run prepared
			if err := db.InTx(t.Context(), func(tx *readmodel.Tx) error {
				if err := insert(tx); err != nil {
					return err
				}
				ids, err := readmodel.All[int64](t.Context(), tx, `SELECT id FROM p WHERE id = $1`, 1)
				if err != nil || len(ids) != 1 {
					t.Errorf("the transaction sees %v of its own row: %v", ids, err)
				}
				_, err = tx.ExecContext(t.Context(), `DELETE FROM p WHERE id = $1`, 1)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestReadersDoNotWaitForAWriter(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		db := open(t, address)
		exec(t, db, `CREATE TABLE t (n BIGINT)`)
		err := db.InTx(t.Context(), func(tx *readmodel.Tx) error {
			if _, err := tx.ExecContext(t.Context(), `INSERT INTO t (n) VALUES ($1)`, 1); err != nil {
				return err
			}
			if n := one[int](t, db, `SELECT count(*) FROM t`); n != 0 {
				t.Errorf("a reader sees %d uncommitted rows", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestWriteThroughAQueryFailsLoudlyOnSQLite(t *testing.T) {
	db := open(t, "sqlite::memory:")
	exec(t, db, `CREATE TABLE t (n BIGINT)`)
	if _, err := readmodel.All[int](t.Context(), db, `INSERT INTO t (n) VALUES (1) RETURNING n`); err == nil {
		t.Error("the read pool wrote")
	}
}

func TestScanNamesWhatDoesNotFit(t *testing.T) {
	db := open(t, "sqlite::memory:")
	type tagged struct {
		A int `db:"a"`
	}
	cases := []struct{ query, want string }{
		{`SELECT 1 AS b`, `no field has the tag db:"b"`},
		{`SELECT 1 AS a WHERE 1 = 0`, sql.ErrNoRows.Error()},
	}
	for _, c := range cases {
		if _, err := readmodel.One[tagged](t.Context(), db, c.query); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.query, err, c.want)
		}
	}
	if _, err := readmodel.One[int](t.Context(), db, `SELECT 1, 2`); err == nil {
		t.Error("two columns went into one number")
	}
	type embedding struct {
		tagged
		Inner struct{ X int }
	}
	if _, err := readmodel.One[struct{ A, B int }](t.Context(), db, `SELECT 1`); err == nil {
		t.Error("one column went into two fields")
	}
	if v, err := readmodel.One[embedding](t.Context(), db, `SELECT 7 AS a`); err != nil || v.A != 7 {
		t.Errorf("embedded: %+v, %v", v, err)
	}
}

func TestMigrateEachRoomByItself(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		db := open(t, address)
		users := fstest.MapFS{"00001_users.sql": {Data: []byte("-- +goose Up\nCREATE TABLE users (id TEXT PRIMARY KEY);\n")}}
		uploads := fstest.MapFS{"00001_uploads.sql": {Data: []byte("-- +goose Up\nCREATE TABLE uploads (id TEXT PRIMARY KEY);\n")}}
		for range 2 { // the second time finds everything done
			if err := db.Migrate(t.Context(), "users", users); err != nil {
				t.Fatal(err)
			}
			if err := db.Migrate(t.Context(), "uploads", uploads); err != nil {
				t.Fatal(err)
			}
		}
		users["00002_name.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE users ADD COLUMN name TEXT;\n")}
		if err := db.Migrate(t.Context(), "users", users); err != nil {
			t.Fatal(err)
		}
		exec(t, db, `INSERT INTO users (id, name) VALUES ($1, $2)`, "1", "Ann")
		exec(t, db, `INSERT INTO uploads (id) VALUES ($1)`, "1")
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for _, address := range []string{"mysql://x", "sqlite:", "sqlite:/no/such/folder/x.db", "postgres://%%"} {
		if db, err := readmodel.Open(context.Background(), address); err == nil {
			db.Close()
			t.Errorf("%s: opened", address)
		}
	}
}
