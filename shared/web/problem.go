package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/ledger"
)

// The rules of the face itself.
var (
	ErrSignIn = chaincode.Rule{Code: "web/sign-in", Kind: chaincode.Forbidden,
		Text: "This needs a signed-in user.", Remedy: "Sign in, or send a valid API token as a bearer token."}
	ErrRole = chaincode.Rule{Code: "web/role", Kind: chaincode.Forbidden,
		Text: "Your role does not open this page.", Remedy: "Ask your company's administrator for the role, or ask a colleague who has it."}
	ErrScope = chaincode.Rule{Code: "web/scope", Kind: chaincode.Forbidden,
		Text: "The API token does not allow this.", Remedy: "Make a token with the scope that is named, and use that one."}
	ErrForged = chaincode.Rule{Code: "web/forged", Kind: chaincode.Forbidden,
		Text: "The request did not come from a page of this session.", Remedy: "Open the page again and send it from there."}
	ErrNoPage = chaincode.Rule{Code: "web/not-found", Kind: chaincode.NotFound,
		Text: "There is nothing at this address.", Remedy: "Check the address, or start from the home page."}
	ErrMethod = chaincode.Rule{Code: "web/method", Kind: chaincode.Malformed,
		Text: "This address does not take such a request.", Remedy: "Use one of the methods that the API page lists for it."}
	ErrUnreadable = chaincode.Rule{Code: "web/unreadable", Kind: chaincode.Malformed,
		Text: "The request cannot be read.", Remedy: "Send well-formed JSON or a form with the fields that the API page lists."}
	ErrTooLarge = chaincode.Rule{Code: "web/too-large", Kind: chaincode.Malformed,
		Text: "The request is larger than allowed.", Remedy: "Send less at once, for instance in several batches."}
	ErrTooMany = chaincode.Rule{Code: "web/too-many", Kind: chaincode.Conflict,
		Text: "Too many requests came in a short time.", Remedy: "Wait a moment, then try again."}
	ErrBusy = chaincode.Rule{Code: "web/busy", Kind: chaincode.Conflict,
		Text: "The server is busy.", Remedy: "Wait a moment, then try again."}
	ErrField = chaincode.Rule{Code: "web/field", Kind: chaincode.Malformed,
		Text: "The entry cannot be read.", Remedy: "Enter it in the form that the hint shows."}
	ErrRequired = chaincode.Rule{Code: "web/required", Kind: chaincode.Malformed,
		Text: "This entry is needed.", Remedy: "Fill it in."}
	ErrKeyReused = chaincode.Rule{Code: "idempotency/key-reused", Kind: chaincode.Malformed,
		Text: "This idempotency key already stands for another request.", Remedy: "Use a new key for a new request."}
	ErrKeyBusy = chaincode.Rule{Code: "idempotency/under-way", Kind: chaincode.Conflict,
		Text: "The first request with this key is still at work.", Remedy: "Wait a moment, then repeat the same request."}
	ErrKeyMissing = chaincode.Rule{Code: "idempotency/key-missing", Kind: chaincode.Malformed,
		Text: "A POST to the API needs an idempotency key.", Remedy: "Send a fresh Idempotency-Key header of 1 to 255 characters with each new request."}
	ErrLedgerConflict = chaincode.Rule{Code: "ledger/conflict", Kind: chaincode.Conflict,
		Text: "The record changed at the same moment, again and again.", Remedy: "Try again."}
	ErrLedgerUnknown = chaincode.Rule{Code: "ledger/unknown", Kind: chaincode.Conflict,
		Text: "It is not known yet whether the ledger has taken this.", Remedy: "Ask for the transaction before you send anything again."}
	ErrLedgerStopped = chaincode.Rule{Code: "ledger/stopped", Kind: chaincode.Conflict,
		Text: "The ledger takes no writes at the moment.", Remedy: "Reading still works. Try again later, or ask the operator."}
	ErrLedgerUnavailable = chaincode.Rule{Code: "ledger/unavailable", Kind: chaincode.Conflict,
		Text: "Not enough of the network answers at the moment. Nothing was written.", Remedy: "Try again in a moment. Reading still works."}
	ErrFault = chaincode.Rule{Code: "web/fault", Kind: chaincode.Conflict,
		Text: "Something went wrong on our side.", Remedy: "Try again. If it stays, tell the operator the number of the request."}
)

