package traceability

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// directory remembers who is called what, across requests: companies, products
// and places are few, and every page names some. What it holds stands until an
// event tells of any of them.
type directory struct {
	db      *readmodel.DB
	version func() uint64 // of what it remembers

	mu    sync.Mutex
	at    uint64
	known map[question]listing
}

// question is a query for two texts of one id.
type question struct{ query, id string }

// listing is its answer; there is none for ids that the tables do not know.
type listing struct {
	first, second string
	found         bool
}

// mostListings bounds the memory: some megabytes.
const mostListings = 1 << 16

// describing are the events that the directory's tables follow.
var describing = []string{chaincode.NameOf(party.Registered{}), chaincode.NameOf(party.Changed{}),
	chaincode.NameOf(trace.ProductDescribed{}), chaincode.NameOf(trace.PlaceDescribed{}),
	chaincode.NameOf(trace.LinkPublished{}), chaincode.NameOf(trace.LinkWithdrawn{}),
	chaincode.NameOf(trace.DocumentAttached{}), chaincode.NameOf(trace.DocumentWithdrawn{})}

func newDirectory(db *readmodel.DB, f *readmodel.Follower) *directory {
	return &directory{db: db, version: func() uint64 { return f.Version(describing...) }}
}

// look asks the tables what is not known since their last change.
func (d *directory) look(ctx context.Context, q question) (listing, error) {
	version := d.version()
	if l, ok := d.recall(version, q); ok {
		return l, nil
	}
	var l listing
	err := d.db.QueryRowContext(ctx, q.query, q.id).Scan(&l.first, &l.second)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return l, err
	}
	l.found = err == nil
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at == version { // else the tables may have changed since they were asked
		d.known[q] = l
	}
	return l, nil
}

func (d *directory) recall(version uint64, q question) (listing, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.known == nil || d.at != version || len(d.known) >= mostListings {
		d.at, d.known = version, map[question]listing{}
	}
	l, ok := d.known[q]
	return l, ok
}
