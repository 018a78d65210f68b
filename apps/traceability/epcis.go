package traceability

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/web"
)

// This file is the EPCIS 2.0 REST binding's shape: its addresses, its headers
// and its problem documents. Capturing is in capture.go, reading in repository.go.

const epcisBase = "/epcis/v2"

// The versions that the discovery headers tell of.
const (
	epcisVersion  = "2.0.0"
	cbvVersion    = "2.0.0"
	vendorVersion = "1"
)

func (a *app) epcisRoutes() []web.Route {
	read, write := web.AnyUser.Owned(), web.AnyUser.Needs("capture")
	follow := web.AnyUser.Owned().Needs("capture") // who may capture may ask what became of it
	return slices.Concat(
		epcisResource("", "root", "GET", web.Route{Method: "GET", Access: read, Handler: a.epcisRoot}),
		epcisResource("/capture", "capture", "GET, POST",
			web.Route{Method: "POST", Access: write, Handler: a.postCapture},
			web.Route{Method: "GET", Access: follow, Handler: a.listCaptures}),
		epcisResource("/capture/:id", "captureJob", "GET", web.Route{Method: "GET", Access: follow, Handler: a.showCapture}),
		epcisResource("/events", "events", "GET, POST",
			web.Route{Method: "POST", Access: write, Handler: a.postEvent},
			web.Route{Method: "GET", Access: read, Handler: a.orSocket(a.listEvents), Sockets: true}),
		epcisResource("/events/*", "event", "GET", web.Route{Method: "GET", Access: read, Handler: a.readEvent}),
	)
}

// epcisResource is one address with its methods, and OPTIONS to discover them.
func epcisResource(path, name, allow string, routes ...web.Route) []web.Route {
	discover := web.Route{Method: "OPTIONS", Access: web.Public, Handler: func(c *web.Ctx) error {
		h := c.Response().Header()
		h.Set("Allow", allow+", OPTIONS")
		h.Set(epcFormat, anyFormat)
		if path == "/events/*" || strings.HasSuffix(path, "/events") {
			h.Set(wordFormat, anyFormat)
		}
		if strings.Contains(allow, "POST") && !strings.HasPrefix(path, "/queries") {
			h.Set("GS1-EPCIS-Capture-Limit", strconv.Itoa(captureLimit(path)))
			h.Set("GS1-EPCIS-Capture-File-Size-Limit", strconv.Itoa(epcis.MaxBytes))
		}
		if path == "/capture" {
			h.Set("GS1-Capture-Error-Behaviour", rollback+","+proceed)
		}
		return c.NoContent(http.StatusNoContent)
	}}
	var all []web.Route
	for _, r := range append(routes, discover) {
		r.Path, r.Name = epcisBase+path, "epcis."+name+"."+strings.ToLower(r.Method)
		if r.Method == http.MethodPost {
			r.Body = 1 << 40 // readDocument bounds it, and answers as the standard wants it
		}
		r.Handler, r.Refuse = bound(r.Handler), refuseEPCIS
		all = append(all, r)
	}
	return all
}

// bound puts a handler behind what all addresses of the binding have in common.
func bound(handle func(*web.Ctx) error) func(*web.Ctx) error {
	return func(c *web.Ctx) error {
		tellVersions(c)
		err := negotiate(c.Request())
		if err == nil {
			err = handle(c)
		}
		if err != nil {
			return refuseEPCIS(c, err)
		}
		return nil
	}
}

// captureLimit is the number of events that one request may bring.
func captureLimit(path string) int {
	if path == "/events" {
		return 1
	}
	return epcis.MaxEvents
}

func tellVersions(c *web.Ctx) {
	h := c.Response().Header()
	for _, v := range [][2]string{{"GS1-EPCIS", epcisVersion}, {"GS1-CBV", cbvVersion}} {
		for _, kind := range []string{"Version", "Min", "Max"} {
			h.Set(v[0]+"-"+kind, v[1])
		}
	}
	h.Set("GS1-Vendor-Version", vendorVersion)
	h.Set("Cache-Control", "no-store")
}

