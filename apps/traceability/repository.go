package traceability

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// storedEvent is an event as the read model keeps it.
type storedEvent struct {
	Hash       string     `db:"hash"`
	Author     string     `db:"author"`
	Member     string     `db:"member"` // the author's
	ByUser     string     `db:"by_user"`
	At         time.Time  `db:"at"`
	Captured   time.Time  `db:"captured"`
	Sharing    string     `db:"sharing"`
	Body       string     `db:"body"`
	Shipment   string     `db:"shipment"`
	Error      string     `db:"error"`
	Corrective string     `db:"corrective"` // joined by spaces
	ErrorAt    *time.Time `db:"error_at"`
	Block      int64      `db:"block"`
}

const storedColumns = `SELECT e.hash, e.author, COALESCE(p.member, '') AS member, e.by_user, e.at, e.captured, e.sharing, e.body, e.shipment, e.error, e.error_at, e.corrective, e.block`

const storedEvents = storedColumns + `
	FROM tr_events e LEFT JOIN tr_parties p ON p.id = e.author`

// readEvent answers with the event in a query document: by the id that its
// sender gave it, or by its hash. One id may stand for several events, because
// senders choose them.
func (a *app) readEvent(c *web.Ctx) error {
	id := rest(c, epcisBase+"/events/")
	found, err := readmodel.All[storedEvent](c.Context(), a.db, storedEvents+` WHERE e.hash = $1 OR e.event_id = $2 ORDER BY e.block LIMIT $3`, eventHash(id), id, web.MaxLimit)
	if err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	var events []*epcis.Event
	for _, s := range found {
		e, err := r.read(s)
		if err != nil {
			return err
		}
		if e != nil {
			events = append(events, e)
		}
	}
	if len(events) == 0 {
		return trace.ErrNoEvent.Refuse("%s", id) // also where it is not for this reader
	}
	return a.answerEvents(c, events, "SimpleEventQuery")
}

// eventHash takes an event's hash in full, or its 64 digits only.
func eventHash(id string) string {
	if len(id) == 64 && strings.Trim(id, "0123456789abcdef") == "" {
		return "ni:///sha-256;" + id + "?ver=CBV2.0"
	}
	return id
}

// read gives the event, or nil where the reader may not see it.
func (r *reader) read(s storedEvent) (*epcis.Event, error) {
	may, err := r.mayRead(s)
	if err != nil || !may {
		return nil, err
	}
	return r.event(s)
}

// event is read, where it is known that the sharing allows it.
func (r *reader) event(s storedEvent) (*epcis.Event, error) {
	var err error
	body := []byte(s.Body)
	if s.Sharing == trace.Restricted || s.Sharing == trace.Private {
		if body, err = r.kept(s.Hash, s.Member); err != nil || body == nil {
			return nil, err
		}
	}
	doc, err := epcis.DecodeJSON(body)
	if err != nil {
		return nil, fmt.Errorf("read the event %s: %w", s.Hash, err)
	}
	e := &doc.Events[0]
	if e.ID == "" {
		e.ID = s.Hash // EPCIS 2.0, section 7.4.1: the repository gives an id to events without one
	}
	e.RecordTime = s.Captured
	if s.Error != "" && s.ErrorAt != nil {
		e.Error = &epcis.ErrorDeclaration{Time: *s.ErrorAt, Reason: s.Error, Corrective: strings.Fields(s.Corrective)}
	}
	return e, nil
}

// kept asks the contract for a body that is not for everybody, of the copy at
// one member. Who is not entitled gets none: the contract decides.
func (r *reader) kept(hash, member string) ([]byte, error) {
	kept, err := r.keptBody(hash, member)
	return kept.Event, err
}

// keptBody is the same with the salt of the copy's commitment.
func (r *reader) keptBody(hash, member string) (trace.EventBody, error) {
	kept, err := host.Ask[trace.EventBody](r.ctx, r.app.host, host.ActorOf(r.user), trace.GetEvent{Hash: hash, Keeper: member}, member)
	if errors.As(err, new(*chaincode.Refusal)) {
		return trace.EventBody{}, nil
	}
	return kept, err
}

