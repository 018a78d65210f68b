package traceability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/documents"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/blobs"
	"github.com/tallyway/tallyway/shared/gs1"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// documentRow is a row of tr_documents with whether its file is here.
type documentRow struct {
	ID        string     `db:"id"`
	About     string     `db:"about"`
	Owner     string     `db:"owner"`
	Member    string     `db:"member"` // the owner's
	Sharing   string     `db:"sharing"`
	Kind      string     `db:"kind"`
	Scheme    string     `db:"scheme"`
	Number    string     `db:"number"`
	Issuer    string     `db:"issuer"`
	Title     string     `db:"title"`
	TitleZh   string     `db:"title_zh"`
	From      string     `db:"valid_from"`
	Until     string     `db:"valid_until"`
	SHA256    string     `db:"sha256"`
	Type      string     `db:"type"`
	Size      int64      `db:"size"`
	At        time.Time  `db:"at"`
	Withdrawn *time.Time `db:"withdrawn"`
	Block     int64      `db:"block"`
	Tx        string     `db:"tx"`
	Here      bool       `db:"here"`
}

const documentColumns = `d.id, d.about, d.owner, COALESCE(p.member, '') AS member, d.sharing, d.kind, d.scheme, d.number, d.issuer, d.title, d.title_zh,
	d.valid_from, d.valid_until, d.sha256, d.type, d.size, d.at, d.withdrawn, d.block, d.tx, f.id IS NOT NULL AS here
	FROM tr_documents d LEFT JOIN tr_document_files f ON f.id = d.id LEFT JOIN tr_parties p ON p.id = d.owner`

func (d documentRow) facts() trace.Facts {
	return trace.Facts{Kind: d.Kind, Scheme: d.Scheme, Number: d.Number, Issuer: d.Issuer, Title: d.Title, TitleZh: d.TitleZh,
		From: d.From, Until: d.Until, SHA256: d.SHA256, Type: d.Type, Size: d.Size}
}

// documentReply is a document with what is said of it, for who may read that.
type documentReply struct {
	ID        string             `json:"id"`
	About     string             `json:"about"`
	Owner     string             `json:"owner"`
	Sharing   string             `json:"sharing"`
	At        time.Time          `json:"at"`
	Withdrawn *time.Time         `json:"withdrawn,omitempty"`
	Validity  documents.Validity `json:"validity"`
	File      bool               `json:"file"` // it can be downloaded here
	Block     int64              `json:"block"`
	Tx        string             `json:"tx"`
	trace.Facts

	gone *int64              // block of its withdrawal
	kept *trace.DocumentBody // of a restricted or private one
}

// title is in the reader's language where there is one.
func (d documentReply) title(lang string) string {
	if lang == "zh" && d.TitleZh != "" {
		return d.TitleZh
	}
	return d.Title
}

// keeperOf is whose copy of a document the contract is asked for; "" is none: it
// is not confidential, or there is no use in asking.
func (r *reader) keeperOf(d documentRow) string {
	own := r.user != nil && (r.all || r.user.Party == d.Owner)
	switch {
	case r.user == nil, d.Sharing == trace.Public, d.Sharing == trace.Linked, d.Sharing == trace.Private && !own:
		return ""
	case own:
		return d.Member // a supervisor, and the company itself, read the owner's copy
	}
	return r.user.MSP
}

// bodies reads what the contract tells the reader of confidential documents, by
// their ids: one query a keeper. Who may read one, the contract decides.
func (r *reader) bodies(rows ...documentRow) (map[string]trace.DocumentBody, error) {
	by, bodies := map[string][]string{}, map[string]trace.DocumentBody{}
	for _, d := range rows {
		if keeper := r.keeperOf(d); keeper != "" {
			by[keeper] = append(by[keeper], d.ID)
		}
	}
	for _, keeper := range slices.Sorted(maps.Keys(by)) {
		for some := range slices.Chunk(by[keeper], trace.MostDocuments) {
			reply, err := host.Ask[trace.DocumentBodies](r.ctx, r.app.host, host.ActorOf(r.user), trace.GetDocuments{IDs: some, Keeper: keeper}, keeper)
			if err != nil && !errors.As(err, new(*chaincode.Refusal)) {
				return nil, err
			}
			for _, k := range reply.Documents {
				bodies[k.Document.ID] = k
			}
		}
	}
	return bodies, nil
}

// document gives a document, or nil where the reader may not read it. kept is what
// the contract told of confidential ones.
func (r *reader) document(d documentRow, kept map[string]trace.DocumentBody) (*documentReply, error) {
	reply := &documentReply{ID: d.ID, About: d.About, Owner: d.Owner, Sharing: d.Sharing, At: d.At, Withdrawn: d.Withdrawn, Block: d.Block, Tx: d.Tx,
		File: d.Here && d.Withdrawn == nil, Facts: d.facts()}
	may, err := r.mayReadDocument(d, reply, kept)
	if err != nil || !may {
		return nil, err
	}
	reply.Validity = documents.On(r.app.today(), reply.From, reply.Until)
	return reply, nil
}

func (a *app) today() string { return a.host.Now().UTC().Format(time.DateOnly) }

func (r *reader) mayReadDocument(d documentRow, reply *documentReply, kept map[string]trace.DocumentBody) (bool, error) {
	switch {
	case d.Sharing == trace.Public:
		return true, nil
	case r.user == nil:
		return false, nil
	case d.Sharing == trace.Linked:
		if r.all || r.user.Party == d.Owner {
			return true, nil
		}
		return r.readsThing(d.About, d.Owner)
	}
	body, ok := kept[d.ID]
	if !ok {
		return false, nil
	}
	reply.kept = &body
	return true, json.Unmarshal(body.Facts, &reply.Facts)
}

