package traceability

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

func (a *app) eventRoutes() []web.Route {
	return []web.Route{
		{Method: "GET", Path: "/traceability/event/*", Name: "events.page", Access: web.AnyUser.Owned(), Handler: a.showEvent},
	}
}

// eventView is the page of one event.
type eventView struct {
	Hash     string          `json:"hash"`
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Author   string          `json:"author"`
	User     string          `json:"user"`
	At       time.Time       `json:"eventTime"`
	Captured time.Time       `json:"captured"`
	Sharing  string          `json:"sharing"`
	Flags    []string        `json:"flags,omitempty"`
	Block    int64           `json:"block"`
	Tx       string          `json:"tx"`
	Error    string          `json:"declaredError,omitempty"`
	Event    json.RawMessage `json:"event,omitempty"`
	Lots     []madeView      `json:"lots"`

	Chip    web.Chip    `json:"-"`
	Crumbs  []web.Crumb `json:"-"`
	Facts   []web.Pair  `json:"-"`
	FlagsIn []string    `json:"-"`
	Pretty  string      `json:"-"`
	ErrorAt time.Time   `json:"-"`
}

func (a *app) showEvent(c *web.Ctx) error {
	hash, err := url.PathUnescape(strings.TrimPrefix(c.Request().URL.EscapedPath(), "/traceability/event/"))
	if err != nil {
		return web.ErrNoPage.Refuse("")
	}
	found, err := readmodel.All[deed](c.Context(), a.db, `SELECT `+deedColumns+` FROM tr_events e WHERE e.hash = $1`, hash)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return trace.ErrNoEvent.Refuse("%s", hash)
	}
	v, err := a.eventView(c, found[0])
	if err != nil {
		return err
	}
	return c.Render("event.html", v)
}

func (a *app) eventView(c *web.Ctx, d deed) (*eventView, error) {
	n := a.names(c)
	r, err := a.reader(c)
	if err != nil {
		return nil, err
	}
	if d.Body == "" {
		kept, err := r.kept(d.Hash, d.Member)
		if err != nil {
			return nil, err
		}
		d.Body = string(kept)
	}
	if hears, err := r.hears(d); err != nil || !hears {
		return nil, cmp.Or(err, error(trace.ErrNoEvent.Refuse("%s", d.Hash)))
	}
	body := []byte(d.Body)
	v := &eventView{Event: body, Hash: d.Hash, Type: d.Type, Author: n.Party(d.Author), User: d.User, At: d.At, Captured: d.Captured,
		Sharing: d.Sharing, Flags: strings.Fields(d.Flags), Block: d.Block, Tx: d.Tx, Error: d.Error}
	if err := a.fillLots(c, r, n, d, v); err != nil {
		return nil, err
	}
	if v.Text == "" {
		v.Text = teller{lotRow{}, n, c.T, nil}.deed(d).Text
	}
	var pretty bytes.Buffer
	if len(body) > 0 && json.Indent(&pretty, body, "", "  ") == nil {
		v.Pretty = pretty.String()
	}
	v.describe(c, n, d)
	return v, nil
}

// fillLots names the lots of an event that the reader may read. Who may read
// none of them is told what a stranger is told.
func (a *app) fillLots(c *web.Ctx, r *reader, n *names, d deed, v *eventView) error {
	lots, err := readmodel.All[string](c.Context(), a.db, `SELECT thing FROM tr_named WHERE hash = $1
		UNION SELECT l.lot FROM tr_shipment_lines l JOIN tr_shipments s ON s.id = l.shipment WHERE s.event = $1 OR s.answer = $1 ORDER BY 1 LIMIT 500`, d.Hash)
	if err != nil {
		return err
	}
	for _, id := range lots {
		lot, err := a.lot(c.Context(), id)
		if err != nil || !r.reads(id) {
			continue
		}
		v.Lots = append(v.Lots, madeView{Lot: id, Name: n.Lot(id), Blocked: lot.Blocked, Href: lotHref(id)})
		if v.Text == "" {
			passages, err := a.passages(c.Context(), id, asOf{})
			if err != nil {
				return err
			}
			v.Text = teller{lot, n, c.T, passages}.deed(d).Text + " · " + n.Lot(id)
		}
	}
	may, err := r.mayRead(storedEvent{Hash: d.Hash, Author: d.Author, Sharing: d.Sharing, Shipment: d.Shipment})
	if err == nil && len(v.Lots) == 0 && !(may && len(v.Event) > 0) {
		err = trace.ErrNoEvent.Refuse("%s", d.Hash)
	}
	return err
}

