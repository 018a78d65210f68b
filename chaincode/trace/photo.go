package trace

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/party"
)

// RegisterPhoto puts on record that a photo was there at this time, and who
// brought it. The photo itself stays off the ledger.
type RegisterPhoto struct {
	SHA256 string `json:"sha256"` // of the file, hexadecimal
	// Perceptual are its PDQ hashes (256 bits, hexadecimal) in the eight
	// orientations, as it lies first.
	Perceptual []string `json:"perceptual"`
	Quality    int      `json:"quality"` // of these hashes, 0 to 100
	Type       string   `json:"type"`    // media type
	Width      int      `json:"width"`   // pixels
	Height     int      `json:"height"`
	Size       int64    `json:"size"`            // bytes
	About      string   `json:"about,omitempty"` // a lot, as in Lot.ID
}

// Photo is a photo on record.
type Photo struct {
	RegisterPhoto
	Org   string    `json:"org"`
	Party string    `json:"party,omitempty"` // none of a public account
	User  string    `json:"user"`
	At    time.Time `json:"at"`
}

// PhotoRegistered tells of a photo on record.
type PhotoRegistered struct {
	Photo Photo `json:"photo"`
}

// PhotoState is the reply to RegisterPhoto. A repeat by the same user finds the
// photo on record already.
type PhotoState struct {
	SHA256 string `json:"sha256"`
	Status string `json:"status"` // "registered" or "known"
}

// GetPhoto asks for a photo on record.
type GetPhoto struct {
	SHA256 string `json:"sha256"`
}

var (
	photos     = chaincode.Table[Photo]{Name: "photo"}
	photoSlots = chaincode.Table[string]{Name: "photo-slot"} // by user, day and number: a photo
	photoDays  = chaincode.Table[string]{Name: "photo-day"}  // by user: the last day
)

// The bounds of a photo on record.
const (
	PhotosADay    = 3 // of a public account
	orientations  = 8
	mostSide      = 100_000
	mostPhotoSize = 1 << 30
)

var (
	// ErrPhoto asks for what a photo is found again by.
	ErrPhoto = chaincode.Rule{Code: "trace/photo", Kind: chaincode.Malformed,
		Text:   "A photo needs its SHA-256, eight perceptual hashes, its type and its size.",
		Remedy: "Upload the photo itself, so that its hashes are computed."}
	// ErrPhotoKnown keeps the first who brought a photo the first.
	ErrPhotoKnown = chaincode.Rule{Code: "trace/photo-known", Kind: chaincode.Conflict,
		Text: "This photo is on record already.", Remedy: "Verify it by its file to see since when."}
	// ErrPhotoQuota keeps public accounts from filling the ledger.
	ErrPhotoQuota = chaincode.Rule{Code: "trace/photo-quota", Kind: chaincode.Conflict,
		Text: "A public account registers three photos a day.", Remedy: "Come back tomorrow (UTC), or ask a company for an account."}
	// ErrNoPhoto names a photo that nobody registered.
	ErrNoPhoto = chaincode.Rule{Code: "trace/no-photo", Kind: chaincode.NotFound,
		Text: "This photo is not on record.", Remedy: "Check the hash, or verify the file."}
)

func registerPhoto(tx *chaincode.Tx, c RegisterPhoto) (PhotoState, error) {
	p, err := c.photo(tx)
	if err != nil {
		return PhotoState{}, err
	}
	if first, ok := photos.Get(tx, p.SHA256); ok {
		if first.Org == p.Org && first.User == p.User {
			return PhotoState{p.SHA256, "known"}, nil
		}
		return PhotoState{}, ErrPhotoKnown.Refuse("since %s", first.At.UTC().Format(time.RFC3339)).On("sha256")
	}
	if p.Party == "" {
		if err := takeSlot(tx, p); err != nil {
			return PhotoState{}, err
		}
	}
	photos.Put(tx, p, p.SHA256)
	tx.Emit(PhotoRegistered{p})
	return PhotoState{p.SHA256, "registered"}, nil
}

// photo checks the command and says who brings it: a company's user, or a public
// account that acts for nobody else.
func (c RegisterPhoto) photo(tx *chaincode.Tx) (Photo, error) {
	by := tx.Caller()
	p := Photo{RegisterPhoto: c, Org: by.Org, Party: by.Party, User: by.User, At: tx.At()}
	if by.Party != "" || !by.Has(party.Public) {
		if _, err := party.Active(tx); err != nil {
			return p, err
		}
	}
	if err := c.check(); err != nil {
		return p, err
	}
	if c.About != "" && !lots.Has(tx, c.About) {
		return p, ErrNoLot.Refuse("%s", c.About).On("about")
	}
	return p, nil
}

func (c RegisterPhoto) check() error {
	switch {
	case !isHash(c.SHA256):
		return ErrPhoto.Refuse("%s is no SHA-256", c.SHA256).On("sha256")
	case len(c.Perceptual) != orientations:
		return ErrPhoto.Refuse("%s perceptual hashes", len(c.Perceptual)).On("perceptual")
	case c.Quality < 0 || c.Quality > 100:
		return ErrPhoto.Refuse("quality %s", c.Quality).On("quality")
	case !strings.HasPrefix(c.Type, "image/") || len(c.Type) > 40:
		return ErrPhoto.Refuse("%s is no photo", c.Type).On("type")
	case c.Width < 1 || c.Height < 1 || c.Width > mostSide || c.Height > mostSide || c.Size < 1 || c.Size > mostPhotoSize:
		return ErrPhoto.Refuse("%s x %s pixels in %s bytes", c.Width, c.Height, c.Size).On("size")
	}
	for _, h := range c.Perceptual {
		if !isHash(h) {
			return ErrPhoto.Refuse("%s is no perceptual hash", h).On("perceptual")
		}
	}
	return nil
}

// isHash takes 256 bits in lower-case hexadecimal digits.
func isHash(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) == 32 && strings.ToLower(text) == text
}

// takeSlot takes one of the day's places of a public account. Two at once read
// and write the same place, so one of them runs again and sees the other; a photo
// that is refused takes none. A day that has passed does not come back, whatever
// the client's clock says.
func takeSlot(tx *chaincode.Tx, p Photo) error {
	day := p.At.UTC().Format(time.DateOnly)
	if last, _ := photoDays.Get(tx, p.Org, p.User); last > day {
		day = last
	}
	for n := range PhotosADay {
		slot := []string{p.Org, p.User, day, strconv.Itoa(n)}
		if !photoSlots.Has(tx, slot...) {
			photoSlots.Put(tx, p.SHA256, slot...)
			photoDays.Put(tx, day, p.Org, p.User)
			return nil
		}
	}
	return ErrPhotoQuota.Refuse("%s", day).On("photo")
}

func getPhoto(tx *chaincode.Tx, q GetPhoto) (Photo, error) {
	p, ok := photos.Get(tx, q.SHA256)
	if !ok {
		return p, ErrNoPhoto.Refuse("%s", q.SHA256).On("sha256")
	}
	return p, nil
}
