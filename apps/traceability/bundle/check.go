package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/iot/watch"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/ledger/proof"
)

// Checked is what a bundle proves.
type Checked struct {
	*Bundle
	Ledger *proof.Checked
	Proved []Event // in the ledger's order
	Cases  []CaseFact

	Documents []Document
	Exposure  *watch.Answer // what the lot's surroundings measured; nil where nothing is shown
	Inside    int           // sealed readings that tell it
}

// Event is an event of the chain that stands on the ledger.
type Event struct {
	trace.Captured
	Proof proof.Fact
	Body  *epcis.Event
	Error *trace.ErrorDeclared // its author declared it an error
}

// Document is a document that stands on the ledger.
type Document struct {
	trace.Document
	Facts trace.Facts
	Proof proof.Fact
}

// CaseFact says that a recall or hold took hold of a lot of the chain, or ended.
type CaseFact struct {
	Case, Kind, Lot string // Lot is empty where the case was closed
	Closed          bool
	Proof           proof.Fact
}

// Check proves a bundle from nothing but itself. The error names the first thing
// that does not hold.
func Check(b *Bundle, document *epcis.Document) (*Checked, error) {
	checked, err := proof.Check(b.Ledger)
	if err != nil {
		return nil, err
	}
	p := &Checked{Bundle: b, Ledger: checked}
	for _, f := range checked.Facts {
		if err := p.take(f); err != nil {
			return nil, fmt.Errorf("block %d, transaction %s: %w", f.Block, f.Tx, err)
		}
	}
	for _, hash := range b.Events {
		if !p.proves(hash) {
			return nil, fmt.Errorf("nothing proves the event %s", hash)
		}
	}
	for _, id := range b.Documents {
		if !slices.ContainsFunc(p.Documents, func(d Document) bool { return d.ID == id }) {
			return nil, fmt.Errorf("nothing proves the document %s", id)
		}
	}
	if err := p.compare(document); err != nil {
		return nil, err
	}
	if err := p.checkReadings(); err != nil {
		return nil, err
	}
	return p, p.checkChain()
}

func (p *Checked) proves(hash string) bool {
	return slices.ContainsFunc(p.Proved, func(e Event) bool { return e.Hash == hash })
}

// take reads a fact that the chain is told by; others that stand in the same
// transactions are passed over.
func (p *Checked) take(f proof.Fact) error {
	switch f.Name {
	case chaincode.NameOf(trace.Captured{}):
		return p.takeEvent(f)
	case chaincode.NameOf(trace.EventRetracted{}):
		var e trace.EventRetracted
		if err := json.Unmarshal(f.Data, &e); err != nil {
			return err
		}
		if i := slices.IndexFunc(p.Proved, func(x Event) bool { return x.Hash == e.Hash }); i >= 0 {
			p.Proved[i].Error = &e.Error
		}
	case chaincode.NameOf(trace.LotBlocked{}):
		var e trace.LotBlocked
		if err := json.Unmarshal(f.Data, &e); err != nil {
			return err
		}
		if slices.Contains(p.Lots, e.Lot) {
			p.Cases = append(p.Cases, CaseFact{Case: e.Case, Kind: e.Kind, Lot: e.Lot, Proof: f})
		}
	case chaincode.NameOf(trace.CaseClosed{}):
		var e trace.CaseClosed
		if err := json.Unmarshal(f.Data, &e); err != nil {
			return err
		}
		p.Cases = append(p.Cases, CaseFact{Case: e.Case, Kind: e.Kind, Closed: true, Proof: f})
	case chaincode.NameOf(trace.DocumentAttached{}):
		return p.takeDocument(f)
	}
	return nil
}

// takeDocument reads what is said of a document: in the ledger's own words, or in
// those that the ledger has a commitment to.
func (p *Checked) takeDocument(f proof.Fact) error {
	var e trace.DocumentAttached
	if err := json.Unmarshal(f.Data, &e); err != nil || !slices.Contains(p.Bundle.Documents, e.Document.ID) {
		return err
	}
	d := Document{Document: e.Document, Proof: f}
	if d.Owner != f.Party {
		return fmt.Errorf("document %s is told to be of %s, but %s sent it", d.ID, d.Owner, f.Party)
	}
	if e.Document.Facts != nil {
		d.Facts = *e.Document.Facts
	} else {
		kept := p.KeptDocuments[d.ID]
		commitment, err := chaincode.Commit(kept.Salt, []byte(kept.Body))
		if err != nil || !slices.ContainsFunc(d.Copies, func(c trace.Copy) bool { return c.Commitment == commitment }) {
			return fmt.Errorf("what is said of document %s is not what the ledger has a commitment to", d.ID)
		}
		if err := json.Unmarshal([]byte(kept.Body), &d.Facts); err != nil {
			return fmt.Errorf("what is said of document %s cannot be read: %w", d.ID, err)
		}
	}
	p.Documents = append(p.Documents, d)
	return nil
}

