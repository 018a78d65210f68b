package traceability

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// The kinds of link: what carried a lot, what was attached to that, and who
// handed it to whom. None of them makes one thing an ingredient of another.
const (
	packedIn   = "packed"
	attachedTo = "attached"
	shippedTo  = "shipped"
)

// link is one such relation. The ends of a shipment are companies; its lot
// stands in Lot.
type link struct {
	Kind   string     `json:"kind"`
	Lot    string     `json:"lot,omitempty"`
	From   string     `json:"from"`
	To     string     `json:"to"`
	Amount string     `json:"amount,omitempty"`
	Since  time.Time  `json:"since"`
	Until  *time.Time `json:"until,omitempty"`
	By     string     `json:"by,omitempty"`
	State  string     `json:"state,omitempty"`
	Href   string     `json:"-"`
}

// mostLinks bounds what one trace tells of packs, associations and shipments.
const mostLinks = 5000

// deepestPack is how far packs nest, and associations are followed.
const deepestPack = 16

// ties reads the links of the trace's lots.
func (t *tracing) ties() error {
	carried := map[string][]string{} // by thing: the lots of the trace that it is here for
	for _, k := range t.nodes {
		carried[k.ID] = []string{k.ID}
	}
	if err := t.packing(carried); err != nil {
		return err
	}
	if err := t.attachments(carried); err != nil {
		return err
	}
	if err := t.shippings(); err != nil {
		return err
	}
	if len(t.links) > mostLinks {
		t.links, t.cut = t.links[:mostLinks], true
	}
	return nil
}

// told reports whether the reader is told what a company did with a thing: whose
// account of a lot that it is here for the reader sees, if the event is shared
// with the chain.
func (t *tracing) told(party, sharing string, lots []string) bool {
	if t.who.all || party != "" && party == t.who.user.Party {
		return true
	}
	return (sharing == trace.Linked || sharing == trace.Public) && slices.ContainsFunc(lots, func(lot string) bool { return t.near.sees(lot, party) })
}

// packing follows lots into packs and packs into outer packs, as the events say
// that stood at the moment.
func (t *tracing) packing(carried map[string][]string) error {
	type packed struct {
		Child   string    `db:"child"`
		Pack    string    `db:"pack"`
		Author  string    `db:"author"`
		Sharing string    `db:"sharing"`
		At      time.Time `db:"at"`
		Hash    string    `db:"hash"`
		Amount  string    `db:"amount"` // that it holds
		Unit    string    `db:"unit"`
	}
	level, seen := slices.Sorted(maps.Keys(carried)), map[[2]string]bool{}
	for range deepestPack {
		var next []string
		for _, some := range chunks(level) {
			list, args := inList(1, some)
			stood, args := t.asked.known.stood(args)
			contents, args := t.asked.known.contents(args)
			rows, err := readmodel.All[packed](t.ctx, t.app.db, `SELECT c.thing AS child, p.thing AS pack, e.author, e.sharing, e.at, e.hash, COALESCE(h.amount, '') AS amount, COALESCE(h.unit, '') AS unit
				FROM tr_named c JOIN tr_named p ON p.hash = c.hash AND p.role = 'parent' JOIN tr_events e ON e.hash = c.hash
				LEFT JOIN `+contents+` h ON h.pack = p.thing AND h.child = c.thing
				WHERE c.role = 'child' AND e.type = 'AggregationEvent' AND e.action = 'ADD' AND `+stood+` AND c.thing IN `+list+` ORDER BY e.at, p.thing LIMIT `+itoa(mostLinks), args...)
			if err != nil {
				return fmt.Errorf("read the packs of a trace: %w", err)
			}
			for _, r := range rows {
				if seen[[2]string{r.Child, r.Pack}] || len(t.links) > mostLinks || !t.told(r.Author, r.Sharing, carried[r.Child]) {
					continue
				}
				seen[[2]string{r.Child, r.Pack}] = true
				l := link{Kind: packedIn, From: r.Child, To: r.Pack, Since: r.At, By: r.Author, Href: eventHref(r.Hash)}
				if parseAmount(r.Amount).Sign() > 0 {
					l.Amount = t.names.Quantity(r.Amount, r.Unit)
				}
				t.links = append(t.links, l)
				if carried[r.Pack] == nil {
					next = append(next, r.Pack)
				}
				carried[r.Pack] = append(carried[r.Pack], carried[r.Child]...)
			}
		}
		if level = next; len(level) == 0 {
			return nil
		}
	}
	return nil
}

