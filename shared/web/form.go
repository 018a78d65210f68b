package web

import (
	"encoding"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
)

// Form is a POSTed form on its way to a command C, with what the user typed
// and what was refused. C's fields carry `form:"name"` or
// `form:"name,required"`: strings, integers, bools, time.Time, anything that
// reads text (encoding.TextUnmarshaler), structs ("from.gln"), slices of text
// and repeated structs ("lines.0.gtin").
type Form[C any] struct {
	Value C
	// Once names this filling of the form. It stays the same through refusals
	// and double clicks, so a command may take it as its natural key.
	Once string
	entries
}

// entries is the part of a form that does not depend on the command.
type entries struct {
	typed    url.Values
	refusals []*chaincode.Refusal
	c        *Ctx
	editing  bool // a line was added or removed; nothing is to be done yet
}

const (
	onceField   = "once"
	addField    = "_add"
	removeField = "_remove"
)

// maxLines bounds a repeated group.
const maxLines = 500

// NewForm is a form to fill in, starting from a value.
func NewForm[C any](c *Ctx, from C) *Form[C] {
	f := &Form[C]{Value: from, entries: entries{typed: url.Values{}, c: c}}
	unbind(reflect.ValueOf(from), "", f.typed)
	f.Once = c.keepOnce("")
	return f
}

// ReadForm reads what was posted. The error is for a body that is no form at
// all; entries that cannot be read are refusals of the form.
func ReadForm[C any](c *Ctx) (*Form[C], error) {
	if err := parseForm(c.Request()); err != nil {
		return nil, err
	}
	f := &Form[C]{entries: entries{typed: c.Request().PostForm, c: c}}
	f.Once = c.keepOnce(f.typed.Get(onceField))
	f.edit()
	if !f.editing {
		b := binder{typed: f.typed, zone: c.server.cfg.Zone}
		b.bind(reflect.ValueOf(&f.Value).Elem(), "")
		f.refusals = b.refusals
	}
	return f, nil
}

// Post is the life of a form: a GET shows it; a POST reads it, does it once
// and goes where do says; what is refused stands beside its field on the same
// page, with a 4xx.
func Post[C any](c *Ctx, from C, show func(*Form[C]) error, do func(*Form[C]) (to string, err error)) error {
	if safe(c.Request().Method) {
		return show(NewForm(c, from))
	}
	f, err := ReadForm[C](c)
	if err != nil {
		return err
	}
	if f.editing {
		return show(f)
	}
	if f.OK() {
		to, err := c.doOnce(f.Once, func() (string, error) { return do(f) })
		if err == nil {
			return c.Redirect(to)
		}
		if !f.Refuse(err) {
			return err
		}
	}
	if c.WantsJSON() {
		return f.refusals[0]
	}
	c.Status(statusOf(f.refusals[0].Rule))
	return show(f)
}

// OK reports whether nothing has been refused.
func (e *entries) OK() bool { return len(e.refusals) == 0 }

// Refuse takes an error that is for the user, and reports whether it was.
func (e *entries) Refuse(err error) bool {
	var no *chaincode.Refusal
	if !errors.As(err, &no) {
		return false
	}
	e.refusals = append(e.refusals, no)
	return true
}

// Forget empties an entry before the form is shown again: a password.
func (e *entries) Forget(name string) { e.typed.Del(name) }

// Problems are the refusals as the top of the form lists them.
func (e *entries) Problems() []FieldProblem {
	var all []FieldProblem
	for _, no := range e.refusals {
		all = append(all, e.problem(no))
	}
	return all
}

// FieldProblem is one refusal in the reader's words.
type FieldProblem struct {
	Code, Text, Detail, Remedy string
	Field, ID                  string
}

func (e *entries) problem(no *chaincode.Refusal) FieldProblem {
	words := e.c.server.words
	text, remedy := words.Rule(e.c.lang, no.Rule)
	p := FieldProblem{Code: no.Code, Text: text, Remedy: remedy, Detail: words.Refusal(e.c.lang, no), Field: no.Field}
	if no.Field != "" {
		p.ID = fieldID(no.Field)
	}
	return p
}

// Field is one entry of a form, as the partial "field" shows it.
type Field struct {
	Name, ID, Label, Value string
	Note, Kind, Suffix     string
	Need, Wide             bool
	Auto, Mode, Pattern    string
	Choices                []Option
	Scanner                bool
	Zone                   string // of a time: "+08:00"
	Problem                *FieldProblem
}

