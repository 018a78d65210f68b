package trace

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/shared/gs1"
)

// The kinds of documents.
const (
	Certification = "certification" // of a scheme, by a certification body
	Analysis      = "analysis"      // certificate of analysis
	LabResult     = "lab-result"
	Specification = "specification"
	DeliveryNote  = "delivery-note"
	OtherDocument = "other"
)

var (
	documentKinds = []string{Certification, Analysis, LabResult, Specification, DeliveryNote, OtherDocument}
	// schemes are what certification is of: the certification standard of CBV 2.0,
	// section 9 (ILMD), as the food trade names them.
	schemes       = []string{"organic", "halal", "kosher", "brcgs", "iso-22000", "fssc-22000", "ifs", "globalgap", "haccp", "msc", "asc", "fairtrade", "other"}
	documentTypes = []string{"application/pdf", "image/png", "image/jpeg"}
)

// DocumentKinds lists what AttachDocument takes as a kind.
func DocumentKinds() []string { return slices.Clone(documentKinds) }

// Schemes lists what AttachDocument takes as a certification's scheme.
func Schemes() []string { return slices.Clone(schemes) }

// Facts are what a document is, in the terms of CBV 2.0 for certification:
// standard (scheme), identification (number), agency (issuer). Days are written
// as 2026-11-28.
type Facts struct {
	Kind    string `json:"kind"`
	Scheme  string `json:"scheme,omitempty"` // of a certification
	Number  string `json:"number,omitempty"` // of the certificate or report
	Issuer  string `json:"issuer,omitempty"` // the certification body or laboratory
	Title   string `json:"title"`
	TitleZh string `json:"titleZh,omitempty"`
	From    string `json:"validFrom,omitempty"`
	Until   string `json:"validUntil,omitempty"` // the last day
	SHA256  string `json:"sha256"`               // of the file, hexadecimal
	Type    string `json:"type"`                 // media type
	Size    int64  `json:"size"`                 // bytes
}

// AttachDocument puts a document about a lot, a product or a place of the caller's own on
// record. The file stays off the ledger.
type AttachDocument struct {
	About string `json:"about"` // "01/09506000134352/10/L1", "01/09506000134352", "414/9506000134352", or a lot as in Lot.ID
	// Facts of a restricted or private document are not shown: the ledger shows a
	// commitment to their JSON.
	Facts   Facts    `json:"facts"`
	Sharing string   `json:"sharing"`
	With    []string `json:"with,omitempty"` // companies; of a restricted one
	Salt    []byte   `json:"salt"`           // at least 16 random bytes
}

// Confidential keeps the facts of a restricted or private document out of the block.
func (c AttachDocument) Confidential() bool { return c.Sharing == Restricted || c.Sharing == Private }

// WithdrawDocument takes a document back. Its record stays.
type WithdrawDocument struct {
	ID string `json:"id"`
}

// Document is a document on record.
type Document struct {
	ID        string     `json:"id"`
	About     string     `json:"about"`
	Owner     string     `json:"owner"` // party
	Sharing   string     `json:"sharing"`
	At        time.Time  `json:"at"`
	Facts     *Facts     `json:"facts,omitempty"`  // of a public or linked one
	Copies    []Copy     `json:"copies,omitempty"` // of a restricted or private one
	Withdrawn *time.Time `json:"withdrawn,omitempty"`
}

// DocumentAttached tells of a document on record.
type DocumentAttached struct {
	Document Document `json:"document"`
}

// DocumentWithdrawn tells that a document is taken back.
type DocumentWithdrawn struct {
	ID    string    `json:"id"`
	About string    `json:"about"`
	At    time.Time `json:"at"`
}

// DocumentState is the reply to AttachDocument and WithdrawDocument.
type DocumentState struct {
	ID     string `json:"id"`
	Status string `json:"status"` // "attached" or "withdrawn"
}

// GetDocument asks for a document with its facts.
type GetDocument struct {
	ID     string `json:"id"`
	Keeper string `json:"keeper,omitempty"` // as in GetEvent
}

// DocumentBody is the reply to GetDocument. Facts are those of the document, or
// of the keeper's private copy, whose commitment Salt opens.
type DocumentBody struct {
	Document Document        `json:"document"`
	Facts    json.RawMessage `json:"facts"`
	Salt     []byte          `json:"salt,omitempty"`
}

// MostDocuments is how many documents GetDocuments gives at once.
const MostDocuments = 100

// GetDocuments asks for several documents with their facts: what GetDocument
// gives of each.
type GetDocuments struct {
	IDs    []string `json:"ids"`
	Keeper string   `json:"keeper,omitempty"`
}

// DocumentBodies is the reply to GetDocuments: those that the caller may read, in
// the order in which they were asked for.
type DocumentBodies struct {
	Documents []DocumentBody `json:"documents"`
}

var (
	documents = chaincode.Table[Document]{Name: "document"}
	// attached keeps the same file from being attached twice; of files that are
	// not for everybody it knows nothing.
	attached       = chaincode.Table[string]{Name: "attached"} // thing, SHA-256
	documentCopies = chaincode.Private[privateBody]{Name: "document-body"}
)

