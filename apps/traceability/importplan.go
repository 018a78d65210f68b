package traceability

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/intake"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/sheet"
)

// kindEPCIS is the import of an EPCIS document; the other kinds are package
// intake's.
const kindEPCIS = "epcis"

// draft is a file that was looked at and not yet confirmed.
type draft struct {
	ID      string    `db:"id"`
	MSP     string    `db:"msp"`
	User    string    `db:"login"`
	Party   string    `db:"party"`
	Kind    string    `db:"kind"`
	Name    string    `db:"name"`
	Zone    string    `db:"zone"`
	Created time.Time `db:"created"`
	File    string    `db:"file"`
}

func (d draft) bytes() []byte {
	file, err := base64.StdEncoding.DecodeString(d.File)
	if err != nil {
		return nil // it is ours; an empty file is refused as one
	}
	return file
}

// plan is what a file would do: nothing of it is done.
type plan struct {
	kind    intake.Kind
	rows    int
	steps   []*step
	table   sheet.Table
	notices []string
	heads   []trouble // about the headings
}

// step is one event or description of a plan.
type step struct {
	incoming
	rows     []*intake.Entry // of a sheet
	path     string          // in a document
	troubles []trouble
	notices  []string
	already  bool // it is on the ledger, and would not be done again
	item     chaincode.Item
}

// trouble is one thing wrong, where it is and what to do, in the reader's words.
type trouble struct {
	Row    int    // 0 in a document
	Column string // its heading, or the path in a document
	Code   string
	Text   string
	Detail string
	Remedy string
}

func (t trouble) String() string {
	text := t.Text
	if t.Detail != "" {
		text += " (" + t.Detail + ")"
	}
	return strings.TrimSpace(text + " " + t.Remedy)
}

// wrong counts what is to be mended.
func (p *plan) wrong() int {
	n := len(p.heads)
	for _, s := range p.steps {
		n += len(s.troubles)
	}
	return n
}

// fresh are the steps that would do something.
func (p *plan) fresh() (n int) {
	for _, s := range p.steps {
		if !s.already {
			n++
		}
	}
	return n
}

// planner makes plans for one user, in one language.
type planner struct {
	*app
	by   host.Actor
	own  string
	lang string
}

