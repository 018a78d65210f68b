package traceability

import (
	"errors"
	"net/http"
	"strconv"
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
	Hash     string     `db:"hash"`
	Author   string     `db:"author"`
	Member   string     `db:"member"` // the author's
	Captured time.Time  `db:"captured"`
	Sharing  string     `db:"sharing"`
	Body     string     `db:"body"`
	Shipment string     `db:"shipment"`
	Error    string     `db:"error"`
	ErrorAt  *time.Time `db:"error_at"`
	Block    int64      `db:"block"`
}

const storedEvents = `SELECT e.hash, e.author, COALESCE(p.member, '') AS member, e.captured, e.sharing, e.body, e.shipment, e.error, e.error_at, e.block
	FROM tr_events e LEFT JOIN tr_parties p ON p.id = e.author`

// readEvent answers with the event, by its hash, in a query document.
func (a *app) readEvent(c *web.Ctx) error {
	id := rest(c, epcisBase+"/events/")
	found, err := readmodel.All[storedEvent](c.Context(), a.db, storedEvents+` WHERE e.hash = $1`, eventHash(id))
	if err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	for _, s := range found {
		if e, err := r.read(s); err != nil || e != nil {
			return a.answerEvents(c, []*epcis.Event{e}, err)
		}
	}
	return trace.ErrNoEvent.Refuse("%s", id) // also where it is not for this reader
}

// eventHash takes an event's hash in full, or its 64 digits only.
func eventHash(id string) string {
	if len(id) == 64 && strings.Trim(id, "0123456789abcdef") == "" {
		return "ni:///sha-256;" + id + "?ver=CBV2.0"
	}
	return id
}

// listEvents gives the events that the reader may see, the newest first.
func (a *app) listEvents(c *web.Ctx) error {
	size, token, err := epcisPage(c)
	if err != nil {
		return err
	}
	block, hash, err := readToken(token)
	if err != nil {
		return err
	}
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	var page []*epcis.Event
	var last string // the place of the last event that the reader has been shown
	for {
		some, err := readmodel.All[storedEvent](c.Context(), a.db, storedEvents+`
			WHERE e.block < $1 OR e.block = $2 AND e.hash < $3 ORDER BY e.block DESC, e.hash DESC LIMIT $4`, block, block, hash, 2*size)
		if err != nil {
			return err
		}
		for _, s := range some {
			e, err := r.read(s)
			switch {
			case err != nil:
				return err
			case e != nil && len(page) == size:
				linkNext(c, "/events", size, last)
				return a.answerEvents(c, page, nil)
			case e != nil:
				page, last = append(page, e), strconv.FormatInt(s.Block, 10)+"."+s.Hash
			}
			block, hash = s.Block, s.Hash
		}
		if len(some) < 2*size {
			return a.answerEvents(c, page, nil)
		}
	}
}

// readToken reads where a page begins: after an event of a block.
func readToken(token string) (block int64, hash string, err error) {
	if token == "" {
		return 1<<63 - 1, "", nil
	}
	number, hash, _ := strings.Cut(token, ".")
	if block, err = strconv.ParseInt(number, 10, 64); err != nil || block < 0 {
		return 0, "", errParameter.Refuse("nextPageToken").On("nextPageToken")
	}
	return block, hash, nil
}

// read gives the event, or nil where the reader may not see it.
func (r *reader) read(s storedEvent) (*epcis.Event, error) {
	may, err := r.mayRead(s)
	if err != nil || !may {
		return nil, err
	}
	body := s.Body
	if s.Sharing == trace.Restricted || s.Sharing == trace.Private {
		kept, err := host.Ask[trace.EventBody](r.ctx, r.app.host, host.ActorOf(r.user), trace.GetEvent{Hash: s.Hash, Keeper: s.Member}, s.Member)
		if errors.As(err, new(*chaincode.Refusal)) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		body = string(kept.Event)
	}
	doc, err := epcis.DecodeJSON([]byte(body))
	if err != nil {
		return nil, err
	}
	e := &doc.Events[0]
	if e.ID == "" {
		e.ID = s.Hash // EPCIS 2.0, section 7.4.1: the repository gives an id to events without one
	}
	e.RecordTime = s.Captured
	if s.Error != "" && s.ErrorAt != nil {
		e.Error = &epcis.ErrorDeclaration{Time: *s.ErrorAt, Reason: s.Error}
	}
	return e, nil
}

// mayRead decides by the event's sharing. Who may read the body of a
// restricted or private one, the contract decides when it is asked for it.
func (r *reader) mayRead(s storedEvent) (bool, error) {
	switch {
	case r.regulator, s.Author == r.user.Party, s.Sharing == trace.Public, s.Sharing == trace.Restricted:
		return true, nil
	case s.Sharing != trace.Linked, r.user.Party == "": // a shipment without a carrier is not everybody's
		return false, nil
	}
	if s.Shipment != "" {
		sides, err := readmodel.One[int](r.ctx, r.app.db, `SELECT COUNT(*) FROM tr_shipments
			WHERE id = $1 AND (sender = $2 OR receiver = $3 OR carrier = $4)`, s.Shipment, r.user.Party, r.user.Party, r.user.Party)
		if err != nil || sides > 0 {
			return sides > 0, err
		}
	}
	things, err := readmodel.All[string](r.ctx, r.app.db, `SELECT DISTINCT thing FROM tr_named WHERE hash = $1`, s.Hash)
	if err != nil {
		return false, err
	}
	return r.seesAny(things)
}

func (a *app) answerEvents(c *web.Ctx, events []*epcis.Event, err error) error {
	if err != nil {
		return err
	}
	doc := epcis.Document{Type: "EPCISQueryDocument", CreationDate: a.host.Now(), QueryName: "SimpleEventQuery"}
	for _, e := range events {
		doc.Events = append(doc.Events, *e)
	}
	b, err := doc.JSON()
	if err != nil {
		return err
	}
	kind := "application/json"
	if strings.Contains(c.Request().Header.Get("Accept"), "application/ld+json") {
		kind = "application/ld+json"
	}
	return c.Blob(http.StatusOK, kind, b)
}
