package traceability

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/tallyway/tallyway/apps/traceability/photos"
	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/picture"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// Photo evidence: photos put on record, looked up by their files, and certified.

const photoBody = picture.MaxBytes + 1<<20 // with the rest of the form

func (a *app) photoRoutes() []web.Route {
	guests := web.AnyUser.Guests()
	return []web.Route{
		{Method: "GET", Path: "/photos", Name: "photos", Access: web.Public, Handler: a.photosPage},
		{Method: "POST", Path: "/photos", Name: "photos.register", Access: guests, Body: photoBody, Handler: a.addPhoto},
		{Method: "POST", Path: "/photos/verify", Name: "photos.verify", Access: web.Public, Body: photoBody, Handler: a.verifyPhoto},
		{Method: "GET", Path: "/photos/:sha", Name: "photos.page", Access: web.Public, Handler: a.photoPage},
		{Method: "GET", Path: "/photos/:sha/image", Name: "photos.image", Access: guests.Owned(), Handler: a.photoImage},
		{Method: "POST", Path: "/photos/:sha/forget", Name: "photos.forget", Access: guests.Owned(), Handler: a.forgetPhoto},
		{Method: "GET", Path: "/api/photos", Name: "api.photos", Access: guests.Owned(), Handler: a.apiPhotos, Doc: &web.Doc{
			Summary: "The photos that you put on record, the newest first.", List: true, Reply: photoReply{}}},
		{Method: "POST", Path: "/api/photos", Name: "api.photo.register", Access: guests, Body: photoBody, Handler: a.apiAddPhoto, Doc: &web.Doc{
			Summary: "Put a photo on record: the file itself is the body.", Takes: "image/*", Reply: committed[trace.PhotoState]{}, Status: http.StatusCreated,
			Query: []web.Param{{Name: "about", Summary: "the id of a lot that the photo is about"}, {Name: "shown", Summary: "true shows it to all on that lot's chain"}}}},
		{Method: "POST", Path: "/api/photos/verify", Name: "api.photo.verify", Access: web.Public, Body: photoBody, Handler: a.apiVerifyPhoto, Doc: &web.Doc{
			Summary: "Whether this photo, or one that looks like it, is on record: the file itself is the body.", Takes: "image/*", Reply: photoVerdict{}}},
		{Method: "GET", Path: "/api/photos/:sha", Name: "api.photo", Access: web.Public, Handler: a.apiPhoto, Doc: &web.Doc{
			Summary: "A photo on record, by the SHA-256 of its file.", Reply: photoReply{}}},
	}
}

// photoRow is a row of tr_photos with the file that this host has of it.
type photoRow struct {
	SHA256  string    `json:"sha256" db:"sha256"`
	Hash    string    `json:"pdq" db:"perceptual"`
	Quality int64     `json:"quality" db:"quality"`
	Type    string    `json:"type" db:"type"`
	Width   int64     `json:"width" db:"width"`
	Height  int64     `json:"height" db:"height"`
	Size    int64     `json:"size" db:"size"`
	About   string    `json:"-" db:"about"`
	MSP     string    `json:"member" db:"msp"`
	Party   string    `json:"company,omitempty" db:"party"`
	User    string    `json:"user" db:"by_user"`
	At      time.Time `json:"at" db:"at"`
	Block   int64     `json:"block" db:"block"`
	Tx      string    `json:"tx" db:"tx"`
	Small   string    `json:"-" db:"small"` // empty: the file is not here
	Shown   bool      `json:"-" db:"shown"`
}

// photoReply is a photo on record; what it is about is told to who may read that.
type photoReply struct {
	photoRow
	Lot string `json:"about,omitempty"`
}

const photoColumns = `p.sha256, p.perceptual, p.quality, p.type, p.width, p.height, p.size, p.about, p.msp, p.party, p.by_user, p.at, p.block, p.tx,
	COALESCE(f.small, '') AS small, COALESCE(f.shown, FALSE) AS shown FROM tr_photos p LEFT JOIN tr_photo_files f ON f.sha256 = p.sha256`

// errNoOriginal tells that a photo's file cannot be shown here.
var errNoOriginal = chaincode.Rule{Code: "photo/no-original", Kind: chaincode.NotFound,
	Text: "The photo itself is not here, or not for you.", Remedy: "Ask whoever put it on record, and verify the file that they send you."}

