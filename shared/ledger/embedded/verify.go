package embedded

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/queryresult"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	commonledger "github.com/hyperledger/fabric/common/ledger"
	fabric "github.com/hyperledger/fabric/core/ledger"
)

// Verify reads every block from its file and checks that the chain is whole:
// hashes, transaction ids, the signatures of users and endorsers, the versions
// of the keys that were read (ranges are not read again), and that the blocks'
// writes give the state and the private collections as they are now. The error
// joins a *Fault for each block with one, up to MostFaults, or, where the blocks
// are whole, one for the first difference in the state and in each collection.
// Calls go on meanwhile, but commits wait while the state is compared.
func (l *Ledger) Verify(ctx context.Context, progress func(block, of uint64)) error {
	if err := l.enter(false); err != nil {
		return err
	}
	defer l.submits.Done()
	c := &chain{verifier: l.config.Verifier, replay: newReplay()}
	if err := c.walk(ctx, l.config.Dir, l.Head().Block+1, progress); err != nil {
		return err
	}
	l.still.Lock() // no block is being committed
	defer l.still.Unlock()
	height := l.Head().Block + 1
	for n := c.next; n < height; n++ {
		b, err := l.peer.GetBlockByNumber(n)
		if err != nil {
			return fmt.Errorf("read block %d: %w", n, err)
		}
		if err := c.check(b); err != nil {
			return err
		}
	}
	return compare(ctx, l.peer, l.config.Orgs, c.replay, height)
}

// VerifyDir does the same for a ledger that no process has open. It reads the
// block files first, and opens the ledger only if they are whole.
func VerifyDir(ctx context.Context, dir string, orgs []string, verifier Verifier, progress func(block, of uint64)) error {
	c := &chain{verifier: verifier, replay: newReplay()}
	if err := c.walk(ctx, dir, 0, progress); err != nil {
		return err
	}
	store, err := openStore(dir, orgs)
	if err != nil {
		return err
	}
	p, err := store.openChannel(time.Now)
	if err != nil {
		return errors.Join(&Fault{Block: c.next, cause: err,
			What: "the files are whole up to the block before, but the ledger does not open: " + err.Error()}, store.close())
	}
	defer store.close()
	defer p.Close()
	info, err := p.GetBlockchainInfo()
	if err != nil {
		return fmt.Errorf("read the ledger's height: %w", err)
	}
	if info.Height != c.next {
		return &Fault{Block: min(info.Height, c.next), What: fmt.Sprintf("the files hold %d blocks, the index knows of %d", c.next, info.Height)}
	}
	return compare(ctx, p, orgs, c.replay, info.Height)
}

// MostFaults bounds what one verification tells of each part.
const MostFaults = 20

// walk checks the blocks of a folder; height 0 means all there are. Behind a
// block with a fault it goes on, as far as the files can be read.
func (c *chain) walk(ctx context.Context, dir string, height uint64, progress func(block, of uint64)) error {
	var faults []error
	for b, err := range rawBlocks(dir, height) {
		if err = unjoin(errors.Join(err, ctx.Err())); err != nil {
			return unjoin(errors.Join(append(faults, err)...))
		}
		if err := c.check(b.Block); err != nil {
			if faults = append(faults, b.locate(err)); len(faults) == MostFaults {
				break
			}
			c.passOver(b.Block)
		}
		if progress != nil {
			progress(b.Header.Number, max(height, c.next))
		}
	}
	if len(faults) == 0 && c.next < height {
		return &Fault{Block: c.next, What: fmt.Sprintf("the files end here, the ledger's height is %d", height)}
	}
	return unjoin(errors.Join(faults...))
}

// locate adds the block's place to a fault.
func (b rawBlock) locate(err error) error {
	var f *Fault
	if errors.As(err, &f) {
		f.File, f.Offset = b.file, b.offset
	}
	return err
}

// unjoin keeps a lone error as it is.
func unjoin(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok && len(j.Unwrap()) == 1 {
		return j.Unwrap()[0]
	}
	return err
}

// compare holds what the blocks lead to against the databases.
func compare(ctx context.Context, p fabric.PeerLedger, orgs []string, r *replay, height uint64) error {
	state, err := p.NewQueryExecutor()
	if err != nil {
		return fmt.Errorf("open the state: %w", err)
	}
	defer state.Done()
	rows, err := state.GetStateRangeScanIterator(Namespace, "", "")
	if err != nil {
		return fmt.Errorf("scan the state: %w", err)
	}
	faults := []error{compareRows(ctx, "the state", rows, r.public, func(key string) string { return key })}
	for _, org := range orgs {
		rows, err := state.GetPrivateDataRangeScanIterator(Namespace, Collection(org), "", "")
		if err != nil {
			return fmt.Errorf("scan the collection of %s: %w", org, err)
		}
		hashed := func(key string) string { sum := sha256.Sum256([]byte(key)); return string(sum[:]) }
		faults = append(faults, compareRows(ctx, "the collection of "+org, rows, r.hashed[Collection(org)], hashed))
	}
	return unjoin(errors.Join(append(faults, compareIndex(ctx, p, r, height))...))
}

func compareRows(ctx context.Context, where string, rows commonledger.ResultsIterator, want map[string]cell, name func(string) string) error {
	defer rows.Close()
	seen := 0
	for {
		next, err := rows.Next()
		if err = errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("scan %s: %w", where, err)
		}
		kv, _ := next.(*queryresult.KV)
		if kv == nil {
			break
		}
		c, ok := want[name(kv.Key)]
		if !ok || c.deleted {
			return &Fault{Block: c.at.block, What: fmt.Sprintf("%s holds %q, which no block put there", where, kv.Key)}
		}
		if sha256.Sum256(kv.Value) != c.value {
			return &Fault{Block: c.at.block, Tx: fmt.Sprintf("%x", c.writer), What: fmt.Sprintf("%s holds another value of %q than this block wrote", where, kv.Key)}
		}
		seen++
	}
	newest, lacking := uint64(0), -seen
	for _, c := range want {
		if !c.deleted {
			lacking, newest = lacking+1, max(newest, c.at.block)
		}
	}
	if lacking > 0 {
		return &Fault{Block: newest, What: fmt.Sprintf("%s lacks %d of the keys that were written up to this block", where, lacking)}
	}
	return nil
}

// compareIndex looks up the newest writer of every key by its transaction id.
func compareIndex(ctx context.Context, p fabric.PeerLedger, r *replay, height uint64) error {
	asked := map[version]bool{}
	for _, c := range r.public {
		if asked[c.at] {
			continue
		}
		asked[c.at] = true
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id := fmt.Sprintf("%x", c.writer)
		code, block, err := p.GetTxValidationCodeByTxID(id)
		if err != nil || code != peer.TxValidationCode_VALID || block != c.at.block {
			return &Fault{Block: c.at.block, Tx: id, What: fmt.Sprintf("the index finds it in block %d as %s (%v)", block, code, err)}
		}
	}
	return nil
}
