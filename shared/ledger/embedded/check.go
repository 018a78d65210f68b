package embedded

import "context"

type Fault struct{ Block uint64 }
type health struct{}

func (l *Ledger) checkAtStart(ctx context.Context, height uint64) error { return nil }
func (l *Ledger) scrubForever(ctx context.Context)                      {}
