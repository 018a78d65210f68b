package traceability

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// captures runs the documents that came by POST /capture. They are on disk
// before they are answered, and a host that stops goes on with them when it
// starts again: an event's hash is its key, so what was done already is found
// to be a duplicate.
//
// Fifty events go in one transaction: fewer would waste what a network can do,
// more would keep its other users waiting. A rollback document is taken wholly
// or not at all, and so in one transaction, of up to 200 events
// (chaincode.MaxBatch). A larger one is checked throughout before its first
// transaction, and stops at the first that is refused; those before it stand,
// because a ledger takes nothing back, and the job says so.
//
// The documents of one company run in the order in which they came: the second
// may ship what the first one made.
type captures struct {
	host    *host.Host
	db      *readmodel.DB
	ctx     context.Context
	reading chan struct{} // who decodes a document now: a large one takes much memory
	slots   chan struct{} // who writes to the ledger now

	mu    sync.Mutex
	lines map[string][]string // jobs by company, the one at work first
	heard map[chan struct{}]string
}

// The bounds of what runs at once.
const (
	decodedAtOnce = 4
	runAtOnce     = 4
	maxWaiting    = 100 // documents of one company
	attempts      = 5   // of a document whose ledger fails
)

// openCaptures prepares the tables and goes on with what was left.
func (a *app) openCaptures(ctx context.Context) error {
	if err := a.db.Migrate(ctx, "traceability", sub(migrations, "migrations")); err != nil {
		return err
	}
	a.captures = &captures{host: a.host, db: a.db, ctx: ctx, reading: make(chan struct{}, decodedAtOnce),
		slots: make(chan struct{}, runAtOnce), lines: map[string][]string{}, heard: map[chan struct{}]string{}}
	left, err := readmodel.All[captureJob](ctx, a.db, `SELECT `+jobColumns+` FROM tr_captures WHERE finished IS NULL ORDER BY id`)
	if err != nil {
		return fmt.Errorf("read the captures that were left: %w", err)
	}
	for _, job := range left {
		a.captures.line(job, true)
	}
	return nil
}

// captureJob is one document on its way to the ledger.
type captureJob struct {
	ID        string     `db:"id"`
	MSP       string     `db:"msp"`
	User      string     `db:"login"`
	Party     string     `db:"party"`
	Behaviour string     `db:"behaviour"`
	Created   time.Time  `db:"created"`
	Finished  *time.Time `db:"finished"`
	Total     int        `db:"total"`
	Captured  int        `db:"captured"`
	Refused   int        `db:"refused"`
	Settled   int        `db:"settled"`
	Kind      string     `db:"kind"` // of the import that it came by, if any
	Name      string     `db:"name"` // of its file
	sharing
}

const jobColumns = `id, msp, login, party, behaviour, sharing, readers, created, finished, kind, name,
	(SELECT COUNT(*) FROM tr_capture_events e WHERE e.capture = tr_captures.id AND e.status <> '') AS settled,
	(SELECT COUNT(*) FROM tr_capture_events e WHERE e.capture = tr_captures.id) AS total,
	(SELECT COUNT(*) FROM tr_capture_events e WHERE e.capture = tr_captures.id AND e.status = 'captured') AS captured,
	(SELECT COUNT(*) FROM tr_capture_events e WHERE e.capture = tr_captures.id AND e.status IN ('refused', 'unknown')) AS refused`

// The answers to an event.
const (
	statusCaptured  = "captured"
	statusDuplicate = "duplicate"
	statusRefused   = "refused"
	statusLeftOut   = "left-out" // nothing is wrong with it, but with another event of its document
	statusUnknown   = "unknown"  // the ledger did not answer
)

// captureAnswer is what a sender is told of one event.
type captureAnswer struct {
	Index    int             `json:"index"`
	Hash     string          `json:"hash,omitempty"`
	Status   string          `json:"status"`
	Lots     []string        `json:"lots,omitempty"`
	Shipment string          `json:"shipment,omitempty"`
	Flags    []string        `json:"flags,omitempty"`
	Problems []epcis.Problem `json:"problems,omitempty"`
	Tx       string          `json:"tx,omitempty"`
	Block    uint64          `json:"block,omitempty"`
}

// captureView is a job as EPCIS 2.0 shows it, with an answer for each event.
type captureView struct {
	ID        string          `json:"captureID"`
	Created   time.Time       `json:"createdAt"`
	Finished  *time.Time      `json:"finishedAt,omitempty"`
	Running   bool            `json:"running"`
	Success   bool            `json:"success"`
	Behaviour string          `json:"captureErrorBehaviour"`
	Errors    []captureError  `json:"errors"`
	Note      string          `json:"note,omitempty"`
	Total     int             `json:"eventCount"`
	Events    []captureAnswer `json:"events,omitempty"`
}