// Option is one choice of a field or filter.
type Option struct{ Value, Text string }

// Field is the entry of a name ("lines.0.gtin") with its label.
func (e *entries) Field(name, label string) Field {
	f := Field{Name: name, ID: fieldID(name), Label: label, Value: e.typed.Get(name), Zone: e.typed.Get(name + ".zone"), Kind: "text"}
	for _, no := range e.refusals {
		if no.Field == name {
			p := e.problem(no)
			f.Problem = &p
			break
		}
	}
	return f
}

func fieldID(name string) string { return "f-" + strings.ReplaceAll(name, ".", "-") }

// Hint tells beside the field in which form to enter it.
func (f Field) Hint(text string) Field { f.Note = text; return f }

// Type is the input's type: "date", "datetime-local", "password", "checkbox",
// "area" for several lines, "file", "hidden", ...
func (f Field) Type(kind string) Field { f.Kind = kind; return f }

// Required marks an entry that cannot be left out.
func (f Field) Required() Field { f.Need = true; return f }

// Unit stands behind the entry.
func (f Field) Unit(unit string) Field { f.Suffix = unit; return f }

// Complete is the autocomplete attribute: "username", "off".
func (f Field) Complete(auto string) Field { f.Auto = auto; return f }

// Decimal asks phones for their number keys; the value stays text.
func (f Field) Decimal() Field { f.Mode = "decimal"; return f }

// Full gives the entry the form's whole width.
func (f Field) Full() Field { f.Wide = true; return f }

// Scan offers the camera for this entry, where the browser can read codes.
func (f Field) Scan() Field { f.Scanner = true; return f }

// Among makes a choice of the options, whose texts are English keys.
func (f Field) Among(options []Option) Field { f.Kind, f.Choices = "select", options; return f }

// Line is one repetition of a group.
type Line struct {
	Prefix string // "lines.0."
	Name   string // "lines"
	Index  int    // from 0
	form   *entries
}

// Field is an entry of this line.
func (l Line) Field(name, label string) Field { return l.form.Field(l.Prefix+name, label) }

// Lines are the repetitions of a group that were typed, and at least some to
// begin with. A line left blank is no line.
func (e *entries) Lines(name string, atLeast int) []Line {
	n := max(atLeast, countLines(e.typed, name))
	lines := make([]Line, n)
	for i := range lines {
		lines[i] = Line{fmt.Sprintf("%s.%d.", name, i), name, i, e}
	}
	return lines
}

// countLines is one more than the largest index of a group.
func countLines(typed url.Values, name string) int {
	n := 0
	for key := range typed {
		rest, ok := strings.CutPrefix(key, name+".")
		if !ok {
			continue
		}
		index, _, _ := strings.Cut(rest, ".")
		if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < maxLines {
			n = max(n, i+1)
		}
	}
	return n
}

// edit adds or removes a line for those without script.
func (e *entries) edit() {
	if name := e.typed.Get(addField); name != "" {
		if n := countLines(e.typed, name); n < maxLines {
			e.typed.Set(fmt.Sprintf("%s.%d.", name, n), "")
		}
		e.editing = true
	}
	if line := e.typed.Get(removeField); line != "" {
		e.removeLine(line)
		e.editing = true
	}
}

func (e *entries) removeLine(line string) {
	name, index, ok := strings.Cut(line, ".")
	at, err := strconv.Atoi(index)
	if !ok || err != nil {
		return
	}
	kept := url.Values{}
	for key, values := range e.typed {
		parts := strings.SplitN(key, ".", 3)
		if len(parts) == 3 && parts[0] == name {
			i, err := strconv.Atoi(parts[1])
			if err != nil || i == at {
				continue
			}
			if i > at {
				key = fmt.Sprintf("%s.%d.%s", name, i-1, parts[2])
			}
		}
		kept[key] = values
	}
	e.typed = kept
}

// keepOnce keeps a posted form token for the page that is shown again.
func (c *Ctx) keepOnce(posted string) string {
	if len(posted) < 16 || len(posted) > 64 {
		posted = random()
	}
	c.once = posted
	return posted
}

// parseForm reads a form of either encoding within the body's limit.
func parseForm(r *http.Request) error {
	if r.PostForm != nil {
		return nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil || kind != "multipart/form-data" && kind != "application/x-www-form-urlencoded":
		r.PostForm = url.Values{}
		return nil
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(1 << 20)
	default:
		err = r.ParseForm()
	}
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		return ErrUnreadable.Refuse("")
	}
	return err
}