func (a *app) photo(ctx context.Context, sha string) (photoRow, error) {
	p, err := readmodel.One[photoRow](ctx, a.db, `SELECT `+photoColumns+` WHERE p.sha256 = $1`, strings.ToLower(sha))
	if errors.Is(err, sql.ErrNoRows) {
		return p, trace.ErrNoPhoto.Refuse("%s", sha)
	}
	return p, err
}

// owns reports whether a photo is the reader's own: their company's, or of the
// same public account.
func (p photoRow) owns(u *web.User) bool {
	switch {
	case u == nil:
		return false
	case p.Party != "":
		return p.Party == u.Party
	}
	return u.Party == "" && p.MSP == u.MSP && p.User == u.ID
}

// told is what a reader learns of a photo, and whether they see it. Who may read
// the lot is told that it is about it; supervisors see what companies put on
// record.
func (a *app) told(c *web.Ctx, p photoRow) (r photoReply, sees bool, err error) {
	r, sees = photoReply{photoRow: p}, p.owns(c.User())
	if c.User() == nil {
		return r, sees, nil
	}
	reader, err := a.reader(c)
	if err != nil {
		return r, false, err
	}
	reads := p.About != "" && reader.reads(p.About)
	if sees || reads {
		r.Lot = p.About
	}
	return r, sees || reader.all && p.Party != "" || p.Shown && reads, nil
}

// readFile reads the file of a form's entry, or a body that is the file itself: at
// most a byte more than the bound, so that who looks at it sees that it is too much.
func readFile(c *web.Ctx, entry string, bound int64, rule chaincode.Rule) ([]byte, error) {
	r := c.Request()
	var from io.ReadCloser = r.Body
	if r.MultipartForm != nil {
		files := r.MultipartForm.File[entry]
		if len(files) != 1 {
			return nil, rule.Refuse("%s files", len(files)).On(entry)
		}
		f, err := files[0].Open()
		if err != nil {
			return nil, err
		}
		from = f
	}
	defer from.Close()
	file, err := io.ReadAll(io.LimitReader(from, bound+1))
	if err != nil {
		return nil, rule.Refuse("%s", "the request broke off").On(entry)
	}
	return file, nil
}

func readPhoto(c *web.Ctx) ([]byte, error) {
	return readFile(c, "photo", picture.MaxBytes, errPhotoFile)
}

type photoForm struct {
	About string `form:"about"`
	Shown bool   `form:"shown"`
}

// addPhoto puts the photo of a form on record.
func (a *app) addPhoto(c *web.Ctx) error {
	show := func(f *web.Form[photoForm]) error { return a.showPhotos(c, f, nil) }
	return web.Post(c, photoForm{}, show, func(f *web.Form[photoForm]) (string, error) {
		e, err := a.photoSent(c, f.Value)
		if err != nil {
			return "", err
		}
		state, err := a.photos.register(c.Context(), host.ActorOf(c.User()), e, f.Value.Shown)
		if err != nil {
			return "", err
		}
		if state.Status == "known" {
			c.Flash("You have put this photo on record before.")
		} else {
			c.Flash("The photo is on record.")
		}
		return "/photos/" + state.SHA256, nil
	})
}

// photoSent examines the photo of a request. A lot that it is about must be one
// that the uploader may read.
func (a *app) photoSent(c *web.Ctx, f photoForm) (*examined, error) {
	file, err := readPhoto(c)
	if err != nil {
		return nil, err
	}
	e, err := a.photos.examine(c.Context(), file)
	if err != nil || strings.TrimSpace(f.About) == "" {
		return e, err
	}
	e.About = lotID(strings.TrimSpace(f.About))
	r, err := a.reader(c)
	if err == nil && !r.reads(e.About) {
		err = trace.ErrNoLot.Refuse("%s", e.About).On("about")
	}
	return e, err
}

// photoVerdict is what is known of a file.
type photoVerdict struct {
	SHA256  string       `json:"sha256"`
	Exact   *photoReply  `json:"exact,omitempty"`
	Similar []photoMatch `json:"similar"`
	Plain   bool         `json:"plain,omitempty"` // it shows too little to be compared
}

// photoMatch is a photo on record that looks like another.
type photoMatch struct {
	photos.Match
	photoReply
}