// captureError is one thing wrong, in the form of a problem document.
type captureError struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"` // where: a JSON pointer into the document
	Code     string `json:"code"`
	Remedy   string `json:"remedy,omitempty"`
	Index    int    `json:"index"`
}

// errorsShown bounds the errors of a job; each event has its own beside them.
const errorsShown = 1000

func (j captureJob) view(events []captureAnswer) captureView {
	v := captureView{ID: j.ID, Created: j.Created, Finished: j.Finished, Running: j.Finished == nil, Success: j.Refused == 0,
		Behaviour: j.Behaviour, Errors: []captureError{}, Total: j.Total, Events: events}
	for _, e := range events {
		for _, p := range e.Problems {
			if len(v.Errors) < errorsShown {
				v.Errors = append(v.Errors, captureError{"epcisException:ValidationException", trace.ErrEvent.Text, 422,
					p.Text, "#" + p.Path, p.Code, p.Remedy, e.Index})
			}
		}
	}
	if j.Behaviour == rollback && j.Refused > 0 && j.Captured > 0 {
		v.Note = fmt.Sprintf("%d events had been captured before one was refused. A ledger takes nothing back, so they stand; "+
			"documents of up to %d events are taken wholly or not at all.", j.Captured, chaincode.MaxBatch)
	}
	return v
}

// enter stores a document and lines it up.
func (k *captures) enter(ctx context.Context, job captureJob, events []incoming) (captureJob, error) {
	job.Created = k.host.Now().UTC().Truncate(time.Microsecond)
	job.ID = strconv.FormatInt(job.Created.UnixMicro(), 36) + "-" + strings.ToLower(rand.Text()[:10])
	job.Total = len(events)
	err := k.db.InTx(ctx, func(tx *readmodel.Tx) error {
		waiting, err := readmodel.One[int](ctx, tx, `SELECT COUNT(*) FROM tr_captures WHERE party = $1 AND finished IS NULL`, job.Party)
		if err != nil {
			return err
		}
		if waiting >= maxWaiting {
			return web.ErrBusy.Refuse("%s documents wait", waiting)
		}
		err = run(ctx, tx, `INSERT INTO tr_captures (id, msp, login, party, behaviour, sharing, readers, created, finished, kind, name)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, $9, $10)`,
			job.ID, job.MSP, job.User, job.Party, job.Behaviour, job.Sharing, job.Readers, job.Created, job.Kind, job.Name)
		for i := 0; err == nil && i < len(events); i++ {
			err = enterEvent(ctx, tx, job.ID, i, events[i])
		}
		return err
	})
	if err == nil {
		k.line(job, false)
	}
	return job, err
}