const (
	mostDocument = 20 << 20 // bytes of a file
	longestFact  = 200      // bytes of a text
)

// Rules of documents.
var (
	// ErrDocument asks for what a document is known by.
	ErrDocument = chaincode.Rule{Code: "trace/document", Kind: chaincode.Malformed,
		Text:   "A document has a known kind, a title and a file; a certification names its scheme, its number and who issued it.",
		Remedy: "Fill in what is named. The file is a PDF, PNG or JPEG of at most 20 MB."}
	// ErrDocumentDates keeps validity something that can be checked.
	ErrDocumentDates = chaincode.Rule{Code: "trace/document-dates", Kind: chaincode.Malformed,
		Text:   "A document is valid from a day until the same day or a later one; a certification says until when.",
		Remedy: "Write days as 2026-11-28, as they stand on the document."}
	// ErrNotYourThing keeps documents with whose goods and places they are about.
	ErrNotYourThing = chaincode.Rule{Code: "trace/not-your-thing", Kind: chaincode.Forbidden,
		Text:   "Documents are attached to lots, products and places of one's own.",
		Remedy: "Name a lot that your company made, or a GTIN or GLN of your own."}
	// ErrDocumentKnown keeps one file from standing twice.
	ErrDocumentKnown = chaincode.Rule{Code: "trace/document-known", Kind: chaincode.Conflict,
		Text: "This very file is attached there already.", Remedy: "Withdraw the document that is attached, if something about it has to change."}
	// ErrNoDocument names a document that nobody attached.
	ErrNoDocument = chaincode.Rule{Code: "trace/no-document", Kind: chaincode.NotFound,
		Text: "There is no such document, or it is not for you.", Remedy: "Check the address, or ask the company that it is from."}
	// ErrManyDocuments keeps a query short.
	ErrManyDocuments = chaincode.Rule{Code: "trace/many-documents", Kind: chaincode.Malformed,
		Text: "At most 100 documents are read at once.", Remedy: "Ask for the others in a further query."}
	// ErrNotYourDocument lets only its company take a document back.
	ErrNotYourDocument = chaincode.Rule{Code: "trace/not-your-document", Kind: chaincode.Forbidden,
		Text: "Only the company that attached a document withdraws it.", Remedy: "Ask that company."}
)

func attach(tx *chaincode.Tx, c AttachDocument) (DocumentState, error) {
	by, about, err := ownThing(tx, c.About)
	if err != nil {
		return DocumentState{}, err
	}
	d := Document{About: about, Owner: by.ID, Sharing: c.Sharing, At: tx.At()}
	if d.ID, err = c.ID(by.ID, about); err != nil {
		return DocumentState{}, err
	}
	if known, ok := documents.Get(tx, d.ID); ok { // the same command once more
		return known.state(), nil
	}
	if err := c.Facts.check(); err != nil {
		return DocumentState{}, err
	}
	readers, err := readersOf(tx, by, c.Sharing, c.With)
	if err != nil {
		return DocumentState{}, err
	}
	if err := d.file(tx, c, readers); err != nil {
		return DocumentState{}, err
	}
	documents.Put(tx, d, d.ID)
	tx.Emit(DocumentAttached{d})
	return d.state(), nil
}

// file puts the facts where their sharing says.
func (d *Document) file(tx *chaincode.Tx, c AttachDocument, readers []party.Party) (err error) {
	if c.Confidential() {
		d.Copies, err = keepCopies(tx, documentCopies, readers, c.Salt, c.Facts.bytes())
		return err
	}
	if attached.Has(tx, d.About, c.Facts.SHA256) {
		return ErrDocumentKnown.Refuse("%s", d.About).On("file")
	}
	attached.Put(tx, d.ID, d.About, c.Facts.SHA256)
	d.Facts = &c.Facts
	return nil
}

func (d Document) state() DocumentState {
	if d.Withdrawn != nil {
		return DocumentState{d.ID, "withdrawn"}
	}
	return DocumentState{d.ID, "attached"}
}

func withdraw(tx *chaincode.Tx, c WithdrawDocument) (DocumentState, error) {
	by, err := party.Active(tx)
	if err != nil {
		return DocumentState{}, err
	}
	d, ok := documents.Get(tx, c.ID)
	switch {
	case !ok:
		return DocumentState{}, ErrNoDocument.Refuse("%s", c.ID).On("id")
	case d.Owner != by.ID:
		return DocumentState{}, ErrNotYourDocument.Refuse("%s", c.ID).On("id")
	case d.Withdrawn != nil:
		return d.state(), nil
	}
	if d.Facts != nil {
		attached.Delete(tx, d.About, d.Facts.SHA256)
	}
	at := tx.At()
	d.Withdrawn = &at
	documents.Put(tx, d, d.ID)
	tx.Emit(DocumentWithdrawn{d.ID, d.About, at})
	return d.state(), nil
}