// mayRead decides by the event's sharing. Who may read the body of a
// restricted or private one, the contract decides when it is asked for it.
func (r *reader) mayRead(s storedEvent) (bool, error) {
	switch {
	case r.all, s.Author == r.user.Party, s.Sharing == trace.Public, s.Sharing == trace.Restricted:
		return true, nil
	case s.Sharing != trace.Linked, r.user.Party == "": // a shipment without a carrier is not everybody's
		return false, nil
	}
	if s.Shipment != "" {
		sides, err := r.app.sides(r.ctx, s.Shipment, r.user.Party)
		if err != nil || sides {
			return sides, err
		}
	}
	things, err := readmodel.All[string](r.ctx, r.app.db, `SELECT DISTINCT thing FROM tr_named WHERE hash = $1`, s.Hash)
	if err != nil {
		return false, err
	}
	return r.readsAny(things)
}

// hears reports whether the reader is told what an event of a lot on their
// chain says. The two sides and the carrier of a shipment know of its hand-overs
// however they are shared; of a restricted event the contract says whom it names.
func (r *reader) hears(d deed) (bool, error) {
	switch {
	case r.all, d.Author == r.user.Party, d.Sharing == trace.Public, d.Sharing == trace.Linked:
		return true, nil
	case r.user.Party == "":
		return false, nil
	}
	if d.Shipment != "" {
		sides, err := r.app.sides(r.ctx, d.Shipment, r.user.Party)
		if err != nil || sides {
			return sides, err
		}
	}
	if d.Sharing != trace.Restricted {
		return false, nil
	}
	body, err := r.kept(d.Hash, d.Member)
	return body != nil, err
}

// sides reports whether a shipment is a company's to send, receive or carry.
func (a *app) sides(ctx context.Context, shipment, company string) (bool, error) {
	n, err := readmodel.One[int](ctx, a.db, `SELECT COUNT(*) FROM tr_shipments WHERE id = $1 AND $2 IN (sender, receiver, carrier)`, shipment, company)
	return n > 0, err
}

func (a *app) answerEvents(c *web.Ctx, events []*epcis.Event, name string) error {
	spell, err := a.speller(c)
	if err != nil {
		return err
	}
	doc := epcis.Document{Type: "EPCISQueryDocument", CreationDate: a.host.Now(), QueryName: name}
	for _, e := range events {
		e.Respell(spell)
		doc.Events = append(doc.Events, *e)
	}
	return writeEvents(c, &doc)
}

// eventsOfLot is the lot's history as an EPCIS document, the oldest event
// first: those whose bodies are shared with the reader.
func (a *app) eventsOfLot(c *web.Ctx, lot lotRow) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	found, err := readmodel.All[storedEvent](c.Context(), a.db, storedEvents+` WHERE e.hash IN (SELECT hash FROM tr_named WHERE thing = $1
		UNION SELECT s.event FROM tr_shipment_lines l JOIN tr_shipments s ON s.id = l.shipment WHERE l.lot = $2
		UNION SELECT s.answer FROM tr_shipment_lines l JOIN tr_shipments s ON s.id = l.shipment WHERE l.lot = $3)
		ORDER BY e.at, e.block LIMIT $4`, lot.ID, lot.ID, lot.ID, epcis.MaxEvents)
	if err != nil {
		return err
	}
	doc := epcis.Document{Type: "EPCISDocument", Version: "2.0", CreationDate: a.host.Now().UTC()}
	for _, s := range found {
		e, err := r.read(s)
		if err != nil {
			return err
		}
		if e != nil {
			doc.Events = append(doc.Events, *e)
		}
	}
	text, err := doc.JSON()
	if err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+fileName(lot)+`.jsonld"`)
	return c.Blob(http.StatusOK, "application/ld+json", text)
}