// plan looks at a draft's file as things stand now.
func (p planner) plan(ctx context.Context, d draft) (*plan, error) {
	select { // a large file takes much memory while it is read
	case p.captures.reading <- struct{}{}:
		defer func() { <-p.captures.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if d.Kind == kindEPCIS {
		return p.planDocument(ctx, d)
	}
	return p.planSheet(ctx, d)
}

func (p planner) say(text string, facts ...any) string {
	return p.host.Web.Words().T(p.lang, text, facts...)
}

// trouble words a refusal.
func (p planner) trouble(no *chaincode.Refusal, row int, column string) trouble {
	text, remedy := p.host.Web.Words().Rule(p.lang, no.Rule)
	return trouble{row, column, no.Code, text, p.host.Web.Words().Refusal(p.lang, no), remedy}
}

func (p planner) planSheet(ctx context.Context, d draft) (*plan, error) {
	kind, ok := intake.Of(d.Kind)
	if !ok {
		return nil, errNoDraft.Refuse("")
	}
	own, err := p.company(ctx, p.own)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(d.Zone)
	if err != nil {
		zone = time.UTC
	}
	lists, err := p.importLists(ctx)
	if err != nil {
		return nil, err
	}
	read, err := kind.Read(d.Name, d.bytes(), zone, lists)
	if err != nil {
		return nil, err
	}
	made := &plan{kind: kind, rows: len(read.Entries), table: read.Table}
	for _, n := range read.Notices {
		made.notices = append(made.notices, n.Say(p.say))
	}
	for _, no := range read.Columns {
		made.heads = append(made.heads, p.trouble(no, read.Table.Head.Number, kind.Column(no.Field).Heading(p.lang)))
	}
	if len(made.heads) > 0 {
		return made, nil
	}
	records, err := p.records(ctx, own, d.Kind, read.Entries)
	if err != nil {
		return nil, err
	}
	if err := p.steps(ctx, made, records); err != nil {
		return nil, err
	}
	return made, p.rehearse(ctx, made)
}

// importLists are the names that a sheet of this company may use.
func (p planner) importLists(ctx context.Context) (intake.Lists, error) {
	l := intake.Lists{Products: map[string][]string{}, Companies: map[string][]string{}}
	others, err := p.others(ctx, p.own)
	if err != nil {
		return l, err
	}
	for _, c := range others {
		for _, name := range []string{c.ID, c.Name, c.NameZh} {
			intake.AddName(l.Companies, name, c.ID)
		}
	}
	products, err := p.products(ctx, p.own)
	for _, x := range products {
		intake.AddName(l.Products, x.Name, x.GTIN)
		intake.AddName(l.Products, x.NameZh, x.GTIN)
	}
	return l, err
}

// steps turns records into what the ledger is asked for.
func (p planner) steps(ctx context.Context, made *plan, records []*record) error {
	en, zh := p.narrator(ctx, "en"), p.narrator(ctx, "zh")
	seen := map[string]int{}
	for _, r := range records {
		if len(r.events) == 0 && r.command == nil {
			made.steps = append(made.steps, p.step(made.kind, r))
			continue
		}
		if r.command != nil {
			body, err := json.Marshal(r.command)
			if err != nil {
				return err
			}
			s := p.step(made.kind, r)
			s.item = chaincode.Item{Name: chaincode.NameOf(r.command), Body: body}
			s.Command, s.Body, s.already = s.item.Name, body, r.same
			s.Said, s.SaidZh = en.command(r.command, r.known), zh.command(r.command, r.known)
			p.onlyOnce(s, seen, describedKey(r.command))
			made.steps = append(made.steps, s)
			continue
		}
		for i := range r.events {
			e := &r.events[i]
			s := p.step(made.kind, r)
			s.incoming = prepare(e, "", nil)
			s.Origin, s.Tolerance = rowsOf(r.rows), r.tolerance.String()
			s.Said, s.SaidZh = en.event(e), zh.event(e)
			for _, bad := range s.Problems {
				s.troubles = append(s.troubles, trouble{r.rows[0].Row, "", bad.Code, bad.Text, "", bad.Remedy})
			}
			p.onlyOnce(s, seen, s.Hash)
			if err := s.capture(r.tolerance); err != nil {
				return err
			}
			made.steps = append(made.steps, s)
		}
	}
	return nil
}

func describedKey(command any) string {
	switch c := command.(type) {
	case trace.DescribeProduct:
		return c.GTIN
	case trace.DescribePlace:
		return c.GLN
	}
	return ""
}

// capture is the command by which the step would be done.
func (s *step) capture(tolerance gs1.Amount) error {
	if len(s.Body) == 0 {
		return nil
	}
	body, err := json.Marshal(trace.Capture{Event: s.Body, Tolerance: tolerance})
	s.item = chaincode.Item{Name: chaincode.NameOf(trace.Capture{}), Body: body}
	return err
}

// step begins a step with what was found out about its rows.
func (p planner) step(kind intake.Kind, r *record) *step {
	s := &step{rows: r.rows}
	s.Origin = rowsOf(r.rows)
	for _, e := range r.rows {
		for _, no := range e.Problems {
			s.troubles = append(s.troubles, p.trouble(no, e.Row, kind.Column(no.Field).Heading(p.lang)))
		}
		for _, n := range e.Notices {
			s.notices = append(s.notices, p.say("Row %s", e.Row)+": "+n.Say(p.say))
		}
	}
	return s
}

// onlyOnce refuses what an earlier step says already.
func (p planner) onlyOnce(s *step, seen map[string]int, key string) {
	if key == "" {
		return
	}
	if before := seen[key]; before > 0 {
		s.troubles = append(s.troubles, p.trouble(intake.ErrTwice.Refuse("see row %s", before), s.rows[0].Row, ""))
		return
	}
	seen[key] = s.rows[0].Row
}

// rowsOf are the numbers of rows: "7", "7–9" or "7, 12".
func rowsOf(rows []*intake.Entry) string {
	var parts []string
	for i := 0; i < len(rows); {
		j := i
		for j+1 < len(rows) && rows[j+1].Row == rows[j].Row+1 {
			j++
		}
		part := strconv.Itoa(rows[i].Row)
		if j > i {
			part += "–" + strconv.Itoa(rows[j].Row)
		}
		parts = append(parts, part)
		i = j + 1
	}
	if len(parts) > 8 {
		parts = append(parts[:8], "…")
	}
	return strings.Join(parts, ", ")
}

// rehearse asks the ledger what would become of each step, once all of them can
// be read: what one row makes, a later one may ship.
func (p planner) rehearse(ctx context.Context, made *plan) error {
	var asked []*step
	var r chaincode.Rehearse
	for _, s := range made.steps {
		if s.already || s.item.Name == "" {
			continue
		}
		asked, r.Commands = append(asked, s), append(r.Commands, s.item)
	}
	if made.wrong() > 0 || len(asked) == 0 {
		return nil
	}
	if len(asked) > chaincode.MaxRehearsal {
		made.notices = append(made.notices, p.say("The file is too long to be tried out on the ledger beforehand; what it refuses is told by the job."))
		return nil
	}
	answers, err := host.Ask[[]chaincode.Answer](ctx, p.host, p.by, r)
	var no *chaincode.Refusal
	if errors.As(err, &no) && no.Code == chaincode.ErrUnknownFunction.Code {
		made.notices = append(made.notices, p.say("The contracts of this network are too old to try the file out beforehand; what they refuse is told by the job."))
		return nil
	}
	if err != nil {
		return fmt.Errorf("try an import out: %w", err)
	}
	for i, answer := range answers {
		p.hear(asked[i], answer)
	}
	return nil
}

// hear takes what the ledger said to one step.
func (p planner) hear(s *step, answer chaincode.Answer) {
	if no := answer.Refusal; no != nil {
		t := p.trouble(no, 0, s.path)
		if len(s.rows) > 0 {
			row, column := s.blamed(no)
			kind, _ := intake.Of(p.kindOf(s))
			t.Row, t.Column = row, kind.Column(column).Heading(p.lang)
			if column == "" {
				t.Column = ""
			}
		} else if inside, ok := strings.CutPrefix(no.Field, "event/"); ok {
			t.Column += "/" + inside
		}
		s.troubles = append(s.troubles, t)
		return
	}
	var outcome trace.Outcome
	if s.Command == "" && json.Unmarshal(answer.Reply, &outcome) == nil {
		s.already = outcome.Status == statusDuplicate
		for _, flag := range outcome.Flags {
			if !s.already {
				s.notices = append(s.notices, p.say(flagWords[flag]))
			}
		}
	}
}

// kindOf tells which kind of sheet a step came from by what it holds.
func (p planner) kindOf(s *step) string {
	e := s.rows[0]
	switch {
	case e.GTIN != "":
		return intake.Products
	case e.GLN != "":
		return intake.Places
	case e.Process != "":
		return intake.Processes
	}
	return intake.Shipments // it has the columns of all the others
}

// columnsOf say in which column a rule of the contract is to be looked for.
var columnsOf = map[string]string{
	trace.ErrNotEnough.Code: intake.Amount, trace.ErrAmount.Code: intake.Amount, trace.ErrMoreOut.Code: intake.Amount, trace.ErrUnit.Code: intake.Unit,
	trace.ErrFuture.Code: intake.Date, trace.ErrTolerance.Code: intake.Tolerance, party.ErrSuspended.Code: intake.Partner, party.ErrUnknown.Code: intake.Partner,
	trace.ErrNotYourPrefix.Code: intake.Product, trace.ErrNotMaker.Code: intake.Lot, trace.ErrNotHolder.Code: intake.Lot, trace.ErrNoLot.Code: intake.Lot,
	trace.ErrRecalled.Code: intake.Lot, trace.ErrAlreadyPacked.Code: intake.Lot, trace.ErrPackLoop.Code: intake.Pack, trace.ErrNotAddressed.Code: intake.Document,
	trace.ErrShipmentDone.Code: intake.Document, trace.ErrNoShipment.Code: intake.Document, trace.ErrPlace.Code: intake.GLN, trace.ErrNotYourPlace.Code: intake.GLN,
}

// blamed is the row and the column that a refusal is about: the row whose lot or
// pack it names, else the first.
func (s *step) blamed(no *chaincode.Refusal) (row int, column string) {
	row, column = s.rows[0].Row, columnsOf[no.Code]
	if s.Command != "" && no.Code != trace.ErrPlace.Code && no.Code != trace.ErrNotYourPlace.Code {
		column = no.Field // descriptions name their own
	}
	for _, e := range s.rows {
		id, err := newLot(e.Product, e.Lot, "", "")
		if err == nil && slices.Contains(no.Facts, id.Path()) {
			return e.Row, column
		}
	}
	return row, column
}

// planDocument looks at an EPCIS document.
func (p planner) planDocument(ctx context.Context, d draft) (*plan, error) {
	decode := decodeByLook(d.bytes())
	if decode == nil {
		return nil, errMediaType.Refuse("%s", d.Name).On("file")
	}
	doc, err := decode(d.bytes())
	all, err := examine(doc, err)
	var found epcis.Problems
	if errors.As(err, &found) {
		return wholly(found), nil
	} else if err != nil {
		return nil, err
	}
	made := &plan{rows: len(all)}
	en, zh := p.narrator(ctx, "en"), p.narrator(ctx, "zh")
	for i, in := range all {
		s := &step{incoming: in, path: doc.EventPath(i)}
		s.Origin = s.path
		for _, bad := range in.Problems {
			s.troubles = append(s.troubles, trouble{0, bad.Path, bad.Code, bad.Text, "", bad.Remedy})
		}
		s.Said, s.SaidZh = en.event(&doc.Events[i]), zh.event(&doc.Events[i])
		if err := s.capture(gs1.Amount{}); err != nil {
			return nil, err
		}
		made.steps = append(made.steps, s)
	}
	return made, p.rehearseDocument(ctx, made)
}

// wholly is the plan of a document that cannot be read as a whole.
func wholly(found epcis.Problems) *plan {
	made := &plan{}
	for _, bad := range found {
		made.heads = append(made.heads, trouble{0, bad.Path, bad.Code, bad.Text, "", bad.Remedy})
	}
	return made
}

// rehearseDocument tries out the events that are right in themselves: of a
// document whose sender goes on past an error, they may be all that is wanted.
func (p planner) rehearseDocument(ctx context.Context, made *plan) error {
	right := &plan{}
	for _, s := range made.steps {
		if len(s.troubles) == 0 {
			right.steps = append(right.steps, s)
		}
	}
	err := p.rehearse(ctx, right)
	made.notices = append(made.notices, right.notices...)
	return err
}

// decodeByLook tells JSON from XML by its first sign.
func decodeByLook(file []byte) func([]byte) (*epcis.Document, error) {
	text := strings.TrimLeft(strings.TrimPrefix(string(file[:min(len(file), 200)]), "\ufeff"), " \t\r\n")
	switch {
	case strings.HasPrefix(text, "{"), strings.HasPrefix(text, "["):
		return epcis.DecodeJSON
	case strings.HasPrefix(text, "<"):
		return epcis.DecodeXML
	}
	return nil
}

// mostDrafts is how many unconfirmed files of a company are kept, the newest.
const mostDrafts = 20

// keepDraft stores a file for its preview.
func (a *app) keepDraft(ctx context.Context, d draft) error {
	return a.db.InTx(ctx, func(tx *readmodel.Tx) error {
		err := run(ctx, tx, `INSERT INTO tr_imports (id, msp, login, party, kind, name, zone, created, file) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			d.ID, d.MSP, d.User, d.Party, d.Kind, d.Name, d.Zone, d.Created, d.File)
		if err != nil {
			return err
		}
		return run(ctx, tx, `DELETE FROM tr_imports WHERE created < $1 OR party = $2 AND id NOT IN
			(SELECT id FROM tr_imports WHERE party = $3 ORDER BY id DESC LIMIT $4)`, d.Created.Add(-24*time.Hour), d.Party, d.Party, mostDrafts)
	})
}
