package traceability

import (
	"context"
	"crypto/rand"

	"github.com/tallyway/tallyway/apps/traceability/documents"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/blobs"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// documentStore keeps the files of documents.
type documentStore struct{ *fileKeeper }

func newDocumentStore(k *fileKeeper) *documentStore {
	s := &documentStore{k}
	k.left = append(k.left, leftovers{`SELECT f.id FROM tr_document_files f LEFT JOIN tr_documents d ON d.id = f.id
		WHERE d.id IS NULL AND f.at < $1 OR d.withdrawn IS NOT NULL`, s.drop})
	return s
}

// Rules of documents' files.
var (
	errDocumentFile = chaincode.Rule{Code: "document/file", Kind: chaincode.Malformed,
		Text:   "The file cannot be taken as a document.",
		Remedy: "Send a whole PDF, PNG or JPEG of at most 20 MB; its name does not matter."}
	errFileGone = chaincode.Rule{Code: "document/no-file", Kind: chaincode.NotFound,
		Text: "The file of this document is not here.", Remedy: "Ask the company that the document is from, and compare the file's SHA-256 with the record."}
	errFileDamaged = chaincode.Rule{Code: "document/damaged", Kind: chaincode.Conflict,
		Text: "The file that lies here is not the one on the ledger, so it is not given out.", Remedy: "Ask the company that the document is from for the file, and tell whoever keeps this server."}
)

// attach keeps the file and puts the document on record.
func (s *documentStore) attach(ctx context.Context, by host.Actor, company string, c trace.AttachDocument, file []byte) (trace.DocumentState, error) {
	kind, err := documents.Sniff(file)
	if err != nil {
		return trace.DocumentState{}, errDocumentFile.Refuse("%s", err.Error()).On("file")
	}
	c.About, c.Facts.SHA256, c.Facts.Type, c.Facts.Size = trace.Thing(c.About), blobs.Name(file), kind, int64(len(file))
	if err := s.once(ctx, company, c); err != nil {
		return trace.DocumentState{}, err
	}
	c.Salt = make([]byte, 32)
	rand.Read(c.Salt) // never fails: the runtime stops the program first
	id, err := c.ID(company, c.About)
	if err != nil {
		return trace.DocumentState{}, err
	}
	fresh, err := s.keep(ctx, [][]byte{file}, `INSERT INTO tr_document_files (id, sha256, at) VALUES ($1, $2, $3)`, id, c.Facts.SHA256, s.host.Now().UTC())
	if err != nil {
		return trace.DocumentState{}, err
	}
	state, _, err := host.Do[trace.DocumentState](ctx, s.host, by, c)
	return state, s.settle(ctx, err, fresh, func(ctx context.Context) error { return s.drop(ctx, id) })
}

// Attach puts a document with its file on record, as the form and the API do: for
// a program that furnishes an open host before it serves.
func Attach(ctx context.Context, h *host.Host, by host.Actor, company string, c trace.AttachDocument, file []byte) (trace.DocumentState, error) {
	s := documentStore{&fileKeeper{host: h, db: h.DB}}
	return s.attach(ctx, by, company, c, file)
}

// once keeps a company from attaching a file twice, also where the ledger cannot
// see that it does: of a document that is not for everybody the ledger keeps
// nothing that two of the same file have in common, since who has the file could
// find out by it that this company filed it.
func (s *documentStore) once(ctx context.Context, company string, c trace.AttachDocument) error {
	n, err := readmodel.One[int](ctx, s.db, `SELECT COUNT(*) FROM tr_document_files f JOIN tr_documents d ON d.id = f.id
		WHERE f.sha256 = $1 AND d.about = $2 AND d.owner = $3 AND d.withdrawn IS NULL`, c.Facts.SHA256, c.About, company)
	if err == nil && n > 0 {
		err = trace.ErrDocumentKnown.Refuse("%s", c.About).On("file")
	}
	return err
}

// withdraw takes a document back and deletes its file. Of a file that cannot be
// deleted now, the next sweep takes care.
func (s *documentStore) withdraw(ctx context.Context, by host.Actor, id string) (trace.DocumentState, error) {
	state, _, err := host.Do[trace.DocumentState](ctx, s.host, by, trace.WithdrawDocument{ID: id})
	if err != nil {
		return state, err
	}
	return state, s.drop(context.WithoutCancel(ctx), id)
}

// drop forgets the file of a document: what is on record stays there.
func (s *documentStore) drop(ctx context.Context, id string) error {
	files, err := readmodel.All[string](ctx, s.db, `SELECT sha256 FROM tr_document_files WHERE id = $1`, id)
	if err != nil {
		return err
	}
	return s.forget(ctx, files, `DELETE FROM tr_document_files WHERE id = $1`, id)
}

func documentAttached(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.DocumentAttached) error {
	d, f, keepers := e.Document, trace.Facts{}, " "
	if d.Facts != nil {
		f = *d.Facts
	}
	for _, c := range d.Copies {
		keepers += c.Org + " "
	}
	return run(ctx, tx, `INSERT INTO tr_documents (id, about, owner, sharing, keepers, kind, scheme, number, issuer, title, title_zh, valid_from, valid_until,
			sha256, type, size, at, withdrawn, block, tx)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, NULL, $18, $19)`,
		d.ID, d.About, d.Owner, d.Sharing, keepers, f.Kind, f.Scheme, f.Number, f.Issuer, f.Title, f.TitleZh, f.From, f.Until, f.SHA256, f.Type, f.Size, d.At, int64(m.Block), m.TxID)
}

func documentWithdrawn(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.DocumentWithdrawn) error {
	return run(ctx, tx, `UPDATE tr_documents SET withdrawn = $1 WHERE id = $2`, e.At, e.ID)
}