// The rules of the REST binding.
var (
	errNotAcceptable = chaincode.Rule{Code: "epcis/not-acceptable", Kind: chaincode.Malformed,
		Text: "The answer cannot be had in this form.", Remedy: "Accept application/json, application/ld+json or, for events, application/xml; and EPCIS and CBV 2.0."}
	errMediaType = chaincode.Rule{Code: "epcis/media-type", Kind: chaincode.Malformed,
		Text: "Events cannot be sent in this form.", Remedy: "Send application/ld+json, application/json or application/xml, and say so in Content-Type."}
	errDocument = chaincode.Rule{Code: "epcis/document", Kind: chaincode.Malformed,
		Text: "This is not an EPCIS document.", Remedy: "Mend what the message names and send the document again."}
	errLimit = chaincode.Rule{Code: "epcis/too-big", Kind: chaincode.Malformed,
		Text: "The document is larger than this repository takes.", Remedy: "Split it into several documents; OPTIONS on this address tells the limits."}
	errOneEvent = chaincode.Rule{Code: "epcis/one-event", Kind: chaincode.Malformed,
		Text: "This address takes one event.", Remedy: "Send documents of several events to " + epcisBase + "/capture."}
	errBehaviour = chaincode.Rule{Code: "epcis/error-behaviour", Kind: chaincode.Malformed,
		Text: "GS1-Capture-Error-Behaviour is rollback or proceed.", Remedy: "Send one of the two, or leave the header out for rollback."}
	errDuplicate = chaincode.Rule{Code: "epcis/already-captured", Kind: chaincode.Conflict,
		Text: "The event is on the ledger already.", Remedy: "Nothing needs to be done; the Location header tells where it is."}
	errParameter = chaincode.Rule{Code: "epcis/query-parameter", Kind: chaincode.Malformed,
		Text: "The query cannot be asked like this.", Remedy: "Check the parameter against EPCIS 2.0, section 8.2.7.1."}
	errNoCapture = chaincode.Rule{Code: "epcis/no-capture", Kind: chaincode.NotFound,
		Text: "There is no such capture job.", Remedy: "Check the address that the capture was answered with; jobs are shown to the company that sent them."}
)

// negotiate refuses who takes neither our forms nor our versions (EPCIS 2.0,
// section 12.5). What a request brings in XML may be of version 1.
func negotiate(r *http.Request) error {
	if err := answerKind(r); err != nil {
		return err
	}
	oldest := 2
	if bringsXML(r) {
		oldest = 1
	}
	for _, std := range []string{"GS1-EPCIS", "GS1-CBV"} {
		for name, wrong := range map[string]func(major int) bool{
			"-Min": func(n int) bool { return n > 2 }, "-Max": func(n int) bool { return n < oldest }, "-Version": func(n int) bool { return n < oldest || n > 2 }} {
			asked := r.Header.Get(std + name)
			major, _, _ := strings.Cut(asked, ".")
			if n, err := strconv.Atoi(major); asked != "" && (err != nil || wrong(n)) {
				return errNotAcceptable.Refuse("%s: %s", std+name, asked)
			}
		}
	}
	return nil
}

func acceptsJSON(accept []string) bool {
	asked := strings.Join(accept, ",")
	if strings.TrimSpace(asked) == "" {
		return true
	}
	for part := range strings.SplitSeq(asked, ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err == nil && params["q"] != "0" &&
			slices.Contains([]string{"application/json", "application/ld+json", "application/*", "*/*"}, kind) {
			return true
		}
	}
	return false
}

// epcisProblem is a problem document as EPCIS 2.0 types it, section 12.8; the
// house's code, field and remedy stand beside it.
type epcisProblem struct {
	web.Problem
	Errors []epcis.Problem `json:"errors,omitempty"`
}

// refuseEPCIS answers with a problem document whose type is one of the
// standard's exceptions.
func refuseEPCIS(c *web.Ctx, err error) error {
	p, asked := refusedQuery(c, err)
	if !asked {
		p = epcisProblem{Problem: c.Problem(err)}
	}
	var found epcis.Problems
	if errors.As(err, &found) && len(found) > 0 {
		rule := errDocument
		status := http.StatusBadRequest
		if errors.As(err, new(eventRefused)) {
			rule, status = trace.ErrEvent, http.StatusUnprocessableEntity
		}
		p.Problem = c.Problem(rule.Refuse("%s at %s", found[0].Code, found[0].Path))
		p.Status, p.Errors = status, found
		p.Code, p.Detail, p.Pointer, p.Remedy = found[0].Code, found[0].Text, found[0].Path, found[0].Remedy
		if found[0].Code == errLimit.Code {
			p.Status = http.StatusRequestEntityTooLarge
		}
	}
	p.Status = epcisStatus(p.Code, p.Status)
	p.Type = exception(p.Code, p.Status)
	if p.Status >= 500 {
		c.Log().Error("fault", "path", c.Request().URL.Path, "error", err)
	}
	if p.Status == http.StatusRequestEntityTooLarge {
		c.Response().Header().Set("Connection", "close") // nobody is going to read the rest
	}
	return writeProblem(c, p)
}

