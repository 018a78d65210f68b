package traceability

import (
	"crypto/rand"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/web"
)

// Who may read an event is no part of EPCIS; machines say it in two headers.
const (
	sharingHeader = "Tallyway-Sharing"      // linked (the default), public, restricted or private
	readersHeader = "Tallyway-Sharing-With" // ids of companies, for restricted
)

// The two values of GS1-Capture-Error-Behaviour.
const (
	rollback = "rollback"
	proceed  = "proceed"
)

// incoming is one event of a document as it came in: fit to be captured, or
// with what is wrong with it.
type incoming struct {
	Body     []byte // epcis.Event.JSON
	Hash     string
	Problems epcis.Problems

	event        *epcis.Event // what the body says; nil where it cannot be told
	path         string       // of the event in its document
	Command      string       // its wire name, where the body is no event but another command
	Tolerance    string       // of a process, where scales are not exact
	Origin       string       // where it stood, for people: the rows of a sheet
	Said, SaidZh string       // what it does, in words
}

// eventReply is the answer to POST /events.
type eventReply struct {
	EventID string `json:"eventID"`
	trace.Outcome
	Tx    string `json:"tx"`
	Block uint64 `json:"block"`
}

// postEvent captures one event while its sender waits.
func (a *app) postEvent(c *web.Ctx) error {
	doc, err := a.readDocument(c)
	if err != nil {
		return err
	}
	if len(doc) != 1 {
		return errOneEvent.Refuse("%s events", len(doc))
	}
	event := doc[0]
	if len(event.Problems) > 0 {
		return eventRefused{event.Problems}
	}
	share := sharingOf(c.Request().Header)
	outcome, receipt, err := host.Do[trace.Outcome](c.Context(), a.host, host.ActorOf(c.User()), share.capture(event.Body))
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", eventAddress(outcome.Hash))
	if outcome.Status == "duplicate" {
		return errDuplicate.Refuse("%s", outcome.Hash)
	}
	return c.JSON(http.StatusCreated, eventReply{outcome.Hash, outcome, receipt.TxID, receipt.Block})
}

// postCapture takes a document in. What becomes of it, its job tells.
func (a *app) postCapture(c *web.Ctx) error {
	behaviour := c.Request().Header.Get("GS1-Capture-Error-Behaviour")
	switch behaviour {
	case "":
		behaviour = rollback
	case rollback, proceed:
	default:
		return errBehaviour.Refuse("%s", behaviour)
	}
	doc, err := a.readDocument(c)
	if err != nil {
		return err
	}
	u := c.User()
	job, err := a.captures.enter(c.Context(), captureJob{MSP: u.MSP, User: u.ID, Party: u.Party, Behaviour: behaviour,
		sharing: sharingOf(c.Request().Header)}, doc)
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", epcisBase+"/capture/"+job.ID)
	return c.JSON(http.StatusAccepted, job.view(nil))
}

func (a *app) showCapture(c *web.Ctx) error {
	job, err := a.captures.find(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if job.Party != c.User().Party || job.MSP != c.User().MSP {
		return errNoCapture.Refuse("%s", c.Param("id"))
	}
	events, err := a.captures.answers(c.Context(), job.ID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, job.view(events))
}

func (a *app) listCaptures(c *web.Ctx) error {
	size, after, err := epcisPage(c)
	if err != nil {
		return err
	}
	jobs, err := a.captures.list(c.Context(), c.User().MSP, c.User().Party, after, size+1)
	if err != nil {
		return err
	}
	if len(jobs) > size {
		jobs = jobs[:size]
		linkNext(c, "/capture", size, jobs[size-1].ID)
	}
	views := []captureView{}
	for _, job := range jobs {
		views = append(views, job.view(nil))
	}
	return c.JSON(http.StatusOK, views)
}

func eventAddress(hash string) string { return epcisBase + "/events/" + url.PathEscape(hash) }

// sharing is the audience of an event.
type sharing struct {
	Sharing string `db:"sharing"`
	Readers string `db:"readers"` // joined by spaces
}

func sharingOf(h http.Header) sharing {
	list := strings.FieldsFunc(h.Get(readersHeader), func(r rune) bool { return r == ' ' || r == ',' })
	return sharing{h.Get(sharingHeader), strings.Join(list, " ")}
}

// capture is the command for one event, with a salt of its own where its body
// is not for everybody.
func (s sharing) capture(body []byte) trace.Capture {
	c := trace.Capture{Event: body, Sharing: s.Sharing, With: strings.Fields(s.Readers)}
	if s.Sharing == trace.Restricted || s.Sharing == trace.Private {
		c.Salt = make([]byte, 32)
		rand.Read(c.Salt) // never fails: the runtime stops the program first
	}
	return c
}

// readDocument reads the request's document and checks every event of it as
// far as that can be done without the ledger. Its error is about the document
// as a whole.
func (a *app) readDocument(c *web.Ctx) ([]incoming, error) {
	decode, err := decoder(c.Request().Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if c.Request().ContentLength > epcis.MaxBytes {
		return nil, errLimit.Refuse("at most %s bytes", epcis.MaxBytes)
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Response().Writer, c.Request().Body, epcis.MaxBytes))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return nil, errLimit.Refuse("at most %s bytes", epcis.MaxBytes)
		}
		return nil, errDocument.Refuse("the request broke off")
	}
	select {
	case a.captures.reading <- struct{}{}:
		defer func() { <-a.captures.reading }()
	case <-c.Context().Done():
		return nil, c.Context().Err()
	}
	all, err := examine(decode(body))
	if err == nil {
		err = a.askPartners(c.Context(), c.User().Party, all)
	}
	return all, err
}