// Rules are the rules of the face itself; /problems explains them too.
var Rules = []chaincode.Rule{ErrSignIn, ErrRole, ErrScope, ErrForged, ErrNoPage, ErrMethod, ErrUnreadable, ErrTooLarge,
	ErrTooMany, ErrBusy, ErrField, ErrRequired, ErrKeyReused, ErrKeyBusy, ErrKeyMissing, ErrLedgerConflict, ErrLedgerUnknown, ErrLedgerStopped,
	ErrLedgerUnavailable, ErrFault}

// Problem is a problem document (RFC 9457, application/problem+json). Type is
// the address of the page that explains the rule, relative to the request
// (RFC 9457 §3.1.1); Instance is the request's id.
type Problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance"`
	Code     string `json:"code"`
	Field    string `json:"field,omitempty"`   // as the command names it
	Pointer  string `json:"pointer,omitempty"` // the same as a JSON pointer (RFC 6901)
	Remedy   string `json:"remedy,omitempty"`
	Tx       string `json:"tx,omitempty"` // the transaction to ask for
}

// Request is the request's id, as a page shows it.
func (p Problem) Request() string { return strings.TrimPrefix(p.Instance, "urn:request:") }

// StatusOf is the status of the answer to an error.
func StatusOf(err error) int { _, status, _ := classify(err); return status }

// statuses of rules that their kind does not settle.
var statuses = map[string]int{
	ErrSignIn.Code: http.StatusUnauthorized, ErrMethod.Code: http.StatusMethodNotAllowed,
	ErrUnreadable.Code: http.StatusBadRequest, chaincode.ErrBody.Code: http.StatusBadRequest,
	ErrTooLarge.Code: http.StatusRequestEntityTooLarge, ErrTooMany.Code: http.StatusTooManyRequests,
	ErrBusy.Code: http.StatusServiceUnavailable, ErrLedgerUnknown.Code: http.StatusServiceUnavailable,
	ErrLedgerStopped.Code: http.StatusServiceUnavailable, ErrLedgerUnavailable.Code: http.StatusServiceUnavailable, ErrFault.Code: http.StatusInternalServerError,
	ErrKeyMissing.Code: http.StatusBadRequest,
}

func statusOf(r chaincode.Rule) int {
	if status, ok := statuses[r.Code]; ok {
		return status
	}
	switch r.Kind {
	case chaincode.Malformed:
		return http.StatusUnprocessableEntity
	case chaincode.Forbidden:
		return http.StatusForbidden
	case chaincode.NotFound:
		return http.StatusNotFound
	}
	return http.StatusConflict
}

