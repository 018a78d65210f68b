package embedded

import (
	"fmt"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/peer"
	fabric "github.com/hyperledger/fabric/core/ledger"
	"github.com/hyperledger/fabric/protoutil"
)

// commitBlocks is the one goroutine that commits.
func (l *Ledger) commitBlocks() {
	linger, company := l.config.Linger, 0
	for {
		block, open := l.nextBlock(linger, company)
		if !open {
			return
		}
		begun := time.Now()
		if err := l.commitBlock(block); err != nil {
			l.config.Log.Error("the ledger takes no more writes", "error", err)
			l.line.fail(block, err)
		}
		if company = len(block); l.config.Linger == 0 { // slow disks want larger blocks
			linger = min(4*time.Since(begun), maxLinger)
		}
	}
}

// maxLinger bounds what a commit's duration makes of the linger.
const maxLinger = 25 * time.Millisecond

// nextBlock waits for the line's head to be signed, then cuts: at once when no
// other call is under way, else after the linger or at a full block. The
// callers of the block before, who were just answered, are expected back: for
// half the linger the line waits until it is as long as that block was.
func (l *Ledger) nextBlock(wait time.Duration, company int) (block []*txn, open bool) {
	var back <-chan time.Time
	if company > 1 {
		back = time.After(wait / 2)
	}
	patience := time.NewTimer(l.config.SignWithin)
	defer patience.Stop()
	var linger <-chan time.Time
	for {
		ready, more, open := l.line.ready(l.config.MaxBlock, l.config.MaxBytes)
		if !open {
			return nil, false
		}
		if ready > 0 && !more && (back == nil || ready >= min(company, l.config.MaxBlock)) {
			return l.line.pop(l.config.MaxBlock, l.config.MaxBytes), true
		}
		if ready > 0 && linger == nil {
			linger = time.After(wait)
		}
		select {
		case <-l.line.wake:
		case <-back:
			back = nil
		case <-linger:
			return l.line.pop(l.config.MaxBlock, l.config.MaxBytes), true
		case <-patience.C:
			l.line.expire(l.config.SignWithin)
			patience.Reset(l.config.SignWithin)
		}
	}
}

// ready counts the signed transactions at the line's head, up to one block,
// and says whether waiting could add to them.
func (l *line) ready(max, bytes int) (n int, more, open bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = l.fits(max, bytes)
	more = n < max && n == len(l.order) && l.coming > 0 || n < len(l.order) && !l.order[n].ready
	return n, more, !l.drained || len(l.order) > 0
}

func (l *line) fits(max, bytes int) (n int) {
	size := 0
	for n < len(l.order) && n < max && l.order[n].ready {
		if size += len(l.order[n].envelope); size > bytes && n > 0 {
			break
		}
		n++
	}
	return n
}

func (l *line) pop(max, bytes int) []*txn {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.fits(max, bytes)
	l.block, l.order = l.order[:n:n], l.order[n:]
	return l.block
}

// expire takes the line apart if its head has not been signed in time.
func (l *line) expire(within time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.order) > 0 && !l.order[0].ready && time.Since(l.order[0].since) > within {
		l.cut(0, nil)
	}
}

// commitBlock makes the block durable. An error means that nobody knows.
func (l *Ledger) commitBlock(txns []*txn) (err error) {
	if len(txns) == 0 {
		return nil
	}
	l.still.Lock()
	defer l.still.Unlock()
	defer recovered(&err, "commit block %d", l.line.head+1)
	envelopes := make([][]byte, len(txns))
	private := fabric.TxPvtDataMap{}
	for i, t := range txns {
		envelopes[i] = t.envelope
		if t.private != nil {
			private[uint64(i)] = &fabric.TxPvtData{SeqInBlock: uint64(i), WriteSet: t.private}
		}
	}
	block := newBlock(l.line.head+1, l.line.hash, envelopes)
	if err := l.commit(&fabric.BlockAndPvtData{Block: block, PvtData: private}); err != nil {
		return fmt.Errorf("commit block %d: %w", block.Header.Number, err)
	}
	for i, code := range block.Metadata.Metadata[common.BlockMetadataIndex_TRANSACTIONS_FILTER] {
		if code != byte(peer.TxValidationCode_VALID) { // the line promised that this cannot be
			return fmt.Errorf("block %d, transaction %s: in line it was valid, kvledger says %s",
				block.Header.Number, txns[i].id, peer.TxValidationCode(code))
		}
	}
	l.line.settle(block.Header.Number, protoutil.BlockHeaderHash(block.Header), txns)
	return nil
}