var sharingWords = map[string]string{
	trace.Linked:     "Up and down the chain of the goods",
	trace.Public:     "Everybody",
	trace.Restricted: "Named companies only",
	trace.Private:    "Its author only",
}

// flagWords say what an event or a lot lacks, in words.
var flagWords = map[string]string{
	trace.FlagOriginUnknown:   "Received before anybody logged its making",
	trace.FlagPrefix:          "Its company prefix belongs to nobody here",
	trace.FlagNotComparable:   "What went in and what came out are measured in different kinds of units",
	trace.FlagClassLevel:      "It names a product, not a lot: nothing was moved",
	trace.FlagAmountMissing:   "It tells no amount: nothing was moved",
	trace.FlagLeftNetwork:     "Shipped to somebody outside the network",
	trace.FlagNotHolder:       "Reported by somebody who never held the lot",
	trace.FlagUnknownThing:    "It names something that nobody logged",
	trace.FlagPackUnknown:     "A pack that nobody packed here",
	trace.FlagQuarantine:      "Blocked goods, received to keep them apart",
	trace.FlagSurplus:         "More arrived than was shipped; the surplus is not credited",
	trace.FlagInputsUnknown:   "Made of something that the ledger does not know",
	trace.FlagReturn:          "Blocked goods on their way back to their maker",
	trace.FlagShippedToSelf:   "Between two places of one company",
	trace.FlagAttached:        "It is attached to it already: nothing changes",
	trace.FlagNotAttached:     "Nobody said that it was attached: nothing changes",
	trace.FlagAlarm:           "A sensor reports an alarm",
	trace.FlagAttachedByOther: "Attached by another company than the one that detached it",
	trace.FlagNothingToMove:   "It names no lot or pack to move",
	trace.FlagDemand:          "Lacks what its receiver asks for",
}

func (v *eventView) describe(c *web.Ctx, n *names, d deed) {
	v.Crumbs = []web.Crumb{{Text: c.T("Lots"), Href: "/traceability/lots"}}
	if len(v.Lots) > 0 {
		v.Crumbs = append(v.Crumbs, web.Crumb{Text: v.Lots[0].Name, Href: v.Lots[0].Href})
	}
	v.Crumbs = append(v.Crumbs, web.Crumb{Text: c.T("Event")})
	v.Chip = web.Chip{Word: "On the ledger", Tone: web.Good}
	if v.Error != "" {
		v.Chip = web.Chip{Word: "Declared an error", Tone: web.Bad}
		if d.ErrorAt != nil {
			v.ErrorAt = *d.ErrorAt
		}
		v.Error = c.T(errorWord(v.Error))
	}
	for _, f := range v.Flags {
		v.FlagsIn = append(v.FlagsIn, c.T(flagWords[f]))
	}
	place := teller{lotRow{}, n, c.T, nil}.place(d.where())
	for _, p := range []web.Pair{{Label: "Company", Value: v.Author}, {Label: "User", Value: v.User}, {Label: "Happened", Value: v.At},
		{Label: "Place", Value: place}, {Label: "Recorded", Value: v.Captured}, {Label: "Kind", Value: c.T(d.Type)}, {Label: "Step", Value: c.T(stepWord(d.Step))},
		{Label: "State of the goods", Value: c.T(stepWord(d.State))}, {Label: "Who can read it", Value: c.T(sharingWords[d.Sharing])}, {Label: "Block", Value: d.Block}} {
		if p.Value != "" {
			v.Facts = append(v.Facts, p)
		}
	}
}