func getDocument(tx *chaincode.Tx, c GetDocument) (DocumentBody, error) {
	d, ok := documents.Get(tx, c.ID)
	if !ok {
		return DocumentBody{}, ErrNoDocument.Refuse("%s", c.ID).On("id")
	}
	if d.Facts != nil {
		return DocumentBody{Document: d, Facts: d.Facts.bytes()}, nil
	}
	if c.Keeper == "" {
		c.Keeper = tx.Caller().Org
	}
	i := slices.IndexFunc(d.Copies, func(k Copy) bool { return k.Org == c.Keeper })
	if i < 0 {
		return DocumentBody{}, ErrNoDocument.Refuse("%s", c.ID).On("keeper")
	}
	own, _ := documentCopies.Get(tx, c.Keeper, d.Copies[i].Commitment)
	if own.mayRead(tx) != nil {
		return DocumentBody{}, ErrNoDocument.Refuse("%s", c.ID).On("id")
	}
	return DocumentBody{d, own.Body, own.Salt}, nil
}

func getDocuments(tx *chaincode.Tx, c GetDocuments) (DocumentBodies, error) {
	if len(c.IDs) > MostDocuments {
		return DocumentBodies{}, ErrManyDocuments.Refuse("%s", len(c.IDs)).On("ids")
	}
	all := DocumentBodies{Documents: []DocumentBody{}}
	for _, id := range c.IDs {
		if body, err := getDocument(tx, GetDocument{ID: id, Keeper: c.Keeper}); err == nil {
			all.Documents = append(all.Documents, body)
		}
	}
	return all, nil
}

// ownThing is the caller's company, and the lot, product or place of its own that
// a text names. A lot that it made is its own, whoever's number it has.
func ownThing(tx *chaincode.Tx, text string) (by party.Party, about string, err error) {
	if by, err = party.Active(tx); err != nil {
		return by, "", err
	}
	about = Thing(text)
	key, err := gs1.Parse(about)
	if l, ok := lots.Get(tx, about); ok && l.Maker != "" {
		if l.Maker != by.ID {
			return by, about, ErrNotYourThing.Refuse("%s", about).On("about")
		}
		return by, about, nil
	}
	product, place := err == nil && key.GTIN() != "" && key.Level() == gs1.Class, err == nil && key.Primary.AI == "414"
	if !product && !place {
		return by, about, ErrNoLot.Refuse("%s", about).On("about")
	}
	if _, _, err := keyOwner(tx, about); err != nil {
		return by, about, ErrNotYourThing.Refuse("%s", about).On("about")
	}
	return by, about, nil
}

// Thing is what a text names, as the ledger spells it: the path of a GS1 key in
// any form, or the text itself.
func Thing(text string) string {
	text = strings.TrimSpace(text)
	if key, err := gs1.Parse(text); err == nil {
		return key.Path()
	}
	return text
}

// ID names a document by all that is said of it, and by its salt, so that it
// tells nothing.
func (c AttachDocument) ID(owner, about string) (string, error) {
	content, _ := json.Marshal([]any{owner, about, c.Facts, c.Sharing, strings.Join(c.With, " ")}) // texts and numbers: it cannot fail
	long, err := chaincode.Commit(c.Salt, content)
	if err != nil {
		return "", err
	}
	return long[:32], nil
}

// bytes are what the ledger commits to.
func (f Facts) bytes() []byte {
	b, _ := json.Marshal(f)
	return b
}

func (f Facts) check() error {
	for _, text := range []struct{ field, value string }{{"number", f.Number}, {"issuer", f.Issuer}, {"title", f.Title}, {"titleZh", f.TitleZh}} {
		if len(text.value) > longestFact || text.value != strings.TrimSpace(text.value) {
			return ErrDocument.Refuse("%s bytes, at most %s", len(text.value), longestFact).On(text.field)
		}
	}
	certified := f.Kind == Certification
	switch {
	case !slices.Contains(documentKinds, f.Kind):
		return ErrDocument.Refuse("the kind is %s", f.Kind).On("kind")
	case certified != slices.Contains(schemes, f.Scheme) || !certified && f.Scheme != "":
		return ErrDocument.Refuse("the scheme is %s", f.Scheme).On("scheme")
	case f.Title == "":
		return ErrDocument.Refuse("%s", "the title is empty").On("title")
	case certified && f.Number == "":
		return ErrDocument.Refuse("%s", "the number is empty").On("number")
	case certified && f.Issuer == "":
		return ErrDocument.Refuse("%s", "the issuer is empty").On("issuer")
	case !isHash(f.SHA256) || f.Size < 1 || f.Size > mostDocument || !slices.Contains(documentTypes, f.Type):
		return ErrDocument.Refuse("%s, %s bytes", f.Type, f.Size).On("file")
	}
	return f.checkDates()
}

func (f Facts) checkDates() error {
	for _, day := range []struct{ field, value string }{{"validFrom", f.From}, {"validUntil", f.Until}} {
		if _, err := time.Parse(time.DateOnly, day.value); err != nil && day.value != "" {
			return ErrDocumentDates.Refuse("%s", day.value).On(day.field)
		}
	}
	if f.Kind == Certification && f.Until == "" || f.Until != "" && f.Until < f.From {
		return ErrDocumentDates.Refuse("until %s", f.Until).On("validUntil")
	}
	return nil
}
