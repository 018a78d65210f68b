package web

import (
	"fmt"
	"html/template"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Tones of a state. Each has a colour and a shape, and stands beside a word,
// so that colour is never the only sign.
const (
	Good = "good" // a tick: done, fits, in order
	Busy = "busy" // a clock: under way, waiting for somebody
	Warn = "warn" // a triangle: needs a look
	Bad  = "bad"  // a crossed octagon: refused, breached, recalled
	Idle = "idle" // a ring: nothing yet, or no longer of interest
)

var toneShapes = map[string]string{Good: "good", Busy: "busy", Warn: "warn", Bad: "bad", Idle: "idle"}

func toneIcon(tone string) template.HTML {
	shape, ok := toneShapes[tone]
	if !ok {
		shape = "idle"
	}
	return icon(shape)
}

// In the structs of the parts, a Word, Label or Title is an English key that
// the page translates; a Text is ready to be read (made with Ctx.T, or a name
// that has no translation).

// Chip is a state: partial "chip".
type Chip struct {
	Word string
	Tone string
}

// Link leads somewhere: partial "link".
type Link struct{ Text, Href string }

// Num is a figure with its unit or currency: aligned, in tabular figures.
type Num struct{ Text, Unit string }

// Act is something to do: partial "act". With Post it is a form of its own,
// and Confirm is the question that stands before it, with and without script.
type Act struct {
	Label   string
	Href    string
	Icon    string
	Post    bool
	Main    bool // the one act of the page that most came for
	Danger  bool
	Confirm string            // an English key
	Help    string            // of a Post: what it does, for who lingers or listens; an English key
	Fields  map[string]string // hidden entries of a Post
}

// Need is one line of "needs me now": partial "needs" takes a list.
type Need struct {
	Text   string // "Fresh Foods has not accepted 480 kg of lot L1"
	Detail string
	Href   string
	Tone   string
	Due    time.Time
	Acts   []Act
}

// Pair is one line of a definition list: partial "pairs" takes a list. The
// value may be anything that a table's cell may be.
type Pair struct {
	Label string
	Value any
}

// Entry is one sentence of a record's history: partial "history" takes a list.
type Entry struct {
	Text   string // "City Market accepted 480 of 500 kg, 20 kg short"
	By     string
	At     time.Time
	Tone   string
	Block  uint64 // in which it stands; 0 leaves it out
	Tx     string
	Href   string
	Detail string
}

// Half is one of the four of a tally.
type Half struct {
	Label string // "Goods", "Invoice", "Receivable", "Money"
	Word  string // "fits", "20 kg short", an English key
	Text  string // the figure: "480 kg", "¥ 12,400.00"
	Why   string // the reason, ready to be read
	Tone  string
	Href  string // its proof
}

// Tally is goods, invoice, receivable and money of one delivery in one row:
// partial "tally".
type Tally struct {
	Text   string // which delivery
	Halves []Half
}

// Fits reports whether all halves of the tally do.
func (t Tally) Fits() bool {
	for _, h := range t.Halves {
		if h.Tone != Good {
			return false
		}
	}
	return true
}

// Stat is one figure of a home page: partial "stats" takes a list.
type Stat struct {
	Label string
	Value string
	Unit  string
	Note  string
	Tone  string
	Href  string
}

// Step is one of a stepper: partial "steps" takes a list.
type Step struct {
	Word  string
	State string // "done", "now" or ""
	At    time.Time
}

// Banner stands above a page: a recall, an outage. Partial "banner".
type Banner struct {
	Tone  string
	Title string
	Text  string
	Href  string
}

// Dress is one form of a record: partial "dresses" takes a list.
type Dress struct{ Word, Href string } // "PDF", "XLSX", "JSON", "UBL", "EPCIS"

// Crumb is one step of the way to a page: partial "crumbs" takes a list.
type Crumb struct{ Text, Href string }

// Empty tells what to do first where there is nothing yet: partial "empty".
type Empty struct {
	Title string
	Text  string
	Act   *Act
}

// Confirm is the question before an act that cannot be taken back: partial
// "confirm" shows it with the form that does it.
type Confirm struct {
	Title string
	Text  string
	Do    Act
	Back  string
}

// dressKinds are the forms that a suffix of an address can ask for.
var dressKinds = map[string]string{
	"application/pdf": "pdf", "text/csv": "csv", "application/xml": "xml", "application/json": "json", "application/ld+json": "jsonld",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}

// Dress splits a path parameter into a record's id and the form that is asked
// for by suffix ("L1.pdf") or by Accept: "pdf", "csv", "xml", "xlsx", "json",
// "jsonld" or "" for the page.
func (c *Ctx) Dress(param string) (id, dress string) {
	id = c.Param(param)
	for _, suffix := range dressKinds {
		if rest, ok := strings.CutSuffix(id, "."+suffix); ok && rest != "" {
			return rest, suffix
		}
	}
	best := rank(c.Request().Header.Get("Accept"), "text/html")
	for _, kind := range slices.Sorted(maps.Keys(dressKinds)) {
		if r := rank(c.Request().Header.Get("Accept"), kind); r > best {
			best, dress = r, dressKinds[kind]
		}
	}
	return id, dress
}

// kindOf names the type of a cell for the partial "cell".
func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "none"
	case time.Time:
		return "time"
	case Chip:
		return "chip"
	case Link:
		return "link"
	case Num:
		return "num"
	case Act:
		return "act"
	case []Act:
		return "acts"
	case template.HTML:
		return "html"
	case string:
		if v == "" {
			return "none"
		}
	case fmt.Stringer:
		return "text"
	}
	switch reflect.TypeOf(v).Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	}
	return "text"
}

// Group writes 1234567 as 1,234,567.
func Group[N ~int | ~int64 | ~uint64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