const (
	mostSimilar = 12
	// leastQuality is what PDQ's authors recommend: below it, hashes of plain
	// photos are near each other by chance.
	leastQuality = 50
)

func (a *app) verdict(c *web.Ctx) (*photoVerdict, error) {
	file, err := readPhoto(c)
	if err != nil {
		return nil, err
	}
	e, err := a.photos.examine(c.Context(), file)
	if err != nil {
		return nil, err
	}
	v := &photoVerdict{SHA256: e.SHA256, Similar: []photoMatch{}, Plain: e.Quality < leastQuality}
	p, err := a.photo(c.Context(), e.SHA256)
	if err == nil {
		r, _, err := a.told(c, p)
		if err != nil {
			return nil, err
		}
		v.Exact = &r
	} else if !errors.As(err, new(*chaincode.Refusal)) {
		return nil, err
	}
	if v.Plain {
		return v, nil
	}
	return v, a.similar(c, e, v)
}

// similar reads the photos that look like one.
func (a *app) similar(c *web.Ctx, e *examined, v *photoVerdict) error {
	near, err := a.photos.near(c.Context(), e, mostSimilar+1)
	if err != nil {
		return err
	}
	for _, m := range near {
		if m.Name == e.SHA256 || len(v.Similar) == mostSimilar {
			continue
		}
		p, err := a.photo(c.Context(), m.Name)
		if err != nil {
			return err
		}
		r, _, err := a.told(c, p)
		if err != nil {
			return err
		}
		v.Similar = append(v.Similar, photoMatch{m, r})
	}
	return nil
}

func (a *app) verifyPhoto(c *web.Ctx) error {
	f, err := web.ReadForm[photoForm](c)
	if err != nil {
		return err
	}
	v, err := a.verdict(c)
	if err != nil && !f.Refuse(err) {
		return err
	}
	if err != nil {
		c.Status(web.StatusOf(err))
	}
	return a.showPhotos(c, f, v)
}

func (a *app) apiAddPhoto(c *web.Ctx) error {
	shown := c.QueryParam("shown") == "true"
	e, err := a.photoSent(c, photoForm{c.QueryParam("about"), shown})
	if err != nil {
		return err
	}
	state, err := a.photos.register(c.Context(), host.ActorOf(c.User()), e, shown)
	if err != nil {
		return err
	}
	reply := committed[trace.PhotoState]{Reply: state}
	if p, err := a.photo(c.Context(), state.SHA256); err == nil {
		reply.Tx, reply.Block = p.Tx, uint64(p.Block)
	}
	c.Response().Header().Set("Location", "/api/photos/"+state.SHA256)
	return c.JSON(http.StatusCreated, reply)
}

func (a *app) apiVerifyPhoto(c *web.Ctx) error {
	v, err := a.verdict(c)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, v)
}

func (a *app) apiPhoto(c *web.Ctx) error {
	p, err := a.photo(c.Context(), c.Param("sha"))
	if err != nil {
		return err
	}
	r, _, err := a.told(c, p)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, r)
}

func (a *app) apiPhotos(c *web.Ctx) error {
	list := apiList(c, nil)
	mine, err := a.photosOf(c, list.After, list.Limit+1)
	if err != nil {
		return err
	}
	return apiPage(c, mine, list.Limit, func(r photoReply) string { return r.SHA256 })
}

// photosOf are the reader's own photos, the newest first, after one of them.
func (a *app) photosOf(c *web.Ctx, after string, limit int) ([]photoReply, error) {
	u := c.User()
	if u == nil {
		return nil, nil
	}
	rows, err := readmodel.All[photoRow](c.Context(), a.db, `SELECT `+photoColumns+`
		WHERE ($1 <> '' AND p.party = $2 OR $3 = '' AND p.party = '' AND p.msp = $4 AND p.by_user = $5)
		AND ($6 = '' OR EXISTS (SELECT 1 FROM tr_photos l WHERE l.sha256 = $7 AND (p.at < l.at OR p.at = l.at AND p.sha256 < l.sha256)))
		ORDER BY p.at DESC, p.sha256 DESC LIMIT $8`, u.Party, u.Party, u.Party, u.MSP, u.ID, after, after, limit)
	if err != nil {
		return nil, err
	}
	var all []photoReply
	for _, p := range rows {
		all = append(all, photoReply{p, p.About})
	}
	return all, nil
}