// readsThing reports whether what is linked to a thing is for the reader: a lot on
// their chain, a product of which a lot is, or a place of a company that has or
// had such a lot.
func (r *reader) readsThing(about, owner string) (bool, error) {
	if r.reads(about) {
		return true, nil
	}
	if r.user.Party == "" {
		return false, nil
	}
	key, err := gs1.Parse(about)
	switch {
	case err != nil:
		return false, nil
	case key.Primary.AI == "414":
		return r.meets(owner)
	case key.Level() != gs1.Class:
		return false, nil
	}
	lots, err := r.lotsAfter(about+"/", 1) // they are sorted
	return len(lots) > 0 && strings.HasPrefix(lots[0], about+"/"), err
}

// meets reports whether a company has or had a lot of the reader's chain.
func (r *reader) meets(company string) (bool, error) {
	if may, known := r.met[company]; known {
		return may, nil
	}
	if _, err := r.lotsAfter("", 1); err != nil { // sorts them
		return false, err
	}
	for _, some := range chunks(r.sorted) {
		list, args := inList(2, some)
		n, err := readmodel.One[int](r.ctx, r.app.db, `SELECT COUNT(*) FROM tr_accounts WHERE party = $1 AND lot IN `+list, append([]any{company}, args...)...)
		if err != nil {
			return false, fmt.Errorf("read whether %s is on the chain: %w", company, err)
		}
		if n > 0 {
			r.met[company] = true
			return true, nil
		}
	}
	r.met[company] = false
	return false, nil
}

// documentQuery is what is asked of the documents.
type documentQuery struct {
	about []string // things; empty: all
	owner string
	kind  string
	after string // a document, the newest being first
	limit int
}

// rowsAtOnce is how many rows are read before it is asked who may read them.
const rowsAtOnce = 100

// documents are those that the reader may read and nobody withdrew, the newest
// first.
func (r *reader) documents(q documentQuery) (all []documentReply, err error) {
	for after := q.after; ; {
		rows, err := r.documentRows(q, after)
		if err != nil {
			return nil, fmt.Errorf("read documents: %w", err)
		}
		kept, err := r.bodies(rows...)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			after = row.ID
			d, err := r.document(row, kept)
			if err != nil {
				return nil, err
			}
			if d == nil || q.kind != "" && d.Kind != q.kind {
				continue
			}
			if all = append(all, *d); len(all) == q.limit {
				return all, nil
			}
		}
		if len(rows) < rowsAtOnce {
			return all, nil
		}
	}
}

// documentRows are rows that may be for the reader: of a restricted one, their
// member keeps a copy.
func (r *reader) documentRows(q documentQuery, after string) ([]documentRow, error) {
	everything := ""
	if r.all {
		everything = "all"
	}
	args := []any{everything, r.user.Party, "% " + r.user.MSP + " %", q.owner, q.owner, after, after, rowsAtOnce}
	about := ""
	if len(q.about) > 0 {
		list, things := inList(len(args)+1, q.about)
		about, args = ` AND d.about IN `+list, append(args, things...)
	}
	return readmodel.All[documentRow](r.ctx, r.app.db, `SELECT `+documentColumns+` WHERE d.withdrawn IS NULL
		AND (d.sharing IN ('public', 'linked') OR $1 = 'all' OR d.owner = $2 OR d.sharing = 'restricted' AND d.keepers LIKE $3)
		AND ($4 = '' OR d.owner = $5)
		AND ($6 = '' OR EXISTS (SELECT 1 FROM tr_documents l WHERE l.id = $7 AND (d.block < l.block OR d.block = l.block AND d.id < l.id)))`+about+`
		ORDER BY d.block DESC, d.id DESC LIMIT $8`, args...)
}

// documentFor is one document; a refusal does not tell whether there is one that
// is not for the reader.
func (a *app) documentFor(c *web.Ctx, id string) (*documentReply, error) {
	rows, err := readmodel.All[documentRow](c.Context(), a.db, `SELECT `+documentColumns+` WHERE d.id = $1`, id)
	if err != nil {
		return nil, err
	}
	r := &reader{app: a, ctx: c.Context()}
	if c.User() != nil {
		if r, err = a.reader(c); err != nil {
			return nil, err
		}
	}
	kept, err := r.bodies(rows...)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if d, err := r.document(row, kept); d != nil || err != nil {
			return d, err
		}
	}
	return nil, trace.ErrNoDocument.Refuse("%s", id)
}

// fileOf reads the file of a document and holds it against the ledger: its hash
// against the facts, and the facts of one that is not for everybody against the
// commitment.
func (a *app) fileOf(ctx context.Context, d *documentReply) ([]byte, error) {
	if !d.File {
		return nil, errFileGone.Refuse("")
	}
	if k := d.kept; k != nil {
		commitment, err := chaincode.Commit(k.Salt, k.Facts)
		if err != nil || !slices.ContainsFunc(k.Document.Copies, func(c trace.Copy) bool { return c.Commitment == commitment }) {
			return nil, errFileDamaged.Refuse("")
		}
	}
	file, err := a.host.Blobs.Get(ctx, d.SHA256) // whose name is its hash
	switch {
	case errors.Is(err, blobs.ErrNotFound):
		return nil, errFileGone.Refuse("")
	case errors.Is(err, blobs.ErrDamaged):
		return nil, errFileDamaged.Refuse("")
	}
	return file, err
}
