package embedded

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/hyperledger/fabric-protos-go-apiv2/common"
	"github.com/hyperledger/fabric/core/ledger/kvledger"
	"google.golang.org/protobuf/encoding/protowire"
)

// rawBlock is a block as it stands in a block file, read past every cache and
// index of kvledger.
type rawBlock struct {
	*common.Block
	file   string
	offset int64 // of its length prefix
	size   int   // with the prefix
}

// rawBlocks reads the blocks of a ledger's folder in order, from block 0 on up
// to below height; height 0 means all there are. A *Fault ends it.
func rawBlocks(dir string, height uint64) iter.Seq2[rawBlock, error] {
	return func(yield func(rawBlock, error) bool) {
		next := uint64(0)
		for n := 0; height == 0 || next < height; n++ {
			path := filepath.Join(kvledger.BlockStorePath(dir), "chains", Channel, fmt.Sprintf("blockfile_%06d", n))
			more, err := rawFile(path, &next, height, yield)
			if errors.Is(err, fs.ErrNotExist) && n > 0 && height == 0 {
				return
			}
			if err != nil {
				yield(rawBlock{}, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// rawFile reads one file's blocks; more says whether to go on to the next file.
func rawFile(path string, next *uint64, height uint64, yield func(rawBlock, error) bool) (more bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, &Fault{Block: *next, File: filepath.Base(path), What: "the file with this block is missing", cause: err}
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	r, offset := bufio.NewReaderSize(f, 1<<20), int64(0)
	for height == 0 || *next < height {
		b, err := rawNext(r, info.Size()-offset)
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, &Fault{Block: *next, File: filepath.Base(path), Offset: offset, What: err.Error()}
		}
		b.file, b.offset = filepath.Base(path), offset
		offset += int64(b.size)
		*next++
		if !yield(b, nil) {
			return false, nil
		}
	}
	return false, nil
}

// rawNext reads one block: its length as a varint, then its bytes. What it
// accepts has one encoding only, so that no flipped bit passes as another way
// to say the same.
func rawNext(r *bufio.Reader, left int64) (rawBlock, error) {
	if left == 0 {
		return rawBlock{}, io.EOF
	}
	prefix, _ := r.Peek(int(min(left, 10)))
	length, n := protowire.ConsumeVarint(prefix)
	if n < 0 || protowire.SizeVarint(length) != n {
		return rawBlock{}, errors.New("its length cannot be read")
	}
	if length > uint64(left-int64(n)) {
		return rawBlock{}, fmt.Errorf("it is cut short: %d bytes of %d are there", left-int64(n), length)
	}
	r.Discard(n)
	content := make([]byte, length)
	if _, err := io.ReadFull(r, content); err != nil {
		return rawBlock{}, fmt.Errorf("its bytes cannot be read: %w", err)
	}
	b, err := decodeBlock(content)
	if err != nil {
		return rawBlock{}, err
	}
	if !bytes.Equal(encodeBlock(b), content) {
		return rawBlock{}, errors.New("its bytes are not the encoding of what they say")
	}
	return rawBlock{Block: b, size: n + len(content)}, nil
}

// encodeBlock writes a block as block files hold it: number, data hash,
// previous hash, envelopes, metadata.
func encodeBlock(b *common.Block) []byte {
	out := protowire.AppendVarint(nil, b.Header.Number)
	out = protowire.AppendBytes(out, b.Header.DataHash)
	out = protowire.AppendBytes(out, b.Header.PreviousHash)
	for _, list := range [][][]byte{b.Data.Data, b.Metadata.Metadata} {
		out = protowire.AppendVarint(out, uint64(len(list)))
		for _, item := range list {
			out = protowire.AppendBytes(out, item)
		}
	}
	return out
}

func decodeBlock(content []byte) (*common.Block, error) {
	d := decoder{rest: content}
	b := &common.Block{Header: &common.BlockHeader{}, Data: &common.BlockData{}, Metadata: &common.BlockMetadata{}}
	b.Header.Number, b.Header.DataHash, b.Header.PreviousHash = d.varint(), d.bytes(), d.bytes()
	b.Data.Data, b.Metadata.Metadata = d.list(), d.list()
	if d.broken || len(d.rest) > 0 {
		return nil, errors.New("its bytes cannot be read as a block")
	}
	if len(b.Header.PreviousHash) == 0 {
		b.Header.PreviousHash = nil
	}
	return b, nil
}

// decoder reads lengths and byte strings until one does not fit.
type decoder struct {
	rest   []byte
	broken bool
}

func (d *decoder) varint() uint64 {
	v, n := protowire.ConsumeVarint(d.rest)
	if d.broken = d.broken || n < 0; d.broken {
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes() []byte {
	v, n := protowire.ConsumeBytes(d.rest)
	if d.broken = d.broken || n < 0; d.broken {
		return nil
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) list() (all [][]byte) {
	for n := d.varint(); n > 0 && !d.broken; n-- {
		all = append(all, d.bytes())
	}
	return all
}
