package readmodel

import (
	"strconv"
	"strings"
	"testing"
)

func TestQuestionMarks(t *testing.T) {
	cases := []struct{ query, want string }{
		{`SELECT $1, $12`, `SELECT ?1, ?12`},
		{`'$1' $1 'it''s $2' $2`, `'$1' ? 'it''s $2' ?`},
		{`"a$1" $1`, `"a$1" ?`},
		{"-- $1 '\n$1", "-- $1 '\n?"},
		{`/* $1 -- */ $1`, `/* $1 -- */ ?`},
		{`$1 $2 $1`, `?1 ?2 ?1`},
		{`$2 $1`, `?2 ?1`},
		{`$1 $3`, `?1 ?3`},
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
		got, next := questionMarks(query), 1
		for i, j := 0, 0; i < len(query) || j < len(got); i, j = i+1, j+1 {
			switch {
			case i >= len(query) || j >= len(got):
				t.Fatalf("%q became %q", query, got)
			case query[i] == got[j]:
			case query[i] != '$' || got[j] != '?':
				t.Fatalf("%q became %q", query, got)
			case len(got) < len(query): // a bare mark stands for the next number
				number := strconv.Itoa(next)
				if !strings.HasPrefix(query[i+1:], number) {
					t.Fatalf("%q became %q", query, got)
				}
				i, next = i+len(number), next+1
			}
		}
	})
}