// classify turns any error into a refusal that may be shown, its status, and
// whether the error itself is a fault for the log.
func classify(err error) (no *chaincode.Refusal, status int, fault bool) {
	var (
		tooLarge *http.MaxBytesError
		unknown  *ledger.Unknown
		httpErr  *echo.HTTPError
	)
	switch {
	case errors.As(err, &no):
	case errors.As(err, &tooLarge):
		no = ErrTooLarge.Refuse("at most %s bytes", tooLarge.Limit)
	case errors.As(err, &unknown):
		no, fault = ErrLedgerUnknown.Refuse("ask /api/transactions/%s", unknown.TxID), true
	case errors.Is(err, ledger.ErrConflict):
		no = ErrLedgerConflict.Refuse("")
	case errors.Is(err, ledger.ErrStopped):
		no, fault = ErrLedgerStopped.Refuse(""), true
	case errors.Is(err, ledger.ErrUnavailable):
		no, fault = ErrLedgerUnavailable.Refuse(""), true
	case errors.Is(err, ledger.ErrBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		no, fault = ErrBusy.Refuse(""), true
	case errors.As(err, &httpErr):
		no, fault = ofEcho(httpErr)
	default:
		no, fault = ErrFault.Refuse(""), true
	}
	return no, statusOf(no.Rule), fault
}

// ofEcho reads what the router itself says.
func ofEcho(err *echo.HTTPError) (no *chaincode.Refusal, fault bool) {
	switch err.Code {
	case http.StatusNotFound:
		return ErrNoPage.Refuse(""), false
	case http.StatusMethodNotAllowed:
		return ErrMethod.Refuse(""), false
	case http.StatusRequestEntityTooLarge:
		return ErrTooLarge.Refuse(""), false
	}
	if err.Code < 500 {
		return ErrUnreadable.Refuse(""), false
	}
	return ErrFault.Refuse(""), true
}

// Problem is the document for an error, in the reader's language.
func (c *Ctx) Problem(err error) Problem {
	no, status, _ := classify(err)
	words := c.server.words
	title, remedy := words.Rule(c.lang, no.Rule)
	p := Problem{Type: "/problems/" + no.Code, Title: title, Status: status, Detail: words.Refusal(c.lang, no),
		Instance: "urn:request:" + c.id, Code: no.Code, Field: no.Field, Pointer: pointer(no.Field), Remedy: remedy}
	var unknown *ledger.Unknown
	if errors.As(err, &unknown) {
		p.Tx = unknown.TxID
	}
	return p
}

// pointer writes "lines.0.gtin" as "/lines/0/gtin".
func pointer(field string) string {
	if field == "" {
		return ""
	}
	field = strings.NewReplacer("~", "~0", "/", "~1").Replace(field)
	return "/" + strings.ReplaceAll(field, ".", "/")
}

// Refuse answers with a problem: a document for programs, a page for people.
// Faults are logged here and shown with the request's id only.
func (c *Ctx) Refuse(err error) error {
	no, status, fault := classify(err)
	if fault {
		c.Log().Error("fault", "path", c.Request().URL.Path, "error", err)
	}
	if c.Response().Committed {
		return nil
	}
	c.advise(no, status)
	p := c.Problem(err)
	if status == http.StatusUnauthorized && c.user == nil && !c.WantsJSON() && c.Request().Method == http.MethodGet {
		return c.Redirect(loginAddress(c.Request()))
	}
	if c.WantsJSON() {
		return c.writeProblem(p)
	}
	return c.Status(status).Render("refused.html", p)
}

// advise tells when to come back, and closes a connection whose body nobody
// is going to read.
func (c *Ctx) advise(no *chaincode.Refusal, status int) {
	h := c.Response().Header()
	switch {
	case status == http.StatusUnauthorized:
		h.Set(echo.HeaderWWWAuthenticate, `Bearer realm="tallyway"`)
	case status == http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close")
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable,
		no.Code == ErrLedgerConflict.Code, no.Code == ErrKeyBusy.Code:
		if h.Get(echo.HeaderRetryAfter) == "" {
			h.Set(echo.HeaderRetryAfter, "1")
		}
	}
}

func (c *Ctx) writeProblem(p Problem) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return c.Blob(p.Status, "application/problem+json", append(b, '\n'))
}

// handleError is where every error of every handler arrives.
func (s *Server) handleError(err error, ec echo.Context) {
	c := s.ctx(ec)
	if err := c.answer(err); err != nil {
		c.Log().Error("answer with a problem", "error", err)
		if !ec.Response().Committed {
			_ = ec.NoContent(http.StatusInternalServerError)
		}
	}
}

// answer refuses as the route wants it.
func (c *Ctx) answer(err error) error {
	if c.route == nil || c.route.Refuse == nil || c.Response().Committed {
		return c.Refuse(err)
	}
	no, status, _ := classify(err)
	c.advise(no, status)
	return c.route.Refuse(c, err)
}

type ruleView struct {
	Code, Text, Remedy string
	Status             int
}

func (c *Ctx) explain(r chaincode.Rule) ruleView {
	text, remedy := c.server.words.Rule(c.lang, r)
	return ruleView{r.Code, text, remedy, statusOf(r)}
}

func showProblems(c *Ctx) error {
	var all []ruleView
	for _, r := range c.server.refusals {
		all = append(all, c.explain(r))
	}
	return c.Render("problems.html", all)
}

func showProblem(c *Ctx) error {
	for _, r := range c.server.refusals {
		if r.Code == c.Param("*") {
			return c.Render("problem.html", c.explain(r))
		}
	}
	return ErrNoPage.Refuse("")
}