func enterEvent(ctx context.Context, tx *readmodel.Tx, job string, i int, in incoming) error {
	answer := captureAnswer{Index: i, Hash: in.Hash}
	if len(in.Problems) > 0 {
		answer.Status, answer.Problems = statusRefused, in.Problems
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return run(ctx, tx, `INSERT INTO tr_capture_events (capture, position, event, status, answer, command, tolerance, origin, said, said_zh)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		job, i, string(in.Body), answer.Status, string(b), in.Command, in.Tolerance, in.Origin, in.Said, in.SaidZh)
}

func (k *captures) find(ctx context.Context, id string) (captureJob, error) {
	job, err := readmodel.One[captureJob](ctx, k.db, `SELECT `+jobColumns+` FROM tr_captures WHERE id = $1`, id)
	if errors.Is(err, sql.ErrNoRows) {
		return job, errNoCapture.Refuse("%s", id)
	}
	return job, err
}

// list gives a company's jobs of events, the newest first.
func (k *captures) list(ctx context.Context, msp, party, before string, limit int) ([]captureJob, error) {
	if before == "" {
		before = "~" // after every id
	}
	return readmodel.All[captureJob](ctx, k.db, `SELECT `+jobColumns+` FROM tr_captures
		WHERE party = $1 AND msp = $2 AND id < $3 AND kind NOT IN ('products', 'places') ORDER BY id DESC LIMIT $4`, party, msp, before, limit)
}

// listen tells of every step that a company's jobs take, until the context
// ends; steps that nobody has looked at yet are told once.
func (k *captures) listen(ctx context.Context, party string) <-chan struct{} {
	heard := make(chan struct{}, 1)
	k.mu.Lock()
	k.heard[heard] = party
	k.mu.Unlock()
	context.AfterFunc(ctx, func() {
		k.mu.Lock()
		delete(k.heard, heard)
		k.mu.Unlock()
	})
	return heard
}

func (k *captures) announce(party string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for heard, of := range k.heard {
		if of == party {
			select {
			case heard <- struct{}{}:
			default:
			}
		}
	}
}

func (k *captures) answers(ctx context.Context, id string) ([]captureAnswer, error) {
	rows, err := readmodel.All[string](ctx, k.db, `SELECT answer FROM tr_capture_events WHERE capture = $1 ORDER BY position`, id)
	all := make([]captureAnswer, len(rows))
	for i := 0; err == nil && i < len(rows); i++ {
		err = json.Unmarshal([]byte(rows[i]), &all[i])
	}
	return all, err
}

// line puts a job behind the others of its company.
func (k *captures) line(job captureJob, resumed bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines[job.Party] = append(k.lines[job.Party], job.ID)
	if len(k.lines[job.Party]) == 1 {
		go k.serve(job.Party, resumed)
	}
}

// serve runs a company's jobs one after the other until none is left.
func (k *captures) serve(party string, resumed bool) {
	for k.ctx.Err() == nil {
		k.mu.Lock()
		id := k.lines[party][0]
		k.mu.Unlock()
		select {
		case k.slots <- struct{}{}:
		case <-k.ctx.Done():
			return
		}
		k.carryOut(id, resumed)
		<-k.slots
		k.announce(party)
		k.mu.Lock()
		k.lines[party] = k.lines[party][1:]
		done := len(k.lines[party]) == 0
		if done {
			delete(k.lines, party)
		}
		k.mu.Unlock()
		if done {
			return
		}
	}
}

// carryOut runs one job, again when the ledger fails, and gives up at last. A
// host that stops leaves the job for its next start.
func (k *captures) carryOut(id string, resumed bool) {
	var err error
	for n := range attempts {
		if err = k.run(k.ctx, id, resumed || n > 0); err == nil || k.ctx.Err() != nil {
			return
		}
		k.host.Log.Warn("a capture failed", "capture", id, "attempt", n+1, "error", err)
		select {
		case <-time.After(time.Second << n):
		case <-k.ctx.Done():
			return
		}
	}
	if err := k.giveUp(k.ctx, id, err); err != nil {
		k.host.Log.Error("a capture could not be closed", "capture", id, "error", err)
	}
}

// captureRow is an event that waits.
type captureRow struct {
	Position  int    `db:"position"`
	Event     string `db:"event"`
	Answer    string `db:"answer"`
	Command   string `db:"command"`
	Tolerance string `db:"tolerance"`
}

// item is the row's command as a batch takes it.
func (r captureRow) item(as sharing) (chaincode.Item, error) {
	if r.Command != "" {
		return chaincode.Item{Name: r.Command, Body: json.RawMessage(r.Event)}, nil
	}
	command := as.capture([]byte(r.Event))
	command.Tolerance = parseAmount(r.Tolerance)
	body, err := json.Marshal(command)
	return chaincode.Item{Name: chaincode.NameOf(command), Body: body}, err
}

func (k *captures) waiting(ctx context.Context, id string) ([]captureRow, error) {
	return readmodel.All[captureRow](ctx, k.db, `SELECT position, event, answer, command, tolerance FROM tr_capture_events
		WHERE capture = $1 AND status = '' ORDER BY position`, id)
}

// inOneTransaction is how many events of the document go to the ledger together.
func (j captureJob) inOneTransaction() int {
	if j.Behaviour == rollback {
		return chaincode.MaxBatch
	}
	return 50
}

// run brings what waits to the ledger. Its error is a fault: then nothing is
// said of the events that still wait.
func (k *captures) run(ctx context.Context, id string, again bool) error {
	job, err := k.find(ctx, id)
	if err != nil {
		return err
	}
	rows, err := k.waiting(ctx, id)
	if err != nil {
		return err
	}
	stop := job.Behaviour == rollback && job.Refused > 0
	for chunk := range slices.Chunk(rows, job.inOneTransaction()) {
		if stop {
			err = k.tell(ctx, id, answersOf(chunk, statusLeftOut))
		} else {
			stop, err = k.submit(ctx, job, chunk, again)
		}
		if err != nil {
			return err
		}
		k.announce(job.Party)
	}
	_, err = k.db.ExecContext(ctx, `UPDATE tr_captures SET finished = $1 WHERE id = $2`, k.host.Now(), id)
	return err
}

// submit sends one transaction and notes the answers. It says stop when
// nothing more of the document is to be taken.
func (k *captures) submit(ctx context.Context, job captureJob, rows []captureRow, again bool) (stop bool, err error) {
	batch := chaincode.Batch{Atomic: job.Behaviour == rollback}
	for _, row := range rows {
		item, err := row.item(job.sharing)
		if err != nil {
			return false, err
		}
		batch.Commands = append(batch.Commands, item)
	}
	replies, receipt, err := host.Do[[]chaincode.Answer](ctx, k.host, host.Actor{MSP: job.MSP, User: job.User}, batch)
	var no *chaincode.Refusal
	switch {
	case errors.As(err, &no): // of the sender, not of an event
		replies = slices.Repeat([]chaincode.Answer{{Refusal: no}}, len(rows))
	case err != nil:
		return false, err
	}
	answers := answersOf(rows, statusLeftOut)
	stop = batch.Atomic && slices.ContainsFunc(replies, func(r chaincode.Answer) bool { return r.Refusal != nil })
	for i, r := range replies {
		if r.Refusal == nil && stop {
			continue
		}
		if err := k.settle(ctx, job, rows[i], &answers[i], r, receipt, again); err != nil {
			return stop, err
		}
	}
	return stop, k.tell(ctx, job.ID, answers)
}

// settle turns the contract's reply into the sender's answer.
func (k *captures) settle(ctx context.Context, job captureJob, row captureRow, a *captureAnswer, r chaincode.Answer, receipt ledger.Receipt, again bool) error {
	if r.Refusal != nil {
		a.Status = statusRefused
		a.Problems = []epcis.Problem{problemOf(r.Refusal, "/epcisBody/eventList/"+strconv.Itoa(a.Index))}
		return nil
	}
	if row.Command != "" { // master data: the reply is its key
		a.Status, a.Tx, a.Block = statusCaptured, receipt.TxID, receipt.Block
		return nil
	}
	var outcome trace.Outcome
	if err := json.Unmarshal(r.Reply, &outcome); err != nil {
		return err
	}
	a.Hash, a.Status, a.Lots, a.Shipment, a.Flags = outcome.Hash, outcome.Status, outcome.Lots, outcome.Shipment, outcome.Flags
	if outcome.Status == statusCaptured {
		a.Tx, a.Block = receipt.TxID, receipt.Block
	} else if again {
		return k.ownDoing(ctx, job, a)
	}
	return nil
}

// ownDoing finds out whether a duplicate is what this very job captured before
// it was interrupted.
func (k *captures) ownDoing(ctx context.Context, job captureJob, a *captureAnswer) error {
	type place struct {
		Tx    string `db:"tx"`
		Block int64  `db:"block"`
	}
	found, err := readmodel.All[place](ctx, k.db, `SELECT tx, block FROM tr_events WHERE hash = $1 AND author = $2 AND by_user = $3 AND captured >= $4`,
		a.Hash, job.Party, job.User, job.Created)
	if err == nil && len(found) > 0 {
		a.Status, a.Tx, a.Block = statusCaptured, found[0].Tx, uint64(found[0].Block)
	}
	return err
}

func answersOf(rows []captureRow, status string) []captureAnswer {
	all := make([]captureAnswer, len(rows))
	for i, row := range rows {
		json.Unmarshal([]byte(row.Answer), &all[i]) // enterEvent wrote it
		all[i].Index, all[i].Status = row.Position, status
	}
	return all
}

// tell stores answers; the bodies are not needed any more.
func (k *captures) tell(ctx context.Context, id string, answers []captureAnswer) error {
	return k.db.InTx(ctx, func(tx *readmodel.Tx) error {
		for _, a := range answers {
			b, err := json.Marshal(a)
			if err != nil {
				return err
			}
			err = run(ctx, tx, `UPDATE tr_capture_events SET event = '', status = $1, answer = $2 WHERE capture = $3 AND position = $4`,
				a.Status, string(b), id, a.Index)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// giveUp closes a job whose ledger does not answer. What waits may or may not
// have been captured; sending it again tells.
func (k *captures) giveUp(ctx context.Context, id string, cause error) error {
	rows, err := k.waiting(ctx, id)
	if err != nil {
		return err
	}
	answers := answersOf(rows, statusUnknown)
	for i := range answers {
		answers[i].Problems = []epcis.Problem{problemOf(cause, "/epcisBody/eventList/"+strconv.Itoa(answers[i].Index))}
	}
	if err := k.tell(ctx, id, answers); err != nil {
		return err
	}
	_, err = k.db.ExecContext(ctx, `UPDATE tr_captures SET finished = $1 WHERE id = $2`, k.host.Now(), id)
	return err
}