func decoder(contentType string) (func([]byte) (*epcis.Document, error), error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err == nil {
		switch kind {
		case "application/json", "application/ld+json":
			return epcis.DecodeJSON, nil
		case "application/xml", "text/xml":
			return epcis.DecodeXML, nil
		}
	}
	return nil, errMediaType.Refuse("%s", contentType)
}

// allTold is how many problems package epcis tells at most. Past it, an event
// without one is not known to be right.
const allTold = 1000

// examine parts what is wrong with the document from what is wrong with its
// events.
func examine(doc *epcis.Document, err error) ([]incoming, error) {
	var shape epcis.Problems
	if err != nil && (!errors.As(err, &shape) || doc == nil || len(shape) >= allTold) {
		return nil, err
	}
	all := make([]incoming, len(doc.Events))
	found := 0
	for i := range doc.Events {
		path := doc.EventPath(i)
		all[i] = prepare(&doc.Events[i], path, shape.Under(path))
		found += len(shape.Under(path))
	}
	if found < len(shape) {
		return nil, err // the rest is the envelope's
	}
	return all, nil
}

// prepare checks one event by itself and brings it to the form in which the
// ledger keeps it.
func prepare(e *epcis.Event, path string, shape epcis.Problems) incoming {
	in := incoming{Problems: shape, event: e, path: path}
	if len(in.Problems) > 0 {
		return in
	}
	tell := func(err error) {
		var found epcis.Problems
		if !errors.As(err, &found) {
			found = epcis.Problems{{Code: trace.ErrEvent.Code, Text: err.Error(), Remedy: trace.ErrEvent.Remedy}}
		}
		for _, p := range found {
			p.Path = path + p.Path
			in.Problems = append(in.Problems, p)
		}
	}
	if found := e.Validate(); len(found) > 0 {
		tell(found)
		return in
	}
	var err error
	if in.Hash, err = e.Hash(); err != nil {
		tell(err)
		return in
	}
	if in.Body, err = e.JSON(); err != nil {
		tell(err)
	}
	return in
}

// problemOf is an error of a capture as its sender is told it: a rule of the
// contract, or what became of the ledger.
func problemOf(err error, path string) epcis.Problem {
	var no *chaincode.Refusal
	switch {
	case errors.As(err, &no):
	case errors.As(err, new(*ledger.Unknown)):
		no = web.ErrLedgerUnknown.Refuse("")
	case errors.Is(err, ledger.ErrConflict):
		no = web.ErrLedgerConflict.Refuse("")
	case errors.Is(err, ledger.ErrStopped):
		no = web.ErrLedgerStopped.Refuse("")
	default:
		no = web.ErrFault.Refuse("")
	}
	text := no.Text
	if detail := no.Detail(); detail != "" {
		text += " (" + detail + ")"
	}
	if inside, ok := strings.CutPrefix(no.Field, "event/"); ok {
		path += "/" + inside
	}
	return epcis.Problem{Path: path, Code: no.Code, Text: text, Remedy: no.Remedy}
}