// takeEvent holds an event's body against its hash, and a body that the ledger
// does not tell against the ledger's commitment to it.
func (p *Checked) takeEvent(f proof.Fact) error {
	e := Event{Proof: f}
	if err := json.Unmarshal(f.Data, &e.Captured); err != nil || !slices.Contains(p.Events, e.Hash) {
		return err
	}
	body := []byte(e.Captured.Event)
	if kept, ok := p.Kept[e.Hash]; ok && len(body) == 0 {
		commitment, err := chaincode.Commit(kept.Salt, []byte(kept.Body))
		if err != nil || !slices.ContainsFunc(e.Copies, func(c trace.Copy) bool { return c.Commitment == commitment }) {
			return fmt.Errorf("the body of event %s is not the one that the ledger has a commitment to", e.Hash)
		}
		body = []byte(kept.Body)
	}
	d, err := epcis.DecodeJSON(body)
	if err != nil || len(d.Events) != 1 {
		return fmt.Errorf("the body of event %s cannot be read: %w", e.Hash, err)
	}
	e.Body = &d.Events[0]
	if hash, err := e.Body.Hash(); err != nil || hash != e.Hash {
		return fmt.Errorf("the body of event %s has another hash: %s", e.Hash, hash)
	}
	if e.Author != f.Party {
		return fmt.Errorf("event %s is told to be of %s, but %s sent it", e.Hash, e.Author, f.Party)
	}
	p.Proved = append(p.Proved, e)
	return nil
}

// compare holds the EPCIS document, which people read, against what is proved.
func (p *Checked) compare(document *epcis.Document) error {
	if len(document.Events) != len(p.Proved) {
		return fmt.Errorf("%s holds %d events, the proof %d", eventsFile, len(document.Events), len(p.Proved))
	}
	for i := range document.Events {
		hash, err := document.Events[i].Hash()
		if err != nil || !p.proves(hash) {
			return fmt.Errorf("%s: event %d is not on the ledger", eventsFile, i+1)
		}
	}
	return nil
}

// checkChain holds the lots and links against what the events say.
func (p *Checked) checkChain() error {
	if !slices.Contains(p.Lots, p.Lot) {
		return fmt.Errorf("its lots leave out %s itself", p.Lot)
	}
	for _, lot := range p.Lots {
		if !slices.ContainsFunc(p.Proved, func(e Event) bool {
			return slices.ContainsFunc(e.Named, func(n trace.Named) bool { return n.ID == lot })
		}) {
			return fmt.Errorf("no event of it tells of %s", lot)
		}
	}
	if told := Links(p.Proved); !slices.Equal(told, p.Links) {
		return errors.New("its links are not those that its events tell of")
	}
	return nil
}

// Links are what the events say went into what: the inputs of each process, and
// its outputs. An event that was declared an error says nothing.
func Links(events []Event) []Link {
	type process struct{ in, out []string }
	processes, order := map[string]*process{}, []string{}
	for _, e := range events {
		if e.Error != nil || e.Body == nil {
			continue
		}
		id := e.Hash
		if e.Body.TransformationID != "" {
			id = e.Author + " " + e.Body.TransformationID
		}
		p := processes[id]
		if p == nil {
			p = &process{}
			processes[id], order = p, append(order, id)
		}
		for _, n := range e.Named {
			switch n.Role {
			case "input":
				p.in = append(p.in, n.ID)
			case "output":
				p.out = append(p.out, n.ID)
			}
		}
	}
	var links []Link
	for _, id := range order {
		for _, from := range processes[id].in {
			for _, to := range processes[id].out {
				links = append(links, Link{from, to})
			}
		}
	}
	slices.SortFunc(links, func(a, b Link) int {
		if c := strings.Compare(a.From, b.From); c != 0 {
			return c
		}
		return strings.Compare(a.To, b.To)
	})
	return slices.Compact(links)
}
