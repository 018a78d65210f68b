package traceability

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/tallyway/tallyway/apps/traceability/bundle"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/ledger/proof"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// The proof bundle of a lot: its chain, as far as the reader may tell of it,
// with what proves it.

// mostBundled bounds a bundle: so many events, of the lots that lie nearest.
const mostBundled = 2000

// provenEvent is an event as a bundle needs it.
type provenEvent struct {
	storedEvent
	Tx         string `db:"tx"`
	ErrorBlock *int64 `db:"error_block"`
}

// chosen is what goes into a bundle, and what proves it.
type chosen struct {
	bundle.Bundle
	document epcis.Document
	events   []bundle.Event
	wanted   map[uint64]proof.Wanted
	hashes   map[string]bool // of the events
	cases    map[string]bool
	papers   map[string]bool // ids of documents
}

func (a *app) bundleOfLot(c *web.Ctx, lot lotRow) error {
	r, err := a.reader(c)
	if err != nil {
		return err
	}
	b := &chosen{wanted: map[uint64]proof.Wanted{}, hashes: map[string]bool{}, cases: map[string]bool{}, papers: map[string]bool{},
		Bundle: bundle.Bundle{Format: bundle.Format, Lot: lot.ID, Made: a.host.Now().UTC(), For: r.user.Party, Kept: map[string]bundle.Kept{}, KeptDocuments: map[string]bundle.Kept{}}}
	b.document = epcis.Document{Type: "EPCISDocument", Version: "2.0", CreationDate: b.Made}
	lots, err := a.nearestFirst(r, lot.ID)
	if err != nil {
		return err
	}
	if err := a.gather(r, b, lots); err != nil {
		return err
	}
	if err := a.gatherCases(r, b); err != nil {
		return err
	}
	if err := a.gatherDocuments(r, b); err != nil {
		return err
	}
	if err := a.gatherReadings(r.ctx, b, lot); err != nil {
		return err
	}
	b.Links = bundle.Links(b.events)
	if b.Ledger, err = a.host.Prove(c.Context(), b.wanted); err != nil {
		return err
	}
	var file bytes.Buffer
	if err := b.Write(&file, &b.document); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Disposition", `attachment; filename="`+fileName(lot)+`-proof.zip"`)
	return c.Blob(http.StatusOK, "application/zip", file.Bytes())
}

// nearestFirst are the lots of a lot's chain that the reader may read.
func (a *app) nearestFirst(r *reader, lot string) ([]string, error) {
	graph, err := a.lineage.current(r.ctx)
	if err != nil {
		return nil, err
	}
	depth := map[string]int{lot: 0}
	for _, direction := range []lineage.Direction{lineage.Back, lineage.Forward} {
		for _, found := range graph.Walk(direction, mostTraced, lot).Nodes {
			if _, seen := depth[found.Name]; !seen && r.reads(found.Name) {
				depth[found.Name] = found.Depth
			}
		}
	}
	lots := slices.Sorted(maps.Keys(depth))
	slices.SortStableFunc(lots, func(x, y string) int { return depth[x] - depth[y] })
	return lots, nil
}

// gather reads the events of the lots, until there are enough.
func (a *app) gather(r *reader, b *chosen, lots []string) error {
	seen := map[string]bool{}
	for _, some := range chunks(lots) {
		list, args := inList(1, some)
		found, err := readmodel.All[provenEvent](r.ctx, a.db, `SELECT e.hash, e.author, COALESCE(p.member, '') AS member, e.captured, e.sharing, e.body, e.shipment,
			e.error, e.error_at, e.corrective, e.block, e.tx, e.error_block FROM tr_events e LEFT JOIN tr_parties p ON p.id = e.author
			WHERE e.hash IN (SELECT hash FROM tr_named WHERE thing IN `+list+`) ORDER BY e.at, e.hash`, args...)
		if err != nil {
			return fmt.Errorf("read the events of a bundle: %w", err)
		}
		named, err := a.namedIn(r.ctx, found)
		if err != nil {
			return err
		}
		for _, s := range found {
			if seen[s.Hash] {
				continue
			}
			seen[s.Hash] = true
			if b.Cut = len(b.Events) == mostBundled; b.Cut {
				return nil
			}
			if err := b.add(r, s, named[s.Hash]); err != nil {
				return err
			}
		}
	}
	return nil
}

// namedIn is what each of the events mentions.
func (a *app) namedIn(ctx context.Context, events []provenEvent) (map[string][]trace.Named, error) {
	type mention struct {
		Hash  string `db:"hash"`
		Thing string `db:"thing"`
		Role  string `db:"role"`
	}
	var hashes []string
	for _, e := range events {
		hashes = append(hashes, e.Hash)
	}
	named := map[string][]trace.Named{}
	for _, some := range chunks(hashes) {
		list, args := inList(1, some)
		rows, err := readmodel.All[mention](ctx, a.db, `SELECT hash, thing, role FROM tr_named WHERE hash IN `+list, args...)
		if err != nil {
			return nil, fmt.Errorf("read what the events of a bundle name: %w", err)
		}
		for _, m := range rows {
			named[m.Hash] = append(named[m.Hash], trace.Named{ID: m.Thing, Role: m.Role})
		}
	}
	return named, nil
}

