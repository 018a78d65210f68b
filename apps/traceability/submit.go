package traceability

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/events"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The roles of this app's forms.
var (
	operators = web.Roles(party.Operator).Owned()
	recallers = web.Roles(party.Operator, party.Admin, party.Regulator).Owned()
	keepers   = web.Roles(party.Operator, party.Admin).Owned() // of master data
	readers   = web.AnyUser.Owned()
)

// company loads a party. One that nobody registered is refused as the
// contracts would refuse it.
func (a *app) company(ctx context.Context, id string) (events.Company, error) {
	p, err := readmodel.One[events.Company](ctx, a.db, `SELECT id, name, name_zh, kinds, prefixes, gln FROM tr_parties WHERE id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return p, party.ErrUnknown.Refuse("%s", id)
	}
	return p, err
}

// own is the company that the user acts for.
func (a *app) own(c *web.Ctx) (events.Company, error) { return a.company(c.Context(), c.User().Party) }

// submit brings an event to the ledger in the user's name, and returns when
// the pages show it.
func (a *app) submit(c *web.Ctx, e epcis.Event, who audience) (trace.Outcome, error) {
	return a.submitOne(c, e, gs1.Amount{}, who)
}

func (a *app) submitOne(c *web.Ctx, e epcis.Event, tolerance gs1.Amount, who audience) (trace.Outcome, error) {
	command, err := captureFor(e, tolerance, who)
	if err != nil {
		return trace.Outcome{}, err
	}
	return do[trace.Outcome](a, c, command)
}

// captureFor is the command for an event that a form shares as it was chosen.
func captureFor(e epcis.Event, tolerance gs1.Amount, who audience) (trace.Capture, error) {
	shared, err := who.sharing()
	if err != nil {
		return trace.Capture{}, err
	}
	plain, err := events.Capture(e, tolerance)
	if err != nil {
		return trace.Capture{}, err
	}
	command := shared.capture(plain.Event)
	command.Tolerance = tolerance
	return command, nil
}

// submitAll brings several events in one transaction: all of them or none.
func (a *app) submitAll(c *web.Ctx, process []epcis.Event, tolerance gs1.Amount, who audience) error {
	if len(process) == 1 {
		_, err := a.submitOne(c, process[0], tolerance, who)
		return err
	}
	batch := chaincode.Batch{Atomic: true}
	for _, e := range process {
		command, err := captureFor(e, tolerance, who)
		if err != nil {
			return err
		}
		body, err := json.Marshal(command)
		if err != nil {
			return err
		}
		batch.Commands = append(batch.Commands, chaincode.Item{Name: chaincode.NameOf(command), Body: body})
	}
	answers, err := do[[]chaincode.Answer](a, c, batch)
	if err != nil {
		return err
	}
	for _, answer := range answers {
		if answer.Refusal != nil {
			return answer.Refusal
		}
	}
	return nil
}

// do runs any other command in the user's name.
func do[R any](a *app, c *web.Ctx, command any) (R, error) {
	reply, _, err := host.Do[R](c.Context(), a.host, host.ActorOf(c.User()), command)
	return reply, err
}

// when is the time that a form tells, or now: in the zone of the reader's
// browser where it says so ("<name>.zone"), else in the house's.
func (a *app) when(typed time.Time, zone web.Field) time.Time {
	if !typed.IsZero() {
		return typed
	}
	now := a.host.Now().UTC()
	if z, err := time.Parse("-07:00", zone.Value); err == nil {
		return now.In(z.Location())
	}
	return now
}

// lines is the part of a form that holds repeated groups.
type lines interface {
	Field(name, label string) web.Field
	Lines(name string, atLeast int) []web.Line
}

// blame puts a refusal beside the entry that it is about: the line whose lot
// the refusal names, else the entry that the renames give for its field.
func blame(f lines, err error, group string, renames map[string]string) error {
	var no *chaincode.Refusal
	if !errors.As(err, &no) {
		return err
	}
	placed := *no
	if strings.Contains(no.Field, ".") {
		return err // it stands beside its line already
	}
	if no.Code == trace.ErrSharing.Code {
		return placed.On("share.mode")
	}
	if name, ok := renames[no.Code]; ok {
		return placed.On(name)
	}
	for _, line := range f.Lines(group, 0) {
		entry := line.Field("lot", "")
		if !concerns(no, lotID(entry.Value)) {
			continue
		}
		switch no.Code {
		case trace.ErrNotEnough.Code, trace.ErrAlreadyPacked.Code, trace.ErrAmount.Code, trace.ErrUnit.Code:
			return placed.On(line.Prefix + "quantity")
		}
		return placed.On(entry.Name)
	}
	if name, ok := renames[no.Field]; ok {
		return placed.On(name)
	}
	return placed.On("")
}

// concerns reports whether a refusal names a lot among its facts.
func concerns(no *chaincode.Refusal, lot string) bool {
	return lot != "" && slices.Contains(no.Facts, lot)
}

// holding is what a company has of one lot.
type holding struct {
	Lot     string `db:"lot"`
	GTIN    string `db:"gtin"`
	Number  string `db:"number"`
	Unit    string `db:"unit"`
	Expiry  string `db:"expiry"`
	Blocked string `db:"blocked"`
	Held    string `db:"held"`
	Packed  string `db:"packed"`
}

// most is how many rows a form's list of choices holds.
const most = 200

// stock is what a company has at hand, what keeps the shortest first.
func (a *app) stock(ctx context.Context, company string) ([]holding, error) {
	return readmodel.All[holding](ctx, a.db, `SELECT l.id AS lot, l.gtin, l.number, l.unit, l.expiry, l.blocked, a.held, a.packed
		FROM tr_accounts a JOIN tr_lots l ON l.id = a.lot WHERE a.party = $1 AND a.in_stock
		ORDER BY CASE WHEN l.expiry = '' THEN 1 ELSE 0 END, l.expiry, l.id LIMIT $2`, company, most)
}

// free are the holdings of which something is not packed.
func free(all []holding) (loose []holding) {
	for _, h := range all {
		if parseAmount(h.Held).Sign() > 0 {
			loose = append(loose, h)
		}
	}
	return loose
}

// choices are lots to choose from, each with how much of it there is.
func (n *names) choices(c *web.Ctx, stock []holding) []web.Option {
	var all []web.Option
	for _, h := range stock {
		text := fmt.Sprintf("%s · %s", n.Lot(h.Lot), n.Quantity(h.Held, h.Unit))
		switch {
		case h.Blocked != "":
			text += " · " + c.T(blockedWord(h.Blocked))
		case h.Expiry != "":
			text += " · " + c.T("best before %s", day(c, h.Expiry))
		}
		all = append(all, web.Option{Value: h.Lot, Text: text})
	}
	return all
}

func blockedWord(kind string) string {
	if kind == trace.KindRecall {
		return "Recalled"
	}
	return "On hold"
}

// amount is a quantity in a form: a decimal above zero, as people type it.
type amount struct{ gs1.Amount }

// UnmarshalText reads "480", "480.5" or "1 200".
func (a *amount) UnmarshalText(text []byte) error {
	v, err := gs1.ParseAmount(strings.ReplaceAll(string(text), " ", ""))
	if err != nil || v.Sign() < 0 {
		return trace.ErrAmount.Refuse("")
	}
	a.Amount = v
	return nil
}

// MarshalText writes it back for a form that starts filled in.
func (a amount) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// of is so much of a lot, in the unit that was chosen.
func (a amount) of(lot, unit string) events.Goods {
	return events.Goods{Lot: lot, Amount: a.Amount, Unit: unitCode(unit)}
}

// lotEntry is one line of a form that moves lots.
type lotEntry struct {
	Lot      string `form:"lot,required"`
	Quantity amount `form:"quantity,required"`
	Unit     string `form:"unit"`
}

// goods are the lines with the units of their lots where none was chosen.
func (a *app) goods(ctx context.Context, typed []lotEntry) ([]events.Goods, error) {
	var all []events.Goods
	for _, l := range typed {
		g := l.Quantity.of(lotID(l.Lot), l.Unit)
		if l.Unit == "" {
			unit, err := readmodel.One[string](ctx, a.db, `SELECT unit FROM tr_lots WHERE id = $1`, g.Lot)
			if errors.Is(err, sql.ErrNoRows) {
				return nil, trace.ErrNoLot.Refuse("%s", g.Lot)
			} else if err != nil {
				return nil, err
			}
			g.Unit = unit
		}
		all = append(all, g)
	}
	return all, nil
}

// pieces is how a form spells the unit that the ledger leaves empty, because an
// empty choice means something else there.
const pieces = "-"

func unitCode(choice string) string {
	if choice == pieces {
		return ""
	}
	return choice
}

// units are the units that the forms offer; files and machines may use any of
// UN/ECE Recommendation 20.
func units(c *web.Ctx) []web.Option {
	var all []web.Option
	for _, code := range []string{"KGM", "GRM", "TNE", "LTR", "MLT"} {
		u, err := gs1.UnitOf(code)
		if err != nil {
			panic(err) // the list above is ours
		}
		name := u.Name
		if c.Lang() == "zh" {
			name = u.NameZh
		}
		all = append(all, web.Option{Value: code, Text: u.Symbol + " · " + name})
	}
	return append(all, web.Option{Value: pieces, Text: c.T("pieces")})
}
