package readmodel

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// text is the statement as the engine wants it. SQLite takes "$1" for a name
// and numbers names as they appear; "?1" is what PostgreSQL means by "$1".
func (db *DB) text(query string) string {
	if db.dialect == Postgres {
		return query
	}
	if known, ok := rewritten.Load(query); ok {
		return known.(string)
	}
	text := questionMarks(query)
	if rewrittenCount.add() {
		rewritten.Store(query, text)
	}
	return text
}

// rewritten holds the statements of the program, which are written by hand and
// few. A statement that is composed at run time stops being kept past the bound.
var (
	rewritten      sync.Map
	rewrittenCount bound
)

type bound struct {
	mu sync.Mutex
	n  int
}

func (b *bound) add() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n++
	return b.n <= maxPrepared
}

// questionMarks turns $n into ?n outside of literals, quoted names and
// comments. Where each argument stands once, in their order, a bare ? says the
// same, and SQLite need not look up its name for every one.
func questionMarks(query string) string {
	var numbered, bare strings.Builder
	next := 1
	for i := 0; i < len(query); {
		end := i + 1
		switch c := query[i]; {
		case c == '\'' || c == '"':
			end = after(query, i+1, string(c)) // a doubled quote opens the next literal at once
		case strings.HasPrefix(query[i:], "--"):
			end = after(query, i+2, "\n")
		case strings.HasPrefix(query[i:], "/*"):
			end = after(query, i+2, "*/")
		case c == '$' && isDigit(query, end):
			for isDigit(query, end) {
				end++
			}
			number := query[i+1 : end]
			numbered.WriteString("?" + number)
			bare.WriteByte('?')
			if next > 0 && number == strconv.Itoa(next) {
				next++
			} else {
				next = 0 // from here on, none is where it should be
			}
			i = end
			continue
		}
		numbered.WriteString(query[i:end])
		bare.WriteString(query[i:end])
		i = end
	}
	if next > 0 {
		return bare.String()
	}
	return numbered.String()
}

func isDigit(text string, at int) bool { return at < len(text) && '0' <= text[at] && text[at] <= '9' }

// after is the place behind the next mark, or the end of the text.
func after(text string, from int, mark string) int {
	if at := strings.Index(text[from:], mark); at >= 0 {
		return from + at + len(mark)
	}
	return len(text)
}

// timeLayout is how SQLite keeps a TIMESTAMP: UTC, of one width, so that the
// order of the texts is the order of the times.
const timeLayout = "2006-01-02 15:04:05.000000"

// args brings times to what both engines keep: UTC, microseconds.
func (db *DB) args(args []any) []any {
	var changed []any
	for i, a := range args {
		if p, ok := a.(*time.Time); ok && p != nil {
			a = *p
		}
		t, ok := a.(time.Time)
		if !ok {
			continue
		}
		if changed == nil {
			changed = append([]any{}, args...)
		}
		t = t.UTC().Truncate(time.Microsecond)
		changed[i] = t
		if db.dialect == SQLite {
			changed[i] = t.Format(timeLayout)
		}
	}
	if changed == nil {
		return args
	}
	return changed
}