// add takes an event into the bundle, where the reader may read it.
func (b *chosen) add(r *reader, s provenEvent, named []trace.Named) error {
	e, err := r.read(s.storedEvent)
	if err != nil {
		return err
	}
	if e == nil {
		b.Withheld++
		return nil
	}
	if s.Body == "" {
		kept, err := r.keptBody(s.Hash, s.Member)
		if err != nil {
			return err
		}
		b.Kept[s.Hash] = bundle.Kept{Body: string(kept.Event), Salt: kept.Salt}
	}
	told := bundle.Event{Captured: trace.Captured{Hash: s.Hash, Author: s.Author, Named: named}, Body: e}
	if s.Error != "" {
		told.Error = &trace.ErrorDeclared{}
	}
	b.events, b.document.Events = append(b.events, told), append(b.document.Events, *e)
	b.hashes[s.Hash] = true
	b.Events = append(b.Events, s.Hash)
	b.want(r, s)
	for _, n := range named {
		if r.reads(n.ID) && !slices.Contains(b.Lots, n.ID) && n.Role != "parent" {
			b.Lots = append(b.Lots, n.ID)
		}
	}
	return nil
}

// want asks for the proof of an event, and of its being declared an error. Of
// the reader's own transactions all is shown, with the signatures; a supervisor
// reads everybody's.
func (b *chosen) want(r *reader, s provenEvent) {
	w := b.at(uint64(s.Block))
	if (r.all || s.Author == r.user.Party) && !slices.Contains(w.Whole, s.Tx) {
		w.Whole = append(w.Whole, s.Tx)
	}
	b.wanted[uint64(s.Block)] = w
	if s.ErrorBlock != nil {
		b.wanted[uint64(*s.ErrorBlock)] = b.at(uint64(*s.ErrorBlock))
	}
}

// at is what is wanted of a block so far.
func (b *chosen) at(block uint64) proof.Wanted {
	w := b.wanted[block]
	w.Shows = b.shows
	return w
}

// shows reports whether an event of the ledger is one that the bundle tells.
func (b *chosen) shows(_, name string, event json.RawMessage) bool {
	var told struct {
		Hash     string `json:"hash"`
		Lot      string `json:"lot"`
		Case     string `json:"case"`
		Document struct {
			ID string `json:"id"`
		} `json:"document"`
	}
	if json.Unmarshal(event, &told) != nil {
		return false
	}
	switch name {
	case chaincode.NameOf(trace.Captured{}), chaincode.NameOf(trace.EventRetracted{}):
		return b.hashes[told.Hash]
	case chaincode.NameOf(trace.LotBlocked{}):
		return slices.Contains(b.Lots, told.Lot)
	case chaincode.NameOf(trace.CaseClosed{}):
		return b.cases[told.Case]
	case chaincode.NameOf(trace.DocumentAttached{}):
		return b.papers[told.Document.ID]
	}
	return false
}

// gatherCases asks for the proof of what was recalled or held of the lots, and of
// the ends of these cases.
func (a *app) gatherCases(r *reader, b *chosen) error {
	type blocked struct {
		Case   string `db:"kase"`
		Block  int64  `db:"block"`
		Closed *int64 `db:"closed_block"`
	}
	for _, some := range chunks(slices.Sorted(slices.Values(b.Lots))) {
		list, args := inList(1, some)
		rows, err := readmodel.All[blocked](r.ctx, a.db, `SELECT l.kase, l.block, c.closed_block
			FROM tr_case_lots l JOIN tr_cases c ON c.id = l.kase WHERE l.lot IN `+list, args...)
		if err != nil {
			return fmt.Errorf("read the cases of a bundle: %w", err)
		}
		for _, k := range rows {
			b.cases[k.Case] = true
			b.wanted[uint64(k.Block)] = b.at(uint64(k.Block))
			if k.Closed != nil {
				b.wanted[uint64(*k.Closed)] = b.at(uint64(*k.Closed))
			}
		}
	}
	return nil
}

// mostDocuments bounds the documents of a bundle.
const mostDocuments = 500

// gatherDocuments asks for the proof of the documents about the lots and their
// products that the reader may read. The files stay where they are.
func (a *app) gatherDocuments(r *reader, b *chosen) error {
	for _, some := range chunks(b.things()) {
		found, err := r.documents(documentQuery{about: some, limit: mostDocuments - len(b.Documents)})
		if err != nil {
			return err
		}
		for _, d := range found {
			b.addDocument(r, d)
		}
		if len(b.Documents) == mostDocuments {
			return nil
		}
	}
	return nil
}

// things are the lots of a bundle, and their products.
func (b *chosen) things() []string {
	all := slices.Clone(b.Lots)
	for _, lot := range b.Lots {
		if key, err := gs1.Parse(lot); err == nil && key.GTIN() != "" {
			all = append(all, "01/"+key.GTIN())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// addDocument takes a document into the bundle; the whole transaction is shown as
// that of an event is.
func (b *chosen) addDocument(r *reader, d documentReply) {
	b.papers[d.ID], b.Documents = true, append(b.Documents, d.ID)
	if d.kept != nil {
		b.KeptDocuments[d.ID] = bundle.Kept{Body: string(d.kept.Facts), Salt: d.kept.Salt}
	}
	w := b.at(uint64(d.Block))
	if (r.all || d.Owner == r.user.Party) && !slices.Contains(w.Whole, d.Tx) {
		w.Whole = append(w.Whole, d.Tx)
	}
	b.wanted[uint64(d.Block)] = w
}
