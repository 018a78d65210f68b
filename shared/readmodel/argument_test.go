package readmodel

import "testing"

func TestQuestionMarks(t *testing.T) {
	cases := []struct{ query, want string }{
		{`SELECT $1, $12`, `SELECT ?1, ?12`},
		{`'$1' $1 'it''s $2' $2`, `'$1' ?1 'it''s $2' ?2`},
		{`"a$1" $1`, `"a$1" ?1`},
		{"-- $1 '\n$1", "-- $1 '\n?1"},
		{`/* $1 -- */ $1`, `/* $1 -- */ ?1`},
		{`'open $1`, `'open $1`},
		{`/* open $1`, `/* open $1`},
		{`$ $a $`, `$ $a $`},
	}
	for _, c := range cases {
		if got := questionMarks(c.query); got != c.want {
			t.Errorf("%s: got %s, want %s", c.query, got, c.want)
		}
	}
}

// FuzzQuestionMarks: nothing but the sign before a number may change.
func FuzzQuestionMarks(f *testing.F) {
	for _, s := range []string{`$1`, `'$1'`, `"$1`, "--$1\n$2", `/*$1*/$2`, `$`, `'''$1'`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		got := questionMarks(query)
		if len(got) != len(query) {
			t.Fatalf("%q became %q", query, got)
		}
		for i := range query {
			if query[i] != got[i] && (query[i] != '$' || got[i] != '?') {
				t.Fatalf("%q became %q", query, got)
			}
		}
	})
}
