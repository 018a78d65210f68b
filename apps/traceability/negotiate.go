package traceability

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/epcis"
	"github.com/tallyway/tallyway/shared/web"
)

// This file agrees with a program on the form of an answer (EPCIS 2.0, section
// 12.5): events in JSON or in XML, everything else in JSON.

const (
	jsonKind   = "application/json"
	jsonLDKind = "application/ld+json"
	xmlKind    = "application/xml"
)

// wordFormat says how XML spells the words of the CBV.
const wordFormat = "GS1-CBV-XML-Format"

var errWordFormat = chaincode.Rule{Code: "epcis/cbv-xml-format", Kind: chaincode.Malformed,
	Text:   "GS1-CBV-XML-Format is No_Preference, Always_Web_URI or Always_URN.",
	Remedy: "Send one of the three, or leave the header out. Words are kept, their first spelling is not: it cannot be given back."}

// preferred is the form of events that an Accept header likes best: of equals,
// the first one named. It is "" where nothing fits.
func preferred(accept []string) string {
	asked := strings.Join(accept, ",")
	if strings.TrimSpace(asked) == "" {
		return jsonKind
	}
	best, liking := "", 0.0
	for part := range strings.SplitSeq(asked, ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		if form := formOf(kind); form != "" && q > liking {
			best, liking = form, q
		}
	}
	return best
}

func formOf(kind string) string {
	switch kind {
	case jsonKind, "*/*", "application/*":
		return jsonKind
	case jsonLDKind, xmlKind, "text/xml":
		return kind
	case "text/*":
		return "text/xml"
	}
	return ""
}

func isXML(kind string) bool { return kind == xmlKind || kind == "text/xml" }

// saysEvents reports whether a request is answered with events.
func saysEvents(r *http.Request) bool {
	path := strings.TrimPrefix(r.URL.Path, epcisBase)
	return r.Method == http.MethodGet && (strings.HasPrefix(path, "/events") || strings.HasSuffix(path, "/events"))
}

// answerKind refuses who takes no form that the address answers in.
func answerKind(r *http.Request) error {
	switch kind := preferred(r.Header.Values("Accept")); {
	case kind == "":
		return errNotAcceptable.Refuse("%s", r.Header.Get("Accept"))
	case isXML(kind) && !saysEvents(r) && !acceptsJSON(r.Header.Values("Accept")):
		return errNotAcceptable.Refuse("%s", r.Header.Get("Accept"))
	}
	return nil
}

// bringsXML reports whether a request brings a document in XML, whose version
// may be an older one.
func bringsXML(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && r.Method == http.MethodPost && isXML(kind)
}

// writeEvents answers with a document in the form that was asked for.
func writeEvents(c *web.Ctx, doc *epcis.Document) error {
	kind := preferred(c.Request().Header.Values("Accept"))
	body, err := encodeEvents(doc, kind, c.Request().Header.Get(wordFormat))
	if err != nil {
		return err
	}
	c.Response().Header().Add("Vary", "Accept")
	return c.Blob(http.StatusOK, kind, body)
}

func encodeEvents(doc *epcis.Document, kind, words string) ([]byte, error) {
	if !isXML(kind) {
		return doc.JSON()
	}
	write := doc.XML
	switch words {
	case "", "No_Preference", "Always_Web_URI":
	case "Always_URN":
		write = doc.XMLWithURNs
	default:
		return nil, errWordFormat.Refuse("%s", words)
	}
	b, err := write()
	var found epcis.Problems
	if errors.As(err, &found) && len(found) > 0 {
		return nil, errNotAcceptable.Refuse("XML cannot write event %s: %s", found[0].Path, found[0].Code)
	}
	return b, err
}

// writeProblem answers with a problem document, in XML (RFC 7807, appendix A)
// where the events would have been.
func writeProblem(c *web.Ctx, p epcisProblem) error {
	if !saysEvents(c.Request()) || !isXML(preferred(c.Request().Header.Values("Accept"))) {
		b, err := json.Marshal(p)
		if err != nil {
			return err
		}
		return c.Blob(p.Status, "application/problem+json", append(b, '\n'))
	}
	b := bytes.NewBufferString(xml.Header)
	err := xml.NewEncoder(b).Encode(xmlProblem{Type: p.Type, Title: p.Title, Status: p.Status, Detail: p.Detail, Code: p.Code, Remedy: p.Remedy})
	if err != nil {
		return err
	}
	return c.Blob(p.Status, "application/problem+xml", b.Bytes())
}

type xmlProblem struct {
	XMLName xml.Name `xml:"urn:ietf:rfc:7807 problem"`
	Type    string   `xml:"type"`
	Title   string   `xml:"title"`
	Status  int      `xml:"status"`
	Detail  string   `xml:"detail,omitempty"`
	Code    string   `xml:"code"`
	Remedy  string   `xml:"remedy,omitempty"`
}