// binder reads entries into a command.
type binder struct {
	typed    url.Values
	zone     *time.Location
	refusals []*chaincode.Refusal
}

var textReader = reflect.TypeFor[encoding.TextUnmarshaler]()

func (b *binder) bind(v reflect.Value, prefix string) {
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("form")
		if !ok {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		b.entry(v.Field(i), prefix+name, option == "required")
	}
}

func (b *binder) entry(v reflect.Value, name string, required bool) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time](), reflect.PointerTo(v.Type()).Implements(textReader):
	case v.Kind() == reflect.Struct:
		b.bind(v, name+".")
		return
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		b.lines(v, name)
		if required && v.Len() == 0 {
			b.refuse(ErrRequired, name)
		}
		return
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		for _, text := range b.typed[name] {
			one := reflect.New(v.Type().Elem()).Elem()
			b.set(one, name, text)
			v.Set(reflect.Append(v, one))
		}
		return
	}
	text := strings.TrimSpace(b.typed.Get(name))
	if text == "" {
		if required {
			b.refuse(ErrRequired, name)
		}
		return
	}
	b.set(v, name, text)
}

// lines reads a repeated group, and leaves blank lines out. A refusal keeps
// the index that the user sees.
func (b *binder) lines(v reflect.Value, name string) {
	for i := range countLines(b.typed, name) {
		prefix := fmt.Sprintf("%s.%d.", name, i)
		if b.blank(prefix) {
			continue
		}
		one := reflect.New(v.Type().Elem()).Elem()
		b.bind(one, prefix)
		v.Set(reflect.Append(v, one))
	}
}

func (b *binder) blank(prefix string) bool {
	for key, values := range b.typed {
		if strings.HasPrefix(key, prefix) && slices.ContainsFunc(values, func(s string) bool { return strings.TrimSpace(s) != "" }) {
			return false
		}
	}
	return true
}

func (b *binder) set(v reflect.Value, name, text string) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		b.setTime(v, name, text)
		return
	}
	if reader, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		b.keep(reader.UnmarshalText([]byte(text)), name)
		return
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(text == "on" || text == "true" || text == "1")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		var n uint64
		n, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
	default:
		panic(fmt.Sprintf("web: a form cannot fill the %s %s", v.Type(), name))
	}
	b.keep(err, name)
}

// setTime reads a date or a local date and time. Its zone is what the entry
// itself says, else what the browser has put into "<name>.zone", else the
// house's.
func (b *binder) setTime(v reflect.Value, name, text string) {
	zone := b.zone
	if offset, err := time.Parse("-07:00", b.typed.Get(name+".zone")); err == nil {
		zone = offset.Location()
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(form, text, zone); err == nil {
			v.Set(reflect.ValueOf(t))
			return
		}
	}
	b.refuse(ErrField, name)
}

// keep takes a reader's own refusal, or says that the entry cannot be read.
func (b *binder) keep(err error, name string) {
	var no *chaincode.Refusal
	switch {
	case err == nil:
	case errors.As(err, &no):
		placed := *no
		b.refusals = append(b.refusals, placed.On(name))
	default:
		b.refuse(ErrField, name)
	}
}

func (b *binder) refuse(r chaincode.Rule, name string) {
	b.refusals = append(b.refusals, r.Refuse("").On(name))
}

// unbind writes a value as entries, for a form that starts filled in.
func unbind(v reflect.Value, prefix string, typed url.Values) {
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("form")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		unbindEntry(v.Field(i), prefix+name, typed)
	}
}

func unbindEntry(v reflect.Value, name string, typed url.Values) {
	if v.IsZero() {
		return
	}
	if t, ok := v.Interface().(time.Time); ok {
		typed.Set(name, t.Format("2006-01-02T15:04"))
		typed.Set(name+".zone", t.Format("-07:00"))
		return
	}
	if text, ok := v.Interface().(encoding.TextMarshaler); ok {
		if b, err := text.MarshalText(); err == nil {
			typed.Set(name, string(b))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		unbind(v, name+".", typed)
	case reflect.Slice:
		for i := range v.Len() {
			if v.Index(i).Kind() == reflect.Struct {
				unbind(v.Index(i), fmt.Sprintf("%s.%d.", name, i), typed)
			} else {
				typed.Add(name, fmt.Sprint(v.Index(i).Interface()))
			}
		}
	default:
		typed.Set(name, fmt.Sprint(v.Interface()))
	}
}