// eventRefused marks problems of the event itself, where the document around
// it could be read.
type eventRefused struct{ epcis.Problems }

func (e eventRefused) Unwrap() error { return e.Problems }

// epcisStatus settles the status. Whoever posts an event again takes 409 for
// "it is there already", so no other refusal may look like it.
func epcisStatus(code string, status int) int {
	switch {
	case code == errNotAcceptable.Code:
		return http.StatusNotAcceptable
	case code == errMediaType.Code:
		return http.StatusUnsupportedMediaType
	case code == errLimit.Code, code == errTooLarge.Code, code == errTooComplex.Code:
		return http.StatusRequestEntityTooLarge
	case code == errLongAddress.Code:
		return http.StatusRequestURITooLong
	case queryCodes[code]:
		return http.StatusBadRequest
	case code == errDocument.Code, code == errOneEvent.Code, code == errBehaviour.Code, code == errParameter.Code, code == errWordFormat.Code:
		return http.StatusBadRequest
	case code == errDuplicate.Code, code == errQueryTaken.Code:
		return http.StatusConflict
	case code == errNoQuery.Code, code == errNoResource.Code, code == errNoSubscription.Code:
		return http.StatusNotFound
	case status == http.StatusConflict && strings.HasPrefix(code, "ledger/"):
		return http.StatusServiceUnavailable
	case status == http.StatusConflict,
		status == http.StatusNotFound && code != trace.ErrNoEvent.Code && code != errNoCapture.Code:
		return http.StatusUnprocessableEntity
	}
	return status
}

// queryCodes are the rules of queries that a 400 tells.
var queryCodes = map[string]bool{errToken.Code: true, errEPCFormat.Code: true, errQueryName.Code: true, errQueries.Code: true,
	errSubscription.Code: true, errDestination.Code: true, errSubscriptions.Code: true}

// exception is the standard's type of a problem.
func exception(code string, status int) string {
	name := "ValidationException"
	switch {
	case code == errParameter.Code, code == errToken.Code:
		name = "QueryParameterException"
	case code == errTooLarge.Code:
		name = "QueryTooLargeException"
	case code == errTooComplex.Code:
		name = "QueryTooComplexException"
	case code == errSubscription.Code, code == errDestination.Code, code == errSubscriptions.Code:
		name = "SubscriptionControlsException"
	case code == errNoQuery.Code:
		name = "NoSuchNameException"
	case status == http.StatusRequestURITooLong:
		name = "URITooLongException"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		name = "SecurityException"
	case status == http.StatusNotFound:
		name = "NoSuchResourceException"
	case status == http.StatusNotAcceptable:
		name = "NotAcceptableException"
	case status == http.StatusConflict:
		name = "ResourceAlreadyExistsException"
	case status == http.StatusRequestEntityTooLarge:
		name = "CaptureLimitExceededException"
	case status == http.StatusUnsupportedMediaType:
		name = "UnsupportedMediaTypeException"
	case status >= 500:
		name = "ImplementationException"
	}
	return "epcisException:" + name
}

func (a *app) epcisRoot(c *web.Ctx) error {
	return c.JSON(http.StatusOK, map[string]any{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
		"type": "Collection", "member": []string{"queries", "capture", "events", "eventTypes", "epcs", "readPoints", "bizLocations", "dispositions", "bizSteps"}})
}

// epcisPage is how many records one answer holds, and after which one it begins.
func epcisPage(c *web.Ctx) (size int, after string, err error) {
	size = 30
	for name, values := range c.Request().URL.Query() {
		switch name {
		case "perPage", "limit":
			n, err := strconv.Atoi(values[0])
			if err != nil || n < 1 {
				return 0, "", errParameter.Refuse("%s=%s", name, values[0]).On(name)
			}
			size = min(n, web.MaxLimit)
		case "nextPageToken":
			after = values[0]
		default:
			return 0, "", errParameter.Refuse("%s", name).On(name)
		}
	}
	return size, after, nil
}

// linkNext tells where the next page is.
func linkNext(c *web.Ctx, path string, size int, token string) {
	q := url.Values{"perPage": {strconv.Itoa(size)}, "nextPageToken": {token}}
	c.Response().Header().Set("Link", "<"+epcisBase+path+"?"+q.Encode()+`>; rel="next"`)
}
