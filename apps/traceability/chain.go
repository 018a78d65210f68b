package traceability

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/ledger"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// tide counts how often the tables have changed since the host opened: what
// was worked out at one count holds while the count stands.
type tide struct{ count atomic.Uint64 }

// watch counts until ctx ends.
func (t *tide) watch(ctx context.Context, f *readmodel.Follower) {
	changes := f.Subscribe(ctx)
	go func() {
		for range changes {
			t.count.Add(1)
		}
	}()
}

// chains knows which lots each company may read: those it made, ever had in
// hand, is offered or carries, and all that lies up and down the chain of these.
type chains struct {
	db       *readmodel.DB
	follower *readmodel.Follower
	lineage  *lineageCache

	mu      sync.Mutex
	at      ledger.Position // of the tables; not the tide, which comes in after the rows: who logs a lot reads it at once
	byParty map[string]map[string]bool
}

// mostChains bounds the memory: that many companies read at a time.
const mostChains = 64

func (s *chains) of(ctx context.Context, party string) (map[string]bool, error) {
	if party == "" {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, err := s.follower.Position(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the tables have come: %w", err)
	}
	if s.byParty == nil || now != s.at || len(s.byParty) >= mostChains {
		s.at, s.byParty = now, map[string]map[string]bool{}
	}
	if lots, ok := s.byParty[party]; ok {
		return lots, nil
	}
	graph, err := s.lineage.current(ctx)
	if err != nil {
		return nil, err
	}
	own, err := readmodel.All[string](ctx, s.db, `SELECT lot FROM tr_accounts WHERE party = $1 UNION SELECT id FROM tr_lots WHERE maker = $1
		UNION SELECT l.lot FROM tr_shipment_lines l JOIN tr_shipments s ON s.id = l.shipment WHERE s.carrier = $1 OR s.receiver = $1 AND s.state = $2`, party, trace.Offered)
	if err != nil {
		return nil, fmt.Errorf("read the lots of %s: %w", party, err)
	}
	lots := map[string]bool{}
	for _, direction := range []lineage.Direction{lineage.Back, lineage.Forward} {
		for _, lot := range graph.Names(direction, own...) {
			lots[lot] = true
		}
	}
	s.byParty[party] = lots
	return lots, nil
}