// attachments follow things up to what they are attached to, and down to what
// is attached to them; never across, to what else hangs on the same thing.
func (t *tracing) attachments(carried map[string][]string) error {
	seen := map[[3]string]bool{}
	for _, way := range []struct{ near, far string }{{"child", "parent"}, {"parent", "child"}} {
		here := maps.Clone(carried)
		level := slices.Sorted(maps.Keys(here))
		for range deepestPack {
			if len(level) == 0 {
				break
			}
			found, err := t.attached(way.near, level)
			if err != nil {
				return err
			}
			level = nil
			for _, a := range found {
				near, far := a.Child, a.Parent
				if way.near == "parent" {
					near, far = far, near
				}
				if !t.told(a.Party, a.Sharing, here[near]) || len(t.links) > mostLinks {
					continue
				}
				if key := [3]string{a.Parent, a.Child, a.Event}; !seen[key] {
					seen[key] = true
					t.links = append(t.links, a.link(t))
				}
				if here[far] == nil {
					here[far] = here[near]
					level = append(level, far)
				}
			}
		}
	}
	return nil
}

// association is a row of tr_associations.
type association struct {
	Parent   string     `db:"parent"`
	Child    string     `db:"child"`
	Event    string     `db:"event"`
	Party    string     `db:"party"`
	Sharing  string     `db:"sharing"`
	Amount   string     `db:"amount"`
	Unit     string     `db:"unit"`
	Since    time.Time  `db:"since"`
	Until    *time.Time `db:"until"`
	NotedEnd *time.Time `db:"noted_end"` // when the ledger learnt of the end
}

func (a association) link(t *tracing) link {
	l := link{Kind: attachedTo, From: a.Child, To: a.Parent, Since: a.Since, Until: a.Until, By: a.Party, Href: eventHref(a.Event)}
	if parseAmount(a.Amount).Sign() > 0 {
		l.Amount = t.names.Quantity(a.Amount, a.Unit)
	}
	return l
}

// attached reads the associations of some things at one of their ends, as they
// were known.
func (t *tracing) attached(end string, things []string) (all []association, err error) {
	for _, some := range chunks(things) {
		list, args := inList(1, some)
		known, args := t.asked.known.table(`NOT a.undone`, `a.noted <= $then AND (NOT a.undone OR a.noted_end > $then)`, args)
		rows, err := readmodel.All[association](t.ctx, t.app.db, `SELECT a.parent, a.child, a.event, a.party, COALESCE(e.sharing, '') AS sharing, a.amount, a.unit, a.since, a.until, a.noted_end
			FROM tr_associations a LEFT JOIN tr_events e ON e.hash = a.event WHERE `+known+` AND a.`+end+` IN `+list+` ORDER BY a.since, a.parent, a.child LIMIT `+itoa(mostLinks), args...)
		if err != nil {
			return nil, fmt.Errorf("read what was attached: %w", err)
		}
		for _, r := range rows {
			if m := t.asked.known; !m.IsZero() && r.NotedEnd != nil && r.NotedEnd.After(m.Time) {
				r.Until = nil
			}
			all = append(all, r)
		}
	}
	return all, nil
}

// shippings are the shipments of the trace's lots that the reader is a side of.
func (t *tracing) shippings() error {
	whose := ""
	for _, some := range chunks(slices.Sorted(maps.Keys(t.inTrace()))) {
		list, args := inList(1, some)
		table, args := t.asked.known.shipments(args)
		if !t.who.all {
			args = append(args, t.who.user.Party)
			whose = fmt.Sprintf(` AND $%[1]d <> '' AND (s.sender = $%[1]d OR s.receiver = $%[1]d OR s.carrier = $%[1]d)`, len(args))
		}
		rows, err := readmodel.All[struct {
			ID       string     `db:"id"`
			Lot      string     `db:"lot"`
			Sender   string     `db:"sender"`
			Receiver string     `db:"receiver"`
			State    string     `db:"state"`
			At       time.Time  `db:"at"`
			Answered *time.Time `db:"answered"`
			Amount   string     `db:"amount"`
			Unit     string     `db:"unit"`
		}](t.ctx, t.app.db, `SELECT s.id, l.lot, s.sender, s.receiver, s.state, s.at, s.answered, l.amount, l.unit FROM tr_shipment_lines l JOIN `+table+` s ON s.id = l.shipment
			WHERE l.lot IN `+list+whose+` ORDER BY s.at, s.id, l.lot, l.pack LIMIT `+itoa(mostLinks), args...)
		if err != nil {
			return fmt.Errorf("read the shipments of a trace: %w", err)
		}
		for _, r := range rows {
			t.links = append(t.links, link{Kind: shippedTo, Lot: r.Lot, From: r.Sender, To: r.Receiver, Amount: t.names.Quantity(r.Amount, r.Unit),
				Since: r.At, Until: r.Answered, State: r.State, Href: "/traceability/shipments/" + r.ID})
		}
	}
	slices.SortStableFunc(t.links, func(x, y link) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), x.Since.Compare(y.Since), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	})
	return nil
}

func (t *tracing) inTrace() map[string]bool {
	all := map[string]bool{}
	for _, k := range t.nodes {
		all[k.ID] = true
	}
	return all
}
