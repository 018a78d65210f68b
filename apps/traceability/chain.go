package traceability

import (
	"context"
	"fmt"
	"sync"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/lineage"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// chains knows which lots each company may read: those it made, ever had in
// hand, is offered or carries, and all that lies up and down the chain of these.
type chains struct {
	db       *readmodel.DB
	follower *readmodel.Follower
	lineage  *lineageCache

	mu      sync.Mutex
	at      uint64 // version of the tables
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
	if now := s.follower.Version(); s.byParty == nil || now != s.at || len(s.byParty) >= mostChains {
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
