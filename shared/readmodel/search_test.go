package readmodel_test

import (
	"strings"
	"testing"

	"github.com/tallyway/tallyway/shared/readmodel"
)

func TestASearchTakesEveryCharacterForItself(t *testing.T) {
	onBoth(t, func(t *testing.T, address string) {
		db := open(t, address)
		exec(t, db, `CREATE TABLE things (name TEXT PRIMARY KEY)`)
		for _, name := range []string{"Milk 3%", "Milk 3.5", "lot_7", "lot-7", `back\slash`, "奶酪 ABC"} {
			exec(t, db, `INSERT INTO things (name) VALUES ($1)`, name)
		}
		for search, want := range map[string]string{"3%": "Milk 3%", "LOT_": "lot_7", `\`: `back\slash`, `k\s`: `back\slash`, "abc": "奶酪 ABC",
			"奶": "奶酪 ABC", "%": "Milk 3%", "_": "lot_7", "lot": "lot-7 lot_7", "": "Milk 3% Milk 3.5 back\\slash lot-7 lot_7 奶酪 ABC"} {
			found, err := readmodel.All[string](t.Context(), db, `SELECT name FROM things WHERE `+readmodel.Contains("name", "$1"), readmodel.Pattern(search))
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range found {
				if !strings.Contains(want, name) {
					t.Errorf("%q finds %q", search, name)
				}
			}
			if got := len(strings.Join(found, " ")); got != len(want) {
				t.Errorf("%q finds %q, want %q", search, found, want)
			}
		}
	})
}
