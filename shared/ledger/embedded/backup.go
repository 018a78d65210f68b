package embedded

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric-protos-go-apiv2/ledger/rwset"
	fabric "github.com/hyperledger/fabric/core/ledger"
	"github.com/hyperledger/fabric/protoutil"
	"google.golang.org/protobuf/proto"
)

// A backup is a line of text, then frames, then an empty frame and the SHA-256
// of everything before it. A frame is its length in four bytes, high byte
// first, and that many bytes: for each block the block, the number of its
// transactions with private data, and for each of them its index and its
// private writes.
const backupTitle = "tallyway ledger 1\n"

// maxFrame bounds what Restore allocates before it knows what it reads.
const maxFrame = 1 << 28

// Backup writes all blocks that are committed by now, with their private data,
// as one stream. Calls and commits go on meanwhile. The stream holds every
// member's private collection: keep it as safe as the ledger's folder.
func (l *Ledger) Backup(ctx context.Context, to io.Writer) error {
	if err := l.enter(false); err != nil {
		return err
	}
	defer l.submits.Done()
	buffered := bufio.NewWriterSize(to, 1<<20)
	w := &frameWriter{to: buffered, sum: sha256.New()}
	w.raw([]byte(backupTitle))
	for n := uint64(0); n <= l.Head().Block; n++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := l.peer.GetPvtDataAndBlockByNum(n, nil)
		if err != nil {
			return fmt.Errorf("back up block %d: %w", n, err)
		}
		if w.block(b); w.err != nil {
			return fmt.Errorf("back up block %d: %w", n, w.err)
		}
	}
	w.frame(nil)
	w.raw(w.sum.Sum(nil))
	return errors.Join(w.err, buffered.Flush())
}

// frameWriter remembers its first error.
type frameWriter struct {
	to  io.Writer
	sum hash.Hash
	err error
}

func (w *frameWriter) raw(b []byte) {
	w.sum.Write(b)
	if w.err == nil {
		_, w.err = w.to.Write(b)
	}
}

func (w *frameWriter) frame(b []byte) {
	w.number(len(b))
	w.raw(b)
}

func (w *frameWriter) number(n int) {
	if n > maxFrame && w.err == nil {
		w.err = fmt.Errorf("a frame of %d bytes", n)
	}
	w.raw(binary.BigEndian.AppendUint32(nil, uint32(n)))
}

func (w *frameWriter) block(b *fabric.BlockAndPvtData) {
	w.frame(encodeBlock(b.Block))
	w.number(len(b.PvtData))
	for i := range b.Block.Data.Data {
		if p := b.PvtData[uint64(i)]; p != nil {
			w.number(i)
			w.frame(protoutil.MarshalOrPanic(p.WriteSet))
		}
	}
}

// Restore makes a ledger in an empty folder from a backup. Every block is
// checked and committed anew: its hashes and signatures, its private data, and
// that it has the same effect as it had. After an error the folder is of no use.
func Restore(ctx context.Context, dir string, orgs []string, verifier Verifier, from io.Reader) (err error) {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("restore into %s: the folder is not empty", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("restore into %s: %w", dir, err)
	}
	store, err := openStore(dir, orgs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.close()) }()
	r := &frameReader{from: bufio.NewReaderSize(from, 1<<20), sum: sha256.New()}
	if title := r.raw(len(backupTitle)); string(title) != backupTitle {
		return errors.New("restore: this is not a backup of a ledger")
	}
	return restoreBlocks(ctx, store, &chain{verifier: verifier, replay: newReplay()}, r)
}

func restoreBlocks(ctx context.Context, store *store, c *chain, r *frameReader) error {
	var channel fabric.PeerLedger
	defer func() {
		if channel != nil {
			channel.Close()
		}
	}()
	for ctx.Err() == nil {
		b, err := r.block()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("restore block %d: %w", c.next, err)
		}
		if err := c.check(b.Block); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		if channel, err = recommit(store, channel, b); err != nil {
			return fmt.Errorf("restore block %d: %w", c.next-1, err)
		}
	}
	return ctx.Err()
}

// recommit commits a block without the verdicts of its first commit, and
// compares them with the new ones.
func recommit(store *store, channel fabric.PeerLedger, b *fabric.BlockAndPvtData) (_ fabric.PeerLedger, err error) {
	defer recovered(&err, "commit")
	before := b.Block.Metadata.Metadata
	fresh := newBlock(b.Block.Header.Number, b.Block.Header.PreviousHash, b.Block.Data.Data)
	if fresh.Header.Number == 0 {
		return store.provider.CreateFromGenesisBlock(fresh)
	}
	if err := channel.CommitLegacy(&fabric.BlockAndPvtData{Block: fresh, PvtData: b.PvtData}, &fabric.CommitOptions{}); err != nil {
		return channel, err
	}
	for _, field := range []common.BlockMetadataIndex{common.BlockMetadataIndex_TRANSACTIONS_FILTER, common.BlockMetadataIndex_COMMIT_HASH} {
		if !bytes.Equal(fresh.Metadata.Metadata[field], before[field]) {
			return channel, fmt.Errorf("it has another effect than it had (%s)", field)
		}
	}
	return channel, nil
}

// frameReader remembers its first error.
type frameReader struct {
	from io.Reader
	sum  hash.Hash
	err  error
}

func (r *frameReader) raw(n int) []byte {
	if r.err != nil {
		return nil
	}
	var b bytes.Buffer // grows with what is really there, not with what a length says
	if _, err := io.CopyN(&b, r.from, int64(n)); err != nil {
		r.err = fmt.Errorf("the backup is cut short: %w", io.ErrUnexpectedEOF)
		return nil
	}
	r.sum.Write(b.Bytes())
	return b.Bytes()
}

func (r *frameReader) number() int {
	b := r.raw(4)
	if r.err != nil {
		return 0
	}
	n := binary.BigEndian.Uint32(b)
	if n > maxFrame {
		r.err = fmt.Errorf("a frame of %d bytes", n)
		return 0
	}
	return int(n)
}

// block reads the next block; io.EOF after the last, if the sum is right.
func (r *frameReader) block() (*fabric.BlockAndPvtData, error) {
	content := r.raw(r.number())
	if r.err == nil && len(content) == 0 {
		return nil, r.end()
	}
	if r.err != nil {
		return nil, r.err
	}
	b, err := decodeBlock(content)
	if err != nil {
		return nil, err
	}
	out := &fabric.BlockAndPvtData{Block: b, PvtData: fabric.TxPvtDataMap{}}
	for n := r.number(); n > 0 && r.err == nil; n-- {
		i, set := uint64(r.number()), &rwset.TxPvtReadWriteSet{}
		if err := proto.Unmarshal(r.raw(r.number()), set); err != nil {
			return nil, err
		}
		out.PvtData[i] = &fabric.TxPvtData{SeqInBlock: i, WriteSet: set}
	}
	return out, r.err
}

func (r *frameReader) end() error {
	want := r.sum.Sum(nil)
	if got := r.raw(sha256.Size); r.err == nil && !bytes.Equal(got, want) {
		r.err = errors.New("the backup's checksum is wrong")
	}
	if r.err != nil {
		return r.err
	}
	return io.EOF
}
