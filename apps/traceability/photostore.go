package traceability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/tallyway/tallyway/apps/traceability/photos"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/blobs"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/picture"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// photoStore keeps the files of photos and finds photos that look alike.
type photoStore struct {
	*fileKeeper
	reading chan struct{} // seats of those who decode
	index   photos.Index

	mu   sync.Mutex
	upto int64 // block up to which the index has been filled
}

// photosAtOnce bounds the memory: a photo of 60 megapixels takes 240 MB.
const photosAtOnce = 2

const smallSide = 640 // pixels of the copy that pages show

func newPhotoStore(k *fileKeeper) *photoStore {
	s := &photoStore{fileKeeper: k, reading: make(chan struct{}, photosAtOnce)}
	k.left = append(k.left, leftovers{`SELECT f.sha256 FROM tr_photo_files f LEFT JOIN tr_photos p ON p.sha256 = f.sha256
		WHERE p.sha256 IS NULL AND f.at < $1`, s.drop})
	return s
}

// openFiles keeps photos and documents in one store, with one broom.
func (a *app) openFiles(ctx context.Context) {
	files := &fileKeeper{host: a.host, db: a.db}
	a.photos, a.documents = newPhotoStore(files), newDocumentStore(files)
	a.host.Go(func() { files.tidy(ctx) })
}

// errPhotoFile tells what is wrong with an uploaded file.
var errPhotoFile = chaincode.Rule{Code: "photo/file", Kind: chaincode.Malformed,
	Text:   "The file cannot be taken as a photo.",
	Remedy: "Send a photo in JPEG, PNG or WebP: at most 20 MB and 60 megapixels, at least 64 pixels a side."}

// examined is an uploaded photo with all that is computed of it.
type examined struct {
	file   []byte
	photo  *picture.Photo
	hashes [picture.Orientations]picture.PDQ
	trace.RegisterPhoto
}

// examine reads a photo and computes its hashes.
func (s *photoStore) examine(ctx context.Context, file []byte) (*examined, error) {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p, err := picture.Decode(file)
	if err != nil {
		return nil, errPhotoFile.Refuse("%s", reasonOf(err)).On("photo")
	}
	e := &examined{file: file, photo: p}
	e.hashes, e.Quality = p.Hashes()
	e.SHA256, e.Type, e.Width, e.Height, e.Size = blobs.Name(file), p.Type, p.Width, p.Height, int64(len(file))
	for _, h := range e.hashes {
		e.Perceptual = append(e.Perceptual, h.String())
	}
	return e, nil
}

// reasonOf is the package's sentence, without what a decoder said.
func reasonOf(err error) string {
	for _, known := range []error{picture.ErrTooLarge, picture.ErrFormat, picture.ErrPixels, picture.ErrBroken} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return err.Error()
}

// register keeps the file and puts the photo on record.
func (s *photoStore) register(ctx context.Context, by host.Actor, e *examined, shown bool) (trace.PhotoState, error) {
	fresh, err := s.keepPhoto(ctx, e, shown)
	if err != nil {
		return trace.PhotoState{}, err
	}
	state, _, err := host.Do[trace.PhotoState](ctx, s.host, by, e.RegisterPhoto)
	return state, s.settle(ctx, err, fresh, func(ctx context.Context) error { return s.drop(ctx, e.SHA256) })
}

// keepPhoto writes the original and a small copy.
func (s *photoStore) keepPhoto(ctx context.Context, e *examined, shown bool) (fresh bool, err error) {
	var small bytes.Buffer
	if err := e.photo.Small(&small, smallSide); err != nil {
		return false, fmt.Errorf("make a small copy: %w", err)
	}
	return s.keep(ctx, [][]byte{small.Bytes(), e.file}, `INSERT INTO tr_photo_files (sha256, small, shown, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		e.SHA256, blobs.Name(small.Bytes()), shown, s.host.Now().UTC())
}

// drop forgets the files of a photo: what is on record stays there.
func (s *photoStore) drop(ctx context.Context, sha string) error {
	small, err := readmodel.All[string](ctx, s.db, `SELECT small FROM tr_photo_files WHERE sha256 = $1`, sha)
	if err != nil {
		return err
	}
	return s.forget(ctx, append(small, sha), `DELETE FROM tr_photo_files WHERE sha256 = $1`, sha)
}

// near lists the photos on record that look like this one.
func (s *photoStore) near(ctx context.Context, e *examined, most int) ([]photos.Match, error) {
	if err := s.fill(ctx); err != nil {
		return nil, err
	}
	return s.index.Near(e.hashes, most), nil
}

// fill brings the index up to the read model.
func (s *photoStore) fill(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	type row struct {
		SHA   string `db:"sha256"`
		Hash  string `db:"perceptual"`
		Block int64  `db:"block"`
	}
	rows, err := readmodel.All[row](ctx, s.db, `SELECT sha256, perceptual, block FROM tr_photos WHERE block > $1 ORDER BY block`, s.upto)
	if err != nil {
		return fmt.Errorf("read the photos on record: %w", err)
	}
	for _, r := range rows {
		h, err := picture.ParsePDQ(strings.TrimSpace(r.Hash))
		if err != nil {
			return fmt.Errorf("photo %s: %w", r.SHA, err)
		}
		s.index.Add(r.SHA, h)
		s.upto = r.Block
	}
	return nil
}

func photoRegistered(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.PhotoRegistered) error {
	p := e.Photo
	return run(ctx, tx, `INSERT INTO tr_photos (sha256, perceptual, quality, type, width, height, size, about, msp, party, by_user, at, block, tx)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		p.SHA256, p.Perceptual[0], p.Quality, p.Type, p.Width, p.Height, p.Size, p.About, p.Org, p.Party, p.User, p.At, int64(m.Block), m.TxID)
}
